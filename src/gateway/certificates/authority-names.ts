/**
 * @module Names that a certificate authority of a user may vouch for: `localhost` and what is below, and others that the user wished for.
 */
import { PortolanError, quote } from "../../core/index.ts";

/** The name that every authority covers, with all names below it (RFC 6761, section 6.3). */
export const alwaysCovered = "localhost";

/** Longest name (RFC 1035, section 2.3.4). */
const longestName = 253;
const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

/**
 * Top-level names that belong to nobody on the Internet: RFC 2606 and 6761 (test, example, invalid, localhost), RFC 6762 with its appendix G
 * (local and the names of private networks), RFC 8375 (home.arpa has two labels anyway), and ICANN's resolution of 29 July 2024 (internal).
 */
const nobodys = new Set([
  "corp",
  "example",
  "home",
  "internal",
  "intranet",
  "invalid",
  "lan",
  "local",
  "localdomain",
  "localhost",
  "private",
  "test",
]);

/** Whether a text in lower case is a host name: letters, digits, hyphens and underscores in labels. */
export function isHostName(name: string): boolean {
  return name.length <= longestName && name.split(".").every((part) => label.test(part));
}

/**
 * Reads what `--ca-names` takes: `test`, `shop.test,api.example`. Each stands for itself and every name below it.
 * @throws AUTHORITY_NAME_INVALID, also for a top-level name that others on the Internet have names in
 */
export function readAuthorityNames(text: string): string[] {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return [...new Set(names.map(readName))];
}

function readName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/^\*?\./, "")
    .replace(/\.$/, "");
  if (!isHostName(name) || /^[\d.]+$/.test(name)) {
    throw new PortolanError("AUTHORITY_NAME_INVALID", `${quote(text)} is not a name that certificates can be for.`, {
      details: { name: text },
    });
  }
  if (!name.includes(".") && !nobodys.has(name)) {
    throw new PortolanError(
      "AUTHORITY_NAME_INVALID",
      `${quote(name)} is a whole top-level domain, in which others have names: whoever got hold of the key could be any of them.`,
      { details: { name, hint: `Name what is yours, such as shop.${name}, or take a name below .test.` } },
    );
  }
  return name;
}

/** Whether an authority of these names may vouch for a host name; then it can have an https address. */
export function isCoveredName(name: string, authority: { readonly names: readonly string[] }): boolean {
  const host = name.toLowerCase().replace(/\.$/, "");
  return authority.names.some((covered) => host === covered || host.endsWith(`.${covered}`));
}

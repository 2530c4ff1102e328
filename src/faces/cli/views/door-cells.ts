/**
 * @module Cells about a scanned door: what it is, its product, its encryption, and what says so.
 */
import type { ListedIdentification, ListedTls } from "../../../operations/identification-schema.ts";
import type { ListedDoor } from "../../../operations/scan-schemas.ts";
import { span, type Line } from "../print/document.ts";

/** Most characters of bytes that no protocol explains. */
const longestQuote = 60;

type Identified = Pick<ListedDoor, "title" | "names" | "product" | "version" | "identification">;

/**
 * What it is. `proved`: its handshake is that protocol's alone; `likely`: it looks like it; a question mark: its number is all
 * that speaks for it.
 */
export function doorTitleCell({ title, identification }: Identified): Line {
  if (title === null) return [span(identification === null ? "–" : "unknown", "dim")];
  if (title.basis === "proved") return [span(title.value, "strong"), span(" proved", "good")];
  if (title.basis === "inferred") return [title.value, span(" likely", "warning")];
  return [title.value, span("?", "dim")];
}

/** `OpenSSH 9.2p1`, as the service itself says. */
export function productCell({ product, version }: Identified): Line {
  return [product ?? "", version === null ? "" : `${product === null ? "" : " "}${version}`];
}

/** What was seen, or what came that nobody explains. */
export function evidenceCell({ title, identification }: Identified): Line {
  if (identification === null) return [];
  if (title !== null && (title.basis === "proved" || title.basis === "inferred")) return [span(title.evidence, "dim")];
  return [span(unexplainedText(identification), "dim")];
}

/** Why nothing was recognised, with the first line that came. */
export function unexplainedText({ evidence, unexplained }: ListedIdentification): string {
  return unexplained === null ? evidence : `${evidence}: "${firstLineOf(unexplained)}"`;
}

/** The first line, clipped. */
export function firstLineOf(text: string): string {
  const line = text.split(/[\r\n]/, 1)[0] ?? "";
  const shown = line === "" ? text : line;
  return shown.length > longestQuote ? `${shown.slice(0, longestQuote)}…` : shown;
}

/** `TLSv1.3`, with the name of the certificate. */
export function tlsCell(tls: ListedTls | null | undefined): Line {
  if (tls === null || tls === undefined) return [];
  const { certificate } = tls;
  const name = certificate === null ? "" : plainName(certificate.names[0] ?? certificate.subject);
  return [tls.version, name === "" ? "" : span(` ${name}`, "dim")];
}

/** `DNS:nas.local` as `nas.local`. */
export function plainName(name: string): string {
  return name.replace(/^(?:DNS|IP Address):/, "");
}

/** True when its number is all that speaks for its name. */
export function isNumberGuess({ title }: Identified): boolean {
  return title !== null && (title.basis === "assigned" || title.basis === "convention");
}

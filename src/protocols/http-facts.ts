/**
 * @module What a web page says of the server behind it, and nothing that it does not say.
 */
import type { Fact, HttpPage } from "./protocol.ts";
import { fact } from "./talk.ts";

/** Longest title that is kept, UTF-16 units. */
const longestTitle = 200;

/** Longest header value that is looked into, UTF-16 units. */
const longestValue = 512;

/** Systems that servers name in a comment after their version. Other comments are not taken for one. */
const operatingSystem =
  /^(Debian|Ubuntu|Raspbian|Linux\/SUSE|Red Hat(?: Enterprise Linux)?|CentOS(?: Stream)?|Fedora(?: Linux)?|Rocky Linux|AlmaLinux|Oracle Linux|Amazon Linux|Alpine|Arch Linux|Gentoo|FreeBSD|OpenBSD|NetBSD|Unix|UNIX|linux|Linux|Win32|Win64|Windows|Darwin|Mac OS X|macOS)$/;

/** Product, version and system as a `Server` header names them (RFC 9110 §10.2.4). */
export interface ServerName {
  readonly product?: string;
  readonly version?: string;
  readonly operatingSystem?: string;
}

/** Reads the first product of a `Server` header; what is not written in the usual form is left out. */
export function parseServerHeader(value: string): ServerName {
  const text = value.slice(0, longestValue).trim();
  // nginx/1.22.1 · Apache/2.4.57 (Debian) OpenSSL/3.0.11 · Jetty(10.0.13) · Caddy
  const match =
    /^([A-Za-z][\w.+-]{0,63})(?:\/v?(\d[\w.+~-]{0,63})|\((\d[\w.+~-]{0,63})\))?(?=\s|$)(?:\s+\(([^()]{1,64})\))?/.exec(
      text,
    );
  if (match === null) return {};
  const version = match[2] ?? match[3];
  // Several words without a version are a sentence rather than a product.
  if (version === undefined && match[0].length < text.length) return {};
  const system = match[4] !== undefined && operatingSystem.test(match[4]) ? match[4] : undefined;
  return {
    product: match[1]!,
    ...(version === undefined ? {} : { version }),
    ...(system === undefined ? {} : { operatingSystem: system }),
  };
}

/** Facts of the `Server` header; one that cannot be taken apart is given whole. */
export function serverFacts(server: string | undefined): Fact[] {
  if (server === undefined || server === "") return [];
  const from = "Server header";
  const { product, version, operatingSystem: system } = parseServerHeader(server);
  if (product === undefined) return [fact("identity", server, from)];
  const facts = [fact("product", product, from)];
  if (version !== undefined) facts.push(fact("version", version, from));
  if (system !== undefined) facts.push(fact("operatingSystem", system, from));
  return facts;
}

/** Everything that a page tells. */
export function pageFacts(page: HttpPage): Fact[] {
  const isHttp2 = page.httpVersion === "2";
  const facts = [
    fact("protocolVersion", page.httpVersion, isHttp2 ? "frame layout" : "status line"),
    fact("status", page.status, isHttp2 ? ":status field" : "status line"),
    ...serverFacts(page.headers.get("server")),
  ];
  const poweredBy = page.headers.get("x-powered-by");
  if (poweredBy !== undefined && poweredBy !== "") facts.push(fact("identity", poweredBy, "X-Powered-By header"));
  const title = findTitle(page.body);
  if (title !== undefined) facts.push(fact("title", title, "title element"));
  const location = page.headers.get("location");
  if (location !== undefined && location !== "" && page.status >= 300 && page.status < 400) {
    facts.push(fact("location", location, "Location header"));
  }
  if (page.status === 401 || page.status === 407) {
    const name = page.status === 401 ? "WWW-Authenticate" : "Proxy-Authenticate";
    const schemes = authenticationSchemes(page.headers.get(name.toLowerCase()) ?? "");
    facts.push(
      schemes.length > 0
        ? fact("login", schemes.join(", "), `${name} header`)
        : fact("login", true, `status ${page.status}`),
    );
  }
  return facts;
}

/**
 * Names of the schemes in a challenge (RFC 9110 §11.6.1): a token at the start or after a comma that is not the name of a
 * parameter.
 */
export function authenticationSchemes(value: string): string[] {
  const unquoted = value.slice(0, 2048).replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  const names = unquoted
    .split(",")
    .map((part) => /^\s*([A-Za-z][\w-]{0,31})(?=\s|$)(?!\s*=)/.exec(part)?.[1])
    .filter((name) => name !== undefined);
  return [...new Set(names)].slice(0, 8);
}

/** Text of the first title element of HTML, white space joined, at most 200 units. */
export function findTitle(body: string): string | undefined {
  const lower = body.toLowerCase();
  // Lower case may be longer than the text for a few letters; then positions would not fit.
  const text = lower.length === body.length ? body : lower;
  const open = /<title(?:\s[^<>]{0,256})?>/.exec(lower);
  if (open === null) return undefined;
  const start = open.index + open[0].length;
  const end = lower.indexOf("</title", start);
  if (end === -1) return undefined;
  const raw = text.slice(start, Math.min(end, start + 4 * longestTitle));
  const title = decodeEntities(raw).replaceAll(/\s+/g, " ").trim().slice(0, longestTitle);
  return title === "" ? undefined : title;
}

const namedEntities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  ndash: "\u2013",
  mdash: "\u2014",
  middot: "\u00B7",
};

function decodeEntities(text: string): string {
  return text.replaceAll(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,6}));/g, (whole, decimal, hex, name) => {
    if (typeof name === "string") return Object.hasOwn(namedEntities, name) ? namedEntities[name]! : whole;
    const code = typeof decimal === "string" ? Number(decimal) : Number.parseInt(String(hex), 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

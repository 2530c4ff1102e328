/**
 * @module Endpoint: the transport, address and port that a person writes, in all the ways programs print them.
 */
import { PortolanError } from "./errors.ts";
import { describeAddressProblem, formatIpAddress, tryParseIpAddress, type IpAddress } from "./ip-address.ts";
import { describePortProblem, type Port } from "./port.ts";
import { transports, type Transport } from "./socket.ts";
import { clip, lazyPattern, quote, quoteCharacterAt, shiftPositions } from "./text.ts";

/** The address part of an endpoint. */
export type EndpointHost =
  /** Every address, written `*`. */
  | { readonly kind: "any" }
  /** None was written: `:3000`, `3000`. */
  | { readonly kind: "unspecified" }
  | { readonly kind: "address"; readonly address: IpAddress }
  /** A host name in lower case, not resolved. */
  | { readonly kind: "name"; readonly name: string };

/** Where traffic goes, as far as it was written. */
export interface Endpoint {
  /** From `tcp://`, from `3000/udp`, or from a scheme that implies it (http, https, ws, wss: tcp); `null` when not told. */
  readonly transport: Transport | null;
  /** Scheme of a URL in lower case, without colon; `null` for none and for a transport written as scheme. */
  readonly scheme: string | null;
  readonly host: EndpointHost;
  readonly port: Port;
  /** Path and query, from `/` on, never a fragment; `null` for none. */
  readonly path: string | null;
}

/** What `parseEndpoint` needs to know of schemes. */
export interface ParseEndpointOptions {
  /** Port of a URL without port, by its scheme in lower case. http, https, ws and wss are known without it. */
  readonly portOfScheme?: (scheme: string) => number | undefined;
}

/** Longest endpoint text, in characters. */
export const longestEndpointText = 4096;

/** Ports of the schemes that run over TCP by definition (RFC 9110 §4.2, RFC 6455 §3). */
const webSchemePorts: ReadonlyMap<string, number> = new Map([
  ["http", 80],
  ["https", 443],
  ["ws", 80],
  ["wss", 443],
]);

/** What a refusal found, and where (0-based). Caught by `parseEndpoint`, which knows the whole text. */
class Refusal extends Error {
  readonly index: number;
  constructor(index: number, problem: string) {
    super(problem);
    this.index = index;
  }
}

/**
 * Reads `192.168.1.8:5500`, `[::1]:80`, `[fe80::1%eth0]:80`, `:::3000` (as Node prints `[::]:3000`), `*:80`, `:3000`,
 * `3000`, `53/udp`, `localhost:3000`, `tcp://host:22` and URLs with or without port. A zone in a URL may be written
 * `%25eth0` (RFC 6874). User information is dropped and never repeated; a fragment is dropped.
 * @throws ENDPOINT_INVALID saying where the text goes wrong and what is accepted there
 */
export function parseEndpoint(text: string, options: ParseEndpointOptions = {}): Endpoint {
  try {
    return readEndpoint(text, options);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // What stands before an @ may be a password: neither the text nor the problem may repeat it.
    const at = text.lastIndexOf("@");
    const shown = at === -1 ? text : `...${text.slice(at)}`;
    const problem =
      error.index > at ? error.message : `character ${error.index + 1}, before the @, is not accepted there`;
    throw new PortolanError("ENDPOINT_INVALID", `${quote(shown)} is not an endpoint: ${problem}.`, {
      details: { given: clip(shown), position: error.index + 1 },
    });
  }
}

/** Canonical text of an endpoint; `parseEndpoint` reads it back to the same value. */
export function formatEndpoint(endpoint: Endpoint): string {
  const { host, path, port, scheme, transport } = endpoint;
  const prefix = scheme ?? transport;
  const authority = `${formatHost(host, prefix !== null)}:${port}`;
  return `${prefix === null ? "" : `${prefix}://`}${authority}${path ?? ""}`;
}

/**
 * An address and a port as one text, without looking at either: `192.168.1.8:80`, `[::1]:80`, `[fe80::1%eth0]:80`.
 * A zone is printed on IPv4 too (`127.0.0.1%lo:80`, as ss does for a socket bound to an interface).
 */
export function formatSocketAddress(address: string, port: number, zone: string | null = null): string {
  const host = zone === null ? address : `${address}%${zone}`;
  return address.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function formatHost(host: EndpointHost, inUrl: boolean): string {
  if (host.kind === "any") return "*";
  if (host.kind === "unspecified") return "";
  if (host.kind === "name") return host.name;
  if (host.address.family === "ipv4") return host.address.address;
  const text = formatIpAddress(host.address);
  return `[${inUrl ? text.replace("%", "%25") : text}]`;
}

const refusedCharacter = lazyPattern(String.raw`[\s\p{Cc}\p{Cf}\p{Cs}\\]`, "u");

function readEndpoint(text: string, options: ParseEndpointOptions): Endpoint {
  if (text.length === 0) throw new Refusal(0, "it is empty");
  if (text.length > longestEndpointText) {
    throw new Refusal(
      longestEndpointText,
      `it has ${text.length} characters, and at most ${longestEndpointText} are accepted`,
    );
  }
  const refused = refusedCharacter().exec(text);
  if (refused !== null) {
    throw new Refusal(
      refused.index,
      `character ${refused.index + 1} is ${quoteCharacterAt(text, refused.index)}; spaces, backslashes and control characters are not accepted`,
    );
  }

  const prefix = /^([a-z][a-z0-9+.-]{0,31}):\/\//i.exec(text)?.[1]?.toLowerCase() ?? null;
  if (prefix === null) {
    const scheme = text.indexOf("://");
    if (scheme !== -1 && !/[/?#@]/.test(text.slice(0, scheme))) {
      throw new Refusal(0, "what stands before :// is not a scheme such as http");
    }
  }
  const start = prefix === null ? 0 : prefix.length + 3;
  const end = indexOfAny(text, /[/?#]/g, start);
  const authorityStart = text.lastIndexOf("@", end - 1) >= start ? text.lastIndexOf("@", end - 1) + 1 : start;
  const path = readPath(text, end);

  const named = transports.find((transport) => transport === prefix) ?? null;
  const scheme = named === null ? prefix : null;
  const transport = named ?? (scheme !== null && webSchemePorts.has(scheme) ? "tcp" : null);
  const authority = text.slice(authorityStart, end);

  if (prefix === null && /^\d+$/.test(authority) && authorityStart === start) {
    const port = readPort(text, authorityStart, end);
    const host: EndpointHost = { kind: "unspecified" };
    if (path === null) return { transport: null, scheme: null, host, port, path };
    const after = transports.find((candidate) => path === `/${candidate}`);
    if (after !== undefined) return { transport: after, scheme: null, host, port, path: null };
    throw new Refusal(
      end,
      `after a port alone only /tcp, /udp, /sctp or /dccp is accepted; write :${authority} for a path`,
    );
  }

  const { host, portStart } = readHost(text, authorityStart, end, prefix);
  const port =
    portStart === null || (portStart === end && scheme !== null)
      ? readDefaultPort(end, scheme, named, options)
      : readPort(text, portStart, end);
  return {
    transport,
    scheme,
    host,
    port,
    // "http://host" and "http://host/" are the same resource (RFC 9110 §4.2.3).
    path: path ?? (scheme !== null && webSchemePorts.has(scheme) ? "/" : null),
  };
}

/** Path and query from `start`, without fragment; a query without path gets one. */
function readPath(text: string, start: number): string | null {
  const path = text.slice(start, indexOfAny(text, /#/g, start));
  if (path === "") return null;
  return path.startsWith("?") ? `/${path}` : path;
}

/** Reads the host from `start`, and says where its port starts; `null` when no colon follows it. */
function readHost(
  text: string,
  start: number,
  end: number,
  prefix: string | null,
): { readonly host: EndpointHost; readonly portStart: number | null } {
  const authority = text.slice(start, end);
  if (authority.startsWith("[")) return readBracketed(text, start, end, prefix !== null);
  // Node prints the address and the port of [::]:3000 with a colon between them.
  if (/^:::\d+$/.test(authority)) {
    return { host: { kind: "address", address: tryParseIpAddress("::")! }, portStart: start + 3 };
  }
  const firstColon = authority.indexOf(":");
  const lastColon = authority.lastIndexOf(":");
  if (firstColon !== lastColon) throw refuseBareIpv6(authority, start);
  const portStart = firstColon === -1 ? null : start + firstColon + 1;
  const host = firstColon === -1 ? authority : authority.slice(0, firstColon);
  if (host === "") {
    if (portStart === null) throw new Refusal(start, `at character ${start + 1} an address or a host name is missing`);
    return { host: { kind: "unspecified" }, portStart };
  }
  if (host === "*") return { host: { kind: "any" }, portStart };
  return { host: readNameOrIpv4(text, host, start), portStart };
}

function readBracketed(
  text: string,
  start: number,
  end: number,
  inUrl: boolean,
): { readonly host: EndpointHost; readonly portStart: number | null } {
  const close = text.indexOf("]", start);
  if (close === -1 || close >= end) {
    throw new Refusal(end, `the bracket at character ${start + 1} is not closed; write [address]:port`);
  }
  const inside = text.slice(start + 1, close);
  // RFC 6874: a URL spells the % before a zone %25.
  const spelled = inUrl ? inside.replace("%25", "%") : inside;
  const address = tryParseIpAddress(spelled);
  if (address === undefined) {
    const { index, problem } = describeAddressProblem(spelled)!;
    const offset = start + 1 + (spelled !== inside && index > spelled.indexOf("%") ? 2 : 0);
    const shifted = shiftPositions(problem, offset);
    throw new Refusal(offset + index, `in the brackets, ${quote(inside)} is not an IPv6 address: ${shifted}`);
  }
  if (address.family === "ipv4") {
    throw new Refusal(start, `brackets are for IPv6; write ${address.address}:port`);
  }
  if (close + 1 === end) return { host: { kind: "address", address }, portStart: null };
  if (text[close + 1] !== ":") {
    throw new Refusal(
      close + 1,
      `character ${close + 2} is ${quoteCharacterAt(text, close + 1)}, where : and a port are accepted`,
    );
  }
  return { host: { kind: "address", address }, portStart: close + 2 };
}

/** Several colons without brackets: which one starts the port cannot be told, so both readings are offered. */
function refuseBareIpv6(authority: string, start: number): Refusal {
  const lastColon = authority.lastIndexOf(":");
  const head = authority.slice(0, lastColon);
  const tail = authority.slice(lastColon + 1);
  const offers: string[] = [];
  if (tryParseIpAddress(authority) !== undefined) offers.push(`[${authority}]:PORT`);
  if (tryParseIpAddress(head) !== undefined && describePortProblem(tail) === undefined)
    offers.push(`[${head}]:${tail}`);
  if (offers.length === 0) {
    const second = authority.indexOf(":", authority.indexOf(":") + 1);
    return new Refusal(
      start + second,
      `character ${start + second + 1} is a second colon; an IPv6 address is written [address]:port`,
    );
  }
  return new Refusal(start, `an IPv6 address needs brackets before its port; write ${offers.join(" or ")}`);
}

/** RFC 1123 §2.1 names, with the underscore that some zones use; a name that ends in a number must be IPv4. */
function readNameOrIpv4(text: string, host: string, start: number): EndpointHost {
  const labels = host.replace(/\.$/, "").split(".");
  if (/^(\d+|0x[\da-f]*)$/i.test(labels.at(-1)!)) {
    const address = tryParseIpAddress(host);
    if (address !== undefined) return { kind: "address", address };
    const { index, problem } = describeAddressProblem(host)!;
    throw new Refusal(start + index, `${quote(host)} is not an IPv4 address: ${shiftPositions(problem, start)}`);
  }
  const refused = /[^a-z0-9._-]/i.exec(host);
  if (refused !== null) {
    const at = start + refused.index;
    throw new Refusal(
      at,
      `character ${at + 1} is ${quoteCharacterAt(text, at)}; a host name has letters, digits, hyphens and dots (others in xn-- form)`,
    );
  }
  if (host.length > 253)
    throw new Refusal(start, `the host name at character ${start + 1} is longer than 253 characters`);
  let at = start;
  for (const label of labels) {
    if (label === "") throw new Refusal(at, `at character ${at + 1} a part of the host name is missing`);
    if (label.length > 63)
      throw new Refusal(at, `the part of the host name at character ${at + 1} is longer than 63 characters`);
    if (label.startsWith("-") || label.endsWith("-")) {
      throw new Refusal(at, `the part of the host name at character ${at + 1} starts or ends with a hyphen`);
    }
    at += label.length + 1;
  }
  return { kind: "name", name: host.toLowerCase() };
}

function readPort(text: string, start: number, end: number): Port {
  const digits = text.slice(start, end);
  if (digits === "") throw new Refusal(start, `at character ${start + 1} a port from 0 to 65535 is missing`);
  const problem = describePortProblem(digits);
  if (problem === undefined) return Number(digits) as Port;
  throw new Refusal(
    start,
    `${quote(digits)} at character ${start + 1} is not a port: ${shiftPositions(problem, start)}`,
  );
}

function readDefaultPort(
  end: number,
  scheme: string | null,
  transport: Transport | null,
  options: ParseEndpointOptions,
): Port {
  if (scheme !== null) {
    const port = webSchemePorts.get(scheme) ?? options.portOfScheme?.(scheme);
    if (port !== undefined && describePortProblem(String(port)) === undefined) return port as Port;
    throw new Refusal(end, `the scheme ${scheme} has no port that is known; write ${scheme}://host:port`);
  }
  const example = transport === null ? "host:port" : `${transport}://host:port`;
  throw new Refusal(end, `at character ${end + 1} a colon and a port are missing; write ${example}`);
}

function indexOfAny(text: string, pattern: RegExp, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

/**
 * @module A request's head as the gateway passes it on: refused where it could be read in two ways, freed of what belongs to one connection.
 * `addOrigin` completes it with who asked.
 *
 * Node's parser has taken the bytes apart and refused what RFC 9112 calls malformed; here is what a parser does not decide.
 */
import { originFields, type Client } from "./origin-fields.ts";
import { hostNameOf, readTargetForm } from "./request-target.ts";

/** A request that can be passed on. */
export interface RequestHead {
  /** Host name in lower case without port and final dot; empty when the request names none. */
  readonly host: string;
  /** `Host` as it is passed on. */
  readonly authority: string;
  /** Path and query in origin form, or `*`. */
  readonly target: string;
  /** Names and values in turn: end-to-end fields alone, without Host, Via and who asked. */
  readonly fields: string[];
  readonly upgrade: string | undefined;
  readonly expectsContinue: boolean;
  readonly announcesTrailers: boolean;
  /** The client takes trailers (RFC 9110, section 10.1.4). */
  readonly takesTrailers: boolean;
  /** gRPC is HTTP/2 alone. */
  readonly isGrpc: boolean;
  readonly hasBody: boolean;
  /** `Via` as it came. */
  readonly via: string | undefined;
  /** Somebody has passed it on before: whoever sent it here may not be who asks. */
  readonly forwarded: boolean;
}

/** A request that is not passed on. */
export interface Refusal {
  readonly status: 400 | 405 | 413 | 417 | 421 | 501;
  readonly reason: string;
}

/** What of a message decides. */
export interface RawRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
  /** Whether a body follows, where the protocol says so and not a field: HTTP/2. */
  readonly hasBody?: boolean;
}

/** Fields of one connection (RFC 9110, section 7.6.1), and those that the gateway writes itself. */
const dropped: ReadonlySet<string> = new Set([
  ...originFields,
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "expect",
  "host",
  "via",
]);

/** Fields that `Connection` may not take off: they say what the message is and where it goes. */
const kept: ReadonlySet<string> = new Set([
  "content-length",
  "content-type",
  "content-encoding",
  "authorization",
  "cookie",
  "trailer",
]);

const refuse = (status: Refusal["status"], reason: string): Refusal => ({ status, reason });

/**
 * Reads a request's head.
 * @param scheme of the connection that it came by
 */
export function readRequestHead(
  { method, url, httpVersion, rawHeaders, hasBody: told }: RawRequest,
  scheme: Client["scheme"],
): RequestHead | Refusal {
  let host: string | undefined;
  let hosts = 0;
  let lengths = 0;
  let coding: string | undefined;
  let upgrade: string | undefined;
  let via: string | undefined;
  let connection: string | undefined;
  let expectation: string | undefined;
  let trailer = false;
  let takesTrailers = false;
  let isGrpc = false;
  let hasBody = told ?? false;
  let forwarded = false;
  const fields: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    let value = rawHeaders[index + 1]!;
    const lower = name.toLowerCase();
    if (dropped.has(lower)) {
      if (lower === "host") {
        hosts += 1;
        host = value;
      } else if (lower === "transfer-encoding") coding = coding === undefined ? value : `${coding}, ${value}`;
      else if (lower === "connection") connection = connection === undefined ? value : `${connection}, ${value}`;
      else if (lower === "upgrade") upgrade = value;
      else if (lower === "via") via = via === undefined ? value : `${via}, ${value}`;
      else if (lower === "expect") expectation = value;
      else if (lower === "te") takesTrailers ||= /\btrailers\b/i.test(value);
      else forwarded ||= originFields.includes(lower);
      continue;
    }
    if (lower === "content-length") {
      lengths += 1;
      // Zeros before it are base 8 to some, and numbers have their limits: everybody is to read the same one.
      if (value.length > 1) value = value.replace(/^0+(?=\d)/, "");
      if (Number(value) > Number.MAX_SAFE_INTEGER)
        return refuse(413, "The Content-Length is longer than anything (RFC 9110, section 8.6).");
      if (told === undefined) hasBody ||= value !== "0";
    } else if (lower === "trailer") trailer = true;
    else if (lower === "content-type") isGrpc = value.startsWith("application/grpc");
    // CGI and WSGI make X_Forwarded_For and X-Forwarded-For one variable: nobody but the gateway may say that.
    else if (lower.includes("_") && dropped.has(lower.replaceAll("_", "-"))) {
      forwarded = true;
      continue;
    }
    fields.push(name, value);
  }
  if (hosts === 0 && httpVersion !== "1.0") return refuse(400, "The request has no Host (RFC 9112, section 3.2).");
  if (hosts > 1) return refuse(400, "The request has more than one Host (RFC 9112, section 3.2).");
  if (lengths > 1) return refuse(400, "The request has more than one Content-Length (RFC 9112, section 6.3).");
  if (coding !== undefined) {
    if (lengths > 0)
      return refuse(400, "The request has a Content-Length and a Transfer-Encoding (RFC 9112, section 6.3).");
    if (httpVersion === "1.0") return refuse(400, "HTTP/1.0 has no Transfer-Encoding (RFC 9112, section 6.1).");
    if (!/^[\t ]*chunked[\t ]*$/i.test(coding))
      return refuse(501, "No other transfer coding than chunked is understood (RFC 9112, section 6.1).");
    hasBody = true;
  }
  if (expectation !== undefined && expectation.trim().toLowerCase() !== "100-continue")
    return refuse(417, "No other expectation than 100-continue is met (RFC 9110, section 10.1.1).");
  if (method === "CONNECT" || method === "TRACE") return refuse(405, `${method} is not served here.`);
  const target = readTargetForm(method, url);
  if (target === undefined) return refuse(400, "The request's target has no form of RFC 9112, section 3.2.");
  if (target.secure === true && scheme === "http")
    return refuse(421, "The target is of HTTPS, and the connection has no TLS (RFC 9110, section 7.4).");
  // An absolute target outranks Host (RFC 9112, section 3.2.2).
  const authority = target.authority ?? host ?? "";
  const name = hostNameOf(authority);
  if (name === undefined || (target.authority !== undefined && hostNameOf(host ?? "") === undefined))
    return refuse(400, "The Host is no host and port (RFC 9110, section 7.2).");
  return {
    host: name,
    authority,
    target: target.path,
    fields: connection === undefined ? fields : withoutNamed(fields, connection),
    // HTTP/1.0 has none (RFC 9110, section 7.8).
    upgrade:
      upgrade !== undefined && httpVersion !== "1.0" && connection !== undefined && hasToken(connection, "upgrade")
        ? upgrade
        : undefined,
    // A client of HTTP/1.0 cannot mean it (RFC 9110, section 10.1.1).
    expectsContinue: expectation !== undefined && httpVersion !== "1.0",
    announcesTrailers: trailer,
    takesTrailers,
    isGrpc,
    hasBody,
    via,
    forwarded: forwarded || via !== undefined,
  };
}

function hasToken(list: string, token: string): boolean {
  return list.split(",").some((part) => part.trim().toLowerCase() === token);
}

function withoutNamed(fields: string[], connection: string): string[] {
  if (!/[^,\s]/.test(connection.replaceAll(/\b(?:keep-alive|close|upgrade|te|http2-settings)\b/gi, ""))) return fields;
  const named = new Set(connection.split(",").map((part) => part.trim().toLowerCase()));
  const left: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const lower = fields[index]!.toLowerCase();
    if (!named.has(lower) || kept.has(lower)) left.push(fields[index]!, fields[index + 1]!);
  }
  return left;
}

/** Fields that may not come behind a body: they say what the message is, where it goes, who asks (RFC 9110, section 6.5.1). */
const neverTrailers: ReadonlySet<string> = new Set([
  ...dropped,
  ...kept,
  "content-range",
  "set-cookie",
  "cache-control",
  "max-forwards",
  "range",
]);

/** A request's trailers as they are passed on. */
export function readTrailers(raw: readonly string[]): [name: string, value: string][] {
  const left: [string, string][] = [];
  for (let index = 0; index < raw.length; index += 2)
    if (!neverTrailers.has(raw[index]!.toLowerCase().replaceAll("_", "-"))) left.push([raw[index]!, raw[index + 1]!]);
  return left;
}

/** Fields of a response that end at the gateway. `names` is their list in lower case. */
const droppedAnswers: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "te",
]);

/**
 * A response's fields as they are passed on; `length` is its Content-Length, -1 without one. `understood` is false when its body is coded in
 * a way that nobody undoes here: without the coding's name it would be another body.
 */
export function readAnswerFields(
  raw: readonly (Buffer | string)[],
  status = 200,
): {
  readonly fields: string[];
  readonly length: number;
  readonly understood: boolean;
} {
  const fields: string[] = [];
  let length = -1;
  let coding: string | undefined;
  let connection: string | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    const name = textOf(raw[index]!);
    const value = textOf(raw[index + 1]!);
    const lower = name.toLowerCase();
    if (droppedAnswers.has(lower)) {
      if (lower === "connection") connection = connection === undefined ? value : `${connection}, ${value}`;
      else if (lower === "transfer-encoding") coding = coding === undefined ? value : `${coding}, ${value}`;
      continue;
    }
    if (lower === "content-length") {
      length = Number(value);
      // It has none (RFC 9110, section 8.6).
      if (status === 204) continue;
    }
    fields.push(name, value);
  }
  return {
    fields: connection === undefined ? fields : withoutNamed(fields, connection),
    length,
    understood: coding === undefined || /^[\t ]*(?:chunked|identity)[\t ]*$/i.test(coding),
  };
}

function textOf(value: Buffer | string): string {
  return typeof value === "string" ? value : value.toString("latin1");
}

/**
 * @module Messages of HTTP/1.1 for probes: builds a request, reads a response piece by piece within strict bounds (RFC 9112).
 */
import type { Conversation, HttpPage, ProbeContext, Verdict } from "./protocol.ts";
import { missed, latin1Text, utf8Text, type Ending, type Parsed, type Talk } from "./talk.ts";

/** Longest header block that is read, bytes, status line included. */
export const longestHead = 16 * 1024;

/** Most header fields of one response. */
export const mostHeaders = 100;

/** Bytes of a body that are kept. Where a body is longer the rest is not read. */
export const longestBody = 64 * 1024;

/** Interim responses (1xx) that are skipped before the final one (RFC 9110 §15.2). */
const mostInterim = 8;

/** Longest chunk-size line with its extensions, bytes (RFC 9112 §7.1). */
const longestChunkLine = 1024;

/** How long a web server may think before its head comes, milliseconds. */
export const pagePatienceMs = 5000;

/** How long a body may pause, milliseconds: an endless event stream is left soon. */
const bodyPatienceMs = 1000;

/** What a probe asks for. */
export interface HttpRequest {
  /** Default `GET`. */
  readonly method?: "GET" | "HEAD" | "POST";
  /** Request target in origin form. */
  readonly path: string;
  /** Further header fields, in their order. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** Status line and header fields. */
export interface HttpHead {
  /** `1.1`. */
  readonly httpVersion: string;
  readonly status: number;
  /** By lower-case name; several of one name joined with `, `. */
  readonly headers: ReadonlyMap<string, string>;
  /** False when a line of the block was no header field. */
  readonly wellFormed: boolean;
}

/** What came in answer to a request. */
export type HttpReading =
  | { readonly ok: true; readonly page: HttpPage; readonly wellFormed: boolean }
  /** `statusLine`: no header block followed, but the line itself came. */
  | {
      readonly ok: false;
      readonly why: Ending;
      readonly seen: Uint8Array;
      readonly statusLine: { readonly httpVersion: string; readonly status: number } | null;
    };

/** Host header field: always with the port, IPv6 in brackets (RFC 9110 §7.2). A zone is not sent (RFC 6874 §4). */
export function hostField(context: Pick<ProbeContext, "host" | "port">): string {
  const host = context.host.replace(/%.*$/s, "").replaceAll(/[^\w.:-]/g, "");
  return host.includes(":") ? `[${host}]:${context.port}` : `${host}:${context.port}`;
}

/** A request of HTTP/1.1 as text in Latin-1. */
export function buildRequest(context: Pick<ProbeContext, "host" | "port">, request: HttpRequest): string {
  const given = new Map((request.headers ?? []).map(([name, value]) => [name.toLowerCase(), value]));
  const lines = [`${request.method ?? "GET"} ${request.path} HTTP/1.1`, `Host: ${hostField(context)}`];
  if (!given.has("user-agent")) lines.push("User-Agent: portolan");
  if (!given.has("accept")) lines.push("Accept: */*");
  if (!given.has("connection")) lines.push("Connection: keep-alive");
  for (const [name, value] of request.headers ?? []) lines.push(`${name}: ${value}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Verdict of an application that got no answer to read. */
export function describeMiss(reading: Extract<HttpReading, { ok: false }>): Verdict {
  return missed(reading, "an answer that is not HTTP/1");
}

/** Asks for a page and reads it. */
export function* fetchPage(talk: Talk, context: ProbeContext, request: HttpRequest): Conversation<HttpReading> {
  yield* talk.send(buildRequest(context, request));
  return yield* readResponse(talk, request.method ?? "GET");
}

/** Reads one final response with its body, as far as it is kept. */
export function* readResponse(talk: Talk, method: string): Conversation<HttpReading> {
  for (let count = 0; count <= mostInterim; count++) {
    const reading = yield* talk.read(parseHead, pagePatienceMs);
    if (!reading.ok) {
      return { ok: false, why: reading.why, seen: reading.seen, statusLine: parseStatusLine(firstLine(reading.seen)) };
    }
    const head = reading.value;
    const interim = head.status < 200 && head.status !== 101;
    if (interim) continue;
    const { httpVersion, status, headers, wellFormed } = head;
    const { body, complete } = yield* readBody(talk, head, method);
    const keepsAlive = complete && wellFormed && wantsMore(head);
    return { ok: true, page: { httpVersion, status, headers, body: utf8Text(body), keepsAlive }, wellFormed };
  }
  return { ok: false, why: "malformed", seen: talk.unread, statusLine: null };
}

/** Persistence of the connection (RFC 9112 §9.3). */
function wantsMore(head: HttpHead): boolean {
  const options = (head.headers.get("connection") ?? "").toLowerCase().split(/[\s,]+/);
  if (options.includes("close") || head.status === 101) return false;
  return head.httpVersion !== "1.0" || options.includes("keep-alive");
}

/** Body in its length (RFC 9112 §6.3). `complete`: the next response would start at the next byte. */
function* readBody(
  talk: Talk,
  head: HttpHead,
  method: string,
): Conversation<{ readonly body: Uint8Array; readonly complete: boolean }> {
  const empty = new Uint8Array(0);
  if (method === "HEAD" || head.status < 200 || head.status === 204 || head.status === 304) {
    return { body: empty, complete: true };
  }
  const coding = head.headers.get("transfer-encoding");
  if (coding !== undefined) {
    // Anything but a last "chunked" lasts until the end of the connection.
    if (/(?:^|,)\s*chunked\s*$/i.test(coding)) return yield* readChunks(talk);
    return { body: (yield* readSome(talk, longestBody)).body, complete: false };
  }
  const length = parseContentLength(head.headers.get("content-length"));
  if (length === null) return { body: (yield* readSome(talk, longestBody)).body, complete: false };
  const { body, full } = yield* readSome(talk, Math.min(length, longestBody));
  return { body, complete: full && length <= longestBody };
}

/** Length of a body; `null` when none is stated that can be relied on. Repeated equal values count once (RFC 9110 §8.6). */
function parseContentLength(field: string | undefined): number | null {
  if (field === undefined) return null;
  const values = new Set(field.split(",").map((value) => value.trim()));
  const [value] = values;
  return values.size === 1 && value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : null;
}

/** Up to that many bytes, or what comes before the end or a pause. */
function* readSome(talk: Talk, most: number): Conversation<{ readonly body: Uint8Array; readonly full: boolean }> {
  const parts: Uint8Array[] = [];
  let left = most;
  while (left > 0) {
    const reading = yield* talk.read(parseAny(left), bodyPatienceMs);
    if (!reading.ok) break;
    parts.push(reading.value);
    left -= reading.value.length;
  }
  return { body: joinBytes(parts), full: left === 0 };
}

function* readChunks(talk: Talk): Conversation<{ readonly body: Uint8Array; readonly complete: boolean }> {
  const parts: Uint8Array[] = [];
  let left = longestBody;
  for (;;) {
    const size = yield* talk.read(parseChunkSize, bodyPatienceMs);
    if (!size.ok) return { body: joinBytes(parts), complete: false };
    if (size.value === 0) return { body: joinBytes(parts), complete: yield* skipTrailers(talk) };
    const { body, full } = yield* readSome(talk, Math.min(size.value, left));
    parts.push(body);
    left -= body.length;
    if (!full || size.value > body.length) return { body: joinBytes(parts), complete: false };
    const end = yield* talk.read(parseLineEnd, bodyPatienceMs);
    if (!end.ok) return { body: joinBytes(parts), complete: false };
  }
}

/** Trailer fields after the last chunk, and the empty line (RFC 9112 §7.1.2). True when that line was seen. */
function* skipTrailers(talk: Talk): Conversation<boolean> {
  for (let count = 0; count <= mostHeaders; count++) {
    const line = yield* talk.read(parseTrailerLine, bodyPatienceMs);
    if (!line.ok) return false;
    if (line.value === 0) return true;
  }
  return false;
}

function parseAny(most: number): (bytes: Uint8Array) => Parsed<Uint8Array> {
  return (bytes) => {
    const value = bytes.subarray(0, most);
    return { value, length: value.length };
  };
}

/** Size of a chunk: hexadecimal digits, then perhaps extensions. Sizes beyond what is kept only need to stay large. */
function parseChunkSize(bytes: Uint8Array): Parsed<number> {
  const end = bytes.subarray(0, longestChunkLine).indexOf(10);
  if (end === -1) return bytes.length >= longestChunkLine || !isHexDigit(bytes[0]!) ? null : undefined;
  const match = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?\r?$/i.exec(latin1Text(bytes.subarray(0, end)));
  return match === null ? null : { value: Number.parseInt(match[1]!, 16), length: end + 1 };
}

function parseLineEnd(bytes: Uint8Array): Parsed<null> {
  if (bytes[0] === 10) return { value: null, length: 1 };
  if (bytes[0] !== 13) return null;
  if (bytes.length < 2) return undefined;
  return bytes[1] === 10 ? { value: null, length: 2 } : null;
}

/** One trailer line; its length without the ending is the value. */
function parseTrailerLine(bytes: Uint8Array): Parsed<number> {
  const end = bytes.subarray(0, longestChunkLine).indexOf(10);
  if (end === -1) return bytes.length >= longestChunkLine ? null : undefined;
  return { value: end > 0 && bytes[end - 1] === 13 ? end - 1 : end, length: end + 1 };
}

/** The status line and all header fields up to the empty line. */
export function parseHead(bytes: Uint8Array): Parsed<HttpHead> {
  if (!looksLikeStatusLine(bytes)) return null;
  const end = findHeadEnd(bytes);
  if (end === -1) return bytes.length >= longestHead ? null : undefined;
  const lines = latin1Text(bytes.subarray(0, end)).split(/\r?\n/);
  const status = parseStatusLine(lines[0] ?? "");
  if (status === null) return null;
  const fields = parseFields(lines.slice(1));
  if (fields === null) return null;
  return { value: { ...status, ...fields }, length: end };
}

function looksLikeStatusLine(bytes: Uint8Array): boolean {
  const start = "HTTP/1.";
  const length = Math.min(bytes.length, start.length);
  for (let index = 0; index < length; index++) if (bytes[index] !== start.charCodeAt(index)) return false;
  return true;
}

/** Index after the empty line that ends the block, -1 while it is not there. A bare LF ends a line too (RFC 9112 §2.2). */
function findHeadEnd(bytes: Uint8Array): number {
  const limit = Math.min(bytes.length, longestHead);
  for (let at = bytes.indexOf(10); at !== -1 && at < limit; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10 && at + 1 < limit) return at + 2;
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10 && at + 2 < limit) return at + 3;
  }
  return -1;
}

/** First line as far as it came with its end, without that end; empty when it did not. */
function firstLine(bytes: Uint8Array): string {
  const end = bytes.subarray(0, longestHead).indexOf(10);
  return end === -1 ? "" : latin1Text(bytes.subarray(0, end)).replace(/\r$/, "");
}

function parseStatusLine(line: string): { readonly httpVersion: string; readonly status: number } | null {
  const match = /^HTTP\/(1\.\d) ([1-9]\d\d)(?: |$)/.exec(line);
  return match === null ? null : { httpVersion: match[1]!, status: Number(match[2]) };
}

function parseFields(lines: readonly string[]): { headers: Map<string, string>; wellFormed: boolean } | null {
  const headers = new Map<string, string>();
  let wellFormed = true;
  let count = 0;
  let last: string | undefined;
  for (const line of lines) {
    if (line === "") break;
    count += 1;
    if (count > mostHeaders) return null;
    // A folded line continues the field before it (RFC 9112 §5.2).
    if (/^[ \t]/.test(line) && last !== undefined) {
      headers.set(last, `${headers.get(last) ?? ""} ${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(":");
    const name = colon === -1 ? "" : line.slice(0, colon).toLowerCase();
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) {
      wellFormed = false;
      continue;
    }
    last = name;
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { headers, wellFormed };
}

/** Parts joined to one array. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

function isHexDigit(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102);
}

/** JSON of a body that was kept whole; `undefined` for anything else. */
export function parseJsonObject(body: string): Readonly<Record<string, unknown>> | undefined {
  if (body.length > longestBody || !/^\s*\{/.test(body)) return undefined;
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** A field of JSON when it is a text that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The same when it is an object. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

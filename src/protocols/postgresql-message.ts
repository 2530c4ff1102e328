/**
 * @module PostgreSQL's messages before a session starts (documentation, chapter "Frontend/Backend Protocol", "Message Formats").
 */
import { latin1Bytes, latin1Text, type Parsed, utf8Text } from "./talk.ts";

/** Longest message that is waited for before the session starts, bytes: libpq's own limit for these is 30,000. */
const longestMessage = 30_000;

/** Most fields of one message that are read. */
const mostFields = 64;

/** `SSLRequest`. */
export const sslRequest = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);

/** `Terminate`. */
export const terminate = Uint8Array.of(0x58, 0, 0, 0, 4);

/** `StartupMessage`, protocol 3.9999: a minor version that never will be, so that a server says which it has. */
export function encodeStartup(parameters: readonly (readonly [name: string, value: string])[]): Uint8Array {
  const body = latin1Bytes(`${parameters.map(([name, value]) => `${name}\0${value}\0`).join("")}\0`);
  const bytes = new Uint8Array(8 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length);
  view.setUint16(4, 3);
  view.setUint16(6, 9999);
  bytes.set(body, 8);
  return bytes;
}

/** A message: its type letter, and what follows the length. */
export interface Message {
  readonly type: string;
  readonly body: Uint8Array;
}

/** Types that a server may send before it is ready: a byte, and the shortest and longest body. */
const lengths: Readonly<Record<string, readonly [least: number, most: number]>> = {
  // NegotiateProtocolVersion, Authentication, ErrorResponse, NoticeResponse, ParameterStatus, BackendKeyData, ReadyForQuery.
  v: [8, longestMessage],
  R: [4, 2000],
  E: [1, longestMessage],
  N: [1, longestMessage],
  S: [2, longestMessage],
  K: [8, 260],
  Z: [1, 1],
};

/** One message of those that come before the session starts. */
export function parseMessage(bytes: Uint8Array): Parsed<Message> {
  const type = String.fromCharCode(bytes[0]!);
  const limits = Object.hasOwn(lengths, type) ? lengths[type] : undefined;
  if (limits === undefined || (bytes.length > 1 && bytes[1] !== 0) || (bytes.length > 2 && bytes[2] !== 0)) return null;
  if (bytes.length < 5) return undefined;
  const length = bytes[3]! * 256 + bytes[4]! - 4;
  if (length < limits[0] || length > limits[1]) return null;
  if (bytes.length < 5 + length) return undefined;
  return { value: { type, body: bytes.subarray(5, 5 + length) }, length: 5 + length };
}

/** `ErrorResponse`: texts by their field letter; `null` when it is not one. */
export function readError(body: Uint8Array): ReadonlyMap<string, string> | null {
  const fields = new Map<string, string>();
  let at = 0;
  for (let count = 0; count < mostFields; count++) {
    const letter = body[at];
    if (letter === undefined) return null;
    if (letter === 0) {
      const isError = at === body.length - 1 && fields.has("S") && fields.has("M");
      return isError && /^[0-9A-Z]{5}$/.test(fields.get("C") ?? "") ? fields : null;
    }
    const end = body.indexOf(0, at + 1);
    if (end === -1) return null;
    fields.set(String.fromCharCode(letter), utf8Text(body.subarray(at + 1, end)));
    at = end + 1;
  }
  return null;
}

/** `NegotiateProtocolVersion`: the newest version that it has, `3.0`; `null` when it is not one. */
export function readNegotiation(body: Uint8Array): string | null {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (body.length < 8) return null;
  // Documented as the minor version; servers write both numbers (PG_PROTOCOL_LATEST in src/include/libpq/pqcomm.h).
  const major = view.getUint16(0);
  const minor = view.getUint16(2);
  if ((major !== 0 && major !== 3) || minor >= 9999) return null;
  // Options that it does not know: none were sent.
  return view.getUint32(4) === 0 && body.length === 8 ? `3.${minor}` : null;
}

/** How a server wants to be convinced; `null`: not an `Authentication` message. */
export interface Demand {
  readonly code: number;
  /** `null` for none. */
  readonly methods: readonly string[] | null;
}

const methodNames: Readonly<Record<number, string>> = {
  2: "Kerberos V5",
  3: "password",
  5: "MD5",
  6: "SCM",
  7: "GSSAPI",
  9: "SSPI",
};

/** `Authentication`. */
export function readDemand(body: Uint8Array): Demand | null {
  if (body.length < 4 || body[0] !== 0 || body[1] !== 0 || body[2] !== 0) return null;
  const code = body[3]!;
  if (code === 0) return body.length === 4 ? { code, methods: null } : null;
  if (code === 10) {
    // Names of SASL mechanisms, each ended by a zero, and one more zero.
    if (body.length < 6 || body.length > 512 || body.at(-1) !== 0 || body.at(-2) !== 0) return null;
    const names = latin1Text(body.subarray(4, -2)).split("\0");
    return names.every((name) => /^[A-Z0-9_-]{1,20}$/.test(name)) ? { code, methods: names } : null;
  }
  const name = methodNames[code];
  const length = code === 5 ? 8 : code === 6 ? 6 : 4;
  return name !== undefined && body.length === length ? { code, methods: [name] } : null;
}

/** `ParameterStatus`: name and value; `null` when it is not one. */
export function readParameter(body: Uint8Array): readonly [name: string, value: string] | null {
  const parts = utf8Text(body).split("\0");
  return parts.length === 3 && parts[2] === "" ? [parts[0]!, parts[1]!] : null;
}

/**
 * @module The name that an HTTP/1 request asks for, read as its bytes come.
 */

const lineFeed = 10;
const carriageReturn = 13;
const colon = 0x3a;
const fieldName = Buffer.from("host:", "latin1");

/**
 * The host of a request of which the first line is there and well formed: that of an absolute target, which goes before `Host` (RFC 9112,
 * section 3.2.2), or the first `Host`. Whether there are two is for the server to judge; it sees the same bytes.
 * @returns `undefined` as long as it cannot be told, `null` for a request without one
 */
export function readHttpName(bytes: Uint8Array): string | null | undefined {
  let start = bytes.indexOf(lineFeed) + 1;
  const [method, target = ""] = latin1(bytes.subarray(0, start)).split(" ", 2);
  if (method === "CONNECT") return hostOf(target);
  const absolute = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(target);
  if (absolute !== null) return hostOf(absolute[1]!.slice(absolute[1]!.lastIndexOf("@") + 1));
  for (;;) {
    const end = bytes.indexOf(lineFeed, start);
    if (end < 0) return undefined;
    const value = hostLine(bytes, start, end);
    if (value !== undefined) return value === null ? null : hostOf(value);
    start = end + 1;
  }
}

/**
 * What a line says of the host; `null` for the empty one, which ends them. Other lines are left by their first bytes: whoever sends a long head
 * byte by byte has all of it read again and again.
 */
function hostLine(bytes: Uint8Array, start: number, end: number): string | null | undefined {
  const first = bytes[start]!;
  if (first === lineFeed || (first === carriageReturn && end === start + 1)) return null;
  // Capitals lack this bit, and the colon has it.
  const isHost = fieldName.every((code, index) => (bytes[start + index]! | 0x20) === code);
  if (!isHost || bytes[start + fieldName.length - 1] !== colon) return undefined;
  let [from, to] = [start + fieldName.length, bytes[end - 1] === carriageReturn ? end - 1 : end];
  while (from < to && isBlank(bytes[from]!)) from += 1;
  while (to > from && isBlank(bytes[to - 1]!)) to -= 1;
  return latin1(bytes.subarray(from, to));
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** Without port, brackets and a last dot, in lower case; `null` for what is no name. */
function hostOf(authority: string): string | null {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(authority)?.[1];
  const host = bracketed ?? authority.replace(/:\d*$/, "");
  return plainName(host);
}

/** A name as rules have it; `null` for what is none: empty, or with bytes that no name has. */
export function plainName(text: string): string | null {
  const name = text.toLowerCase().replace(/\.$/, "");
  return name !== "" && /^[\x21-\x7e]+$/.test(name) ? name : null;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

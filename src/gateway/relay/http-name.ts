/**
 * @module The name that an HTTP/1 request asks for, read as its bytes come.
 */

const lineFeed = 10;

/**
 * The host of a request of which the first line is there and well formed: that of an absolute target, which goes before `Host` (RFC 9112,
 * section 3.2.2), or the first `Host`. Whether there are two is for the server to judge; it sees the same bytes.
 * @returns `undefined` as long as it cannot be told, `null` for a request without one
 */
export function readHttpName(bytes: Uint8Array): string | null | undefined {
  const end = bytes.indexOf(lineFeed);
  const [method, target = ""] = latin1(bytes.subarray(0, end + 1)).split(" ", 2);
  if (method === "CONNECT") return hostOf(target);
  const absolute = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(target);
  if (absolute !== null) return hostOf(absolute[1]!.slice(absolute[1]!.lastIndexOf("@") + 1));
  // One search, for whoever sends many lines byte by byte has all of them searched each time: the empty line, or the one that is asked for.
  const found = /\n(?:\r?\n|host:([^\r\n]*)\r?\n)/i.exec(latin1(bytes.subarray(end)));
  if (found === null) return undefined;
  return found[1] === undefined ? null : hostOf(withoutBlanks(found[1]));
}

/** Without spaces and tabs at both ends, in one pass over however many. */
function withoutBlanks(text: string): string {
  const isBlank = (at: number): boolean => text[at] === " " || text[at] === "\t";
  let [start, end] = [0, text.length];
  while (start < end && isBlank(start)) start += 1;
  while (end > start && isBlank(end - 1)) end -= 1;
  return text.slice(start, end);
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

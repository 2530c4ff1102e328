/**
 * @module A stream's header list as a request: pseudo fields put where HTTP/1.1 has them (RFC 9113, section 8.3), and refused where
 * two readers could read two things. What belongs to HTTP/1.1 alone (Transfer-Encoding, Connection) the library refuses before.
 */
import type { ServerHttp2Stream } from "node:http2";
import { Readable } from "node:stream";
import type { RawRequest } from "./request-head.ts";

/** A request by a stream. */
export interface StreamRequest extends RawRequest {
  readonly hasBody: boolean;
  /** Protocol of an extended CONNECT (RFC 8441, section 4). */
  readonly protocol: string | undefined;
}

/** A request that is not answered further. */
export interface StreamRefusal {
  readonly status: 400 | 405 | 501;
}

/**
 * Reads a header list.
 * @param raw names and values in turn
 * @param ended no body follows
 */
export function readStreamRequest(raw: readonly string[], ended: boolean): StreamRequest | StreamRefusal {
  let method = "";
  let path = "";
  let authority: string | undefined;
  let protocol: string | undefined;
  let host: string | undefined;
  let cookie: string | undefined;
  const fields: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!;
    const value = raw[index + 1]!;
    if (name.charCodeAt(0) === colon) {
      if (name === ":method") method = value;
      else if (name === ":path") path = value;
      else if (name === ":authority") authority = value;
      else if (name === ":protocol") protocol = value;
      continue;
    }
    if (name === "host") {
      if (host !== undefined) return { status: 400 };
      host = value;
    } else if (name === "cookie") {
      // Browsers send crumbs, servers of HTTP/1.1 read one field (RFC 9113, section 8.2.3).
      cookie = cookie === undefined ? value : `${cookie}; ${value}`;
    } else fields.push(name, value);
  }
  // Where the two differ nobody knows which one is meant (RFC 9113, section 8.3.1).
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase())
    return { status: 400 };
  if (method === "CONNECT" && protocol === undefined) return { status: 405 };
  if (protocol !== undefined && protocol !== "websocket") return { status: 501 };
  if (path.charCodeAt(0) !== slash && !(path === "*" && method === "OPTIONS")) return { status: 400 };
  // The parser of HTTP/1.1 refuses such a byte where it comes in; here the library lets it through, and no server should see it (RFC 3986, section 2).
  if (/[^\u0021-\u007e]/.test(path)) return { status: 400 };
  const named = authority ?? host;
  if (named !== undefined) fields.push("host", named);
  if (cookie !== undefined) fields.push("cookie", cookie);
  return {
    method: protocol === undefined ? method : "GET",
    url: path,
    httpVersion: "2.0",
    rawHeaders: fields,
    hasBody: protocol === undefined && !ended,
    protocol,
  };
}

/**
 * The body of a stream, apart from it: whoever reads a body to its end may destroy it, and the answer is still to go. One that broke off
 * ends with an error, never as if it were whole.
 */
export function bodyOf(stream: ServerHttp2Stream): Readable {
  const body = new Readable({
    highWaterMark: 64 * 1024,
    read: () => void stream.resume(),
    destroy: (error, done) => {
      // What nobody reads is taken off the wire all the same: other streams share the connection's window.
      stream.off("data", onData).resume();
      done(error);
    },
  });
  const onData = (chunk: Buffer): void => {
    if (!body.push(chunk)) stream.pause();
  };
  const broken = (): void => void body.destroy(new Error("The request broke off."));
  body.on("error", () => undefined);
  stream.on("data", onData).pause();
  stream.once("aborted", broken);
  stream.once("end", () => {
    if (stream.aborted) broken();
    else body.push(null);
  });
  stream.once("close", () => {
    if (!stream.readableEnded) broken();
  });
  return body;
}

const colon = 0x3a;
const slash = 0x2f;

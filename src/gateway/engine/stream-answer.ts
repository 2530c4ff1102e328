/**
 * @module An answer by HTTP/2.
 */
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Answer } from "./answer.ts";

/** Fields that HTTP/2 has other means for (RFC 9113, section 8.2.2). */
const foreign: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "te",
]);

/** Over one of Node's streams. */
export class StreamAnswer implements Answer {
  readonly #stream: ServerHttp2Stream;
  #head: OutgoingHttpHeaders | undefined;
  #begun = false;
  #ended = false;
  #cut = false;
  #trailers: OutgoingHttpHeaders = {};
  #refused = false;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  get over(): boolean {
    return this.#ended || this.#stream.destroyed || this.#stream.closed;
  }

  get begun(): boolean {
    return this.#begun;
  }

  readonly refuseRest = (): void => {
    this.#refused = true;
  };

  inform(status: number, fields: readonly string[]): void {
    // 101 does not exist here (RFC 9113, section 8.6).
    if (this.over || this.#begun || status === 101) return;
    this.#stream.additionalHeaders({ ...headersOf(fields), ":status": status });
  }

  begin(status: number, _message: string, fields: string[]): void {
    if (this.over || this.#begun) return;
    this.#begun = true;
    this.#head = headersOf(fields);
    this.#head[":status"] = status;
    // An answer that ends at once ends with its head: gRPC tells errors so.
    process.nextTick(this.#flush);
  }

  readonly #flush = (): void => this.#respond(false);

  #respond(endStream: boolean): void {
    const head = this.#head;
    this.#head = undefined;
    if (head === undefined || this.#stream.destroyed || this.#stream.closed) return;
    // The end waits for trailers always: what is cut off must never look whole, and closing a stream ends it first.
    const waitForTrailers = !endStream;
    if (waitForTrailers) this.#stream.once("wantTrailers", this.#sendTrailers);
    try {
      this.#stream.respond(head, { endStream, waitForTrailers });
    } catch {
      // Fields of a server that HTTP/2 cannot carry, such as two of what there may be one of.
      if (this.#stream.headersSent) this.cut();
      else this.#stream.respond({ ":status": 502, "content-length": 0 }, { endStream: true });
      this.#ended = true;
    }
  }

  readonly #sendTrailers = (): void => {
    if (this.#cut) return;
    try {
      this.#stream.sendTrailers(this.#trailers);
    } catch {
      this.cut();
    }
  };

  write(chunk: Buffer): boolean {
    if (this.over) return true;
    this.#respond(false);
    return this.over || this.#stream.write(chunk);
  }

  onceDrained(action: () => void): void {
    this.#stream.once("drain", action);
  }

  end(chunk: Buffer | undefined, trailers: readonly string[]): void {
    if (this.over) return;
    const empty = chunk === undefined && trailers.length === 0;
    if (trailers.length > 0) this.#trailers = headersOf(trailers);
    this.#respond(empty);
    if (this.over) return;
    this.#ended = true;
    if (this.#refused)
      this.#stream.once("finish", () => {
        // Nobody reads the rest of the request (RFC 9113, section 8.1).
        if (!this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
      });
    this.#stream.end(chunk);
  }

  cut(): void {
    this.#ended = true;
    this.#cut = true;
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  onceGone(action: () => void): void {
    let told = false;
    const gone = (): void => {
      if (told || (this.#ended && this.#stream.writableFinished && !this.#stream.aborted)) return;
      told = true;
      action();
    };
    if (this.#stream.destroyed || this.#stream.closed) return gone();
    // Told before the body ends: what broke off must not look whole to the server.
    this.#stream.once("aborted", gone);
    this.#stream.once("close", gone);
  }
}

/** Fields by lower-case name, those that come again as a list. */
export function headersOf(flat: readonly string[]): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = Object.create(null) as OutgoingHttpHeaders;
  for (let index = 0; index < flat.length; index += 2) {
    const name = flat[index]!.toLowerCase();
    if (foreign.has(name)) continue;
    const value = flat[index + 1]!;
    const earlier = headers[name];
    if (earlier === undefined) headers[name] = value;
    else if (Array.isArray(earlier)) earlier.push(value);
    else headers[name] = [String(earlier), value];
  }
  return headers;
}

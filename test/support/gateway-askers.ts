/**
 * @module How a test asks the gateway, whatever protocol it speaks with it: one request, its answer as it comes, and going away.
 */
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect, constants, type IncomingHttpHeaders } from "node:http2";
import type { Readable, Writable } from "node:stream";

/** What is asked. */
export interface Question {
  readonly host: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The whole body. With `undefined` it is written to `body` of the exchange, if the method has one. */
  readonly text?: string;
}

/** What came back. */
export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  /** False when it broke off. */
  readonly whole: boolean;
}

/** One request under way. */
export interface OpenExchange {
  /** Where the request's body is written. */
  readonly sent: Writable;
  /** The answer's head; rejects when none comes. */
  readonly head: Promise<{
    readonly status: number;
    readonly headers: Answered["headers"];
    readonly received: Readable;
  }>;
  /** Goes away without waiting for the rest. */
  leave(): void;
}

/** One way of asking. */
export interface Asker {
  readonly name: string;
  open(port: number, question: Question): OpenExchange;
}

/** HTTP/1.1, a connection for each request. */
export const plainAsker: Asker = {
  name: "HTTP/1.1",
  open(port, { host, method = "GET", path = "/", headers = {}, text }) {
    const outgoing = request({ host: "127.0.0.1", port, method, path, agent: false, headers: { host, ...headers } });
    // A server may answer and close before the body is sent; that it did is told by the answer.
    outgoing.on("error", () => undefined);
    const head = (async () => {
      const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
      return { status: incoming.statusCode ?? 0, headers: incoming.headers, received: incoming };
    })();
    head.catch(() => undefined);
    if (text !== undefined || method === "GET" || method === "HEAD") outgoing.end(text);
    return { sent: outgoing, head, leave: () => outgoing.destroy() };
  },
};

/** HTTP/2 by who knows beforehand (RFC 9113, section 3.3): a connection for each request, so that one's end is no other's. */
export const streamAsker: Asker = {
  name: "HTTP/2",
  open(port, { host, method = "GET", path = "/", headers = {}, text }) {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on("error", () => undefined);
    const endStream = text === undefined && (method === "GET" || method === "HEAD");
    const stream = session.request(
      { ":method": method, ":path": path, ":authority": host, ":scheme": "http", ...headers },
      { endStream },
    );
    stream.on("error", () => undefined).once("close", () => session.close());
    const head = (async () => {
      const [answered] = (await once(stream, "response")) as [IncomingHttpHeaders];
      return { status: Number(answered[":status"]), headers: answered, received: stream };
    })();
    head.catch(() => undefined);
    if (text !== undefined) stream.end(text);
    return { sent: stream, head, leave: () => stream.close(constants.NGHTTP2_CANCEL) };
  },
};

/** Asks and takes the answer to its end, wherever that is. */
export async function ask(asker: Asker, port: number, question: Question): Promise<Answered> {
  const exchange = asker.open(port, question);
  const { status, headers, received } = await exchange.head;
  let text = "";
  let whole = true;
  try {
    for await (const part of received.setEncoding("latin1")) text += part as string;
  } catch {
    // Node tells a stream that was closed behind its whole answer from one that broke off by nothing but the bytes (RFC 9113, section 8.1).
    whole = headers["content-length"] === String(text.length);
  }
  exchange.leave();
  return { status, headers, text, whole };
}

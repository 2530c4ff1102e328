/**
 * @module A server that keeps every byte of every connection, and a client that does; neither minds what it is.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { readStrictly, type StrictMessage } from "./strict-reader.ts";

/** A server that writes down. */
export interface RawServer {
  readonly port: number;
  /** Whole requests since `forget`. */
  readonly requests: () => readonly StrictMessage[];
  /** What has two readings in requests that are not whole. */
  readonly pending: () => readonly string[];
  /** Answers whatever comes next with these bytes. */
  answer(bytes: string, end: boolean): void;
  /** Forgets, and ends every connection. */
  forget(): Promise<void>;
  close(): void;
}

/** Starts one at a port of its own. It answers 200 `ok` unless it is told otherwise. */
export async function startRawServer(): Promise<RawServer> {
  const open = new Map<Socket, string>();
  let told: { bytes: string; end: boolean } | undefined;
  let kept: { text: string }[] = [];
  const server = createServer((socket) => {
    const own = { text: "" };
    kept.push(own);
    open.set(socket, "");
    socket.setEncoding("latin1");
    socket.on("error", () => socket.destroy());
    socket.on("close", () => open.delete(socket));
    let answered = 0;
    let continued = false;
    socket.on("data", (text: string) => {
      own.text += text;
      if (!continued && /\r\nexpect: 100-continue\r\n/i.test(own.text)) {
        continued = true;
        socket.write("HTTP/1.1 100 Continue\r\n\r\n");
      }
      const { messages } = readStrictly(own.text, { kind: "request" });
      for (; answered < messages.length; answered += 1) {
        const body = messages[answered]!.start.startsWith("HEAD ") ? "" : "ok";
        const usual = `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${body}`;
        const isLast = / \/last /.test(messages[answered]!.start);
        socket.write(isLast ? usual : (told?.bytes ?? usual), "latin1");
        if (!isLast && told?.end === true) socket.end();
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => kept.flatMap(({ text }) => readStrictly(text, { kind: "request" }).messages),
    pending: () => kept.flatMap(({ text }) => readStrictly(text, { kind: "request" }).pending),
    answer: (bytes, end) => (told = { bytes, end }),
    async forget() {
      told = undefined;
      const closed = [...open.keys()].map((socket) => once(socket.destroy(), "close"));
      await Promise.all(closed);
      // Whoever held them is to notice before the next request.
      await delay(closed.length > 0 ? 20 : 0);
      kept = [];
    },
    close() {
      server.close();
      for (const socket of open.keys()) socket.destroy();
    },
  };
}

/** What came back. */
export interface RawConversation {
  readonly answers: readonly StrictMessage[];
  /** What is no whole answer. */
  readonly rest: string;
  readonly pending: readonly string[];
  readonly closed: boolean;
}

/** Nothing for so long is silence, milliseconds: every engine is on this machine. */
const silenceMs = 1500;
/** The same where an answer has come already. */
const moreMs = 400;

/** Says something and listens until so many final answers came, the connection ends, or there is silence. */
export function converseRaw(
  port: number,
  bytes: string,
  { answers: wanted, methods, endAfter = false }: { answers: number; methods: readonly string[]; endAfter?: boolean },
): Promise<RawConversation> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.setEncoding("latin1");
    let text = "";
    let over = false;
    const finish = (closed: boolean): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      socket.destroy();
      const { messages, rest, pending } = readStrictly(text, { kind: "answer", methods, ended: closed });
      resolve({ answers: messages, rest, pending, closed });
    };
    let timer = setTimeout(() => finish(false), silenceMs);
    socket.on("data", (part: string) => {
      text += part;
      clearTimeout(timer);
      timer = setTimeout(() => finish(false), moreMs);
      const { messages } = readStrictly(text, { kind: "answer", methods });
      if (messages.filter(({ start }) => !/^HTTP\/\d\.\d 1/.test(start)).length >= wanted) finish(false);
    });
    socket.on("end", () => finish(true));
    socket.on("close", () => finish(true));
    socket.on("error", () => finish(true));
    socket.once("connect", () => {
      socket.write(bytes, "latin1");
      if (endAfter) socket.end();
    });
  });
}

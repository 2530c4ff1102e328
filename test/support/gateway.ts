/**
 * @module The gateway's engine in this process, before servers that write down byte for byte what reached them.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Gateway } from "../../src/gateway/engine/gateway.ts";
import { createDoorMaker } from "../../src/gateway/engine/speakers.ts";
import type { Certificates } from "../../src/gateway/engine/secure-server.ts";
import { RouteTable, readRouteHost, readTarget, type Route } from "../../src/gateway/index.ts";

/** A route by hand. */
export function routeOf(name: string, target: string, changes: Partial<Route> = {}): Route {
  return {
    host: readRouteHost(name),
    path: "/",
    target: readTarget(target),
    strip: false,
    ownHost: false,
    holder: null,
    ended: null,
    createdAtMs: 0,
    ...changes,
  };
}

/** A gateway at a port of its own. */
export interface TestGateway {
  readonly gateway: Gateway;
  readonly port: number;
  /** Of HTTPS; 0 without certificates. */
  readonly securePort: number;
  /** Connections of clients. */
  openConnections(): number;
  /** As a gateway does that is about to end. */
  drain(): void;
  setRoutes(routes: readonly Route[]): void;
  close(): Promise<void>;
}

/** Starts one. */
export async function startGateway(routes: readonly Route[], certificates?: Certificates): Promise<TestGateway> {
  let table = new RouteTable(routes);
  const gateway = new Gateway({ routes: () => table, pseudonym: "portolan-test", nowMs: Date.now });
  const maker = await createDoorMaker(gateway, certificates);
  const sockets = new Set<Socket>();
  const open = async (scheme: "http" | "https"): Promise<Server> => {
    const server = maker.open(scheme).listen(0, "127.0.0.1");
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    await once(server, "listening");
    return server;
  };
  const plain = await open("http");
  const secure = certificates === undefined ? undefined : await open("https");
  return {
    gateway,
    port: (plain.address() as AddressInfo).port,
    securePort: secure === undefined ? 0 : (secure.address() as AddressInfo).port,
    openConnections: () => sockets.size,
    setRoutes: (changed) => (table = new RouteTable(changed)),
    drain: () => maker.drain(),
    close: async () => {
      plain.close();
      secure?.close();
      maker.drain();
      for (const socket of sockets) socket.destroy();
      await gateway.upstreams.close();
    },
  };
}

/** A message as it was on the wire, bytes as Latin-1. */
export interface WireMessage {
  /** Request line or status line. */
  readonly start: string;
  /** Fields in their order, names as written. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

/**
 * Takes one message off the beginning of what was received. It reads what this project's own code and Node write, and stops at anything else.
 * @param bodyless whether a message with this first line has no body whatever its fields say
 * @returns `undefined` as long as it is not complete
 */
export function takeMessage(
  text: string,
  bodyless: (start: string) => boolean = () => false,
  ended = false,
): { readonly message: WireMessage; readonly rest: string } | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [start = "", ...lines] = text.slice(0, headEnd).split("\r\n");
  const fields = lines.map(splitField);
  let rest = text.slice(headEnd + 4);
  const valueOf = (name: string): string | undefined => fields.find(([own]) => own.toLowerCase() === name)?.[1];
  const length = valueOf("content-length");
  if (bodyless(start)) return { message: { start, fields, body: "", trailers: [] }, rest };
  if (valueOf("transfer-encoding") !== undefined) {
    let body = "";
    for (;;) {
      const size = /^([0-9a-f]+)\r\n/i.exec(rest);
      if (size === null) return undefined;
      const bytes = Number.parseInt(size[1]!, 16);
      rest = rest.slice(size[0].length);
      if (bytes === 0) break;
      if (rest.length < bytes + 2) return undefined;
      body += rest.slice(0, bytes);
      rest = rest.slice(bytes + 2);
    }
    if (rest.startsWith("\r\n")) return { message: { start, fields, body, trailers: [] }, rest: rest.slice(2) };
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const trailers = rest.slice(0, end).split("\r\n").map(splitField);
    return { message: { start, fields, body, trailers }, rest: rest.slice(end + 4) };
  }
  if (length !== undefined) {
    if (rest.length < Number(length)) return undefined;
    return {
      message: { start, fields, body: rest.slice(0, Number(length)), trailers: [] },
      rest: rest.slice(Number(length)),
    };
  }
  // A response without either goes on until the connection ends.
  if (start.startsWith("HTTP/"))
    return ended ? { message: { start, fields, body: rest, trailers: [] }, rest: "" } : undefined;
  return { message: { start, fields, body: "", trailers: [] }, rest };
}

function splitField(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).replaceAll(/^[\t ]+|[\t ]+$/g, "")];
}

/** A server that writes down what reaches it and answers 200 with the number of the request, or as it is told. */
export interface Recorder {
  readonly port: number;
  /** Requests in the order in which they were complete. */
  readonly requests: WireMessage[];
  /** What was received and is no whole request, by connection. */
  readonly unfinished: () => string[];
  /** Answers the next requests with these bytes; `end` closes the connection behind them. */
  answer(bytes: string, end?: boolean): void;
  /** Forgets what was received. */
  forget(): void;
  /** Connections that were open at some time. */
  readonly connections: () => number;
  close(): void;
}

/** Starts one. */
export async function startRecorder(): Promise<Recorder> {
  const requests: WireMessage[] = [];
  const pending = new Map<Socket, string>();
  let connections = 0;
  let told: { bytes: string; end: boolean } | undefined;
  const server: Server = createServer((socket) => {
    connections += 1;
    pending.set(socket, "");
    socket.setEncoding("latin1");
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      if (pending.get(socket) === "") pending.delete(socket);
    });
    let continued = false;
    socket.on("data", (text: string) => {
      let rest = pending.get(socket)! + text;
      if (!continued && /\r\nexpect: 100-continue\r\n/i.test(rest)) {
        continued = true;
        socket.write("HTTP/1.1 100 Continue\r\n\r\n");
      }
      for (let taken = takeMessage(rest); taken !== undefined; taken = takeMessage(rest)) {
        requests.push(taken.message);
        rest = taken.rest;
        const body = taken.message.start.startsWith("HEAD ") ? "" : "ok";
        socket.write(told?.bytes ?? `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${body}`, "latin1");
        if (told?.end === true) socket.end();
      }
      pending.set(socket, rest);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    unfinished: () => [...pending.values()].filter((text) => text !== ""),
    answer: (bytes, end = false) => (told = { bytes, end }),
    forget: () => {
      requests.length = 0;
      told = undefined;
      for (const [socket, text] of pending) if (text !== "" && socket.destroyed) pending.delete(socket);
    },
    connections: () => connections,
    close: () => {
      server.close();
      for (const socket of pending.keys()) socket.destroy();
    },
  };
}

/** What came back on a connection. */
export interface Conversation {
  readonly answers: readonly WireMessage[];
  /** What came and is no whole answer. */
  readonly rest: string;
  readonly closed: boolean;
}

/**
 * Says something, and listens until so many answers have come or the connection is closed.
 * @param methods of the requests, so that answers to HEAD are read without a body
 * @param port a number, or what to connect to
 */
export async function converse(
  port: number,
  bytes: string | Buffer,
  {
    answers: wanted,
    methods = [],
    endAfter = false,
  }: { answers: number; methods?: readonly string[]; endAfter?: boolean },
): Promise<Conversation> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.setEncoding("latin1");
  let text = "";
  let closed = false;
  const answers: WireMessage[] = [];
  const take = (): void => {
    for (;;) {
      const method = methods[answers.filter(({ start }) => !start.startsWith("HTTP/1.1 1")).length] ?? "GET";
      const taken = takeMessage(text, (start) => method === "HEAD" || / (?:1\d\d|204|304)\b/.test(start), closed);
      if (taken === undefined) return;
      answers.push(taken.message);
      text = taken.rest;
    }
  };
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy();
      reject(
        new Error(`${answers.length} of ${wanted} answers came, then nothing: ${JSON.stringify(text.slice(0, 300))}`),
      );
    }, 8000);
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve();
    };
    socket.on("data", (part: string) => {
      text += part;
      take();
      if (answers.filter(({ start }) => !start.startsWith("HTTP/1.1 1")).length >= wanted) done();
    });
    socket.on("end", () => {
      closed = true;
      take();
      done();
    });
    socket.on("error", () => {
      closed = true;
      done();
    });
    socket.once("connect", () => {
      socket.write(bytes as string, "latin1");
      if (endAfter) socket.end();
    });
  });
  return { answers, rest: text, closed };
}

/** Status of an answer. */
export function statusOf({ start }: WireMessage): number {
  return Number(start.split(" ")[1]);
}

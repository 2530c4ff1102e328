/**
 * @module Connections that are kept for the next look: requests without a body whose method may be asked again (RFC 9110, section 9.2.2), which is nearly
 * everything that a browser asks. Each is one write and, mostly, one read. What else there is goes through undici's pool.
 */
import type { Socket } from "node:net";
import { AnswerParser, mostReadBytes, type AnswerReader } from "./answer-parser.ts";
import type { TargetConnector } from "./connect-target.ts";
import type { AnswerHandler } from "./exchange.ts";

/** A request that can be one write. */
export interface Look {
  readonly path: string;
  readonly method: string;
  /** Names and values in turn, as Node's parser has read them. */
  readonly headers: readonly string[];
}

/** How long they are kept. */
export interface KeepingLimits {
  readonly keepAliveMs: number;
  readonly mostHeadBytes: number;
}

/** A server that names its own limit closes in the same moment: so much earlier it is not used any more, milliseconds. */
const marginMs = 1000;

/** Connections to one server. */
export class KeptConnections {
  readonly #connector: TargetConnector;
  readonly #limits: KeepingLimits;
  readonly #idle: KeptConnection[] = [];
  readonly #resting: KeptConnection[] = [];
  readonly #all = new Set<KeptConnection>();
  #sweeping: NodeJS.Timeout | undefined;
  #closing = false;
  #emptied: (() => void) | undefined;

  constructor(connector: TargetConnector, limits: KeepingLimits) {
    this.#connector = connector;
    this.#limits = limits;
  }

  /** Asks, over the connection that was used last, or a new one. */
  dispatch(look: Look, handler: AnswerHandler): void {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) break;
      if (connection.isUsableAt(performance.now())) return connection.ask(look, handler);
      connection.destroy();
    }
    let cancelled = false;
    const connection = new KeptConnection(this.#limits, {
      onIdle: () => this.#keep(connection),
      onClosed: () => this.#forget(connection),
    });
    const cancel = this.#connector.connect(
      (error, socket) => {
        if (cancelled) return void socket?.destroy();
        if (socket === null) return handler.onError(error!);
        this.#all.add(connection);
        connection.open(socket);
        connection.ask(look, handler);
      },
      { onread: this.#connector.target.protocol === "http" ? connection.reading : undefined },
    );
    handler.onConnect((reason) => {
      cancelled = true;
      cancel();
      handler.onError(reason ?? new Error("aborted"));
    });
  }

  #keep(connection: KeptConnection): void {
    if (this.#closing) return connection.destroy();
    if (this.#resting.length === 0) setImmediate(this.#rest);
    this.#resting.push(connection);
  }

  /** A connection rests for one turn of the loop: what a server says behind its answer, or its end, is read before anything is asked again. */
  readonly #rest = (): void => {
    for (const connection of this.#resting.splice(0)) {
      if (this.#closing) connection.destroy();
      else this.#idle.push(connection);
    }
    if (this.#idle.length > 0)
      this.#sweeping ??= setInterval(() => this.#sweep(), this.#limits.keepAliveMs / 4).unref();
  };

  #sweep(): void {
    const nowMs = performance.now();
    for (let index = this.#idle.length - 1; index >= 0; index--) {
      const connection = this.#idle[index]!;
      if (connection.isUsableAt(nowMs)) continue;
      this.#idle.splice(index, 1);
      connection.destroy();
    }
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
  }

  #forget(connection: KeptConnection): void {
    this.#all.delete(connection);
    if (this.#all.size === 0) this.#emptied?.();
  }

  /** Lets what was begun be answered, then ends. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#sweeping);
    for (const connection of this.#idle.splice(0)) connection.destroy();
    if (this.#all.size > 0) await new Promise<void>((resolve) => (this.#emptied = resolve));
  }

  /** Ends at once. */
  destroy(): void {
    this.#closing = true;
    clearInterval(this.#sweeping);
    for (const connection of this.#all) connection.destroy();
  }
}

interface Keeper {
  onIdle(): void;
  onClosed(): void;
}

/** Where heads and short bodies are received, for all connections: each is read to its end before the next is received. */
const shared = Buffer.allocUnsafeSlow(mostReadBytes);
/** From that length on a part of a body is a sign of many more. */
const bulkBytes = 16 * 1024;
/** Memory for a part of a long body: as much as malloc(3) keeps for the next time, instead of asking the kernel for it (M_MMAP_THRESHOLD, mallopt(3)). */
const bulkReadBytes = 124 * 1024;

class KeptConnection implements AnswerReader {
  /** How the socket receives: into memory that is there, instead of memory for each read. */
  readonly reading = {
    buffer: (): Buffer => this.#nextBuffer(),
    callback: (length: number, buffer: Uint8Array): boolean => {
      this.#read((buffer as Buffer).subarray(0, length));
      return !this.#paused;
    },
  };
  #receivesShared = false;
  #bulk = false;
  #paused = false;
  #socket!: Socket;
  #parser!: AnswerParser;
  readonly #limits: KeepingLimits;
  readonly #keeper: Keeper;
  #handler: AnswerHandler | undefined;
  #withoutBody = false;
  #reusable = false;
  #reading = false;
  #ended = false;
  #untilMs = 0;

  constructor(limits: KeepingLimits, keeper: Keeper) {
    this.#limits = limits;
    this.#keeper = keeper;
  }

  /** The socket is connected. */
  open(socket: Socket): void {
    this.#socket = socket;
    this.#parser = new AnswerParser(this, this.#limits.mostHeadBytes);
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("end", () => this.#finish());
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#close());
  }

  isUsableAt(nowMs: number): boolean {
    return !this.#ended && this.#untilMs > nowMs && this.#socket.writable;
  }

  ask({ path, method, headers }: Look, handler: AnswerHandler): void {
    this.#handler = handler;
    this.#withoutBody = method === "HEAD";
    this.#parser.await();
    // Whoever aborts when the answer is complete does not mean the next one.
    handler.onConnect((reason) => {
      if (this.#handler === handler) this.#fail(reason ?? new Error("aborted"));
    });
    if (this.#handler === undefined) return;
    let text = `${method} ${path} HTTP/1.1\r\n`;
    for (let index = 0; index < headers.length; index += 2) text += `${headers[index]}: ${headers[index + 1]}\r\n`;
    this.#socket.write(`${text}Connection: keep-alive\r\n\r\n`, "latin1");
  }

  readonly #resume = (): void => {
    this.#paused = false;
    this.#socket.resume();
  };

  /** Asked for before each read. */
  #nextBuffer(): Buffer {
    this.#receivesShared = !this.#bulk;
    return this.#bulk ? Buffer.allocUnsafeSlow(bulkReadBytes) : shared;
  }

  #read(chunk: Buffer): void {
    if (this.#ended) return;
    // Nobody asked: whatever it is, the next answer would be taken for another.
    if (this.#handler === undefined) return this.destroy();
    this.#reading = true;
    const error = this.#parser.read(chunk);
    this.#reading = false;
    if (this.#ended) return this.#parser.free();
    if (error !== undefined) return this.#fail(error);
    if (this.#handler !== undefined) return;
    if (this.#reusable) this.#keeper.onIdle();
    else this.destroy();
  }

  onHead(status: number, message: string, fields: string[], keepAlive: boolean, upgrade: boolean): boolean {
    const handler = this.#handler;
    if (handler === undefined) return true;
    // Nobody asked for another protocol.
    if (upgrade) throw closed();
    if (status < 200) {
      if (status !== 100) handler.onHeaders(status, fields, this.#resume, message);
      return false;
    }
    this.#reusable = keepAlive;
    this.#untilMs = performance.now() + (keepAlive ? keepFor(fields, this.#limits.keepAliveMs) : 0);
    handler.onHeaders(status, fields, this.#resume, message);
    return !this.#withoutBody && status !== 204 && status !== 304;
  }

  onBody(bytes: Buffer): void {
    // Shared memory is written anew with the next read.
    const own = this.#receivesShared ? Buffer.from(bytes) : bytes;
    if (bytes.length >= bulkBytes) this.#bulk = true;
    if (this.#handler?.onData(own) !== false) return;
    this.#paused = true;
    this.#socket.pause();
  }

  onEnd(trailers: string[]): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#bulk = false;
    // Whoever takes the rest of this answer slowly does not hold up the next one.
    if (this.#paused) this.#resume();
    handler?.onComplete(trailers);
  }

  #finish(): void {
    if (this.#ended) return;
    if (this.#handler === undefined) return this.destroy();
    this.#reading = true;
    this.#parser.finish();
    this.#reading = false;
    // An answer without a length is complete now; of any other something is missing.
    if (this.#ended) this.#parser.free();
    else this.#fail(closed());
  }

  #fail(error: Error): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.destroy();
    handler?.onError(error);
  }

  #close(): void {
    this.#fail(closed());
    this.#keeper.onClosed();
  }

  destroy(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.destroy();
    if (!this.#reading) this.#parser.free();
  }
}

/** The code that undici has for it, so that whoever asks again need not know who asked. */
function closed(): Error {
  return Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" });
}

/** How long a connection may be kept, milliseconds: the server may say less (RFC 2068, section 19.7.1.1). */
function keepFor(fields: readonly string[], usualMs: number): number {
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index]!.length !== 10 || fields[index]!.toLowerCase() !== "keep-alive") continue;
    const seconds = /timeout=\s*(\d+)/.exec(fields[index + 1]!)?.[1];
    if (seconds !== undefined) return Math.min(usualMs, Number(seconds) * 1000 - marginMs);
  }
  return usualMs;
}

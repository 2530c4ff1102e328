/**
 * @module HTTP/2 frame by frame (RFC 9113, section 4.1): what Node's own client would not send, and what it would not show.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** Frame types (RFC 9113, section 6). */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of DATA, HEADERS and CONTINUATION; `ack` is that of SETTINGS and PING. */
export const frameFlag = { endStream: 1, ack: 1, endHeaders: 4 } as const;

/** One frame. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** What a client says first (RFC 9113, section 3.4). */
export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** A frame as bytes. */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Takes the whole frames off the beginning of what was received. */
export function takeFrames(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = [];
  let rest = bytes;
  while (rest.length >= 9) {
    const length = rest.readUIntBE(0, 3);
    if (rest.length < 9 + length) break;
    frames.push({
      type: rest[3]!,
      flags: rest[4]!,
      stream: rest.readUInt32BE(5) & 0x7f_ff_ff_ff,
      payload: rest.subarray(9, 9 + length),
    });
    rest = rest.subarray(9 + length);
  }
  return { frames, rest };
}

/** A header list, each field literal and without an index (RFC 7541, section 6.2.2), so that anything can be said. */
export function fieldBlock(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [
      Buffer.from([0]),
      literal(Buffer.from(name, "latin1")),
      literal(Buffer.from(value, "latin1")),
    ]),
  );
}

function literal(text: Buffer): Buffer {
  // Seven bits of length, and the rest in sevens (RFC 7541, section 5.1).
  if (text.length < 127) return Buffer.concat([Buffer.from([text.length]), text]);
  const bytes = [127];
  let left = text.length - 127;
  while (left >= 128) {
    bytes.push((left % 128) + 128);
    left = Math.floor(left / 128);
  }
  bytes.push(left);
  return Buffer.concat([Buffer.from(bytes), text]);
}

/** The fields of an ordinary request. */
export function requestFields(
  changes: Readonly<Record<string, string>> = {},
): (readonly [name: string, value: string])[] {
  const fields = { ":method": "GET", ":scheme": "http", ":authority": "app.localhost", ":path": "/", ...changes };
  return Object.entries(fields);
}

/** A connection that says what it is told and keeps what comes. */
export interface RawClient {
  readonly socket: Socket;
  readonly frames: Frame[];
  /** Resolves when the other side has closed. */
  readonly closed: Promise<unknown>;
  send(...parts: readonly Buffer[]): void;
  /** Resolves with the first such frame, that has come or comes. */
  next(wanted: (frame: Frame) => boolean): Promise<Frame>;
}

/** Opens one, with preface and empty settings. */
export async function openRawClient(port: number, settings: Buffer = Buffer.alloc(0)): Promise<RawClient> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  socket.on("error", () => undefined);
  const client = collect(socket);
  client.send(preface, frame(frameType.settings, 0, 0, settings));
  return client;
}

/** @param skipped bytes at the beginning that are no frame */
function collect(socket: Socket, skipped = 0): RawClient {
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  let rest: Buffer = Buffer.alloc(0);
  let toSkip = skipped;
  socket.on("data", (chunk: Buffer) => {
    const skip = Math.min(toSkip, chunk.length);
    toSkip -= skip;
    const taken = takeFrames(Buffer.concat([rest, chunk.subarray(skip)]));
    rest = Buffer.from(taken.rest);
    frames.push(...taken.frames);
    waiting.forEach((look) => look());
  });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  return {
    socket,
    frames,
    closed,
    send: (...parts) => void (socket.writable && socket.write(Buffer.concat(parts))),
    next: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = frames.find(wanted);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        socket.once("close", () => {
          if (waiting.delete(look)) reject(new Error(`closed after ${frames.length} frames`));
        });
        look();
      }),
  };
}

/** A server that answers nothing but the opening, and keeps every frame. */
export async function startRawServer(): Promise<{ port: number; frames: () => Frame[]; close: () => void }> {
  const clients: RawClient[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.write(frame(frameType.settings, 0, 0));
    const client = collect(socket, preface.length);
    clients.push(client);
    void client
      .next(({ type }) => type === frameType.settings)
      .then(
        () => socket.write(frame(frameType.settings, frameFlag.ack, 0)),
        () => undefined,
      );
    closers.push(() => socket.destroy());
  });
  const closers: (() => void)[] = [];
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    frames: () => clients.flatMap(({ frames }) => frames),
    close: () => {
      server.close();
      for (const close of closers) close();
    },
  };
}

/**
 * @module One direction of two joined connections. What is read lands in memory that is there already and is written from where it lies: the
 * streams' own way makes a buffer of 64 KiB for each read, and each of those has to be collected (docs/decisions/023).
 */
import { Socket, type OnReadOpts } from "node:net";

/** What one read takes at most, bytes. */
const readBytes = 256 * 1024;
/** From so much at a time on a direction gets memory of its own. */
const largeBytes = 16 * 1024;
/** After so many smaller reads in a row it gives it back. */
const mostSmallReads = 64;
/** So many pieces of memory are given out at most, 64 MiB; who gets none copies what was read. */
const mostGiven = 256;
/** A direction that has copied so much for who does not take it stops reading, bytes. */
const mostCopiedBytes = 128 * 1024;

/** Where everybody reads who has read little until now; what lies there is copied before anybody else reads. */
const landing = Buffer.allocUnsafeSlow(readBytes);
let given = 0;

/** One direction. */
export class DirectFlow {
  readonly onread: OnReadOpts;
  /** Bytes that were read and handed on. */
  movedBytes = 0;
  #from: Socket | undefined;
  #to: Socket | undefined;
  /** Memory of its own: none, one, or two when the first was still being written at some time. */
  readonly #own: Buffer[] = [];
  /** Up to which byte of all that was written each of them is in use. */
  readonly #usedUpTo = [0, 0];
  #turn = 0;
  #writtenBytes = 0;
  #lastBytes = 0;
  #smallReads = 0;
  #waits = false;

  constructor() {
    this.onread = { buffer: () => this.#memory(), callback: (length, bytes) => this.#pass(length, bytes as Buffer) };
  }

  /** Begins: `from` reads by this flow's `onread`. */
  connect(from: Socket, to: Socket): void {
    this.#from = from;
    this.#to = to;
    from.once("close", () => this.#giveBack());
  }

  /** Hands on what was read before. */
  passFirst(bytes: Uint8Array): void {
    this.movedBytes += bytes.length;
    this.#writtenBytes += bytes.length;
    this.#to!.write(bytes, this.#onWritten);
  }

  /** Where the next read goes. */
  #memory(): Buffer {
    if (this.#own.length === 0 && this.#lastBytes < largeBytes) return landing;
    const own = this.#own[this.#turn];
    if (own !== undefined) return own;
    if (given >= mostGiven || this.#from?.destroyed === true) {
      this.#turn = 0;
      return this.#own[0] ?? landing;
    }
    given += 1;
    return (this.#own[this.#turn] = Buffer.allocUnsafeSlow(readBytes));
  }

  /** @returns whether to go on reading */
  #pass(length: number, bytes: Buffer): boolean {
    const to = this.#to!;
    if (!to.writable) return false;
    this.movedBytes += length;
    this.#writtenBytes += length;
    this.#lastBytes = length;
    const read = bytes.subarray(0, length);
    if (bytes === landing) {
      to.write(Buffer.from(read), this.#onWritten);
      this.#waits = to.writableLength > mostCopiedBytes;
      return !this.#waits;
    }
    to.write(read, this.#onWritten);
    if (to.writableLength === 0) {
      this.#turn = 0;
      this.#considerSmall(length);
      return true;
    }
    // The kernel has not taken all of it: the next read goes elsewhere, or waits.
    this.#usedUpTo[this.#turn] = this.#writtenBytes;
    this.#turn = 1 - this.#turn;
    this.#memory();
    this.#waits = !this.#isFree(this.#turn);
    return !this.#waits;
  }

  #isFree(turn: number): boolean {
    return this.#usedUpTo[turn]! <= this.#writtenBytes - this.#to!.writableLength;
  }

  readonly #onWritten = (): void => {
    if (!this.#waits || this.#from === undefined) return;
    const ready = this.#own.length === 0 ? this.#to!.writableLength <= mostCopiedBytes / 2 : this.#isFree(this.#turn);
    if (!ready) return;
    this.#waits = false;
    this.#from.resume();
  };

  #considerSmall(length: number): void {
    if (length >= largeBytes) this.#smallReads = 0;
    else if (++this.#smallReads > mostSmallReads) this.#giveBack();
  }

  #giveBack(): void {
    given -= this.#own.length;
    this.#own.length = 0;
    this.#smallReads = 0;
    this.#turn = 0;
  }
}

interface Handle {
  readonly useUserBuffer?: unknown;
}

/**
 * The same connection as a socket that reads by `onread`: Node gives that to connections that it opens, and to none that it accepts or that
 * have spoken HTTP. The first socket stands for it no more, but is closed when it is, and closes it. Made by Socket's option `handle`, which
 * Node's own server uses and its documentation does not name (lib/net.js).
 * @returns `null` where that cannot be: TLS, something is still to be written, it has ended, or this Node has no such handle
 */
export function readDirectly(socket: Socket, onread: OnReadOpts): Socket | null {
  const handle = Reflect.get(socket, "_handle") as Handle | null | undefined;
  const ended = (Reflect.get(socket, "_readableState") as { ended?: boolean } | undefined)?.ended;
  if (Object.getPrototypeOf(socket) !== Socket.prototype || typeof handle?.useUserBuffer !== "function") return null;
  if (socket.destroyed || socket.writableLength > 0 || !socket.writable || ended !== false) return null;
  socket.setTimeout(0);
  Reflect.set(socket, "_handle", null);
  const options = { handle, onread, allowHalfOpen: true };
  const direct = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  direct.once("close", () => socket.destroy());
  socket.once("close", () => direct.destroy());
  return direct;
}

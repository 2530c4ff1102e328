/**
 * @module Answers of HTTP/1.1 read by llhttp, Node's own parser, in the form in which undici brings it: WebAssembly, strict as it is there.
 */
import wasm from "undici/lib/llhttp/llhttp_simd-wasm.js";

/** What a parser tells while it reads. */
export interface AnswerReader {
  /** A head is complete, also that of an interim answer. Names and values in turn. @returns whether a body may follow */
  onHead(status: number, message: string, fields: string[], keepAlive: boolean, upgrade: boolean): boolean;
  /** Bytes of the body, valid during the call alone. */
  onBody(bytes: Buffer): void;
  /** The answer is complete. Names and values of its trailers. */
  onEnd(trailers: string[]): void;
}

/** The functions of llhttp that are used. */
interface Llhttp {
  readonly memory: { readonly buffer: ArrayBuffer };
  llhttp_alloc(type: number): number;
  llhttp_free(parser: number): void;
  llhttp_execute(parser: number, data: number, length: number): number;
  llhttp_finish(parser: number): number;
  llhttp_get_error_reason(parser: number): number;
  llhttp_errno_name(error: number): number;
  malloc(size: number): number;
}

/** llhttp_type_t and llhttp_errno_t (llhttp.h). */
const responseType = 2;
const ok = 0;
/** What on_headers_complete returns: go on, there is no body. */
const goOn = 0;
const noBody = 1;
/** What a callback returns to stop: HPE_USER. */
const stop = 24;

/** Most that is read at once, bytes. */
export const mostReadBytes = 64 * 1024;

/** What is being read, and what it tells. */
let bytes: Buffer | undefined;
let text: string | undefined;
let telling: Teller | undefined;

const llhttp = new WebAssembly.Instance(new WebAssembly.Module(wasm), {
  env: {
    wasm_on_url: () => goOn,
    wasm_on_status: (_parser, at, length) => telling!.takeStatus(sliceOf(at!, length!)),
    wasm_on_message_begin: () => telling!.beginMessage(),
    wasm_on_header_field: (_parser, at, length) => telling!.takeName(sliceOf(at!, length!)),
    wasm_on_header_value: (_parser, at, length) => telling!.takeValue(sliceOf(at!, length!)),
    wasm_on_headers_complete: (_parser, status, upgrade, keepAlive) =>
      telling!.endHead(status!, upgrade === 1, keepAlive === 1),
    wasm_on_body: (_parser, at, length) => telling!.takeBody(bytes!.subarray(at! - place, at! - place + length!)),
    wasm_on_message_complete: () => telling!.endMessage(),
  },
}).exports as Llhttp;

/** Where the parser reads: one place for all, as only one parser runs at a time. */
const place = llhttp.malloc(mostReadBytes);
let memory = new Uint8Array(llhttp.memory.buffer, place, mostReadBytes);

function sliceOf(at: number, length: number): string {
  // One string for all of a head; a slice of it costs next to nothing.
  text ??= bytes!.toString("latin1");
  return text.slice(at - place, at - place + length);
}

/** A C string. */
function textAt(at: number): string {
  if (at === 0) return "";
  const from = new Uint8Array(llhttp.memory.buffer, at);
  return Buffer.from(from.subarray(0, from.indexOf(0))).toString("latin1");
}

/** Reads the answers of one connection. */
export class AnswerParser {
  readonly #teller: Teller;
  #parser = llhttp.llhttp_alloc(responseType);

  constructor(reader: AnswerReader, mostHeadBytes: number) {
    this.#teller = new Teller(reader, mostHeadBytes);
  }

  /** An answer is awaited now. What comes without is an error. */
  await(): void {
    this.#teller.awaited = true;
  }

  /** Reads on. @returns what is wrong with it, `undefined` when nothing is */
  read(chunk: Buffer): Error | undefined {
    if (chunk.length <= mostReadBytes) return this.#run(chunk);
    for (let start = 0; start < chunk.length; start += mostReadBytes) {
      const error = this.#run(chunk.subarray(start, start + mostReadBytes));
      if (error !== undefined) return error;
    }
    return undefined;
  }

  /** The connection has ended: an answer without a length is complete. @returns what is missing */
  finish(): Error | undefined {
    return this.#run(undefined);
  }

  #run(part: Buffer | undefined): Error | undefined {
    if (telling !== undefined) throw new Error("A parser runs already.");
    telling = this.#teller;
    bytes = part;
    let result: number;
    if (part === undefined) result = llhttp.llhttp_finish(this.#parser);
    else {
      // Memory that has grown is another buffer.
      if (memory.length === 0) memory = new Uint8Array(llhttp.memory.buffer, place, mostReadBytes);
      memory.set(part);
      result = llhttp.llhttp_execute(this.#parser, place, part.length);
    }
    telling = undefined;
    bytes = undefined;
    text = undefined;
    return result === ok ? undefined : (this.#teller.error ?? this.#describe(result));
  }

  #describe(result: number): Error {
    const reason = textAt(llhttp.llhttp_get_error_reason(this.#parser));
    return Object.assign(new Error(`The answer is no HTTP/1.1 (${reason})`), {
      code: textAt(llhttp.llhttp_errno_name(result)),
    });
  }

  /** Gives its memory back. It must not be reading. */
  free(): void {
    if (this.#parser !== 0) llhttp.llhttp_free(this.#parser);
    this.#parser = 0;
  }
}

/** Gathers what llhttp's callbacks bring in pieces. Each returns whether to go on; nothing is thrown through WebAssembly. */
class Teller {
  readonly #reader: AnswerReader;
  readonly #mostHeadBytes: number;
  #status = "";
  #fields: string[] = [];
  #headBytes = 0;
  #interim = false;
  awaited = false;
  /** Why it stopped, when that is not for llhttp to say. */
  error: Error | undefined;

  constructor(reader: AnswerReader, mostHeadBytes: number) {
    this.#reader = reader;
    this.#mostHeadBytes = mostHeadBytes;
  }

  beginMessage(): number {
    return this.awaited ? goOn : stop;
  }

  takeStatus(part: string): number {
    this.#status += part;
    return this.#count(part);
  }

  takeName(part: string): number {
    const { length } = this.#fields;
    if (length % 2 === 0) this.#fields.push(part);
    else this.#fields[length - 1] += part;
    return this.#count(part);
  }

  takeValue(part: string): number {
    const { length } = this.#fields;
    if (length % 2 === 1) this.#fields.push(part);
    else this.#fields[length - 1] += part;
    return this.#count(part);
  }

  #count({ length }: string): number {
    this.#headBytes += length;
    if (this.#headBytes <= this.#mostHeadBytes) return goOn;
    const message = `The head of the answer is longer than ${this.#mostHeadBytes} bytes`;
    return this.#stop(Object.assign(new Error(message), { code: "UND_ERR_HEADERS_OVERFLOW" }));
  }

  #stop(error: Error): number {
    this.error = error;
    return stop;
  }

  endHead(status: number, upgrade: boolean, keepAlive: boolean): number {
    const fields = this.#fields;
    const message = this.#status;
    this.#fields = [];
    this.#status = "";
    this.#headBytes = 0;
    this.#interim = status < 200;
    try {
      return this.#reader.onHead(status, message, fields, keepAlive, upgrade) ? goOn : noBody;
    } catch (error) {
      return this.#stop(error as Error);
    }
  }

  takeBody(part: Buffer): number {
    try {
      this.#reader.onBody(part);
      return goOn;
    } catch (error) {
      return this.#stop(error as Error);
    }
  }

  endMessage(): number {
    const trailers = this.#fields;
    this.#fields = [];
    this.#headBytes = 0;
    if (this.#interim) return goOn;
    this.awaited = false;
    try {
      this.#reader.onEnd(trailers);
      return goOn;
    } catch (error) {
      return this.#stop(error as Error);
    }
  }
}

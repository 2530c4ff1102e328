/**
 * @module What the gateway answers to, whatever protocol the browser speaks: the few things that HTTP/1.1 and HTTP/2 have in common.
 */
import type { Readable } from "node:stream";
import type { Client } from "./origin-fields.ts";
import type { RawRequest } from "./request-head.ts";

/** One request that waits for its answer. */
export interface Asked {
  readonly request: RawRequest;
  readonly client: Client;
  /** The body, as it arrives. */
  readonly body: Readable;
  /** Names and values in turn of what came behind the body; empty before its end. */
  readonly trailers: () => readonly string[];
  readonly answer: Answer;
}

/** Where the answer goes. Every call after the client has gone does nothing. */
export interface Answer {
  /** The client has gone, or the answer is complete. */
  readonly over: boolean;
  readonly begun: boolean;
  /** Answers with 100, 102 or 103 (RFC 9110, section 15.2). */
  inform(status: number, fields: readonly string[]): void;
  /** Begins: names and values in turn; `length` is -1 when it is not known. */
  begin(status: number, message: string, fields: string[]): void;
  /** False when the client takes no more for now. */
  write(chunk: Buffer): boolean;
  /** Called when it takes more again. */
  onceDrained(action: () => void): void;
  /** Ends, with names and values of trailers in turn. */
  end(chunk: Buffer | undefined, trailers: readonly string[]): void;
  /** Nothing that follows on this connection is read any more: where a refused request ends is anybody's guess. */
  readonly refuseRest: () => void;
  /** Ends the connection or the stream, so that the client sees that something is missing. */
  cut(): void;
  /** Called once when the client goes before the end. */
  onceGone(action: () => void): void;
}

/**
 * @module One request passed on by HTTP/1.1 and its answer brought back, without holding either as a whole.
 */
import type { Readable } from "node:stream";
import type { Answer, Asked } from "./answer.ts";
import { readAnswerFields, type RequestHead } from "./request-head.ts";

/** What connections tell of one request, in undici's words: its pool hands over bytes, connections of our own text. */
export interface AnswerHandler {
  onConnect(abort: (error?: Error) => void): void;
  onHeaders(status: number, raw: readonly (Buffer | string)[], resume: () => void, message: string): boolean;
  onData(chunk: Buffer): boolean;
  onComplete(trailers: readonly (Buffer | string)[] | null): void;
  onError(error: Error): void;
}

/** A pool of connections to one server: undici's dispatcher. */
export interface Connections {
  dispatch(options: DispatchOptions, handler: AnswerHandler): boolean;
  /** Answers what was begun, then ends. */
  close(): Promise<void>;
  /** Ends at once. */
  destroy(): Promise<void>;
}

export interface DispatchOptions {
  readonly path: string;
  readonly method: string;
  readonly headers: readonly string[];
  readonly body: Readable | null;
  /** The head was read by Node's parser for HTTP/1.1: nothing in it can be taken for the end of a line. */
  readonly isPlain: boolean;
}

/** What becomes of an exchange. */
export interface ExchangeOutcome {
  /** The first line came. */
  onAnswer(status: number): void;
  /** The answer went whole. */
  onDone(receivedBytes: number): void;
  /** The server did not answer, or not to the end. Called before anything was answered only if `begun` is false. */
  onFailure(error: Error, begun: boolean): void;
}

/** Passes a request on. */
export function exchange(
  { request, body, answer }: Asked,
  head: RequestHead,
  connections: Connections,
  outcome: ExchangeOutcome,
): void {
  const handler = new ExchangeHandler(answer, outcome, request.method === "HEAD");
  answer.onceGone(() => handler.giveUp());
  connections.dispatch(
    {
      path: head.target,
      method: request.method,
      headers: head.fields,
      body: head.hasBody ? body : null,
      isPlain: request.httpVersion !== "2.0",
    },
    handler,
  );
}

class ExchangeHandler implements AnswerHandler {
  readonly #answer: Answer;
  readonly #outcome: ExchangeOutcome;
  readonly #withoutBody: boolean;
  #abort: ((error?: Error) => void) | undefined;
  #gone = false;
  #expected = -1;
  #received = 0;
  #finished = false;
  #resume: (() => void) | undefined;

  constructor(answer: Answer, outcome: ExchangeOutcome, withoutBody: boolean) {
    this.#answer = answer;
    this.#outcome = outcome;
    this.#withoutBody = withoutBody;
  }

  /** The client has gone: nobody needs the answer. */
  giveUp(): void {
    this.#gone = true;
    this.#abort?.(new Error("The client has gone."));
  }

  onConnect(abort: (error?: Error) => void): void {
    if (this.#gone) abort(new Error("The client has gone."));
    else this.#abort = abort;
  }

  onHeaders(status: number, raw: readonly (Buffer | string)[], resume: () => void, message: string): boolean {
    const { fields, length, understood } = readAnswerFields(raw, status);
    if (!understood) {
      this.#abort?.(new Error("the answer's transfer coding is not understood"));
      return false;
    }
    if (status < 200) {
      this.#answer.inform(status, fields);
      return true;
    }
    this.#resume = resume;
    this.#outcome.onAnswer(status);
    this.#answer.begin(status, message, fields);
    this.#expected = length;
    // These have no body, whatever length they name (RFC 9112, section 6.3); the pool takes a 304 that names one for broken.
    if (this.#withoutBody || status === 204 || status === 304) {
      this.#finished = true;
      this.#answer.end(undefined, []);
    }
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.#finished) return true;
    this.#received += chunk.length;
    // The last bytes and the end are one write.
    if (this.#received === this.#expected) {
      this.#finished = true;
      this.#answer.end(chunk, []);
      return true;
    }
    if (this.#answer.write(chunk)) return true;
    this.#answer.onceDrained(() => this.#resume?.());
    return false;
  }

  onComplete(trailers: readonly (Buffer | string)[] | null): void {
    if (!this.#finished) this.#answer.end(undefined, trailers === null ? [] : readAnswerFields(trailers).fields);
    this.#outcome.onDone(this.#received);
  }

  onError(error: Error): void {
    if (this.#gone || this.#finished) return this.#outcome.onDone(this.#received);
    const { begun } = this.#answer;
    if (begun) this.#answer.cut();
    this.#outcome.onFailure(error, begun);
  }
}

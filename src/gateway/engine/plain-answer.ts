/**
 * @module An answer by HTTP/1.1.
 */
import type { ServerResponse } from "node:http";
import type { Answer } from "./answer.ts";

/** Bodies up to this length go with their head, bytes. */
const shortBytes = 4096;

/** Over Node's own response. */
export class PlainAnswer implements Answer {
  readonly #response: ServerResponse;
  #onGone: (() => void) | undefined;
  #written = false;
  readonly refuseRest: () => void;

  constructor(response: ServerResponse, refuseRest: () => void) {
    this.#response = response;
    this.refuseRest = refuseRest;
    response.on("close", this.#closed);
  }

  readonly #closed = (): void => {
    if (this.#response.writableFinished) return;
    const action = this.#onGone;
    this.#onGone = undefined;
    action?.();
  };

  get over(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  get begun(): boolean {
    return this.#response.headersSent;
  }

  inform(status: number, fields: readonly string[]): void {
    if (this.over || this.begun) return;
    if (status === 100) this.#response.writeContinue();
    else if (status === 102) this.#response.writeProcessing();
    else if (status === 103) this.#response.writeEarlyHints(joined(fields));
  }

  begin(status: number, message: string, fields: string[]): void {
    if (this.over || this.begun) return;
    // A reason in other letters is no reason here: nobody reads it (RFC 9112, section 4).
    this.#response.writeHead(status, /^[\t -~]*$/.test(message) ? message : "", fields);
    // A head without a body yet, such as an event stream's, goes out alone; otherwise both are one write.
    process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    if (!this.#written && !this.over) this.#response.flushHeaders();
  };

  write(chunk: Buffer): boolean {
    this.#written = true;
    return this.over || this.#response.write(chunk);
  }

  onceDrained(action: () => void): void {
    this.#response.once("drain", action);
  }

  end(chunk: Buffer | undefined, trailers: readonly string[]): void {
    if (this.over) return;
    if (trailers.length > 0) this.#response.addTrailers(pairs(trailers));
    // Node joins a head and a short text to one string, but not a head and bytes.
    if (chunk !== undefined && chunk.length <= shortBytes && !this.#written)
      this.#response.end(chunk.toString("latin1"), "latin1");
    else this.#response.end(chunk);
  }

  cut(): void {
    // What was begun in this turn goes first: a head, and a part of a body, tell more than a connection that is closed without a word.
    process.nextTick(this.#destroy);
  }

  readonly #destroy = (): void => void this.#response.destroy();

  onceGone(action: () => void): void {
    if (this.#response.destroyed && !this.#response.writableFinished) action();
    else this.#onGone = action;
  }
}

function pairs(flat: readonly string[]): [string, string][] {
  const entries: [string, string][] = [];
  for (let index = 0; index < flat.length; index += 2) entries.push([flat[index]!, flat[index + 1]!]);
  return entries;
}

/** Fields by lower-case name, those that come again as a list. */
function joined(flat: readonly string[]): Record<string, string | string[]> {
  const record: Record<string, string | string[]> = {};
  for (const [name, value] of pairs(flat)) {
    const lower = name.toLowerCase();
    const earlier = record[lower];
    record[lower] = earlier === undefined ? value : [...(Array.isArray(earlier) ? earlier : [earlier]), value];
  }
  return record;
}

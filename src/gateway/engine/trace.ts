/**
 * @module Which connection went to which application by which rule: told to whoever listens, and made only then.
 */

/** One request, when its answer was complete or it failed. */
export interface GatewayTrace {
  readonly atMs: number;
  readonly client: string;
  readonly protocol: "http/1.0" | "http/1.1" | "h2" | "websocket";
  readonly secure: boolean;
  readonly method: string;
  /** As the client wrote it, without port. */
  readonly host: string;
  readonly path: string;
  /** `shop.localhost/api`; `null` when no route was taken. */
  readonly route: string | null;
  readonly rule: "name" | "wildcard" | "gateway" | "none";
  readonly target: string | null;
  /** Process of the route, when `run` started it. */
  readonly pid: number | null;
  readonly status: number;
  /** From the request's head to the end of the answer. */
  readonly elapsedMs: number;
  /** Bytes of the answer's body, or from the server after the handshake. */
  readonly receivedBytes: number;
  /** Bytes to the server after a WebSocket's handshake; `null` otherwise. */
  readonly sentBytes: number | null;
  /** Why there was no answer, or none to the end. */
  readonly failure: string | null;
}

/** Who wants to know. */
export class Traces {
  readonly #listeners = new Set<(trace: GatewayTrace) => void>();

  get wanted(): boolean {
    return this.#listeners.size > 0;
  }

  /** @returns ends it */
  listen(listener: (trace: GatewayTrace) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(trace: GatewayTrace): void {
    for (const listener of this.#listeners) listener(trace);
  }
}

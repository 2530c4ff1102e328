/**
 * @module How the gateway's process is to serve, and what it says when it does.
 */
import type { GatewayListener } from "./control-client.ts";

/** What is wished of it. */
export interface GatewayWish {
  readonly stateFolder: string;
  /** `null` takes 80, or a stated fallback. */
  readonly httpPort: number | null;
  /** `null` takes 443, or a stated fallback; `false` serves no HTTPS. */
  readonly httpsPort: number | null | false;
  /** `null` takes both loopback addresses. */
  readonly addresses: readonly string[] | null;
  /** File to which each request is written as a line of JSON; `null` for none. */
  readonly accessLog: string | null;
  /** Names beside `localhost` that certificates may be for. */
  readonly extraNames: readonly string[];
  /** The same wishes as words behind `gateway serve`: told to whoever starts the next one. */
  readonly words: readonly string[];
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Where it listens. */
export interface GatewayReady {
  readonly listeners: readonly GatewayListener[];
  /** Why a usual port is not among them, and what there is to know of those that are. */
  readonly notes: readonly string[];
}

/**
 * @module What a client says before it is known where it goes: its PROXY header, and as much as a {@link Chooser} wants to see.
 */
import type { Socket } from "node:net";
import { readProxyHeader, type ProxyEndpoints } from "../../protocols/index.ts";
import type { Chooser, RelayChoice } from "./relay-wish.ts";

/** Most that is read before it is decided, bytes, without the header. Who says more is taken for one who says no more. */
const mostFirstBytes = 64 * 1024;

/** What was read. */
export type FirstBytes =
  | {
      readonly kind: "chosen";
      readonly choice: Exclude<RelayChoice, { readonly kind: "more" }>;
      /** Behind the header; the server is owed them. */
      readonly bytes: Buffer;
      /** By the PROXY header; `null` where there is none or it tells none. */
      readonly endpoints: ProxyEndpoints | null;
    }
  | { readonly kind: "refused"; readonly why: string }
  /** The client went away. */
  | { readonly kind: "gone"; readonly why: string };

/** How it is read. */
export interface FirstBytesWish {
  readonly chooser: Chooser;
  readonly acceptProxy: boolean;
  /** How long the header may take, milliseconds. */
  readonly proxyMs: number;
}

const nothing: Buffer = Buffer.alloc(0);

/**
 * Reads until it is decided. What came behind that stays in the socket, which is not flowing then.
 * @param done called once, perhaps before this returns
 */
export function readFirstBytes(
  socket: Socket,
  { chooser, acceptProxy, proxyMs }: FirstBytesWish,
  done: (first: FirstBytes) => void,
): void {
  let bytes = nothing;
  let endpoints: ProxyEndpoints | null = null;
  let awaitsHeader = acceptProxy;
  let state: "open" | "silent" | "ended" = "open";
  let timer: NodeJS.Timeout | undefined;

  const finish = (first: FirstBytes): void => {
    clearTimeout(timer);
    socket.off("readable", onReadable);
    socket.off("end", onEnd);
    socket.off("error", onGone);
    socket.off("close", onGone);
    done(first);
  };
  const startWaiting = (waitMs: number, onOver: () => void): void => {
    clearTimeout(timer);
    timer = waitMs > 0 ? setTimeout(onOver, waitMs) : undefined;
  };
  /** @returns whether that was all */
  const readHeader = (): boolean => {
    const reading = readProxyHeader(bytes);
    if (reading.verdict === "more" && state === "open") return false;
    if (reading.verdict !== "header") {
      const why = reading.verdict === "no" ? reading.problem : "no PROXY header";
      finish({ kind: "refused", why: state === "silent" ? "no PROXY header in time" : why });
      return false;
    }
    awaitsHeader = false;
    endpoints = reading.endpoints;
    bytes = bytes.subarray(reading.length);
    startWaiting(chooser.waitMs, onSilent);
    return true;
  };
  const decide = (): void => {
    if (awaitsHeader && !readHeader()) return;
    const seen = state === "open" && bytes.length > mostFirstBytes ? "silent" : state;
    const choice = chooser.choose(bytes, seen);
    if (choice.kind !== "more") return finish({ kind: "chosen", choice, bytes, endpoints });
    if (seen !== "open") finish({ kind: "refused", why: "nothing was chosen" });
  };
  const onReadable = (): void => {
    const read = socket.read() as Buffer | null;
    if (read === null) return;
    bytes = bytes.length === 0 ? read : Buffer.concat([bytes, read]);
    decide();
  };
  const onSilent = (): void => {
    state = "silent";
    decide();
  };
  const onEnd = (): void => {
    state = "ended";
    decide();
  };
  const onGone = (error?: Error | boolean): void => {
    const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : "closed";
    finish({ kind: "gone", why: code });
  };

  if (!awaitsHeader && chooser.waitMs === 0) return decide();
  socket.on("readable", onReadable);
  socket.once("end", onEnd);
  socket.once("error", onGone);
  socket.once("close", onGone);
  startWaiting(awaitsHeader ? proxyMs : chooser.waitMs, onSilent);
}

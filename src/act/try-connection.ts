/**
 * @module One connection by TCP, made to see whether somebody takes it, and closed at once.
 */
import { connect } from "node:net";

/** `open`, or the code of the error: `ECONNREFUSED`, `EHOSTUNREACH`, `ETIMEDOUT` when nothing came by the deadline. */
export type ConnectionOutcome = "open" | (string & {});

/** Tries once. Never rejects. Closing it resets the connection, which leaves nothing behind on either side. */
export function tryConnection(
  address: { readonly host: string; readonly port: number },
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<ConnectionOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, autoSelectFamily: false });
    const timer = setTimeout(() => finish("ETIMEDOUT"), timeoutMs);
    const onAbort = (): void => finish("ABORT_ERR");
    signal.addEventListener("abort", onAbort, { once: true });
    function finish(outcome: ConnectionOutcome): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.on("error", () => undefined);
      socket.resetAndDestroy();
      resolve(outcome);
    }
    socket.once("connect", () => finish("open"));
    socket.once("error", (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
  });
}

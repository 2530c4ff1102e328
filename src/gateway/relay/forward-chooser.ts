/**
 * @module Where a forward's connections go: to the one server there is, without looking at a byte, so that a server that speaks first can.
 */
import type { Chooser, ForwardWish } from "./relay-wish.ts";

/** What a trace says of a forward's connections. */
export const forwardRule = "forward";

/** The chooser of a forward. */
export function forwardChooser({ target, sendProxy }: Pick<ForwardWish, "target" | "sendProxy">): Chooser {
  const reason = { protocol: null, name: null, alpn: [], rule: forwardRule };
  return { waitMs: 0, choose: () => ({ kind: "target", target, sendProxy, reason }) };
}

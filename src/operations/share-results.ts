/**
 * @module Shares as results tell them.
 */
import { formatSocketAddress } from "../core/index.ts";
import type { ShareWish } from "../gateway/index.ts";
import type { ListedShare } from "./share-schemas.ts";

/** A share for a result. */
export function describeShare(
  { rules, silent, silentMs, fallback, acceptProxy }: ShareWish,
  { transport, address, port }: ShareWish["listen"],
): ListedShare {
  return {
    listen: { transport, address, port },
    rules: rules.map((rule, index) => {
      const { protocol, name, alpn } = rule;
      return { number: index + 1, protocol, name, alpn, ...describeTold(rule) };
    }),
    silent: silent === null ? null : describeTold(silent),
    waitMs: silentMs,
    fallback: fallback === null ? null : describeTold(fallback),
    acceptProxy,
  };
}

function describeTold({ target, sendProxy }: NonNullable<ShareWish["silent"]>): NonNullable<ListedShare["silent"]> {
  return { target: formatSocketAddress(target.host, target.port), sendProxy };
}

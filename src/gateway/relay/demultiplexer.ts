/**
 * @module Which server a connection of a share goes to, by its first bytes.
 */
import { formatDuration } from "../../core/index.ts";
import { SeenBytes, type Answer } from "./seen-bytes.ts";
import type { Chooser, RelayChoice, RelayReason, ShareRule, ShareWish } from "./relay-wish.ts";
import { fitsName, protocolsOf, ruleWords } from "./share-rules.ts";

/**
 * Most bytes that are looked at: 16 KiB, a whole record of TLS (RFC 8446, section 5.1). What they do not decide is not decided by more.
 */
export const mostSeenBytes = 16_384;

/** Where a connection can come to. */
interface Outcome {
  readonly to: Pick<ShareRule, "target" | "sendProxy"> | null;
  readonly rule: string;
}

/** A rule with its number as written, from 1. */
interface NumberedRule {
  readonly rule: ShareRule;
  readonly number: number;
}

/**
 * Makes the chooser of a share. Names go before protocols alone, else the order is that of the rules. It decides as soon as all that may still
 * come leads to the same server, and never sooner: however the bytes are cut, a connection goes to the same place.
 */
export function createDemultiplexer(wish: ShareWish): Chooser {
  const numbered = wish.rules.map((rule, index): NumberedRule => ({ rule, number: index + 1 }));
  const ordered = [
    ...numbered.filter(({ rule }) => rule.name !== null),
    ...numbered.filter(({ rule }) => rule.name === null),
  ];
  const wait = formatDuration(wish.silentMs);
  const closed = { to: null } as const;
  const unknown = (why: string): Outcome =>
    wish.fallback === null ? { ...closed, rule: `closed: ${why}` } : { to: wish.fallback, rule: `fallback: ${why}` };
  const silent = (why: string): Outcome =>
    wish.silent === null ? { ...closed, rule: `closed: ${why}` } : { to: wish.silent, rule: `silent: ${why}` };

  const choose: Chooser["choose"] = (all, state) => {
    const bytes = all.subarray(0, mostSeenBytes);
    if (bytes.length === 0 && state !== "open")
      return decide(silent(state === "ended" ? "ended without a word" : `said nothing for ${wait}`), null);
    const isFull = bytes.length === mostSeenBytes;
    const isLast = isFull || state !== "open";
    const seen = new SeenBytes(bytes, isLast);
    const open: NumberedRule[] = [];
    let last: Outcome | undefined;
    for (const one of ordered) {
      const answer = answerTo(one.rule, seen);
      if (answer === "more") open.push(one);
      if (answer !== "match") continue;
      last = { to: one.rule, rule: `rule ${one.number}: ${ruleWords(one.rule)}` };
      break;
    }
    last ??= unknown(whyUnknown(isFull ? "full" : state, wait));
    const others = [...open.map(({ rule }) => rule), ...(bytes.length === 0 ? [silent("").to] : [])];
    if (others.length === 0) return decide(last, seen);
    const { to } = last;
    if (!others.every((other) => isSamePlace(other, to))) return { kind: "more" };
    return decide({ to, rule: `${last.rule}, or another way to the same server` }, seen);
  };
  return { waitMs: wish.silentMs, choose };
}

function whyUnknown(state: "open" | "silent" | "ended" | "full", wait: string): string {
  if (state === "full") return `no rule fits its first ${mostSeenBytes} bytes`;
  if (state === "silent") return `no rule fits what it said in ${wait}`;
  return state === "ended" ? "no rule fits all it said" : "no rule fits";
}

/** Whether a connection is one for this rule. */
function answerTo(rule: ShareRule, seen: SeenBytes): Answer {
  let best: Answer = "no";
  for (const id of protocolsOf(rule)) {
    const answer = id === null ? "match" : answerAs(rule, id, seen);
    if (answer === "match") return answer;
    if (answer === "more") best = answer;
  }
  return best;
}

function answerAs({ name, alpn }: ShareRule, id: string, seen: SeenBytes): Answer {
  const answer = seen.answerOf(id);
  if (answer !== "match") return answer;
  if (alpn !== null && !seen.alpn.includes(alpn)) return "no";
  if (name === null) return "match";
  const asked = seen.nameIn(id);
  if (asked === undefined) return "more";
  return asked !== null && fitsName(name, asked) ? "match" : "no";
}

function isSamePlace(one: Outcome["to"], other: Outcome["to"]): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.target.host === other.target.host && one.target.port === other.target.port && one.sendProxy === other.sendProxy
  );
}

function decide({ to, rule }: Outcome, seen: SeenBytes | null): RelayChoice {
  const protocol = seen?.protocol ?? null;
  const reason: RelayReason = {
    protocol,
    name: (protocol === null ? null : seen?.nameIn(protocol)) ?? null,
    alpn: protocol === "tls" ? (seen?.alpn ?? []) : [],
    rule,
  };
  if (to === null) return { kind: "close", reason };
  return { kind: "target", target: to.target, sendProxy: to.sendProxy, reason };
}

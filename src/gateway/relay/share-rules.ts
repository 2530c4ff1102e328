/**
 * @module Rules of a share among themselves: what each asks for, in words, and which of them can never be reached or told from others.
 */
import type { ShareRule } from "./relay-wish.ts";
import { namingProtocols } from "./share-protocols.ts";

/** Protocols in which a rule can be met; `null` for anything at all. */
export function protocolsOf({ protocol, name, alpn }: ShareRule): readonly (string | null)[] {
  if (protocol !== null) return [protocol];
  if (alpn !== null) return ["tls"];
  return name === null ? [null] : namingProtocols;
}

/** Whether a name that was asked for is one of those that a rule has: that one, or with `*.` each below it. */
export function fitsName(pattern: string, asked: string): boolean {
  if (!pattern.startsWith("*.")) return asked === pattern;
  return asked.length > pattern.length - 1 && asked.endsWith(pattern.slice(1));
}

/** `tls, name app.localhost, alpn h2`. */
export function ruleWords({ protocol, name, alpn }: ShareRule): string {
  const words = [
    ...(protocol === null ? [] : [protocol]),
    ...(name === null ? [] : [`name ${name}`]),
    ...(alpn === null ? [] : [`alpn ${alpn}`]),
  ];
  return words.length === 0 ? "anything" : words.join(", ");
}

/** A rule that is of no use, and why. */
export interface IdleRule {
  /** From 1, as written. */
  readonly number: number;
  readonly problem: string;
}

/** Rules that no connection can come to. Names are asked before protocols alone, whatever the order. */
export function findIdleRules(rules: readonly ShareRule[]): readonly IdleRule[] {
  return rules.flatMap((rule, index): IdleRule[] => {
    const number = index + 1;
    const words = `Rule ${number} (${ruleWords(rule)})`;
    const impossible = whyImpossible(rule);
    if (impossible !== null) return [{ number, problem: `${words} can never be reached: ${impossible}.` }];
    const cover = rules.findIndex(
      (other, at) => at !== index && isBefore(other, at, rule, index) && covers(other, rule),
    );
    if (cover < 0) return [];
    const first = rules[cover]!;
    const same = ruleWords(first) === ruleWords(rule);
    const why = same
      ? `rule ${cover + 1} asks for the same, and nothing can tell them apart`
      : `all that it would take goes to rule ${cover + 1} (${ruleWords(first)}) before`;
    return [{ number, problem: `${words} can never be reached: ${why}.` }];
  });
}

function isBefore(one: ShareRule, at: number, other: ShareRule, otherAt: number): boolean {
  if ((one.name === null) !== (other.name === null)) return one.name !== null;
  return at < otherAt;
}

/** Whether everything that `inner` takes is also what `outer` takes. */
function covers(outer: ShareRule, inner: ShareRule): boolean {
  const outerProtocols = protocolsOf(outer);
  const protocols = outerProtocols.includes(null) || protocolsOf(inner).every((id) => outerProtocols.includes(id));
  const name = outer.name === null || (inner.name !== null && coversName(outer.name, inner.name));
  return protocols && name && (outer.alpn === null || outer.alpn === inner.alpn);
}

function coversName(outer: string, inner: string): boolean {
  if (outer === inner) return true;
  return outer.startsWith("*.") && fitsName(outer, inner.startsWith("*.") ? `x${inner.slice(1)}` : inner);
}

function whyImpossible({ protocol, name, alpn }: ShareRule): string | null {
  if (alpn !== null && protocol !== null && protocol !== "tls") return "ALPN is a part of TLS";
  if (name === null || protocol === null || (namingProtocols as readonly string[]).includes(protocol)) return null;
  return protocol === "http2"
    ? "HTTP/2 without TLS packs the name (HPACK), behind what a client may send only after the server's answer"
    : `a client of ${protocol} names nobody in its first bytes`;
}

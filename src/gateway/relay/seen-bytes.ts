/**
 * @module What the first bytes of a connection tell: each protocol's three-valued answer, the name and what TLS offers; worked out once, when
 * asked for.
 */
import type { Sniff } from "../../protocols/index.ts";
import { plainName, readHttpName } from "./http-name.ts";
import { seenInBytes } from "./share-protocols.ts";

/** Three-valued. */
export type Answer = Sniff["verdict"];

/** One look at what came so far. */
export class SeenBytes {
  readonly #bytes: Uint8Array;
  readonly #isLast: boolean;
  readonly #sniffs = new Map<string, Sniff>();
  #httpName: string | null | undefined;

  /** @param isLast no more is waited for: what could still become something is nothing */
  constructor(bytes: Uint8Array, isLast: boolean) {
    this.#bytes = bytes;
    this.#isLast = isLast;
  }

  /** Whether they are this protocol's. */
  answerOf(id: string): Answer {
    const { verdict } = this.#sniff(id);
    return verdict === "more" && this.#isLast ? "no" : verdict;
  }

  /** The name that is asked for in a protocol that answered `match`; `null` for none, `undefined` when it may come yet. */
  nameIn(id: string): string | null | undefined {
    const sniff = this.#sniff(id);
    if (id === "tls") return sniff.verdict === "match" ? plainName(sniff.serverName ?? "") : null;
    if (id !== "http") return null;
    this.#httpName ??= readHttpName(this.#bytes);
    return this.#httpName === undefined && this.#isLast ? null : this.#httpName;
  }

  /** What TLS offers by ALPN. */
  get alpn(): readonly string[] {
    const sniff = this.#sniff("tls");
    return sniff.verdict === "match" ? (sniff.alpn ?? []) : [];
  }

  /** The first protocol of all that fits, whether a rule asks for it or not. */
  get protocol(): string | null {
    return seenInBytes.find(({ id }) => this.#sniff(id).verdict === "match")?.id ?? null;
  }

  #sniff(id: string): Sniff {
    const known = this.#sniffs.get(id);
    if (known !== undefined) return known;
    const protocol = seenInBytes.find((candidate) => candidate.id === id);
    const sniff: Sniff = protocol?.sniff?.(this.#bytes, "tcp") ?? { verdict: "no" };
    this.#sniffs.set(id, sniff);
    return sniff;
  }
}

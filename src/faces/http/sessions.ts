/**
 * @module Who has been let in: tokens of one use, exchanged for keys that last until the server ends.
 *
 * Both are 256 random bits. Only their digests are kept and looked up, so that comparing takes the same time whatever was guessed.
 */
import { createHash, randomBytes } from "node:crypto";

/** How long a token is good, milliseconds: a slow browser on a slow machine comes within it. */
const tokenLifeMs = 600_000;
/** Keys and unused tokens that are kept; the oldest are forgotten. */
const mostKept = 256;

/** The tokens and keys of one server. */
export class Sessions {
  readonly #tokens = new Map<string, number>();
  readonly #keys = new Set<string>();
  readonly #nowMs: () => number;
  #admitted = 0;

  /** @param nowMs clock, milliseconds */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Browsers that came in. */
  get admitted(): number {
    return this.#admitted;
  }

  /** A fresh token, good for one use within ten minutes. */
  issueToken(): string {
    const token = randomWord();
    if (this.#tokens.size >= mostKept) this.#tokens.delete(this.#tokens.keys().next().value!);
    this.#tokens.set(digestOf(token), this.#nowMs() + tokenLifeMs);
    return token;
  }

  /** The key for a token, or `null` when the token is unknown, used or too old. */
  redeem(token: string): string | null {
    const digest = digestOf(token);
    const goodUntilMs = this.#tokens.get(digest);
    this.#tokens.delete(digest);
    if (goodUntilMs === undefined || goodUntilMs < this.#nowMs()) return null;
    const key = randomWord();
    if (this.#keys.size >= mostKept) this.#keys.delete(this.#keys.values().next().value!);
    this.#keys.add(digestOf(key));
    this.#admitted += 1;
    return key;
  }

  /** Whether an `Authorization` header shows a key of this server. */
  accepts(authorization: string | undefined): boolean {
    const key = /^Bearer ([\w-]{1,100})$/.exec(authorization ?? "")?.[1];
    return key !== undefined && this.#keys.has(digestOf(key));
  }
}

function randomWord(): string {
  return randomBytes(32).toString("base64url");
}

/** SHA-256 in base64: comparing digests takes the same time whatever was guessed. */
export function digestOf(word: string): string {
  return createHash("sha256").update(word).digest("base64");
}

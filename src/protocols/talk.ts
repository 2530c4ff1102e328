/**
 * @module One side of a conversation for a probe: sends, and reads whole messages however the bytes were cut.
 */
import type { Conversation, Fact, FactName, Inbox, ProbeTransport, TlsFacts, Verdict } from "./protocol.ts";

/**
 * What a parser makes of the bytes that are there: a message with how many bytes it took; `undefined`: more is needed; `null`: never
 * a message of this kind.
 */
export type Parsed<T> = { readonly value: T; readonly length: number } | undefined | null;

/** Why a read brought nothing. */
export type Ending = "silent" | "ended" | "reset" | "overflow" | "malformed";

/** What a read brought. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: Ending; readonly seen: Uint8Array };

const nothing = new Uint8Array(0);

/** How long a probe waits for an answer by default, milliseconds. */
export const usualPatienceMs = 2000;

/** The bytes of one connection, kept until they are read. Several probes may use one after another. */
export class Talk {
  readonly transport: ProbeTransport;
  #unread: Uint8Array = nothing;
  #state: Inbox["state"] = "open";
  #sent = 0;

  constructor(transport: ProbeTransport) {
    this.transport = transport;
  }

  /** What came and was not read. */
  get unread(): Uint8Array {
    return this.#unread;
  }

  /** False once the other side ended or reset the connection, or sent more than is kept. */
  get open(): boolean {
    return this.#state === "open" || this.#state === "silent";
  }

  /** Bytes sent so far on this connection, by every probe. */
  get sent(): number {
    return this.#sent;
  }

  /** Sends bytes, or text as Latin-1. */
  *send(data: Uint8Array | string): Conversation<void> {
    const bytes = typeof data === "string" ? latin1Bytes(data) : data;
    this.#sent += bytes.length;
    this.#take(yield { kind: "send", bytes });
  }

  /**
   * Reads one message. The parser is called again each time bytes come, with everything unread from the start, until it has a
   * message or says `null`. Over UDP each datagram stands alone.
   * @param patienceMs longest silence between two arrivals, milliseconds
   */
  *read<T>(parse: (bytes: Uint8Array) => Parsed<T>, patienceMs: number = usualPatienceMs): Conversation<Reading<T>> {
    for (;;) {
      if (this.#unread.length > 0) {
        const parsed = parse(this.#unread);
        if (parsed === null) return { ok: false, why: "malformed", seen: this.#unread };
        if (parsed !== undefined) {
          this.#unread = this.#unread.subarray(parsed.length);
          return { ok: true, value: parsed.value };
        }
      }
      if (!this.open) return { ok: false, why: this.#state as Ending, seen: this.#unread };
      const before = this.#unread.length;
      const inbox = yield { kind: "receive", patienceMs };
      this.#take(inbox);
      if (inbox.state === "silent" && this.#unread.length === before) {
        return { ok: false, why: "silent", seen: this.#unread };
      }
    }
  }

  /**
   * Waits until anything comes, without reading it.
   * @param patienceMs how long, milliseconds
   * @returns true when there is something unread
   */
  *listen(patienceMs: number): Conversation<boolean> {
    if (this.#unread.length === 0 && this.open) this.#take(yield { kind: "receive", patienceMs });
    return this.#unread.length > 0;
  }

  /** Encrypts the connection. Unread bytes before it are dropped: they would not be protected (RFC 3207 §4.2 and others). */
  *startTls(alpn: readonly string[] = []): Conversation<TlsFacts | { readonly failed: string }> {
    this.#unread = nothing;
    const inbox = yield { kind: "startTls", alpn };
    this.#take(inbox);
    return inbox.tls ?? { failed: "the driver does not encrypt" };
  }

  #take(inbox: Inbox): void {
    this.#state = inbox.state;
    if (inbox.bytes.length === 0) return;
    if (this.transport === "udp" || this.#unread.length === 0) {
      this.#unread = inbox.bytes;
      return;
    }
    const joined = new Uint8Array(this.#unread.length + inbox.bytes.length);
    joined.set(this.#unread);
    joined.set(inbox.bytes, this.#unread.length);
    this.#unread = joined;
  }
}

/** Text as bytes, one byte a character; characters above U+00FF become `?`. */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    bytes[index] = code < 256 ? code : 63;
  }
  return bytes;
}

/** Bytes as text, one character a byte: nothing is lost and nothing fails. */
export function latin1Text(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += 8192) {
    text += String.fromCharCode(...bytes.subarray(start, start + 8192));
  }
  return text;
}

/** Bytes as UTF-8 text; what is no UTF-8 becomes U+FFFD. */
export function utf8Text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8").decode(bytes);
}

/** Longest line that is waited for, bytes (four times what RFC 5321 §4.5.3.1.5 allows a reply line). */
export const longestLine = 2048;

/** One line without its ending (`\n` or `\r\n`); `null` when it is longer than `longestLine`. */
export function parseLine(bytes: Uint8Array): Parsed<string> {
  const end = bytes.subarray(0, longestLine).indexOf(10);
  if (end === -1) return bytes.length >= longestLine ? null : undefined;
  const stop = end > 0 && bytes[end - 1] === 13 ? end - 1 : end;
  return { value: latin1Text(bytes.subarray(0, stop)), length: end + 1 };
}

/** Exactly that many bytes. */
export function parseExactly(count: number): (bytes: Uint8Array) => Parsed<Uint8Array> {
  return (bytes) => (bytes.length < count ? undefined : { value: bytes.subarray(0, count), length: count });
}

/** True when the bytes start with the prefix as far as both go: for three-valued answers, compare lengths after. */
export function startsLike(bytes: Uint8Array, prefix: Uint8Array | string): boolean {
  const wanted = typeof prefix === "string" ? latin1Bytes(prefix) : prefix;
  const length = Math.min(bytes.length, wanted.length);
  for (let index = 0; index < length; index++) if (bytes[index] !== wanted[index]) return false;
  return true;
}

/** Three-valued prefix test. */
export function matchPrefix(bytes: Uint8Array, prefix: Uint8Array | string): "match" | "no" | "more" {
  if (!startsLike(bytes, prefix)) return "no";
  return bytes.length >= prefix.length ? "match" : "more";
}

/** Three-valued test for several prefixes: `more` while one of them still can match. */
export function matchAny(bytes: Uint8Array, prefixes: readonly (Uint8Array | string)[]): "match" | "no" | "more" {
  let result: "no" | "more" = "no";
  for (const prefix of prefixes) {
    const answer = matchPrefix(bytes, prefix);
    if (answer === "match") return "match";
    if (answer === "more") result = "more";
  }
  return result;
}

/** Makes a fact, its texts clipped to 256 units each and a list to 64 of them. */
export function fact(name: FactName, value: Fact["value"], from: string): Fact {
  if (typeof value === "string") return { name, value: value.slice(0, 256), from };
  if (!Array.isArray(value)) return { name, value, from };
  return { name, value: (value as readonly string[]).slice(0, 64).map((one) => one.slice(0, 256)), from };
}

/**
 * The verdict on a read that brought nothing: silence, or an answer that is somebody else's.
 * @param evidence what to say of such an answer
 */
export function missed(
  reading: { readonly why: Ending; readonly seen: Uint8Array },
  evidence: string = describeEnding(reading.why),
): Verdict {
  return reading.seen.length === 0
    ? { outcome: "silent", evidence: describeEnding(reading.why) }
    : { outcome: "other", evidence };
}

/** Why a read failed, as a phrase for a verdict's evidence. */
export function describeEnding(why: Ending): string {
  if (why === "silent") return "no answer";
  if (why === "ended") return "the connection was closed";
  if (why === "reset") return "the connection was reset";
  return why === "overflow" ? "more bytes than are kept" : "an answer that is not this protocol's";
}

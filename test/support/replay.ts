/**
 * @module Plays a recorded conversation to a probe, with the bytes cut in any way: the driver of tests, without sockets.
 */
import type { HttpPage, Inbox, ProbeContext, Protocol, TlsFacts, Verdict } from "../../src/protocols/index.ts";
import { Talk } from "../../src/protocols/index.ts";

/** What happened on a connection, in its order. `after` the last event the other side is silent or has ended. */
export interface Recording {
  readonly transport: "tcp" | "udp";
  readonly port: number;
  readonly host: string;
  readonly localAddress: string;
  readonly tls: TlsFacts | null;
  /** Applications on HTTP: what `GET /` brought. */
  readonly page: HttpPage | null;
  /** Seed of the random bytes that the probe was given. */
  readonly seed: number;
  readonly events: readonly RecordedEvent[];
  readonly after: "silent" | "ended" | "reset";
}

/** `receive` is what the server sent after everything before it had happened. Bytes are hexadecimal. */
export type RecordedEvent =
  | { readonly kind: "send"; readonly bytes: string }
  | { readonly kind: "receive"; readonly bytes: string }
  | { readonly kind: "startTls"; readonly tls: TlsFacts | { readonly failed: string } };

/** Random bytes that a seed repeats (mulberry32). */
export function seededRandom(seed: number): (count: number) => Uint8Array {
  let state = seed >>> 0;
  return (count) =>
    Uint8Array.from({ length: count }, () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) & 255;
    });
}

/** What a replay gave: the verdict and everything the probe sent. */
export interface Replay {
  readonly verdict: Verdict;
  readonly sent: readonly string[];
  /** Times the probe was resumed. */
  readonly steps: number;
}

const mostSteps = 20_000;

/**
 * Runs the protocol's probe over a recording.
 * @param cut how each received piece is delivered; default: whole. Over UDP it is always whole.
 */
export function replay(
  protocol: Protocol,
  recording: Recording,
  cut: (bytes: Uint8Array) => readonly Uint8Array[] = (bytes) => [bytes],
): Replay {
  if (protocol.probe === undefined) throw new Error(`${protocol.id} has no probe`);
  const context: ProbeContext = {
    transport: recording.transport,
    port: recording.port,
    host: recording.host,
    localAddress: recording.localAddress,
    tls: recording.tls,
    page: recording.page,
    random: seededRandom(recording.seed),
  };
  const conversation = protocol.probe(new Talk(recording.transport), context);
  const events = [...recording.events];
  const pending: Uint8Array[] = [];
  const sent: string[] = [];
  const empty = new Uint8Array(0);
  /** Moves what the server sent at this point into `pending`. */
  const arrive = (): void => {
    while (events[0]?.kind === "receive") {
      const bytes = fromHex((events.shift() as { bytes: string }).bytes);
      pending.push(...(recording.transport === "udp" ? [bytes] : cut(bytes).filter((part) => part.length > 0)));
    }
  };
  arrive();
  let step = conversation.next();
  for (let steps = 1; steps < mostSteps; steps++) {
    if (step.done === true) return { verdict: step.value, sent, steps };
    const wish = step.value;
    let inbox: Inbox = { bytes: empty, state: "open" };
    if (wish.kind === "send") {
      sent.push(toHex(wish.bytes));
      if (events[0]?.kind === "send") events.shift();
      arrive();
    } else if (wish.kind === "startTls") {
      const event = events[0]?.kind === "startTls" ? events.shift() : undefined;
      const tls = event?.kind === "startTls" ? event.tls : { failed: "not in the recording" };
      pending.length = 0;
      inbox = { bytes: empty, state: "open", tls };
      arrive();
    } else {
      const bytes = pending.shift();
      if (bytes !== undefined) inbox = { bytes, state: "open" };
      else inbox = { bytes: empty, state: events.length > 0 ? "silent" : recording.after };
    }
    step = conversation.next(inbox);
  }
  throw new Error(`${protocol.id} took more than ${mostSteps} steps`);
}

/** Hexadecimal text as bytes; blanks are skipped. */
export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s+/g, ""), "hex"));
}

/** Bytes as hexadecimal text. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** A recording of a plain exchange over TCP: texts are Latin-1. `>` sends, `<` receives. */
export function recordingOf(
  lines: readonly (readonly [">" | "<", string | Uint8Array])[],
  options: Partial<Recording> = {},
): Recording {
  return {
    transport: "tcp",
    port: 1,
    host: "127.0.0.1",
    localAddress: "127.0.0.1",
    tls: null,
    page: null,
    seed: 1,
    after: "silent",
    events: lines.map(([direction, data]) => ({
      kind: direction === ">" ? "send" : "receive",
      bytes: toHex(typeof data === "string" ? Buffer.from(data, "latin1") : data),
    })),
    ...options,
  };
}

/**
 * @module Laws that every probe keeps: the same verdict however the bytes are cut, and no reply that makes it throw, run on or believe
 * noise. Over all captures and every protocol of the table.
 *
 * PORTOLAN_FUZZ_RUNS: broken replies per protocol, default 300. PORTOLAN_FUZZ_SEED: repeats a run; each run prints its own.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { listCaptures, readCapture } from "../../test/support/captures.ts";
import {
  fromHex,
  recordingOf,
  replay,
  seededRandom,
  toHex,
  type RecordedEvent,
  type Recording,
  type Replay,
} from "../../test/support/replay.ts";
import { protocols, type HttpPage, type Protocol } from "./index.ts";

const runs = Number(process.env["PORTOLAN_FUZZ_RUNS"] ?? 300);
const seed = Number(process.env["PORTOLAN_FUZZ_SEED"] ?? Date.now() % 2 ** 31);
/** Times a probe may be resumed in one conversation, its replies in a few pieces. */
const mostSteps = 2000;
/** Captures with more received bytes than this are cut at every byte of their first and last quarter of it, and at some between. */
const mostCuts = 2000;
/** Milliseconds: captures can be long, and the machine busy. */
const patience = { timeout: 60_000 + runs * 100 };

const probed = protocols.filter((protocol) => protocol.probe !== undefined);

/** What must not depend on how the bytes were cut. */
function outcomeOf({ verdict, sent }: Replay): unknown {
  return { verdict: { ...verdict, page: undefined }, sent };
}

/** Cuts the whole of what is received, taken as one stream, once. */
function cutAt(position: number): (bytes: Uint8Array) => readonly Uint8Array[] {
  let before = 0;
  return (bytes) => {
    const at = position - before;
    before += bytes.length;
    return at > 0 && at < bytes.length ? [bytes.subarray(0, at), bytes.subarray(at)] : [bytes];
  };
}

function eachByte(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

function receivedLength(recording: Recording): number {
  return recording.events.reduce((sum, event) => sum + (event.kind === "receive" ? event.bytes.length / 2 : 0), 0);
}

function cutPositions(length: number): readonly number[] {
  const all = Array.from({ length: Math.max(0, length - 1) }, (_, index) => index + 1);
  if (length <= mostCuts) return all;
  const [edge, stride] = [mostCuts / 4, Math.ceil(length / mostCuts) * 2 + 1];
  return all.filter((at) => at <= edge || at >= length - edge || at % stride === 0);
}

/** Everything that a verdict promises, whatever came. */
function checkVerdict(protocol: Protocol, { verdict, steps }: Replay): void {
  expect(steps).toBeLessThanOrEqual(mostSteps);
  expect(["proved", "suggested", "other", "silent"]).toContain(verdict.outcome);
  expect(verdict.evidence).not.toBe("");
  if (!("facts" in verdict)) return;
  const claimed = new Set<string>(protocol.text.claims.map((claim) => claim.fact));
  for (const { name, value, from } of verdict.facts) {
    expect(from).not.toBe("");
    expect(claimed).toContain(name);
    if (typeof value === "string") expect(value.length).toBeLessThanOrEqual(256);
    if (!Array.isArray(value)) continue;
    expect(value.length).toBeLessThanOrEqual(64);
    for (const one of value as readonly string[]) expect(one.length).toBeLessThanOrEqual(256);
  }
}

test("every probe has met a real server, or what its documents say of one", () => {
  expect(probed.filter(({ id }) => listCaptures(id).length === 0).map(({ id }) => id)).toEqual([]);
});

describe.each(probed.filter(({ id }) => listCaptures(id).length > 0))("captures of $id", (protocol) => {
  test.for(listCaptures(protocol.id))("%s: the same however it is cut", patience, (name) => {
    const capture = readCapture(protocol.id, name);
    const whole = replay(protocol, capture);
    expect(["proved", "suggested", "other"]).toContain(whole.verdict.outcome);
    checkVerdict(protocol, whole);
    const expected = outcomeOf(whole);
    expect(outcomeOf(replay(protocol, capture, eachByte))).toEqual(expected);
    if (capture.transport === "udp") return;
    // Compared as text: thousands of deep comparisons take seconds.
    const text = JSON.stringify(expected);
    for (const position of cutPositions(receivedLength(capture))) {
      const cut = JSON.stringify(outcomeOf(replay(protocol, capture, cutAt(position))));
      if (cut !== text) expect.fail(`cut after byte ${position}:\n${cut}\nwhole:\n${text}`);
    }
  });
});

/** All of these are spoken by web servers: a capture of one may be true of another. */
function isWeb({ id, over }: Protocol): boolean {
  return over === "http" || ["http", "http2", "grpc", "websocket"].includes(id);
}

describe.each(probed.filter(({ over }) => over === "transport"))("captures of others, to $id", (protocol) => {
  test("none proves it", patience, () => {
    for (const other of protocols) {
      if (other === protocol || (isWeb(other) && isWeb(protocol))) continue;
      for (const name of listCaptures(other.id)) {
        const capture = readCapture(other.id, name);
        // Inside it there is TLS, and the replay answers its handshake.
        if (protocol.id === "tls" && capture.events.some(({ kind }) => kind === "startTls")) continue;
        const { verdict } = replay(protocol, capture);
        if (verdict.outcome === "proved") expect.fail(`${other.id}/${name}: ${verdict.evidence}`);
      }
    }
  });
});

/** First bytes of one side in every capture, up to what `recognise` is given. */
const openings = protocols.flatMap(({ id }) =>
  listCaptures(id).flatMap((name) => {
    const { events, transport } = readCapture(id, name);
    return (["send", "receive"] as const).map((kind) => {
      const event = events.find((candidate) => candidate.kind === kind);
      const bytes = event?.kind === kind ? fromHex(event.bytes).subarray(0, 512) : new Uint8Array(0);
      return { id, name, transport, kind, isFirst: events[0] === event, bytes };
    });
  }),
);

/** The answers to a growing piece: they may go from `more` to another, once. @returns the last one */
function lastAnswer(bytes: Uint8Array, where: string, answer: (bytes: Uint8Array) => string): string {
  let last = "more";
  for (let length = 0; length <= bytes.length; length++) {
    const next = answer(bytes.subarray(0, length));
    expect(["match", "no", "more"]).toContain(next);
    if (last !== "more" && next !== last) expect.fail(`${where}: ${last}, but after ${length} bytes ${next}`);
    last = next;
  }
  return last;
}

describe.each(protocols.filter(({ recognise }) => recognise !== undefined))("what $id recognises", (protocol) => {
  test("it does not change its mind, and knows its own greeting", patience, () => {
    for (const { id, name, kind, isFirst, bytes } of openings) {
      if (kind !== "receive") continue;
      const last = lastAnswer(bytes, `${id}/${name}`, protocol.recognise!);
      if (id === protocol.id && isFirst && protocol.speaksFirst === "server")
        expect([name, last]).toEqual([name, "match"]);
    }
  });
});

describe.each(protocols.filter(({ sniff }) => sniff !== undefined))("what $id sniffs", (protocol) => {
  test("it does not change its mind, and knows its own probe", patience, () => {
    for (const { id, name, transport, kind, isFirst, bytes } of openings) {
      if (kind !== "send") continue;
      const ask = (start: Uint8Array): string => protocol.sniff!(start, transport).verdict;
      // A datagram comes whole.
      const last = transport === "udp" ? ask(bytes) : lastAnswer(bytes, `${id}/${name}`, ask);
      // Redis is asked in the short form that people type; its clients write arrays.
      const isOwn = id === protocol.id && id !== "redis" && isFirst && protocol.speaksFirst === "client";
      if (isOwn) expect([name, last]).toEqual([name, "match"]);
    }
  });
});

/** What servers and those who mean harm put into replies. */
const hostilePieces: readonly Uint8Array[] = [
  "\0",
  "\u001b[31m\u001b]0;title\u0007",
  "<script>alert(1)</script>",
  "\r\n",
  "\n\n\n",
  "\u00ff\u00fe\u00ff",
  "\u00c3(",
  "%s%n",
  "2147483648",
  "-1",
  "999999999999999999999",
  "{".repeat(2000),
  "[".repeat(2000),
  "((".repeat(1000),
  "A".repeat(5000),
  "220-",
  "* OK [CAPABILITY ",
  "\u0000\u0000\u0000\u0000",
  "\u00ff\u00ff\u00ff\u00ff",
].map((text) => new Uint8Array(Buffer.from(text, "latin1")));

interface Mutation {
  readonly kind: "flip" | "insert" | "remove" | "repeat" | "truncate" | "fill";
  /** Where, and how much, as shares of the length. */
  readonly at: number;
  readonly size: number;
  readonly byte: number;
}

const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Mutation["kind"]>("flip", "flip", "insert", "remove", "repeat", "truncate", "fill"),
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    size: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    byte: fc.integer({ min: 0, max: 255 }),
  }),
  { minLength: 1, maxLength: 6 },
);

function mutate(bytes: Uint8Array, { kind, at, size, byte }: Mutation): Uint8Array {
  const start = Math.floor(at * bytes.length);
  // Small pieces are broken more often than large ones.
  const end = Math.min(bytes.length, start + 1 + Math.floor(size ** 4 * (bytes.length - start)));
  const [head, middle, tail] = [bytes.subarray(0, start), bytes.subarray(start, end), bytes.subarray(end)];
  const hostile = hostilePieces[byte % hostilePieces.length]!;
  const parts = {
    flip: () => [head, Uint8Array.of((middle[0] ?? 0) ^ (byte | 1)), bytes.subarray(start + 1)],
    insert: () => [head, byte < 128 ? hostile : Uint8Array.of(byte), middle, tail],
    remove: () => [head, tail],
    repeat: () => [head, ...Array.from({ length: 1 + (byte % 4) }, () => middle), tail],
    truncate: () => [head],
    fill: () => [head, middle.map(() => byte), tail],
  };
  return new Uint8Array(Buffer.concat(parts[kind]()).subarray(0, 200_000));
}

/** The events with mutations spread over what is received. */
function breakEvents(events: readonly RecordedEvent[], changes: readonly Mutation[]): readonly RecordedEvent[] {
  const received = events.flatMap((event, index) => (event.kind === "receive" ? [index] : []));
  if (received.length === 0) return events;
  const broken = [...events];
  for (const change of changes) {
    const index = received[change.byte % received.length]!;
    const event = broken[index]!;
    if (event.kind !== "receive") continue;
    broken[index] = { kind: "receive", bytes: toHex(mutate(fromHex(event.bytes), change)) };
  }
  return broken;
}

/** Three pieces of about one size. */
function inPieces(bytes: Uint8Array): readonly Uint8Array[] {
  const size = Math.max(1, Math.ceil(bytes.length / 3));
  return [bytes.subarray(0, size), bytes.subarray(size, 2 * size), bytes.subarray(2 * size)];
}

const emptyPage: HttpPage = { httpVersion: "1.1", status: 200, headers: new Map(), body: "", keepsAlive: true };

/** A conversation in which every answer is noise. */
function randomRecording(protocol: Protocol, random: (count: number) => Uint8Array): Recording {
  const [count = 0, transport = 0, ...lengths] = random(8);
  const events = lengths.slice(0, 1 + (count % 4)).map((length) => ["<", random(length)] as const);
  const hasUdp = protocol.datagram !== undefined;
  const hasTcp = protocol.usualPorts.some((usual) => usual.transport === "tcp");
  // Before each answer the probe sends something; what it does not wait for arrives at once.
  return recordingOf(
    events.flatMap((event) => [event, [">", ""] as const]),
    {
      transport: hasUdp && (!hasTcp || transport % 2 === 0) ? "udp" : "tcp",
      port: protocol.usualPorts[0]?.port ?? 1,
      page: protocol.over === "http" ? emptyPage : null,
      seed: count + transport * 256,
      after: count % 3 === 0 ? "ended" : count % 3 === 1 ? "reset" : "silent",
    },
  );
}

describe.each(probed)("broken replies to $id", (protocol) => {
  const captures = listCaptures(protocol.id).map((name) => readCapture(protocol.id, name));

  test.skipIf(captures.length === 0)(`mutated captures (seed ${seed})`, patience, () => {
    fc.assert(
      fc.property(fc.constantFrom(...captures), mutations, fc.boolean(), (capture, changes, isCut) => {
        const recording = { ...capture, events: breakEvents(capture.events, changes) };
        checkVerdict(protocol, replay(protocol, recording, isCut ? inPieces : undefined));
      }),
      { numRuns: runs, seed },
    );
  });

  test(`noise proves nothing (seed ${seed})`, patience, () => {
    const random = seededRandom(seed);
    for (let run = 0; run < runs; run++) {
      const recording = randomRecording(protocol, random);
      const played = replay(protocol, recording);
      checkVerdict(protocol, played);
      if (played.verdict.outcome === "proved") {
        expect.fail(`run ${run} of seed ${seed} proved it: ${JSON.stringify(recording.events)}`);
      }
    }
  });

  test("silence, endings, long lines and other protocols' answers", patience, () => {
    const transport = protocol.datagram === undefined ? "tcp" : "udp";
    const page = protocol.over === "http" ? emptyPage : null;
    for (const after of ["silent", "ended", "reset"] as const) {
      const { verdict } = replay(protocol, recordingOf([], { transport, page, after }));
      expect(["silent", "other"]).toContain(verdict.outcome);
    }
    for (const text of ["A".repeat(100_000), "\r\n".repeat(50_000), "\0".repeat(100_000), "220-x\r\n".repeat(20_000)]) {
      const played = replay(protocol, recordingOf([["<", text]], { transport, page }));
      checkVerdict(protocol, played);
      expect(played.verdict.outcome).not.toBe("proved");
    }
  });
});

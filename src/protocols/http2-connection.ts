/**
 * @module One request over a connection of HTTP/2 (RFC 9113), within strict bounds: for probes of HTTP/2 and of gRPC.
 */
import { encodeFields, HpackDecoder, type HeaderField } from "./hpack.ts";
import { hostField, joinBytes, pagePatienceMs } from "./http-message.ts";
import type { Conversation, ProbeContext } from "./protocol.ts";
import { latin1Bytes, usualPatienceMs, type Ending, type Parsed, type Talk } from "./talk.ts";

/** What a client sends first (RFC 9113 §3.4). */
export const connectionPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Largest frame while no other size was agreed (RFC 9113 §4.2), bytes. */
const largestFrame = 16_384;

/** Most frames of one answer that are read. */
const mostFrames = 256;

/** Most SETTINGS and PING frames that are answered: a server that sends more is left (RFC 9113 §10.5). */
const mostAnswers = 16;

/** Largest header block, bytes. */
const largestBlock = 32 * 1024;

/** A server may send that much of a body while no more is allowed to it (RFC 9113 §6.9.2), bytes. */
const firstWindow = 65_535;

/** How long a body may pause, milliseconds. */
const bodyPatienceMs = 1000;

/** Stream of the only request. */
const stream = 1;

const Data = 0;
const Headers = 1;
const Reset = 3;
const Settings = 4;
const PushPromise = 5;
const Ping = 6;
const GoAway = 7;
const Continuation = 9;

const endStream = 1;
const acknowledge = 1;
const endHeaders = 4;
const padded = 8;
const withPriority = 32;

/** One frame (RFC 9113 §4.1). */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

/** What came in answer. */
export interface Http2Answer {
  /** The first frame was SETTINGS on stream 0: a server of HTTP/2. */
  readonly isHttp2: boolean;
  /** Fields of the final response; `null` when none came or they could not be read. */
  readonly fields: ReadonlyMap<string, string> | null;
  /** Fields after the body; empty when there are none. */
  readonly trailers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
  /** Why nothing came, when nothing did. */
  readonly why: Ending | null;
}

/** A frame as bytes. */
export function encodeFrame(type: number, flags: number, streamId: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const header = [length >> 16, length >> 8, length, type, flags, 0, 0, streamId >> 8, streamId];
  return joinBytes([Uint8Array.from(header.map((part) => part & 255)), payload]);
}

/** One whole frame; `null` for one larger than was allowed. */
export function parseFrame(bytes: Uint8Array): Parsed<Frame> {
  if (bytes.length < 3) return undefined;
  const length = bytes[0]! * 65_536 + bytes[1]! * 256 + bytes[2]!;
  if (length > largestFrame) return null;
  if (bytes.length < 9 + length) return undefined;
  const id = (bytes[5]! & 127) * 2 ** 24 + bytes[6]! * 65_536 + bytes[7]! * 256 + bytes[8]!;
  const value = { type: bytes[3]!, flags: bytes[4]!, stream: id, payload: bytes.subarray(9, 9 + length) };
  return { value, length: 9 + length };
}

/** Start of a server's connection: SETTINGS on stream 0, no acknowledgement, whole settings of six bytes each. */
export function recogniseSettings(bytes: Uint8Array): "match" | "no" | "more" {
  const rules: readonly ((value: number) => boolean)[] = [
    (value) => value === 0,
    (value) => value === 0,
    (value) => value % 6 === 0,
    (value) => value === Settings,
    (value) => value === 0,
    (value) => (value & 127) === 0,
    (value) => value === 0,
    (value) => value === 0,
    (value) => value === 0,
  ];
  const fits = rules.every((rule, index) => index >= bytes.length || rule(bytes[index]!));
  if (!fits) return "no";
  return bytes.length >= rules.length ? "match" : "more";
}

function parseSettings(bytes: Uint8Array): Parsed<Frame> {
  return recogniseSettings(bytes) === "no" ? null : parseFrame(bytes);
}

/** Sends one request with the fields, and perhaps a body, and reads the answer; then says goodbye. */
export function* requestHttp2(
  talk: Talk,
  context: ProbeContext,
  request: { readonly method: string; readonly path: string; readonly fields?: readonly HeaderField[] },
  body: Uint8Array | null = null,
): Conversation<Http2Answer> {
  const block = encodeFields([
    [":method", request.method],
    [":scheme", context.tls === null ? "http" : "https"],
    [":path", request.path],
    [":authority", hostField(context)],
    ["user-agent", "portolan"],
    ...(request.fields ?? []),
  ]);
  const opening = [latin1Bytes(connectionPreface), encodeFrame(Settings, 0, 0, new Uint8Array(0))];
  opening.push(encodeFrame(Headers, endHeaders | (body === null ? endStream : 0), stream, block));
  if (body !== null) opening.push(encodeFrame(Data, endStream, stream, body));
  yield* talk.send(joinBytes(opening));

  const first = yield* talk.read(parseSettings, usualPatienceMs);
  if (!first.ok) {
    const why = first.seen.length === 0 ? first.why : "malformed";
    return { isHttp2: false, fields: null, trailers: new Map(), body: new Uint8Array(0), why };
  }
  const response = new ResponseReader();
  yield* answerFrames(talk, first.value, response);
  if (talk.open) {
    // No stream of the server's was seen, no error: 0 and 0 (RFC 9113 §6.8).
    yield* talk.send(encodeFrame(GoAway, 0, 0, new Uint8Array(8)));
  }
  const { fields, trailers } = response;
  return { isHttp2: true, fields, trailers, body: joinBytes(response.parts), why: null };
}

/** Reads frames until the response is whole, or cannot become so. */
function* answerFrames(talk: Talk, first: Frame, response: ResponseReader): Conversation<void> {
  let answers = 0;
  let frame = first;
  for (let count = 0; count < mostFrames; count++) {
    const reply = answerTo(frame);
    if (reply !== null) {
      answers += 1;
      if (answers > mostAnswers) return;
      yield* talk.send(reply);
    }
    if (!response.take(frame) || response.done) return;
    const next = yield* talk.read(parseFrame, response.fields === null ? pagePatienceMs : bodyPatienceMs);
    if (!next.ok) return;
    frame = next.value;
  }
}

/** What a frame must be answered with (RFC 9113 §6.5.3, §6.7); `null` for nothing. */
function answerTo({ type, flags, stream: id, payload }: Frame): Uint8Array | null {
  if (id !== 0 || (flags & acknowledge) !== 0) return null;
  if (type === Settings) return encodeFrame(Settings, acknowledge, 0, new Uint8Array(0));
  return type === Ping && payload.length === 8 ? encodeFrame(Ping, acknowledge, 0, payload) : null;
}

/** Puts the response together from frames. */
class ResponseReader {
  fields: ReadonlyMap<string, string> | null = null;
  trailers: ReadonlyMap<string, string> = new Map<string, string>();
  readonly parts: Uint8Array[] = [];
  done = false;
  readonly #decoder = new HpackDecoder();
  #block: Uint8Array[] | null = null;
  #blockSize = 0;
  #endsStream = false;
  #bodySize = 0;

  /** False: a rule was broken, or nothing more can come. */
  take(frame: Frame): boolean {
    const { type, flags, payload } = frame;
    // Between HEADERS and its end nothing else may come (RFC 9113 §6.10).
    if ((this.#block !== null) !== (type === Continuation)) return false;
    if (type === GoAway) return payload.length >= 8 && lastStreamOf(payload) >= stream;
    if (type === PushPromise) return false;
    if (frame.stream !== stream) return type !== Headers && type !== Continuation && type !== Data;
    if (type === Reset) return false;
    if (type === Data) return this.#takeData(frame);
    if (type === Headers) {
      const fragment = withoutPadding(frame, (flags & withPriority) === 0 ? 0 : 5);
      if (fragment === null) return false;
      this.#endsStream = (flags & endStream) !== 0;
      this.#block = [];
      this.#blockSize = 0;
      return this.#takeFragment(fragment, flags);
    }
    return type === Continuation ? this.#takeFragment(payload, flags) : true;
  }

  #takeData(frame: Frame): boolean {
    const data = withoutPadding(frame, 0);
    if (data === null || this.fields === null) return false;
    this.parts.push(data);
    this.#bodySize += frame.payload.length;
    this.done = (frame.flags & endStream) !== 0;
    return this.#bodySize < firstWindow || this.done;
  }

  #takeFragment(fragment: Uint8Array, flags: number): boolean {
    this.#block!.push(fragment);
    this.#blockSize += fragment.length;
    if (this.#blockSize > largestBlock) return false;
    if ((flags & endHeaders) === 0) return true;
    const decoded = this.#decoder.decode(joinBytes(this.#block!));
    this.#block = null;
    if (decoded === null) return false;
    const fields = joinFields(decoded);
    if (this.fields !== null) this.trailers = fields;
    else {
      const status = fields.get(":status") ?? "";
      if (!/^[1-9]\d\d$/.test(status)) return false;
      // Interim responses are skipped (RFC 9113 §8.1).
      if (!status.startsWith("1")) this.fields = fields;
    }
    this.done = this.#endsStream;
    return true;
  }
}

/** Payload without padding and without what stands before the data; `null` when they do not fit (RFC 9113 §6.1, §6.2). */
function withoutPadding({ flags, payload }: Frame, before: number): Uint8Array | null {
  const isPadded = (flags & padded) !== 0;
  const start = (isPadded ? 1 : 0) + before;
  const end = payload.length - (isPadded ? (payload[0] ?? 0) : 0);
  return start > end ? null : payload.subarray(start, end);
}

function lastStreamOf(payload: Uint8Array): number {
  return (payload[0]! & 127) * 2 ** 24 + payload[1]! * 65_536 + payload[2]! * 256 + payload[3]!;
}

function joinFields(fields: readonly HeaderField[]): ReadonlyMap<string, string> {
  const joined = new Map<string, string>();
  for (const [name, value] of fields) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return joined;
}

/**
 * @module DNS messages as far as a probe needs them (RFC 1035 §4): one question, and the first text record of an answer.
 */
import { latin1Bytes, latin1Text } from "./talk.ts";

/** Bytes of a header (RFC 1035 §4.1.1). */
export const headerLength = 12;

/** Most labels and pointers that are followed in one name. */
const mostLabels = 128;

/** Most records that are looked at in one answer. */
const mostRecords = 16;

/** Type and class of a question (RFC 1035 §3.2). */
export interface Question {
  /** Labels of the name, none for the root. */
  readonly labels: readonly string[];
  readonly type: number;
  readonly class: number;
}

/** The question in wire form (RFC 1035 §4.1.2). */
export function encodeQuestion({ labels, type, class: kind }: Question): Uint8Array {
  const bytes: number[] = [];
  for (const label of labels) bytes.push(label.length, ...latin1Bytes(label));
  bytes.push(0, type >> 8, type & 255, kind >> 8, kind & 255);
  return Uint8Array.from(bytes);
}

/** A query with one question and every flag 0, also "recursion desired". */
export function encodeQuery(id: Uint8Array, question: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerLength + question.length);
  bytes.set(id.subarray(0, 2));
  bytes[5] = 1;
  bytes.set(question, headerLength);
  return bytes;
}

/** What a header tells. */
export interface Reply {
  readonly bytes: Uint8Array;
  /** 0–15 (RFC 1035 §4.1.1, RCODE). */
  readonly code: number;
  readonly recursionAvailable: boolean;
  /** False for a bare header, which a server sends that did not read the question. */
  readonly echoesQuestion: boolean;
  readonly answers: number;
}

/**
 * Reads a whole message as the reply to a query.
 * @returns `null` when it is not: another id, no reply, another question
 */
export function readReply(bytes: Uint8Array, id: Uint8Array, question: Uint8Array): Reply | null {
  if (bytes.length < headerLength || bytes[0] !== id[0] || bytes[1] !== id[1]) return null;
  const flags = bytes[2]!;
  const more = bytes[3]!;
  // QR set, opcode 0; the reserved bit Z is 0 in every reply.
  if ((flags & 0xf8) !== 0x80 || (more & 0x40) !== 0) return null;
  const code = more & 15;
  const questions = number16(bytes, 4);
  const answers = number16(bytes, 6);
  const reply = { bytes, code, recursionAvailable: (more & 0x80) !== 0, answers };
  if (questions === 0) {
    return bytes.length === headerLength && answers === 0 && code !== 0 ? { ...reply, echoesQuestion: false } : null;
  }
  if (questions !== 1 || bytes.length < headerLength + question.length) return null;
  for (let index = 0; index < question.length; index++) {
    if (lowerCase(bytes[headerLength + index]!) !== lowerCase(question[index]!)) return null;
  }
  return { ...reply, echoesQuestion: true };
}

/** The first character string of the first text record (RFC 1035 §3.3.14) among the answers, Latin-1; `null` for none. */
export function readText({ bytes, answers }: Reply, question: Uint8Array): string | null {
  let at = headerLength + question.length;
  for (let count = 0; count < Math.min(answers, mostRecords); count++) {
    const end = skipName(bytes, at);
    if (end === null || end + 10 > bytes.length) return null;
    const length = number16(bytes, end + 8);
    const start = end + 10;
    if (start + length > bytes.length) return null;
    if (number16(bytes, end) === 16 && length > 0) {
      const size = bytes[start]!;
      return size < length ? latin1Text(bytes.subarray(start + 1, start + 1 + size)) : null;
    }
    at = start + length;
  }
  return null;
}

/** Where the bytes after a name begin (RFC 1035 §4.1.4); `null` when it does not end within the message. */
export function skipName(bytes: Uint8Array, start: number): number | null {
  let at = start;
  for (let count = 0; count < mostLabels; count++) {
    const length = bytes[at];
    if (length === undefined) return null;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2 <= bytes.length ? at + 2 : null;
    if (length > 63) return null;
    at += 1 + length;
  }
  return null;
}

/** Big-endian. */
export function number16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}

function lowerCase(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

/**
 * @module Replies of FTP and SMTP: a code of three digits, over one line or several (RFC 959 §4.2, RFC 5321 §4.2.1).
 */
import type { Conversation } from "./protocol.ts";
import { parseLine, type Reading, type Talk } from "./talk.ts";

/** A whole reply. */
export interface Reply {
  readonly code: number;
  /** Text of each line, without codes. */
  readonly lines: readonly string[];
}

const mostLines = 128;

/**
 * Reads one reply.
 * @param form `smtp`: every line carries the code. `ftp`: lines in between may be anything.
 */
export function* readReply(talk: Talk, form: "ftp" | "smtp", patienceMs?: number): Conversation<Reading<Reply>> {
  const lines: string[] = [];
  let code: string | undefined;
  for (let count = 0; count < mostLines; count++) {
    const line = yield* talk.read(parseLine, patienceMs);
    // What came before the end is an answer too, though not a whole one.
    if (!line.ok) return line.seen.length === 0 && count > 0 ? malformed(lines[0]!) : line;
    const match = /^([1-5]\d\d)([ -]|$)(.*)$/.exec(line.value);
    if (code === undefined) {
      if (match === null) return malformed(line.value);
      code = match[1]!;
      lines.push(match[3]!);
      if (match[2] !== "-") return { ok: true, value: { code: Number(code), lines } };
      continue;
    }
    if (match !== null && match[1] === code && match[2] !== "-") {
      lines.push(match[3]!);
      return { ok: true, value: { code: Number(code), lines } };
    }
    if (form === "smtp" && match?.[1] !== code) return malformed(line.value);
    lines.push(match?.[1] === code ? match[3]! : line.value);
  }
  return { ok: false, why: "overflow", seen: new Uint8Array(1) };
}

function malformed(text: string): Reading<Reply> {
  // Never empty: an empty line is an answer.
  return { ok: false, why: "malformed", seen: new TextEncoder().encode(`${text.slice(0, 256)}\n`) };
}

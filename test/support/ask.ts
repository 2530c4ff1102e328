/**
 * @module Asks a probe with written replies: short tests of what one answer or another makes of it.
 */
import type { Protocol, Verdict } from "../../src/protocols/index.ts";
import { recordingOf, replay, type Recording } from "./replay.ts";

/** What came of it. */
export interface Interview {
  readonly verdict: Verdict;
  /** What the probe sent, as Latin-1 text. */
  readonly sent: readonly string[];
}

/** Plays these replies, one to each thing that the probe sends; the first one is a greeting where the server speaks first. */
export function ask(
  protocol: Protocol,
  replies: readonly (string | Uint8Array)[],
  options: Partial<Recording> = {},
): Interview {
  const isGreeting = protocol.speaksFirst === "server";
  const events = replies.flatMap((reply, index) =>
    index === 0 && isGreeting ? [["<", reply] as const] : [[">", ""] as const, ["<", reply] as const],
  );
  const { verdict, sent } = replay(protocol, recordingOf(events, options));
  return { verdict, sent: sent.map((hex) => Buffer.from(hex, "hex").toString("latin1")) };
}

/** The facts of a verdict by name; none for a verdict without any. */
export function factsOf(verdict: Verdict): Readonly<Record<string, unknown>> {
  return "facts" in verdict ? Object.fromEntries(verdict.facts.map(({ name, value }) => [name, value])) : {};
}

/** Answers of a `sniff` or a `recognise` to each text, Latin-1. */
export function answersTo(
  answer: (bytes: Uint8Array) => string | { readonly verdict: string },
  texts: readonly string[],
): readonly string[] {
  return texts.map((text) => {
    const given = answer(new Uint8Array(Buffer.from(text, "latin1")));
    return typeof given === "string" ? given : given.verdict;
  });
}

/**
 * @module Asks a probe with written replies: short tests of what one answer or another makes of it.
 */
import type { ProbeTransport, Protocol, Verdict } from "../../src/protocols/index.ts";
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

/** Texts by what is answered to them. */
export interface AnswerGroups {
  readonly match: readonly string[];
  readonly more: readonly string[];
  readonly no: readonly string[];
}

/** Asks a `recognise` or a `sniff` for all of these texts, Latin-1, and groups them by its answers: equal, where the groups were right. */
export function groupByAnswer(
  answer: (bytes: Uint8Array, transport: ProbeTransport) => string | { readonly verdict: string },
  groups: AnswerGroups,
  transport: ProbeTransport = "tcp",
): AnswerGroups {
  const given = [...groups.match, ...groups.more, ...groups.no].map((text) => {
    const said = answer(new Uint8Array(Buffer.from(text, "latin1")), transport);
    return { text, said: typeof said === "string" ? said : said.verdict };
  });
  const textsOf = (said: string): string[] => given.filter((one) => one.said === said).map(({ text }) => text);
  return { match: textsOf("match"), more: textsOf("more"), no: textsOf("no") };
}

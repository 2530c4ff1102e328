/**
 * @module One protocol asked on one connection.
 */
import { askCautiously, type HttpPage, type Protocol, type Talk, type Verdict } from "../../protocols/index.ts";
import type { IdentifiedLayer } from "../identification.ts";
import type { Channel } from "./channel.ts";
import type { Inquiry } from "./inquiry.ts";

/** A connection with the side of it that probes see. */
export interface Line {
  readonly channel: Channel;
  readonly talk: Talk;
}

/**
 * A way to get a fresh connection at the layer that is being asked; `null`: none is to be had, or the limit is reached.
 * @param alpn inside TLS: what to offer; default what the first connection offered
 */
export type Connect = (alpn?: readonly string[]) => Promise<Line | null>;

/** How long a web server is waited for that nothing speaks for: it may think before it answers. Milliseconds. */
const webPatienceMs = 3000;

/** Asks, and notes that it was asked. */
export async function ask(
  inquiry: Inquiry,
  { channel, talk }: Line,
  protocol: Protocol,
  how: { readonly cautious?: boolean; readonly blind?: boolean; readonly page?: HttpPage } = {},
): Promise<Verdict> {
  inquiry.asked.push(protocol.id);
  const context = inquiry.context(channel, how.page ?? null);
  const conversation = how.cautious === true ? askCautiously(talk, context) : protocol.probe!(talk, context);
  // Applications may think before they answer; other servers answer a hello at once, if it is theirs.
  const patienceMs = how.blind !== true ? undefined : protocol.id === "http" ? webPatienceMs : inquiry.blindPatienceMs;
  return channel.drive(conversation, inquiry.options.nowMs, patienceMs);
}

/** What a verdict adds to an identification. */
export function describeLayer(
  protocol: Protocol,
  verdict: Extract<Verdict, { outcome: "proved" | "suggested" }>,
): IdentifiedLayer {
  return {
    protocol: protocol.id,
    title: protocol.title,
    strength: verdict.outcome === "proved" ? "strong" : "weak",
    evidence: verdict.evidence,
    facts: verdict.facts,
  };
}

/**
 * @module What a finding is.
 */
import type { DoctorFacts } from "./facts.ts";

/** Every kind of finding. Names are permanent. */
export const findingKinds = [
  "name-unresolved",
  "name-elsewhere",
  "gateway-not-running",
  "gateway-other-port",
  "route-missing",
  "route-target-down",
  "process-stopped",
  "backlog-full",
  "process-hung",
  "firewall",
  "firewall-suspected",
  "container-not-published",
  "container-loopback",
  "container-port-silent",
  "other-namespace",
  "loopback-only",
  "ipv4-only",
  "ipv6-only",
  "other-address",
  "not-listening",
  "address-taken",
  "interface-down",
  "no-route",
  "wrong-network",
  "nobody-at-address",
  "remote-refuses",
  "remote-silent",
  "tls-expected",
  "tls-not-spoken",
  "wrong-protocol",
  "connection-reset",
  "no-answer",
  "host-not-allowed",
  "certificate-expired",
  "certificate-wrong-name",
  "certificate-untrusted",
  "proxy",
  "browser-refuses",
] as const;

export type FindingKind = (typeof findingKinds)[number];

/** How sure: `certain`: what was seen leaves no other reading; `likely`; `possible`. */
export type Sureness = "certain" | "likely" | "possible";

/** What to do. */
export interface Remedy {
  /** One sentence, or the beginning of one that the command ends. */
  readonly text: string;
  /** A command to run, a flag to add or an address to open; `null` when the text says it all. */
  readonly command: string | null;
}

/** One cause. */
export interface Finding {
  readonly kind: FindingKind;
  readonly sure: Sureness;
  /** One sentence. */
  readonly title: string;
  /** What was seen, one sentence or quoted line each. Raw. */
  readonly evidence: readonly string[];
  /** Best first. */
  readonly remedies: readonly Remedy[];
}

/** One kind's look at the facts. */
export type Look = (facts: DoctorFacts) => Finding | null;

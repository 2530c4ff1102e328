/**
 * @module All kinds of findings, in the order in which one explains the next: what is asked first is nearer to the cause.
 */
import { addressTaken } from "./address-taken.ts";
import { boundElsewhere } from "./bound-elsewhere.ts";
import { certificateRefused } from "./certificate.ts";
import { browserRefuses, proxyInTheWay } from "./client-side.ts";
import { containerLoopback, containerNotPublished, containerPortSilent, otherNamespace } from "./container.ts";
import type { DoctorFacts } from "./facts.ts";
import type { Finding, Look, Sureness } from "./finding.ts";
import { firewallRefuses, firewallSuspected } from "./firewall.ts";
import { gatewayNotRunning, gatewayOtherPort, routeMissing, routeTargetDown } from "./gateway.ts";
import { nameElsewhere, nameUnresolved } from "./name.ts";
import { interfaceDown, unreachable } from "./network.ts";
import { notListening } from "./not-listening.ts";
import { backlogFull, processHung, processStopped } from "./process.ts";
import { connectionReset, hostNotAllowed, noAnswer, tlsExpected, tlsNotSpoken, wrongProtocol } from "./spoken.ts";

const looks: readonly Look[] = [
  nameUnresolved,
  gatewayNotRunning,
  gatewayOtherPort,
  routeMissing,
  routeTargetDown,
  nameElsewhere,
  interfaceDown,
  processStopped,
  firewallRefuses,
  backlogFull,
  processHung,
  firewallSuspected,
  containerNotPublished,
  containerLoopback,
  containerPortSilent,
  boundElsewhere,
  otherNamespace,
  notListening,
  unreachable,
  tlsExpected,
  tlsNotSpoken,
  wrongProtocol,
  certificateRefused,
  hostNotAllowed,
  addressTaken,
  connectionReset,
  noAnswer,
  proxyInTheWay,
  browserRefuses,
];

const rank: Readonly<Record<Sureness, number>> = { certain: 0, likely: 1, possible: 2 };

/** Every finding, the surest first, among equals the nearer to the cause. Empty for what is healthy. */
export function diagnoseReach(facts: DoctorFacts): readonly Finding[] {
  return looks.flatMap((look) => look(facts) ?? []).toSorted((one, other) => rank[one.sure] - rank[other.sure]);
}

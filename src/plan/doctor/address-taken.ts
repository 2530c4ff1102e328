/**
 * @module Two programs share the port, and another one has the address that was asked.
 */
import { ipv4OfMapped, isWildcardAddress, knownOr } from "../../core/index.ts";
import { listensAt } from "../listens-at.ts";
import type { SeenService } from "./facts.ts";
import type { Look } from "./finding.ts";
import { boundTo, nameOf, placeAt, run, servicesAsked } from "./words.ts";

/** The more specific socket gets the connection, whoever asked for all addresses. */
export const addressTaken: Look = (facts) => {
  const { asked, attempts } = facts;
  const services = servicesAsked(facts);
  for (const { address, own } of attempts) {
    if (!own) continue;
    const taker = services.find(({ sockets }) =>
      sockets.some(({ local }) => (ipv4OfMapped(local.address) ?? local.address) === address),
    );
    const loser = services.find(
      (service) =>
        taker !== undefined &&
        !isSameKeeper(service, taker) &&
        service.sockets.some(
          (socket) => isWildcardAddress(socket.local.address) && listensAt(socket, address) === "yes",
        ),
    );
    if (taker === undefined || loser === undefined) continue;
    return {
      kind: "address-taken",
      sure: "likely",
      title: `Two programs share port ${asked.port}: at ${address} ${nameOf(taker)} answers, not ${nameOf(loser)}.`,
      evidence: [
        `${nameOf(taker)} is bound to ${boundTo(taker)}, which is more specific than ${boundTo(loser)} of ${nameOf(loser)}.`,
        "The kernel gives a connection to the most specific socket.",
      ],
      remedies: [
        run(
          "End the one that is not meant:",
          `portolan kill ${placeAt({ ...asked, scheme: null }, address, asked.port)}`,
        ),
        ...(address === "127.0.0.1" && loser.sockets.some(({ family }) => family === "ipv6")
          ? [run("Or open the other one by IPv6:", placeAt(asked, "::1", asked.port))]
          : []),
      ],
    };
  }
  return null;
};

function isSameKeeper(one: SeenService, other: SeenService): boolean {
  if (one === other) return true;
  const pids = new Set(knownOr(other.keepers, []).map(({ pid }) => pid));
  return knownOr(one.keepers, []).some(({ pid }) => pids.has(pid));
}

/**
 * @module Somebody listens at the port, but not at the address that was asked.
 */
import { ipv4OfMapped, isLoopbackAddress, type Socket } from "../../core/index.ts";
import { listensAt } from "../listens-at.ts";
import type { DoctorFacts, SeenService } from "./facts.ts";
import type { Finding, Look } from "./finding.ts";
import { listenAt, listenEverywhere } from "./listen-flags.ts";
import { boundTo, isOpen, joinWords, nameOf, placeAt, run, servicesAsked } from "./words.ts";

/** What is listened at, of one IP version or one set of addresses, is not what was asked. */
export const boundElsewhere: Look = (facts) => {
  const { attempts } = facts;
  const services = servicesAsked(facts);
  if (services.length === 0 || attempts.length === 0 || attempts.some(({ own }) => !own) || isOpen(facts)) return null;
  const sockets = services.flatMap((service) => service.sockets);
  if (attempts.some(({ address }) => sockets.some((socket) => listensAt(socket, address) !== "no"))) return null;
  const onLoopback = sockets.every(({ local }) => isLoopbackAddress(ipv4OfMapped(local.address) ?? local.address));
  if (onLoopback && attempts.every(({ address }) => !isLoopbackAddress(address))) return loopbackOnly(facts, services);
  const wanted = new Set(attempts.map(({ family }) => family));
  if (wanted.size === 1) {
    const family = attempts[0]!.family;
    if (sockets.every((socket) => !takes(socket, family))) return oneFamily(facts, services, sockets, family);
  }
  return otherAddress(facts, services);
};

/** Whether the socket could take traffic of the family at any address. */
function takes(socket: Socket, family: "ipv4" | "ipv6"): boolean {
  if (socket.family === "ipv4" || ipv4OfMapped(socket.local.address) !== undefined) return family === "ipv4";
  if (family === "ipv6") return true;
  return socket.local.address === "::" && !(socket.v6only?.known === true && socket.v6only.value);
}

function askedAddresses({ attempts }: DoctorFacts): string {
  return joinWords(attempts.map(({ address }) => address));
}

function seen(facts: DoctorFacts, services: readonly SeenService[]): string[] {
  return [
    ...services.map((service) => `${nameOf(service)} listens at ${boundTo(service)}, port ${service.port}.`),
    ...facts.attempts.map(({ address, outcome }) => `${address} answers ${outcome}.`),
  ];
}

function loopbackOnly(facts: DoctorFacts, services: readonly SeenService[]): Finding {
  const { asked } = facts;
  const [service] = services as [SeenService];
  return {
    kind: "loopback-only",
    sure: "certain",
    title: `${nameOf(service)} listens on loopback only: nobody reaches it at ${askedAddresses(facts)}.`,
    evidence: seen(facts, services),
    remedies: [
      listenEverywhere(service),
      run("On this machine itself, open:", placeAt(asked, "localhost", asked.port)),
    ],
  };
}

function oneFamily(
  facts: DoctorFacts,
  services: readonly SeenService[],
  sockets: readonly Socket[],
  family: "ipv4" | "ipv6",
): Finding {
  const { asked, name } = facts;
  const [service] = services as [SeenService];
  const [has, lacks] = family === "ipv6" ? (["IPv4", "IPv6"] as const) : (["IPv6", "IPv4"] as const);
  const v6only =
    family === "ipv4" &&
    sockets.some(({ local, v6only }) => local.address === "::" && v6only?.known === true && v6only.value);
  const answering = sockets[0]!.local.address;
  const wildcard = answering === "::" || answering === "0.0.0.0";
  const open = wildcard ? (family === "ipv6" ? "127.0.0.1" : "::1") : answering;
  const loopback = facts.attempts.every(({ address }) => isLoopbackAddress(address));
  return {
    kind: family === "ipv6" ? "ipv4-only" : "ipv6-only",
    sure: "certain",
    title: `${nameOf(service)} listens by ${has} only, and ${name === null ? askedAddresses(facts) : `${name.name} is ${askedAddresses(facts)}`}${name === null ? ` is ${lacks}` : ""}.`,
    evidence: [
      ...seen(facts, services),
      ...(v6only ? ["IPV6_V6ONLY is set on its socket, so that :: does not take IPv4."] : []),
      ...(name?.hostsLines ?? []).map(
        ({ line, address }) => `${name!.hostsPath}, line ${line}: ${address} ${name!.name}`,
      ),
    ],
    remedies: [
      ...(loopback || !wildcard ? [run("Open:", placeAt(asked, open, asked.port))] : []),
      wildcard ? listenEverywhere(service) : listenAt(service, facts.attempts[0]!.address),
    ],
  };
}

function otherAddress(facts: DoctorFacts, services: readonly SeenService[]): Finding {
  const { asked } = facts;
  const [service] = services as [SeenService];
  const address = service.sockets[0]!.local.address;
  return {
    kind: "other-address",
    sure: "certain",
    title: `${nameOf(service)} listens at ${boundTo(service)} only, not at ${askedAddresses(facts)}.`,
    evidence: seen(facts, services),
    remedies: [run("Open:", placeAt(asked, address, asked.port)), listenEverywhere(service)],
  };
}

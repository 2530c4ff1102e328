/**
 * @module Whom a scan asks: words, files and exclusions as addresses.
 */
import { PortolanError, isLoopbackAddress, quote, tryParseIpAddress, type EndpointHost } from "../core/index.ts";
import type { ScanTarget } from "../scan/index.ts";
import type { OperationContext } from "./operation.ts";

/** The part of the input that chooses targets. */
export interface TargetWishes {
  readonly targets?: readonly string[] | undefined;
}

/** Targets, this machine's own loopback addresses apart: they are asked at another pace and by default at more ports. */
export interface ChosenTargets {
  readonly own: readonly ScanTarget[];
  readonly others: readonly ScanTarget[];
}

/** This machine, when no target is given. */
const thisMachine = ["127.0.0.1", "::1"];

/** Addresses of an endpoint's host; no host, or every address, means this machine. */
export function addressesOfHost(host: EndpointHost, context: OperationContext): Promise<readonly ScanTarget[]> {
  void context;
  const text =
    host.kind === "address"
      ? [host.address.address]
      : host.kind === "name" && host.name !== "localhost"
        ? [host.name]
        : thisMachine;
  return Promise.resolve(
    text.map((word) => {
      const address = tryParseIpAddress(word);
      if (address === undefined) throw new PortolanError("ADDRESS_INVALID", `${quote(word)} is not an address.`);
      return {
        family: address.family,
        address: address.address,
        scopeId: 0,
        name: host.kind === "name" ? host.name : null,
      };
    }),
  );
}

/** Reads the targets. */
export function chooseTargets(wishes: TargetWishes, _context: OperationContext): Promise<ChosenTargets> {
  const words = wishes.targets === undefined || wishes.targets.length === 0 ? thisMachine : wishes.targets;
  const targets = words.map((word): ScanTarget => {
    const address = tryParseIpAddress(word);
    if (address === undefined) throw new PortolanError("ADDRESS_INVALID", `${quote(word)} is not an address.`);
    return { family: address.family, address: address.address, scopeId: 0, name: null };
  });
  return Promise.resolve({
    own: targets.filter(({ address }) => isLoopbackAddress(address)),
    others: targets.filter(({ address }) => !isLoopbackAddress(address)),
  });
}

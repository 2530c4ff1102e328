/**
 * @module Whom a scan asks: words, files and exclusions as addresses, with what only this machine can tell of them.
 */
import { PortolanError, isPortolanError, knownOr, quote, tryParseIpAddress, type EndpointHost } from "../core/index.ts";
import type { NetworkInterface } from "../host/index.ts";
import {
  parseTargets,
  readTargetWords,
  resolveName,
  type OwnNetwork,
  type ScanTarget,
  type TargetList,
  type TargetWord,
} from "../scan/index.ts";
import type { OperationContext } from "./operation.ts";

/** The part of the input that chooses targets. */
export interface TargetWishes {
  readonly targets?: readonly string[] | undefined;
  readonly file?: string | undefined;
  readonly exclude?: string | undefined;
  readonly yes?: boolean | undefined;
}

/** Networks larger than this are no neighbourhood that anybody could ask through: IPv6's usual /64 has 2^64 addresses. */
const leastIpv6Prefix = 112;

/** Names that are looked up at the same time. */
const mostLookups = 32;

/**
 * Reads the targets. None given: this machine's own loopback addresses.
 * @throws TARGET_INVALID, TARGET_UNRESOLVED, TARGET_TOO_LARGE, FILE_UNREADABLE, ABORTED
 */
export async function chooseTargets(wishes: TargetWishes, context: OperationContext): Promise<TargetList> {
  const interfaces = readInterfaces(context);
  const words: TargetWord[] = (wishes.targets ?? []).map((text) => ({ text, where: null }));
  if (wishes.file !== undefined) {
    const source = wishes.file === "-" ? "standard input" : wishes.file;
    const listed = readTargetWords(await context.readText(wishes.file), source);
    if (listed.length === 0 && words.length === 0) {
      throw new PortolanError("TARGET_INVALID", `${quote(source)} names no target.`, { details: { file: source } });
    }
    words.push(...listed);
  } else if (words.length === 0) {
    words.push(...ownLoopback(interfaces).map((text) => ({ text, where: null })));
  }
  const exclude = readTargetWords(wishes.exclude ?? "", "--exclude").map(({ text }) => ({ text, where: "--exclude" }));
  return parseTargets(words, {
    exclude,
    ownNetworks: interfaces.flatMap(networksOf),
    resolve: await lookUp([...words, ...exclude], context.signal),
    scopeOf: (zone) => scopeOf(zone, interfaces),
    yes: wishes.yes === true,
  });
}

/**
 * Addresses of an endpoint's host, at least one. No host, or every address, means this machine.
 * @throws TARGET_UNRESOLVED, TARGET_INVALID, ABORTED
 */
export async function addressesOfHost(host: EndpointHost, context: OperationContext): Promise<readonly ScanTarget[]> {
  const interfaces = readInterfaces(context);
  if (host.kind === "any" || host.kind === "unspecified") {
    return ownLoopback(interfaces).map((address) => targetOf(address, null, null, interfaces));
  }
  if (host.kind === "address") {
    const { address, zone } = host.address;
    return [targetOf(address, zone, null, interfaces)];
  }
  const addresses = await resolveName(host.name, context.signal);
  if (addresses.length === 0) {
    throw new PortolanError("TARGET_UNRESOLVED", `${quote(host.name)} has no address.`, {
      details: { name: host.name },
    });
  }
  return addresses.flatMap((text) => {
    const parsed = tryParseIpAddress(text);
    return parsed === undefined ? [] : [targetOf(parsed.address, parsed.zone, host.name, interfaces)];
  });
}

function targetOf(
  address: string,
  zone: string | null,
  name: string | null,
  interfaces: readonly NetworkInterface[],
): ScanTarget {
  const scopeId = zone === null ? 0 : scopeOf(zone, interfaces);
  if (zone !== null && scopeId === 0) {
    throw new PortolanError("TARGET_INVALID", `This machine has no network interface ${quote(zone)}.`);
  }
  return { family: address.includes(":") ? "ipv6" : "ipv4", address, scopeId, name };
}

/** Interfaces, none where this system cannot be read: then zones and `lan` are not available. */
function readInterfaces({ host }: OperationContext): readonly NetworkInterface[] {
  try {
    return host.readInterfaces();
  } catch (error) {
    if (isPortolanError(error, "HOST_UNSUPPORTED")) return [];
    throw error;
  }
}

/** 127.0.0.1, and ::1 where this machine has it. */
function ownLoopback(interfaces: readonly NetworkInterface[]): readonly string[] {
  const hasIpv6 =
    interfaces.length === 0 ||
    interfaces.some(({ loopback, addresses }) => loopback && addresses.some(({ address }) => address === "::1"));
  return hasIpv6 ? ["127.0.0.1", "::1"] : ["127.0.0.1"];
}

function networksOf({ loopback, up, addresses }: NetworkInterface): readonly OwnNetwork[] {
  if (loopback || !knownOr(up, true)) return [];
  return addresses
    .filter(({ family, prefixLength }) => family === "ipv4" || prefixLength >= leastIpv6Prefix)
    .map(({ address, prefixLength }) => ({ address, prefixLength }));
}

/** A zone is an interface's name or its index. */
function scopeOf(zone: string, interfaces: readonly NetworkInterface[]): number {
  const named = interfaces.find(({ name }) => name === zone);
  if (named !== undefined) return knownOr(named.index, 0);
  return /^\d{1,9}$/.test(zone) && interfaces.some(({ index }) => knownOr(index, 0) === Number(zone))
    ? Number(zone)
    : 0;
}

/** A lookup that has asked for all names of a list already, some at the same time. */
async function lookUp(
  words: readonly TargetWord[],
  signal: AbortSignal,
): Promise<(name: string) => Promise<readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  const names = new Set(words.map(({ text }) => text.toLowerCase()).filter(looksLikeName));
  const queue = names.values();
  await Promise.all(
    Array.from({ length: Math.min(mostLookups, names.size) }, async () => {
      for (const name of queue) found.set(name, await resolveName(name, signal));
    }),
  );
  return async (name) => found.get(name) ?? resolveName(name, signal);
}

function looksLikeName(word: string): boolean {
  return word !== "lan" && /[a-z]/.test(word) && /^[\w.-]{1,253}$/.test(word);
}

/**
 * @module Whom to scan: addresses, names, networks and ranges as people write them, exclusions taken out, each address once.
 */
import {
  PortolanError,
  addressFromNumber,
  addressToNumber,
  bitsOfFamily,
  isLoopbackAddress,
  quote,
  tryParseIpAddress,
  type IpFamily,
} from "../core/index.ts";
import { countAddresses, mergeSpans, networkSpan, subtractSpans, type Span } from "./address-spans.ts";
import type { ScanTarget } from "./scan-types.ts";

/** A word that names targets, and where it stood. */
export interface TargetWord {
  readonly text: string;
  /** `line 3 of hosts.txt`; `null` for the command line. */
  readonly where: string | null;
}

/** A network that this machine is part of. */
export interface OwnNetwork {
  readonly address: string;
  readonly prefixLength: number;
}

/** What the words are read with. */
export interface TargetOptions {
  readonly exclude?: readonly TargetWord[];
  /** Networks of this machine's interfaces, without loopback: what `lan` stands for, and what needs no second thought. */
  readonly ownNetworks: readonly OwnNetwork[];
  /** Every address of a name, canonical text; empty for none. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
  /** Interface index of a zone, 0 when there is none of that name. */
  readonly scopeOf: (zone: string) => number;
  /** More than `mostUnconfirmed` addresses are meant. */
  readonly yes: boolean;
}

/** The targets, ascending by family and address; made one by one as they are asked for. */
export interface TargetList extends Iterable<ScanTarget> {
  readonly count: number;
  /** How many of them are neither loopback nor in a network of this machine's own. */
  readonly beyond: number;
  /** Names without address that were passed over, because other targets are left. */
  readonly unresolved: readonly TargetWord[];
}

/** Most addresses that need no `--yes`: a /16. */
export const mostUnconfirmed = 65_536;

/** Most addresses in one scan at all: a /8. */
export const mostTargets = 16_777_216;

/** Most words of a list. */
const mostWords = 1_000_000;

/** The words of a list: one or more a line, apart by blanks or commas; `#` starts a comment. */
export function readTargetWords(text: string, source: string): TargetWord[] {
  const words: TargetWord[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    for (const word of line.replace(/#.*$/, "").split(/[\s,]+/)) {
      if (word === "") continue;
      if (words.length === mostWords) throw tooMany(`${source} holds more than ${mostWords} targets`);
      words.push({ text: word, where: `line ${index + 1} of ${source}` });
    }
  }
  return words;
}

/**
 * Reads targets.
 * @throws TARGET_INVALID naming the word and what is accepted; TARGET_UNRESOLVED when no name has an address, or
 * an excluded one has none; TARGET_TOO_LARGE for more than 65,536 addresses without `yes`, or more than 16,777,216 at all
 */
export async function parseTargets(words: readonly TargetWord[], options: TargetOptions): Promise<TargetList> {
  const names = new Map<string, string>();
  const unresolved: TargetWord[] = [];
  const spans = mergeSpans(await readWords(words, options, names, unresolved));
  const [lost] = unresolved;
  if (spans.length === 0 && lost !== undefined) throw withoutAddress(lost);
  const excluded = mergeSpans(await readWords(options.exclude ?? [], options, new Map(), null));
  const left = subtractSpans(spans, excluded);
  const total = countAddresses(left);
  if (total === 0n) {
    throw new PortolanError(
      "TARGET_INVALID",
      words.length === 0 ? "No target is given." : "The exclusions leave no target.",
    );
  }
  if (total > BigInt(mostTargets))
    throw tooMany(`${total} addresses are named, and at most ${mostTargets} are scanned`);
  if (total > BigInt(mostUnconfirmed) && !options.yes) {
    throw new PortolanError("TARGET_TOO_LARGE", `${total} addresses are named, more than a /16 has.`, {
      details: { count: Number(total) },
    });
  }
  const own = options.ownNetworks.map(({ address, prefixLength }) => networkSpan(address, prefixLength, 0));
  return {
    count: Number(total),
    beyond: countBeyond(left, own),
    unresolved,
    *[Symbol.iterator]() {
      for (const { family, scopeId, first, last } of left) {
        for (let number = first; number <= last; number++) {
          const address = addressFromNumber(number, family);
          yield { family, address, scopeId, name: names.get(`${scopeId}/${address}`) ?? null };
        }
      }
    },
  };
}

async function readWords(
  words: readonly TargetWord[],
  options: TargetOptions,
  names: Map<string, string>,
  /** Takes names without address; `null`: such a name is an error. */
  unresolved: TargetWord[] | null,
): Promise<Span[]> {
  const spans: Span[] = [];
  for (const word of words) {
    const read = readNumeric(word, options);
    if (read !== undefined) {
      for (const span of read) refuseNobody(word, span);
      spans.push(...read);
      continue;
    }
    const name = checkName(word);
    const addresses = await options.resolve(name);
    if (addresses.length === 0) {
      if (unresolved === null) throw withoutAddress(word);
      unresolved.push(word);
    }
    for (const address of addresses) {
      const parsed = tryParseIpAddress(address);
      if (parsed === undefined) continue;
      const scopeId = parsed.zone === null ? 0 : options.scopeOf(parsed.zone);
      const number = addressToNumber(parsed.address);
      if (!names.has(`${scopeId}/${parsed.address}`)) names.set(`${scopeId}/${parsed.address}`, name);
      spans.push({ family: parsed.family, scopeId, first: number, last: number });
    }
  }
  return spans;
}

/** An address, a network, a range or `lan`; `undefined` for what may be a name. */
function readNumeric(word: TargetWord, options: TargetOptions): Span[] | undefined {
  const { text } = word;
  if (text === "lan") {
    if (options.ownNetworks.length === 0) {
      throw new PortolanError("TARGET_INVALID", `${describe(word)}: this machine is in no network.`);
    }
    return options.ownNetworks.map(({ address, prefixLength }) => hostsOfOwn(address, prefixLength));
  }
  if (text.includes("://")) throw invalid(word, "it is a URL; give its host alone");
  const slash = text.indexOf("/");
  if (slash !== -1) return [readNetwork(word, text.slice(0, slash), text.slice(slash + 1), options)];
  const single = tryParseIpAddress(text);
  if (single !== undefined) {
    const number = addressToNumber(single.address);
    const scopeId = single.zone === null ? 0 : scopeOf(word, single.zone, options);
    return [{ family: single.family, scopeId, first: number, last: number }];
  }
  const dash = text.indexOf("-");
  const start = dash === -1 ? undefined : tryParseIpAddress(text.slice(0, dash));
  if (start !== undefined) return [readRange(word, start.address, start.family, text.slice(dash + 1))];
  return undefined;
}

/** Addresses that are no single device's: RFC 6890, RFC 5771, RFC 4291 §2.7. */
const nobody = [
  {
    span: networkSpan("0.0.0.0", 8, 0),
    what: "0.0.0.0 and its neighbours are no device's; write 127.0.0.1 for this machine",
  },
  {
    span: networkSpan("224.0.0.0", 4, 0),
    what: "addresses from 224.0.0.0 on reach groups of devices, and one is asked at a time",
  },
  {
    span: networkSpan("240.0.0.0", 4, 0),
    what: "addresses from 240.0.0.0 on are reserved, and 255.255.255.255 is everybody's",
  },
  { span: networkSpan("::", 128, 0), what: ":: is no device's; write ::1 for this machine" },
  {
    span: networkSpan("ff00::", 8, 0),
    what: "addresses that start with ff reach groups of devices, and one is asked at a time",
  },
] as const;

function refuseNobody(word: TargetWord, span: Span): void {
  for (const { span: taken, what } of nobody) {
    if (taken.family === span.family && span.first <= taken.last && span.last >= taken.first) throw invalid(word, what);
  }
}

function readNetwork(word: TargetWord, address: string, prefix: string, options: TargetOptions): Span {
  const parsed = tryParseIpAddress(address);
  if (parsed === undefined) throw invalid(word, `what stands before the / is not an address`);
  const bits = bitsOfFamily(parsed.family);
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits) {
    throw invalid(word, `after the / a number from 0 to ${bits} is accepted`);
  }
  const scopeId = parsed.zone === null ? 0 : scopeOf(word, parsed.zone, options);
  const span = networkSpan(parsed.address, Number(prefix), scopeId);
  const isOwn = options.ownNetworks.some((own) => {
    const { family, first } = networkSpan(own.address, own.prefixLength, 0);
    return own.prefixLength === Number(prefix) && family === span.family && first === span.first;
  });
  return isOwn ? hostsOfOwn(parsed.address, Number(prefix)) : span;
}

function readRange(word: TargetWord, start: string, family: IpFamily, end: string): Span {
  const first = addressToNumber(start);
  const full = tryParseIpAddress(end);
  let last: bigint;
  if (full !== undefined) {
    if (full.family !== family) throw invalid(word, "a range has both ends in one family");
    last = addressToNumber(full.address);
  } else if (family === "ipv4" && /^\d{1,3}$/.test(end) && Number(end) < 256) {
    last = (first & ~0xffn) | BigInt(end);
  } else {
    throw invalid(word, `after the - ${family === "ipv4" ? "a number up to 255 or " : ""}an address is accepted`);
  }
  if (last < first) throw invalid(word, "it runs backwards");
  return { family, scopeId: 0, first, last };
}

function scopeOf(word: TargetWord, zone: string, options: TargetOptions): number {
  const scopeId = options.scopeOf(zone);
  if (scopeId === 0) throw invalid(word, `this machine has no network interface ${quote(zone)}`);
  return scopeId;
}

/** A network of this machine's own without its network and broadcast address, which are nobody's (RFC 919, RFC 3021). */
function hostsOfOwn(address: string, prefixLength: number): Span {
  const span = networkSpan(address, prefixLength, 0);
  if (span.family !== "ipv4" || prefixLength > 30) return span;
  return { ...span, first: span.first + 1n, last: span.last - 1n };
}

const hostName =
  /^(?=.{1,253}\.?$)(?!\d+(\.\d+)*\.?$)[a-z0-9_]([a-z0-9_-]{0,62})?(\.[a-z0-9_]([a-z0-9_-]{0,62})?)*\.?$/i;

function checkName(word: TargetWord): string {
  if (/^(\[.*\]|[^:]+):\d+$/.test(word.text)) throw invalid(word, "it has a port; ports are given by --port");
  if (!hostName.test(word.text)) {
    throw invalid(
      word,
      /^[\d.]+$/.test(word.text) ? "an IPv4 address has four numbers up to 255" : "it is no host name",
    );
  }
  return word.text.toLowerCase();
}

function describe({ text, where }: TargetWord): string {
  return where === null ? quote(text) : `${quote(text)} (${where})`;
}

function withoutAddress(word: TargetWord): PortolanError {
  return new PortolanError("TARGET_UNRESOLVED", `${describe(word)} has no address.`, {
    details: { name: word.text.slice(0, 256).toLowerCase() },
  });
}

function invalid(word: TargetWord, problem: string): PortolanError {
  return new PortolanError("TARGET_INVALID", `${describe(word)} is not a target: ${problem}.`, {
    details: { given: word.text.slice(0, 256), ...(word.where === null ? {} : { where: word.where }) },
  });
}

function tooMany(problem: string): PortolanError {
  return new PortolanError("TARGET_TOO_LARGE", `${problem}.`, { details: { hint: "Name a smaller network." } });
}

function countBeyond(spans: readonly Span[], own: readonly Span[]): number {
  const loopback = [networkSpan("127.0.0.0", 8, 0), networkSpan("::1", 128, 0)];
  const near = mergeSpans([...own, ...loopback]);
  return Number(countAddresses(subtractSpans(spans, near)));
}

/** True for targets of this machine's own loopback. */
export function isOwnTarget(target: ScanTarget): boolean {
  return isLoopbackAddress(target.address);
}

/**
 * @module Places and targets of relays as people write them: `8080`, `127.0.0.1:8080`, `[::]:8080`, `*:8080`, `8000-8010`, `nas.local:5500`,
 * `53/udp`.
 */
import { PortolanError, isPortolanError, parseEndpoint, quote, toPort, type Endpoint } from "../../core/index.ts";
import type { RelayPlace, RelayTarget } from "./relay-wish.ts";

/** One word: a range of ports, most often of one. */
export interface RelayWord {
  /** `null` when it is not said. */
  readonly transport: "tcp" | "udp" | null;
  /** IP address or name without brackets, `*` for every address; `null` when none is said. */
  readonly host: string | null;
  readonly first: number;
  readonly last: number;
}

/** A place and where it leads. */
export interface RelayPair {
  readonly listen: RelayPlace;
  readonly target: RelayTarget;
}

/** What is meant where a word does not say. */
export interface RelayDefaults {
  readonly transport: "tcp" | "udp";
  /** Address to listen at. */
  readonly bind: string;
}

/** Most places of one command: each takes two descriptors. */
const mostPlaces = 1024;

/**
 * Reads where to listen. Port 0 is any free one.
 * @throws RELAY_PLACE_INVALID
 */
export function readListenWord(text: string): RelayWord {
  const word = readWord(text, "listen at");
  const host = word.host === "localhost" ? "127.0.0.1" : word.host;
  if (host !== null && host !== "*" && isName(host))
    throw invalid(text, "listen at", "it has a name, and a socket listens at an address", { hint: addressHint });
  return { ...word, host };
}

/**
 * Reads where to lead. A port alone is this machine's.
 * @throws RELAY_PLACE_INVALID
 */
export function readTargetWord(text: string): RelayWord {
  const word = readWord(text, "lead to");
  if (word.first === 0) throw invalid(text, "lead to", "nobody listens at port 0");
  if (word.host === "*") throw invalid(text, "lead to", "* is every address, and one is needed");
  return { ...word, host: word.host ?? "localhost" };
}

/**
 * Reads one target, no range, over TCP.
 * @throws RELAY_PLACE_INVALID
 */
export function readRelayTarget(text: string): RelayTarget {
  const { transport, host, first, last } = readTargetWord(text);
  if (first !== last) throw invalid(text, "lead to", "it is a range, and one port is needed");
  if (transport === "udp") throw invalid(text, "lead to", "it is UDP, and TCP is needed");
  return { host: host!, port: toPort(first) };
}

/**
 * Reads one place to listen at over TCP, no range.
 * @throws RELAY_PLACE_INVALID
 */
export function readRelayPlace(text: string, bind: string): RelayPlace {
  const { transport, host, first, last } = readListenWord(text);
  if (first !== last) throw invalid(text, "listen at", "it is a range, and one port is needed");
  if (transport === "udp") throw invalid(text, "listen at", "it is UDP, and TCP is needed");
  return { transport: "tcp", address: addressOf(host, bind), port: toPort(first) };
}

/**
 * Reads a place with its target: each port of a range leads to the port at the same step of the other range, or all to one.
 * @throws RELAY_PLACE_INVALID
 */
export function readRelayPairs(
  listenText: string,
  targetText: string,
  { transport, bind }: RelayDefaults,
): RelayPair[] {
  const listen = readListenWord(listenText);
  const target = readTargetWord(targetText);
  if (listen.transport !== null && target.transport !== null && listen.transport !== target.transport)
    throw invalid(targetText, "lead to", `it is ${target.transport}, and ${listenText} is ${listen.transport}`);
  const [count, targets] = [listen.last - listen.first + 1, target.last - target.first + 1];
  if (targets !== 1 && targets !== count)
    throw invalid(targetText, "lead to", `it has ${targets} ports, and ${listenText} has ${count}`, {
      hint: "Write a range of the same length, or one port for all of them.",
    });
  if (count > mostPlaces)
    throw invalid(listenText, "listen at", `it has ${count} ports, and ${mostPlaces} are the most at once`);
  return Array.from({ length: count }, (_, step) => ({
    listen: {
      transport: listen.transport ?? target.transport ?? transport,
      address: addressOf(listen.host, bind),
      port: toPort(listen.first + step),
    },
    target: { host: target.host!, port: toPort(targets === 1 ? target.first : target.first + step) },
  }));
}

/** Every address is `::`, which takes IPv4 too. */
function addressOf(host: string | null, bind: string): string {
  return host === null ? bind : host === "*" ? "::" : host;
}

const addressHint =
  "Write 8080, 127.0.0.1:8080, [::1]:8080, or *:8080 for every address; a range is 8000-8010; /udp behind it for UDP.";

function readWord(text: string, purpose: string): RelayWord {
  // A suffix belongs to ranges and to addresses too, which endpoints do not know.
  const suffix = text.includes("://") ? null : /\/(tcp|udp)$/i.exec(text);
  const bare = suffix === null ? text : text.slice(0, suffix.index);
  const range = /^((?:.*[:/])?)(\d{1,5})(?:-|\.\.)(\d{1,5})$/.exec(bare);
  const plain = range === null ? bare : `${range[1]}${range[2]}`;
  const endpoint = readEndpoint(plain, text, purpose);
  const { transport, scheme, port, path } = endpoint;
  if (scheme !== null || path !== null)
    throw invalid(text, purpose, "it is a URL, and bytes are passed on whatever they are", {
      hint: "Write the host and the port alone: 192.168.1.8:5500. portolan route leads names and paths.",
    });
  if (transport !== null && transport !== "tcp" && transport !== "udp")
    throw invalid(text, purpose, `${transport} is not passed on, TCP and UDP are`);
  const last = range === null ? port : Number(range[3]);
  if (last > 65_535) throw invalid(text, purpose, `${last} is not a port`);
  if (last < port) throw invalid(text, purpose, `the range runs backwards`);
  if (port === 0 && last !== 0) throw invalid(text, purpose, "a range begins at 1");
  const said = suffix === null ? transport : (suffix[1]!.toLowerCase() as "tcp" | "udp");
  return { transport: said, host: hostOf(endpoint), first: port, last };
}

function readEndpoint(plain: string, text: string, purpose: string): Endpoint {
  try {
    return parseEndpoint(plain);
  } catch (error) {
    if (!isPortolanError(error, "ENDPOINT_INVALID")) throw error;
    const why = /is not an endpoint: (.*)\.$/s.exec(error.message)?.[1] ?? error.message;
    throw invalid(text, purpose, why, {}, error);
  }
}

function hostOf({ host }: Endpoint): string | null {
  if (host.kind === "unspecified") return null;
  if (host.kind === "any") return "*";
  if (host.kind === "name") return host.name;
  const { address, zone } = host.address;
  return zone === null ? address : `${address}%${zone}`;
}

function isName(host: string): boolean {
  return !host.includes(":") && !/^[\d.]+$/.test(host);
}

function invalid(
  text: string,
  purpose: string,
  why: string,
  details: { readonly hint?: string } = {},
  cause?: unknown,
): PortolanError {
  return new PortolanError("RELAY_PLACE_INVALID", `${quote(text)} is nothing to ${purpose}: ${why}.`, {
    details: { given: text, ...details },
    cause,
  });
}

/**
 * @module The ports of a service: short and long syntax (compose-spec, 05-services.md, "ports"; go-connections, `nat.ParsePortSpec`).
 */
import { tryParseIpAddress } from "../../core/index.ts";
import { readPortNumber } from "../port-wish.ts";
import type { LocatedText } from "../located-text.ts";
import type { Place } from "../source-text.ts";
import { entryOf, placeOfNode, type YamlNode } from "../yaml-tree.ts";

/** One entry of `ports`, with its variables put in. */
export interface PublishedPort {
  readonly transport: "tcp" | "udp" | "sctp";
  /** `null` for every address. */
  readonly address: string | null;
  /** First port of the host; `null` when the engine chooses any. */
  readonly published: number | null;
  readonly count: number;
  /** The engine takes any one of the run. */
  readonly anyOf: boolean;
  /** First port of the container. */
  readonly target: number;
  readonly place: Place;
}

/** Puts variables in. @throws InterpolationError */
export type Interpolator = (text: LocatedText) => LocatedText;

/** What an entry says, or why it says nothing. */
export type PortEntry = { readonly port: PublishedPort } | { readonly wrong: string; readonly place: Place };

/** Reads one entry. @throws InterpolationError */
export function readPortEntry(node: YamlNode, interpolate: Interpolator): PortEntry {
  if (node.kind === "text") return readShort(interpolate(node.value));
  if (node.kind === "map") return readLong(node, interpolate);
  return { wrong: "A port is a text or a mapping.", place: placeOfNode(node) };
}

interface Slice {
  readonly text: string;
  readonly start: number;
}

function readShort(located: LocatedText): PortEntry {
  const { text } = located;
  const wrong = (why: string): PortEntry => ({
    wrong: `${JSON.stringify(text.slice(0, 80))} is no port: ${why}.`,
    place: located.placeOf(0, text.length),
  });
  const slash = text.lastIndexOf("/");
  const transport = slash < 0 ? "tcp" : text.slice(slash + 1).toLowerCase();
  if (transport !== "tcp" && transport !== "udp" && transport !== "sctp")
    return wrong(`there is no protocol ${transport}`);
  const spec = slash < 0 ? text : text.slice(0, slash);
  const { address: addressText, host, container } = splitShort(spec);
  const target = readRange(container.text);
  if (target === undefined) return wrong(`${JSON.stringify(container.text)} is none of a container`);
  const published = host === null || host.text === "" ? null : readRange(host.text, true);
  if (published === undefined) return wrong(`${JSON.stringify(host!.text)} is none of a host`);
  const address = readAddress(addressText);
  if (address === undefined) return wrong(`${JSON.stringify(addressText)} is no IP address`);
  const anyOf = published !== null && published.count > 1 && target.count === 1;
  if (published !== null && !anyOf && published.count !== target.count) return wrong("its ranges differ in length");
  const isFixed = published !== null && published.first !== 0;
  const place = isFixed
    ? located.placeOf(host!.start, host!.start + host!.text.length)
    : located.placeOf(container.start, container.start + container.text.length);
  return {
    port: {
      transport,
      address,
      published: isFixed ? published.first : null,
      count: isFixed ? published.count : target.count,
      anyOf,
      target: target.first,
      place,
    },
  };
}

/** From the right: an IPv6 address has colons of its own. */
function splitShort(spec: string): { address: string; host: Slice | null; container: Slice } {
  const last = spec.lastIndexOf(":");
  if (last < 0) return { address: "", host: null, container: { text: spec, start: 0 } };
  const container = { text: spec.slice(last + 1), start: last + 1 };
  const before = spec.lastIndexOf(":", last - 1);
  if (last === 0 || before < 0) return { address: "", host: { text: spec.slice(0, last), start: 0 }, container };
  return {
    address: spec.slice(0, before),
    host: { text: spec.slice(before + 1, last), start: before + 1 },
    container,
  };
}

function readLong(node: YamlNode, interpolate: Interpolator): PortEntry {
  const field = (name: string): LocatedText | undefined => {
    const value = entryOf(node, name);
    return value?.kind === "text" ? interpolate(value.value) : undefined;
  };
  const target = field("target");
  const published = field("published");
  const protocol = field("protocol")?.text.toLowerCase() ?? "tcp";
  const hostAddress = field("host_ip");
  const wrong = (what: string, where: LocatedText | undefined): PortEntry => ({
    wrong: what,
    place: where === undefined ? placeOfNode(node) : where.placeOf(0, where.text.length),
  });
  if (target === undefined) return wrong("A port in the long syntax needs a target.", undefined);
  const inside = readRange(target.text);
  if (inside === undefined) return wrong(`${JSON.stringify(target.text)} is no port of a container.`, target);
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp") {
    return wrong(`There is no protocol ${JSON.stringify(protocol)}.`, field("protocol"));
  }
  const address = readAddress(hostAddress?.text ?? "");
  if (address === undefined) return wrong(`${JSON.stringify(hostAddress!.text)} is no IP address.`, hostAddress);
  const outside = published === undefined || published.text === "" ? null : readRange(published.text, true);
  if (outside === undefined) return wrong(`${JSON.stringify(published!.text)} is no port of a host.`, published);
  const isFixed = outside !== null && outside.first !== 0;
  const where = isFixed ? published! : target;
  return {
    port: {
      transport: protocol,
      address,
      published: isFixed ? outside.first : null,
      count: isFixed ? outside.count : inside.count,
      anyOf: isFixed && outside.count > 1 && inside.count === 1,
      target: inside.first,
      place: where.placeOf(0, where.text.length),
    },
  };
}

/** `80` or `80-90`. Port 0 of a host asks for any. */
function readRange(text: string, mayBeAny = false): { first: number; count: number } | undefined {
  if (mayBeAny && text === "0") return { first: 0, count: 1 };
  const [, firstText, lastText] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (firstText === undefined) return undefined;
  const first = readPortNumber(firstText);
  const last = lastText === undefined ? first : readPortNumber(lastText);
  if (first === undefined || last === undefined || last < first) return undefined;
  return { first, count: last - first + 1 };
}

function readAddress(text: string): string | null | undefined {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (bare === "") return null;
  return tryParseIpAddress(bare)?.address;
}

/**
 * @module What may stand in an engine's file: facts whose every word is what it says that it is, in the order in which they are asked. A name
 * that could be read as a directive is left out here, before any format's own rules of escaping are relied upon.
 */
import { isIP } from "node:net";
import { formatSocketAddress, isPort, quote } from "../../core/index.ts";
import type { RelayTarget, RelayWish, ShareRule } from "../relay/relay-wish.ts";
import { isRouteHost, readRoutePath, routeName } from "../route.ts";
import type { ExportDoors, ExportFacts, ExportLimit, ExportRoute } from "./export-facts.ts";

/** Facts that can be written. */
export interface SoundFacts extends ExportFacts {
  readonly limits: readonly ExportLimit[];
}

/**
 * Leaves out, and says, what no name, path, address or file can be; orders routes as the gateway asks them: exact names before wildcards, the nearest
 * wildcard first, of one name the longest path first.
 */
export function soundFacts(facts: ExportFacts): SoundFacts {
  const limits: ExportLimit[] = [];
  const keep = <Part>(part: Part, concerns: string, isSound: boolean): Part[] => {
    if (isSound) return [part];
    limits.push({ concerns, text: "It is no name, path or address that can be written; left out." });
    return [];
  };
  const routes = facts.routes.flatMap((route) => keep(route, quote(routeName(route)), isSoundRoute(route)));
  const named = new Map<string, ExportRoute>();
  for (const route of routes) {
    const name = routeName(route);
    if (named.has(name))
      limits.push({ concerns: name, text: "Another route has this name and path and goes before it; left out." });
    else named.set(name, route);
  }
  const relays = facts.relays.flatMap((wish) => keep(wish, relayName(wish), isSoundRelay(wish)));
  return { doors: soundDoors(facts.doors, limits), routes: orderRoutes([...named.values()]), relays, limits };
}

function soundDoors({ addresses, httpPort, https }: ExportDoors, limits: ExportLimit[]): ExportDoors {
  const isSound = https === null || [https.certificatePath, https.keyPath].every(isSoundPath);
  if (!isSound)
    limits.push({ concerns: "HTTPS", text: "A file's name has characters that no configuration takes; left out." });
  return {
    addresses: addresses.filter((address) => isIP(address) !== 0),
    httpPort: httpPort !== null && isPort(httpPort) ? httpPort : null,
    https: isSound && https !== null && isPort(https.port) ? https : null,
  };
}

/** Control characters are line ends to one format or another; what nobody sees in a name is no name that is meant. */
function isSoundPath(path: string): boolean {
  return path !== "" && !/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(path);
}

function isSoundRoute({ host, path, target }: ExportRoute): boolean {
  return isRouteHost(host.replace(/^\*\./, "")) && isSoundRoutePath(path) && isSoundTarget(target);
}

function isSoundRoutePath(path: string): boolean {
  try {
    return readRoutePath(path) === path;
  } catch {
    return false;
  }
}

function isSoundTarget({ host, port }: RelayTarget): boolean {
  return isPort(port) && port > 0 && (isIP(host) !== 0 || isRouteHost(host.replace(/\.$/, ""))) && !host.includes("%");
}

function isSoundRelay(wish: RelayWish): boolean {
  const { address, port } = wish.listen;
  if (isIP(address) === 0 || address.includes("%") || !isPort(port) || port === 0) return false;
  if (wish.kind === "forward") return isSoundTarget(wish.target);
  return (
    wish.rules.every(isSoundRule) &&
    [wish.silent, wish.fallback].every((end) => end === null || isSoundTarget(end.target))
  );
}

function isSoundRule({ protocol, name, alpn, target }: ShareRule): boolean {
  return (
    isSoundTarget(target) &&
    (protocol === null || /^[a-z\d-]+$/.test(protocol)) &&
    (name === null || isRouteHost(name.replace(/^\*\./, ""))) &&
    // Registered identifiers of RFC 7301 are words of these.
    (alpn === null || /^[\w./+-]+$/.test(alpn))
  );
}

function orderRoutes(routes: readonly ExportRoute[]): ExportRoute[] {
  const depth = (host: string): number => (host.startsWith("*.") ? host.split(".").length : Infinity);
  return routes.toSorted((one, other) => {
    const [near, far] = [depth(one.host), depth(other.host)];
    if (near !== far) return far > near ? 1 : -1;
    if (one.host !== other.host) return one.host < other.host ? -1 : 1;
    return other.path.length - one.path.length;
  });
}

/** `forward 127.0.0.1:8080`. */
export function relayName({ kind, listen }: RelayWish): string {
  const place = formatSocketAddress(listen.address, listen.port);
  return `${kind} ${listen.transport === "udp" ? "udp:" : ""}${place}`;
}

/** `share 127.0.0.1:443, rule 2 (ssh)`. */
export function shareRuleName(wish: RelayWish, rule: ShareRule, index: number): string {
  const { protocol, name, alpn } = rule;
  const words = [protocol, name, alpn === null ? null : `alpn ${alpn}`].filter((word) => word !== null);
  return `${relayName(wish)}, rule ${index + 1} (${words.join(" ") || "anything"})`;
}

/** Routes of one target's server with its own name; nothing else tells that the server is this machine's. */
export function isOwnMachine(host: string): boolean {
  return host === "localhost" || host.startsWith("127.") || host === "::1" || host.endsWith(".localhost");
}

/** Addresses of a target in the order in which they are tried: `localhost` is either loopback address (RFC 6761, section 6.3). */
export function placesOf({ host, port }: RelayTarget): string[] {
  return (host === "localhost" ? ["127.0.0.1", "::1"] : [host]).map((place) => formatSocketAddress(place, port));
}

/** `Host` as a server calls itself: without the scheme's usual port. */
export function ownAuthority({ target: { host, port, protocol } }: ExportRoute): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === (protocol === "https" ? 443 : 80) ? name : `${name}:${port}`;
}

/** A word that every format takes for a name: `portolan_2_shop_localhost_api`. */
export function wordOf(number: number, text: string): string {
  const word = text
    .replaceAll(/[^a-z\d]+/gi, "_")
    .replaceAll(/^_+|_+$/g, "")
    .slice(0, 60);
  return `portolan_${number}${word === "" ? "" : `_${word}`}`;
}

/** How long nothing may move, milliseconds; `null` for ever. Over UDP, which has no end of its own, two minutes where nothing is said. */
export function idleMsOf({ idleMs, listen }: RelayWish): number | null {
  return idleMs ?? (listen.transport === "udp" ? 120_000 : null);
}

/** Whether a target is found by a resolver, and not by its address. */
export function isResolved(host: string): boolean {
  return host !== "localhost" && isIP(host) === 0;
}

/** Whether a place takes both families, as the sockets of this program do at the wildcard of IPv6 (ipv6(7), IPV6_V6ONLY). */
export function takesBothFamilies(address: string): boolean {
  return isIP(address) === 6 && /^[0:]+$/.test(address);
}

/**
 * @module What to beware of on a port that can be bound.
 */
import { PortSet, isListening, knownOr, type Port, type Socket } from "../core/index.ts";
import { assignmentsOf, browserBlockedPorts, conventionsOf } from "../registry/index.ts";
import type { FullWish } from "./bind-conflict.ts";
import type { BindWarning, BindWorld } from "./bind-types.ts";
import { bindingOf, doorOf } from "./delivery.ts";
import { isEphemeral } from "./port-limits.ts";

/** Ports that macOS's AirPlay receiver listens on (Apple, "Use AirPlay", System Settings › General › AirDrop & Handoff). */
const airPlayPorts = new Set([5000, 7000]);

/** Everything to beware of, gravest first. */
export function warnOfBind(wish: FullWish, world: BindWorld): BindWarning[] {
  if (wish.port === 0) return [];
  return [
    ...warnOfOtherFamily(wish, world),
    ...warnOfBrowsers(wish),
    ...warnOfLimits(wish, world),
    ...warnOfAirPlay(wish, world),
    ...warnOfMeaning(wish),
  ];
}

/**
 * `localhost` is 127.0.0.1 and ::1, and programs try either first (RFC 6761 §6.3): who takes one of them while somebody else has
 * the other shares the name with a stranger.
 */
function warnOfOtherFamily(wish: FullWish, world: BindWorld): BindWarning[] {
  const { address, transport, port } = wish;
  const mine = {
    "127.0.0.1": address === "127.0.0.1" || address === "0.0.0.0" || (address === "::" && wish.v6only === "no"),
    "::1": address === "::1" || address === "::",
  };
  if (mine["127.0.0.1"] === mine["::1"]) return [];
  const other = mine["127.0.0.1"] ? "::1" : "127.0.0.1";
  const rival = listenersAt(world.sockets, transport, port as Port, other)[0];
  if (rival === undefined) return [];
  const message = `Somebody else listens at ${other}, so that localhost:${port} may reach them instead of you.`;
  return [{ kind: "other-family", message }];
}

/** Sockets that would get traffic for a loopback address. */
function listenersAt(sockets: readonly Socket[], transport: "tcp" | "udp", port: Port, address: string): Socket[] {
  const family = address.includes(":") ? "ipv6" : "ipv4";
  const door = doorOf(sockets, transport, port);
  return [...door.members].filter((socket) => {
    if (!isListening(socket)) return false;
    const binding = bindingOf(socket);
    return binding.takes[family] !== "no" && (binding.wildcard || binding.address === address);
  });
}

function warnOfBrowsers({ transport, port }: FullWish): BindWarning[] {
  if (transport !== "tcp" || !browserBlockedPorts.includes(port)) return [];
  const message = `Browsers refuse to open port ${port} (Fetch Standard, "bad port"), whatever answers there.`;
  return [{ kind: "browser-blocked", message }];
}

function warnOfLimits({ port }: FullWish, { limits }: BindWorld): BindWarning[] {
  const warnings: BindWarning[] = [];
  const range = knownOr(limits.ephemeralRange, undefined);
  if (knownOr(isEphemeral(port as Port, limits), false) && range !== undefined) {
    warnings.push({
      kind: "ephemeral",
      message: `The kernel hands out ports ${range.first} to ${range.last} to any program's own connections, so it may be taken at any moment.`,
    });
  }
  const reserved = knownOr(limits.reservedPorts, "");
  if (reserved !== "" && PortSet.parse(reserved).has(port)) {
    warnings.push({
      kind: "reserved",
      message: "The administrator keeps this port for something (net.ipv4.ip_local_reserved_ports).",
    });
  }
  return warnings;
}

function warnOfAirPlay({ transport, port }: FullWish, { platform }: BindWorld): BindWarning[] {
  if (platform !== "darwin" || transport !== "tcp" || !airPlayPorts.has(port)) return [];
  const message = `macOS's AirPlay receiver takes port ${port} when it is switched on (System Settings, General, AirDrop & Handoff).`;
  return [{ kind: "macos-airplay", message }];
}

function warnOfMeaning({ transport, port }: FullWish): BindWarning[] {
  const conventions = conventionsOf(port as Port).filter((convention) => convention.transport === transport);
  const assignment = assignmentsOf(port, transport)[0];
  const warnings: BindWarning[] = [];
  if (conventions.length > 0) {
    const titles = conventions.slice(0, 3).map(({ title }) => title);
    const more = conventions.length > titles.length ? " and others" : "";
    warnings.push({ kind: "convention", message: `It is the default port of ${titles.join(", ")}${more}.` });
  }
  if (assignment !== undefined) {
    const { name, description } = assignment;
    const what = description === "" || description === name ? name : `${name} (${description})`;
    warnings.push({ kind: "assigned", message: `IANA has assigned it to ${what}.` });
  }
  return warnings;
}

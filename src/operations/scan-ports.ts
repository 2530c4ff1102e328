/**
 * @module Which ports a scan asks: what was named, or what is usual for the target.
 */
import { PortSet, PortolanError } from "../core/index.ts";
import { protocols } from "../protocols/index.ts";
import { resolveServiceName } from "../registry/index.ts";
import { topPorts, usualTopCount } from "../scan/index.ts";

/** Port 0 cannot be connected to (RFC 6335 §6). */
const everyPort = PortSet.range(1, 65_535);

/** The part of the input that chooses ports. */
export interface PortWishes {
  readonly port?: string | undefined;
  readonly top?: number | undefined;
  readonly allPorts?: boolean | undefined;
  readonly udp?: boolean | undefined;
  readonly both?: boolean | undefined;
}

/** The ports of a scan. */
export interface ChosenPorts {
  readonly tcp: PortSet;
  readonly udp: PortSet;
  /** Named one by one: among these even printers' ports are asked. */
  readonly named: PortSet;
}

/**
 * Chooses ports. Nothing named: every TCP port of this machine itself, the 1,000 most usual ones of others; by UDP those that a
 * protocol of ours can ask.
 * @param ownMachine the targets are loopback addresses
 * @throws PORT_SET_INVALID; ARGUMENT_INVALID when two options choose ports
 */
export function choosePorts(wishes: PortWishes, ownMachine: boolean): ChosenPorts {
  const { port, top, allPorts } = wishes;
  const given = [port === undefined ? "" : "--port", top === undefined ? "" : "--top", allPorts ? "--all-ports" : ""];
  const options = given.filter((option) => option !== "");
  if (options.length > 1) {
    throw new PortolanError("ARGUMENT_INVALID", `${options.join(" and ")} both choose ports: leave one out.`, {
      details: { arguments: options },
    });
  }
  const choose = (transport: "tcp" | "udp"): PortSet => {
    if (port !== undefined) return parsePorts(port);
    if (top !== undefined) return PortSet.from(topPorts(transport, top));
    if (allPorts === true) return everyPort;
    if (transport === "udp") return usualUdpPorts();
    return ownMachine ? everyPort : PortSet.from(topPorts("tcp", usualTopCount));
  };
  return {
    tcp: wishes.udp === true && wishes.both !== true ? PortSet.empty : choose("tcp"),
    udp: wishes.udp === true || wishes.both === true ? choose("udp") : PortSet.empty,
    named: port === undefined ? PortSet.empty : namedOneByOne(port),
  };
}

function parsePorts(text: string): PortSet {
  const ports = PortSet.parse(text, resolveServiceName).difference(PortSet.of(0));
  if (ports.size > 0) return ports;
  throw new PortolanError("PORT_SET_INVALID", "Port 0 is no door: nothing can be sent to it.", {
    details: { given: text },
  });
}

/** Ports that stand for themselves or by name; not those of a range. */
function namedOneByOne(text: string): PortSet {
  const single = text.split(",").filter((part) => !/^[\s\d]*(?:-|\.\.)[\s\d]*$/.test(part));
  return single.length === 0 ? PortSet.empty : PortSet.parse(single.join(","), resolveServiceName);
}

/** UDP ports at which a protocol of ours is usually met. */
export function usualUdpPorts(): PortSet {
  return PortSet.from(
    protocols.flatMap(({ usualPorts }) =>
      usualPorts.filter(({ transport }) => transport === "udp").map(({ port }) => port),
    ),
  );
}

/**
 * @module The ports that are asked first, by an order of our own.
 *
 * No count of how often ports were found open in the internet stands behind it, because none that may be used here exists. The order
 * follows from what the ports are for:
 * 1. the doors everybody meets, by port;
 * 2. usual ports of protocols that can be proved, plain before TLS, by port;
 * 3. ports that programs for developers use by default, those that several programs share first, then by port;
 * 4. well-known ports (below 1024) that IANA has assigned, by port;
 * 5. registered ports that IANA has assigned, those first that end in 00 or repeat a digit (8000, 3300, 7777), then by port.
 * Ports 1 and 0 and printers' ports are left to who names them.
 */
import type { Port } from "../core/index.ts";
import { protocols } from "../protocols/index.ts";
import { allAssignments, allConventions, doors } from "../registry/index.ts";
import { printerPorts } from "./printer-ports.ts";

/** How many ports a scan of another device asks by default. */
export const usualTopCount = 1000;

const orders = new Map<"tcp" | "udp", readonly Port[]>();

/**
 * The first ports of our order.
 * @param count at least 1; fewer come back when the order ends before
 */
export function topPorts(transport: "tcp" | "udp", count: number): readonly Port[] {
  let order = orders.get(transport);
  if (order === undefined) {
    order = makeOrder(transport);
    orders.set(transport, order);
  }
  return order.slice(0, count);
}

function makeOrder(transport: "tcp" | "udp"): readonly Port[] {
  const order = new Set<number>();
  const add = (ports: Iterable<number>): void => {
    for (const port of ports) if (port > 1 && !printerPorts.has(port)) order.add(port);
  };
  for (const door of doors) if (door.transports.includes(transport)) add(door.ports);
  add(usualPorts(transport, false));
  add(usualPorts(transport, true));
  add(conventionalPorts(transport));
  const assigned = assignedPorts(transport);
  add(assigned.filter((port) => port < 1024));
  const registered = assigned.filter((port) => port >= 1024);
  add(registered.filter(isRound));
  add(registered);
  return [...order] as Port[];
}

function usualPorts(transport: "tcp" | "udp", tls: boolean): number[] {
  const ports = protocols.flatMap(({ usualPorts }) => usualPorts);
  return ports
    .filter((usual) => usual.transport === transport && usual.tls === tls)
    .map(({ port }) => port)
    .toSorted(ascending);
}

function conventionalPorts(transport: "tcp" | "udp"): number[] {
  const programs = new Map<number, number>();
  for (const convention of allConventions()) {
    if (convention.transport === transport) programs.set(convention.port, (programs.get(convention.port) ?? 0) + 1);
  }
  return [...programs]
    .toSorted(([port, count], [otherPort, otherCount]) => otherCount - count || port - otherPort)
    .map(([port]) => port);
}

function assignedPorts(transport: "tcp" | "udp"): number[] {
  const ports = new Set<number>();
  for (const assignment of allAssignments()) if (assignment.transport === transport) ports.add(assignment.port);
  return [...ports].toSorted(ascending);
}

/** People who choose a number choose one that they remember. */
function isRound(port: number): boolean {
  return port % 100 === 0 || /(\d)\1{2}/.test(String(port));
}

function ascending(left: number, right: number): number {
  return left - right;
}

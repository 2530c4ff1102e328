/**
 * @module What a scanner wrote, and how much of it is true.
 */
import { readFileSync } from "node:fs";

/**
 * @typedef {{ address: string, transport: string, port: number, state: string }} Door
 * @typedef {{ doors: Map<string, string>, services: Map<string, string[]> }} Findings `doors`: state by `address transport port`;
 * `services`: for each of these what it is said to be, most exact last.
 */

/**
 * Reads `portolan scan --json`.
 * @returns {Findings}
 */
export function readPortolanJson(path) {
  const { hosts } = JSON.parse(readFileSync(path, "utf8"));
  const doors = new Map();
  const services = new Map();
  for (const { address, doors: described, states } of hosts) {
    for (const { transport, state, ports } of states) {
      for (const port of expandPorts(ports)) doors.set(`${address} ${transport} ${port}`, state);
    }
    for (const { transport, port, identification } of described) {
      const names = identification?.layers.map(({ protocol }) => protocol) ?? [];
      if (names.length > 0) services.set(`${address} ${transport} ${port}`, names);
    }
  }
  return { doors, services };
}

/**
 * Reads nmap's `-oX`.
 * @param {(xml: string) => readonly { address: string, ports: readonly object[] }[]} readNmapXml test/support/nmap-xml.ts
 * @returns {Findings}
 */
export function readNmapFile(path, readNmapXml) {
  const doors = new Map();
  const services = new Map();
  for (const { address, ports } of readNmapXml(readFileSync(path, "utf8"))) {
    for (const { transport, port, state, service } of ports) {
      doors.set(`${address} ${transport} ${port}`, state);
      if (service === null) continue;
      const tunnel = service.tunnel === "ssl" ? ["ssl"] : [];
      services.set(`${address} ${transport} ${port}`, [...tunnel, service.name]);
    }
  }
  return { doors, services };
}

/** Numbers of a set: `1-21,23`. */
function* expandPorts(text) {
  for (const range of text.split(",").filter(Boolean)) {
    const [first, last = first] = range.split("-").map(Number);
    for (let port = first; port <= last; port++) yield port;
  }
}

/**
 * Compares states with the truth.
 * @param {ReadonlyMap<string, string>} truth state by door; what is not in it is not asked about
 */
export function judgeStates({ doors }, truth) {
  const counts = { open: 0, missed: 0, phantom: 0, wrong: 0, absent: 0 };
  for (const [door, state] of truth) {
    const said = doors.get(door);
    if (state === "open" && said === "open") counts.open++;
    else if (state === "open") counts.missed++;
    else if (said === "open") counts.phantom++;
    else if (said === undefined || said === "unscanned") counts.absent++;
    else if (said !== state) counts.wrong++;
  }
  return counts;
}

/** A judgement in a few words. */
export function describeStates({ open, missed, phantom, wrong, absent }) {
  const parts = [`${open} open`];
  if (missed > 0) parts.push(`**${missed} open missed**`);
  if (phantom > 0) parts.push(`**${phantom} wrongly open**`);
  if (wrong > 0) parts.push(`**${wrong} in a wrong state**`);
  if (absent > 0) parts.push(`${absent} not told`);
  if (missed + phantom + wrong === 0) parts.push(absent > 0 ? "all others right" : "all right");
  return parts.join(", ");
}

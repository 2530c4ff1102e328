/**
 * @module The three ranges of ports, in the terms of RFC 6335 and the common ones.
 */
import type { Port } from "../core/index.ts";

/** One range. */
export interface PortRange {
  readonly id: "well-known" | "registered" | "dynamic";
  /** The range's name in RFC 6335 §6. */
  readonly title: string;
  /** Other names in use. */
  readonly otherNames: readonly string[];
  readonly first: Port;
  readonly last: Port;
  /** What it is for, for somebody who has never met a port. */
  readonly explanation: string;
  readonly source: string;
}

/** From the lowest to the highest; together every port once. */
export const ranges: readonly [PortRange, PortRange, PortRange] = [
  {
    id: "well-known",
    title: "System Ports",
    otherNames: ["well-known ports", "privileged ports"],
    first: 0 as Port,
    last: 1023 as Port,
    explanation:
      "The front doors: the services that everybody must find without asking, such as the web on 80 and 443 or mail on 25. " +
      "On most systems a program needs a privilege to open one, so that not just anybody can pose as the machine's mail server.",
    source: "RFC 6335 §6",
  },
  {
    id: "registered",
    title: "User Ports",
    otherNames: ["registered ports"],
    first: 1024 as Port,
    last: 49_151 as Port,
    explanation:
      "Doors that anybody may open: databases, development servers, applications. IANA keeps a register of who asked for which, " +
      "but nothing enforces it.",
    source: "RFC 6335 §6",
  },
  {
    id: "dynamic",
    title: "Dynamic Ports",
    otherNames: ["private ports", "ephemeral ports"],
    first: 49_152 as Port,
    last: 65_535 as Port,
    explanation:
      "Doors for a moment: when your browser connects, the system lends it one of these for the answers to come back to. " +
      "They are assigned to nobody. Each kernel draws its own line: Linux lends from 32768 to 60999 unless told otherwise.",
    source: "RFC 6335 §6",
  },
];

/** The range that a port lies in. */
export function rangeOf(port: number): PortRange {
  if (port <= ranges[0].last) return ranges[0];
  return port <= ranges[1].last ? ranges[1] : ranges[2];
}

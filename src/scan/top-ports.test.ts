/**
 * @module The order of ports for scans.
 */
import { expect, test } from "vitest";
import { doors } from "../registry/index.ts";
import { topPorts } from "./top-ports.ts";

test("the doors everybody meets come first, by port", () => {
  const doorPorts = doors.filter(({ transports }) => transports.includes("tcp")).flatMap(({ ports }) => [...ports]);
  expect(topPorts("tcp", doorPorts.length)).toEqual(doorPorts);
  expect(topPorts("udp", 3)).toEqual([53, 67, 68]);
});

test("there are a thousand of each, none twice, no printer among them", () => {
  for (const transport of ["tcp", "udp"] as const) {
    const ports = topPorts(transport, 1000);
    expect(ports).toHaveLength(1000);
    expect(new Set(ports).size).toBe(1000);
    for (const port of ports) expect(port < 9100 || port > 9107).toBe(true);
  }
});

test("fewer are the beginning of more", () => {
  expect(topPorts("tcp", 1000).slice(0, 100)).toEqual(topPorts("tcp", 100));
});

test("what developers meet is among the first hundred and fifty", () => {
  const first = new Set<number>(topPorts("tcp", 150));
  for (const port of [22, 80, 443, 3000, 3306, 5173, 5432, 6379, 8000, 8080, 8443, 9200, 27017]) {
    expect([port, first.has(port)]).toEqual([port, true]);
  }
});

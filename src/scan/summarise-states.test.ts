/**
 * @module States in few words.
 */
import { assert, constantFrom, property, uniqueArray, integer, array, tuple } from "fast-check";
import { expect, test } from "vitest";
import { PortSet } from "../core/index.ts";
import { portOutcomes } from "./engine.ts";
import { summariseStates } from "./summarise-states.ts";

test("runs of neighbours are joined, each state by itself", () => {
  const ports = Uint16Array.of(1, 2, 3, 5, 6, 9, 65_535);
  const outcomes = Uint8Array.of(2, 2, 1, 2, 2, 3, 2);
  expect(summariseStates("tcp", ports, outcomes)).toEqual([
    { transport: "tcp", state: "closed", reason: "connection-refused", count: 5, ports: "1-2,5-6,65535" },
    { transport: "tcp", state: "open", reason: "syn-ack", count: 1, ports: "3" },
    { transport: "tcp", state: "filtered", reason: "no-answer", count: 1, ports: "9" },
  ]);
  expect(summariseStates("udp", new Uint16Array(0), new Uint8Array(0))).toEqual([]);
});

test("every port is in one state's set, which prints as a set of ports does", () => {
  const codes = portOutcomes.map((_, index) => index);
  const cells = uniqueArray(integer({ min: 0, max: 65_535 }), { maxLength: 200 }).chain((ports) =>
    tuple(
      constantFrom(ports.toSorted((left, right) => left - right)),
      array(constantFrom(...codes), { minLength: ports.length, maxLength: ports.length }),
    ),
  );
  assert(
    property(cells, ([ports, outcomes]) => {
      for (const { state, reason, count, ports: text } of summariseStates(
        "tcp",
        Uint16Array.from(ports),
        Uint8Array.from(outcomes),
      )) {
        const own = ports.filter((_, index) => {
          const outcome = portOutcomes[outcomes[index]!]!;
          return outcome.state === state && outcome.reason === reason;
        });
        expect(own.length).toBeGreaterThanOrEqual(count);
        if (own.length === count) expect(text).toBe(PortSet.from(own).toString());
      }
    }),
  );
});

/**
 * @module Many doors in few words: the ports of a device by state and reason.
 */
import { PortSet } from "../core/index.ts";
import { portOutcomes } from "./engine.ts";
import type { StateSummary } from "./scan-types.ts";

/** Texts of whole sets, by the array of ports: hosts of which nothing is known share one. */
const wholeSets = new WeakMap<Uint16Array, string>();

/**
 * Groups the outcomes of one device.
 * @param outcomes one byte a port, an index into `portOutcomes`
 */
export function summariseStates(
  transport: "tcp" | "udp",
  ports: Uint16Array,
  outcomes: Uint8Array,
): readonly StateSummary[] {
  const byCode = new Map<number, number>();
  for (const code of outcomes) byCode.set(code, (byCode.get(code) ?? 0) + 1);
  return [...byCode].map(([code, count]): StateSummary => {
    const { state, reason } = portOutcomes[code] ?? portOutcomes[0];
    return {
      transport,
      state,
      reason,
      count,
      ports: count === ports.length ? wholeSet(ports) : select(ports, outcomes, code),
    };
  });
}

function select(ports: Uint16Array, outcomes: Uint8Array, code: number): string {
  return PortSet.from(ports.filter((_, index) => outcomes[index] === code)).toString();
}

function wholeSet(ports: Uint16Array): string {
  let text = wholeSets.get(ports);
  if (text === undefined) {
    text = PortSet.from(ports).toString();
    wholeSets.set(ports, text);
  }
  return text;
}

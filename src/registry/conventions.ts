/**
 * @module Look-up of developer conventions by port.
 */
import type { Transport } from "../core/index.ts";
import type { Convention } from "./convention.ts";
import { developmentConventions } from "./conventions-development.ts";
import { infrastructureConventions } from "./conventions-infrastructure.ts";

let byPort: Map<number, Convention[]> | undefined;

function index(): Map<number, Convention[]> {
  if (byPort === undefined) {
    byPort = new Map();
    for (const convention of [...developmentConventions, ...infrastructureConventions]) {
      const known = byPort.get(convention.port);
      if (known === undefined) byPort.set(convention.port, [convention]);
      else known.push(convention);
    }
  }
  return byPort;
}

const none: readonly Convention[] = [];

/** What programs use a port by default, the most common first. Without a transport, of all transports. */
export function conventionsOf(port: number, transport?: Transport): readonly Convention[] {
  const all = index().get(port) ?? none;
  return transport === undefined ? all : all.filter((convention) => convention.transport === transport);
}

/** Every convention, by port. */
export function allConventions(): readonly Convention[] {
  return [...index().values()].flat().sort((left, right) => left.port - right.port);
}

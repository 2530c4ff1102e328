/**
 * @module What a port number is for, from the registry, and what this kernel makes of it: shared by `who` and `explain`.
 */
import * as v from "valibot";
import { PortSet, known, type Known, type Port } from "../core/index.ts";
import { isEphemeral, mayBind } from "../plan/index.ts";
import { assignmentsOf, browserBlockedPorts, conventionsOf, doorOf, rangeOf } from "../registry/index.ts";
import type { PortLimits } from "../host/index.ts";
import { knownSchema, listOf, portSchema, rangeNameSchema, schemeSchema, transportSchema } from "./schemas.ts";

/** Meaning of one port number. */
export const meaningSchema = v.object({
  port: portSchema,
  range: v.object({ id: rangeNameSchema, title: v.string(), explanation: v.string() }),
  assigned: v.pipe(
    listOf(
      v.object({ name: v.string(), transports: listOf(transportSchema), description: v.string(), source: v.string() }),
    ),
    v.description("Names that IANA assigned to the number, primary first"),
  ),
  conventions: v.pipe(
    listOf(
      v.object({
        title: v.string(),
        transport: transportSchema,
        description: v.string(),
        scheme: schemeSchema,
        source: v.string(),
      }),
    ),
    v.description("Programs that use the number by default, whatever it was assigned to"),
  ),
  door: v.pipe(v.nullable(v.string()), v.description("What everybody meets there, in one line")),
  mayBind: v.pipe(knownSchema(v.boolean()), v.description("Whether the caller has the privilege to take it")),
  ephemeral: v.pipe(
    knownSchema(v.boolean()),
    v.description(
      "Whether this kernel hands it out to programs that name no port, so that it may be taken at any moment",
    ),
  ),
  reserved: v.pipe(knownSchema(v.boolean()), v.description("Whether automatic assignment leaves it alone")),
  browserBlocked: v.pipe(v.boolean(), v.description("Whether browsers refuse to open it (Fetch standard, bad port)")),
});

export type PortMeaning = v.InferOutput<typeof meaningSchema>;

/** Everything that the number alone says. */
export function describeMeaning(port: Port, limits: PortLimits): PortMeaning {
  const range = rangeOf(port);
  const door = doorOf(port);
  return {
    port,
    range: { id: range.id, title: range.title, explanation: range.explanation },
    assigned: joinTransports(port),
    conventions: conventionsOf(port).map(({ title, transport, description, scheme, source }) => ({
      title,
      transport,
      description,
      scheme,
      source,
    })),
    door: door === undefined ? null : (door.portNotes?.[port] ?? door.oneLine),
    mayBind: mayBind(port, limits),
    ephemeral: isEphemeral(port, limits),
    reserved: isReserved(port, limits.reservedPorts),
    browserBlocked: browserBlockedPorts.includes(port),
  };
}

function isReserved(port: Port, reserved: Known<string>): Known<boolean> {
  return reserved.known ? known(reserved.value !== "" && PortSet.parse(reserved.value).has(port)) : reserved;
}

function joinTransports(port: Port): PortMeaning["assigned"] {
  const byName = new Map<
    string,
    PortMeaning["assigned"][number] & { transports: ("tcp" | "udp" | "sctp" | "dccp")[] }
  >();
  for (const { name, transport, description, source } of assignmentsOf(port)) {
    const entry = byName.get(name);
    if (entry === undefined) byName.set(name, { name, transports: [transport], description, source });
    else if (!entry.transports.includes(transport)) entry.transports.push(transport);
  }
  return [...byName.values()];
}

/**
 * @module `services`: the doors everybody meets, and a search through every assigned name.
 */
import * as v from "valibot";
import { known, unknown, isPortolanError, knownOr, type Known, type Port, type Transport } from "../core/index.ts";
import { allAssignments, doors, searchServices } from "../registry/index.ts";
import { defineOperation } from "./define-operation.ts";
import { describeServices } from "./look.ts";
import type { OperationContext } from "./operation.ts";
import { optionalInteger, optionalSwitch, optionalText } from "./parameters.ts";
import { knownSchema, listOf, portSchema, transportSchema, type ListedService } from "./schemas.ts";

const inputSchema = v.object({
  text: optionalText("Search names, aliases, descriptions and numbers for this text", { placeholder: "TEXT" }),
  all: optionalSwitch("Everything: every assigned name and every convention", { short: "a" }),
  limit: optionalInteger("Most rows of a search; default 50", 1, 100_000, { placeholder: "N", short: "n" }),
});

const aliveSchema = v.object({
  port: portSchema,
  transport: transportSchema,
  program: v.pipe(knownSchema(v.nullable(v.string())), v.description("Name of the process that holds it")),
});

const outputSchema = v.object({
  complete: v.boolean(),
  doors: v.pipe(
    listOf(
      v.object({
        title: v.string(),
        ports: listOf(portSchema),
        transports: listOf(transportSchema),
        oneLine: v.string(),
        source: v.string(),
        alive: v.pipe(
          knownSchema(listOf(aliveSchema)),
          v.description("Which of its ports somebody listens on here now; by the port number, not proved"),
        ),
      }),
    ),
    v.description("The doors everybody meets; empty for a search"),
  ),
  matches: v.pipe(
    listOf(
      v.object({
        name: v.string(),
        title: v.nullable(v.string()),
        port: portSchema,
        transports: listOf(transportSchema),
        description: v.string(),
        basis: v.picklist(["assigned", "convention"]),
        source: v.string(),
      }),
    ),
    v.description("What the search found, best first"),
  ),
  totalMatches: v.pipe(v.number(), v.description("How many there are in all; matches holds at most limit of them")),
});

export type ServicesInput = v.InferInput<typeof inputSchema>;
export type ServicesResult = v.InferOutput<typeof outputSchema>;

/** Runs `services`. */
export async function runServices(input: ServicesInput, context: OperationContext): Promise<ServicesResult> {
  if (input.text !== undefined && input.text.trim() !== "") {
    const limit = input.limit ?? (input.all === true ? Number.MAX_SAFE_INTEGER : 50);
    const found = searchServices(input.text, { limit });
    return { complete: true, doors: [], matches: found.matches, totalMatches: found.total };
  }
  if (input.all === true) {
    const matches = everyAssignment();
    return {
      complete: true,
      doors: [],
      matches: matches.slice(0, input.limit ?? matches.length),
      totalMatches: matches.length,
    };
  }
  const services = await describeListeners(context);
  return {
    complete: true,
    doors: doors.map((door) => ({
      title: door.title,
      ports: door.ports,
      transports: door.transports,
      oneLine: door.oneLine,
      source: door.source,
      alive: services.known
        ? known(services.value.filter((service) => isBehind(service, door)).map(describeAlive))
        : services,
    })),
    matches: [],
    totalMatches: 0,
  };
}

/** Listening services, or why they are not known. */
export async function describeListeners(context: OperationContext): Promise<Known<ListedService[]>> {
  try {
    return known(describeServices(await context.host.snapshot({ states: "listening", signal: context.signal })));
  } catch (error) {
    if (isPortolanError(error, "HOST_UNSUPPORTED")) return unknown("unsupported");
    throw error;
  }
}

function isBehind(service: ListedService, door: { ports: readonly Port[]; transports: readonly Transport[] }): boolean {
  return door.ports.includes(service.port as Port) && door.transports.includes(service.transport);
}

function describeAlive(service: ListedService) {
  const { port, transport, holders } = service;
  const leader = knownOr(holders, [])[0];
  const program = holders.known ? known(leader === undefined ? null : knownOr(leader.name, null)) : holders;
  return { port, transport, program };
}

/** All assignments, those of one name and port joined over their transports. */
function everyAssignment(): ServicesResult["matches"] {
  const rows = new Map<string, ServicesResult["matches"][number] & { transports: Transport[] }>();
  for (const { name, port, transport, description, source } of allAssignments()) {
    const key = `${port} ${name}`;
    const row = rows.get(key);
    if (row !== undefined) row.transports.push(transport);
    else rows.set(key, { name, title: null, port, transports: [transport], description, basis: "assigned", source });
  }
  return [...rows.values()].sort((left, right) => left.port - right.port);
}

/** The declaration of `services`. */
export const servicesOperation = defineOperation({
  name: "services",
  summary: "The doors everybody meets, each in one line and whether it is alive here; or a search",
  description:
    "Without TEXT one screen of the ports that everybody meets. With TEXT a search through all assigned names, the names people say, and " +
    "what developers' programs use by default. A port that is alive is told by its number: what speaks there is not proved.",
  effect: "read",
  faces: ["cli", "http", "mcp"],
  positional: ["text"],
  examples: [
    { command: "services", note: "the doors everybody meets" },
    { command: "services mail", note: "search for mail" },
    { command: "services --all --json", note: "the whole registry, for a program" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runServices,
});

/**
 * @module `ranges`: the three ranges of the 65,536 ports, and what this kernel makes of them.
 */
import * as v from "valibot";
import { isPortolanError, known, unknown, type Known } from "../core/index.ts";
import type { PortLimits } from "../host/index.ts";
import { ranges } from "../registry/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { knownSchema, listOf, portSchema, rangeNameSchema } from "./schemas.ts";

const inputSchema = v.object({});

/** What the kernel decides about ports. */
export const limitsSchema = v.object({
  unprivilegedPortStart: v.pipe(
    knownSchema(v.number()),
    v.description("Lowest port that a program without privileges may bind"),
  ),
  ephemeralRange: v.pipe(
    knownSchema(v.object({ first: portSchema, last: portSchema })),
    v.description("Ports that this kernel gives to programs that name none, such as browsers"),
  ),
  reservedPorts: v.pipe(knownSchema(v.string()), v.description("Ports that automatic assignment leaves alone")),
  mayBindPrivileged: v.pipe(knownSchema(v.boolean()), v.description("Whether the caller may bind any port")),
  v6onlyDefault: v.pipe(
    knownSchema(v.boolean()),
    v.description("Whether a program that listens on [::] leaves IPv4 alone unless it asks otherwise"),
  ),
});

const outputSchema = v.object({
  complete: v.boolean(),
  ranges: listOf(
    v.object({
      id: rangeNameSchema,
      title: v.string(),
      otherNames: listOf(v.string()),
      first: portSchema,
      last: portSchema,
      count: v.number(),
      explanation: v.string(),
      source: v.string(),
      listeningHere: v.pipe(
        knownSchema(v.number()),
        v.description("Different ports of this range on which something listens on this machine now"),
      ),
    }),
  ),
  limits: limitsSchema,
});

/** `ranges` takes nothing. */
export type RangesInput = Record<string, never>;
export type RangesResult = v.InferOutput<typeof outputSchema>;

/** Runs `ranges`. Without a reader for this system the counts and limits are unknown, and the ranges are told all the same. */
export async function runRanges(_input: RangesInput, context: OperationContext): Promise<RangesResult> {
  const listening = await listeningPorts(context);
  return {
    complete: true,
    ranges: ranges.map((range) => ({
      id: range.id,
      title: range.title,
      otherNames: range.otherNames,
      first: range.first,
      last: range.last,
      count: range.last - range.first + 1,
      explanation: range.explanation,
      source: range.source,
      listeningHere: listening.known
        ? known([...listening.value].filter((port) => port >= range.first && port <= range.last).length)
        : listening,
    })),
    limits: readLimitsOrUnknown(context),
  };
}

/** Every port on which something listens, or why that is not known. */
async function listeningPorts(context: OperationContext): Promise<Known<Set<number>>> {
  try {
    const snapshot = await context.host.snapshot({ states: "listening", holders: "none", signal: context.signal });
    return known(new Set(snapshot.sockets.map((socket) => socket.local.port)));
  } catch (error) {
    if (isPortolanError(error, "HOST_UNSUPPORTED")) return unknown("unsupported");
    throw error;
  }
}

/** The kernel's limits, all unknown where Portolan has no reader. */
export function readLimitsOrUnknown(context: OperationContext): PortLimits {
  try {
    return context.host.readLimits();
  } catch (error) {
    if (!isPortolanError(error, "HOST_UNSUPPORTED")) throw error;
    const nothing = unknown("unsupported");
    return {
      unprivilegedPortStart: nothing,
      ephemeralRange: nothing,
      reservedPorts: nothing,
      mayBindPrivileged: nothing,
      v6onlyDefault: nothing,
    };
  }
}

/** The declaration of `ranges`. */
export const rangesOperation = defineOperation({
  name: "ranges",
  summary: "The three ranges of ports, and where this kernel draws its own lines",
  description:
    "RFC 6335 divides the 65,536 ports into System (0-1023), User (1024-49151) and Dynamic Ports (49152-65535). Each kernel has limits of " +
    "its own: from which port on programs need no privilege, and which ports it hands out by itself.",
  effect: "read",
  faces: ["cli", "http", "mcp"],
  positional: [],
  examples: [{ command: "ranges", note: "the ranges, with how many ports are in use in each" }],
  input: inputSchema,
  output: outputSchema,
  run: runRanges,
});

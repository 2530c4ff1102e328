/**
 * @module `relays`: the forwards and shares that run, with what they have done until now.
 */
import * as v from "valibot";
import { formatSocketAddress } from "../core/index.ts";
import { listRelays, type RelayStatus } from "../gateway/index.ts";
import { stateFolderOf } from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { describeCounts, describePlace, relayCountsSchema, relayPlaceSchema } from "./relay-schemas.ts";
import { listOf, timeSchema } from "./schemas.ts";

const inputSchema = v.object({});

const relaySchema = v.object({
  kind: v.picklist(["forward", "share"]),
  listen: relayPlaceSchema,
  target: v.pipe(v.nullable(v.string()), v.description("Of a forward; a share leads by what is said")),
  pid: v.pipe(v.number(), v.description("Process that it belongs to")),
  startedAt: timeSchema,
  workingDirectory: v.string(),
  version: v.string(),
  counts: relayCountsSchema,
});

const outputSchema = v.object({ complete: v.boolean(), relays: listOf(relaySchema) });

export type RelaysInput = Record<string, never>;
export type RelaysResult = v.InferOutput<typeof outputSchema>;

/** Runs `relays`. */
export async function runRelays(_input: RelaysInput, { environment }: OperationContext): Promise<RelaysResult> {
  const processes = await listRelays(stateFolderOf(environment));
  const relays = processes.flatMap(({ pid, startedAtMs, workingDirectory, version, relays: own }) =>
    own.map(({ wish, place, counts }) => ({
      kind: wish.kind,
      listen: describePlace(place),
      target: targetOf(wish),
      pid,
      startedAt: new Date(startedAtMs).toISOString(),
      workingDirectory,
      version,
      counts: describeCounts(counts),
    })),
  );
  return { complete: true, relays };
}

function targetOf(wish: RelayStatus["wish"]): string | null {
  return wish.kind === "forward" ? formatSocketAddress(wish.target.host, wish.target.port) : null;
}

/** The declaration of `relays`. */
export const relaysOperation = defineOperation({
  name: "relays",
  summary: "Forwards and shares that run, and what came through them",
  description:
    "The same as forward list and share list: each place at which a forward or a share of yours listens, its process, and the connections and bytes that came through it until now.",
  effect: "read",
  faces: ["cli"],
  positional: [],
  examples: [{ command: "forward list", note: "what runs now" }],
  input: inputSchema,
  output: outputSchema,
  run: runRelays,
});

/**
 * @module The shapes of `kill`: what is proposed, what happens, what came of it.
 */
import * as v from "valibot";
import { knownSchema, listOf, portSchema, processSchema, socketStateSchema, supervisorSchema } from "./schemas.ts";

const heldSocketSchema = v.object({
  transport: v.picklist(["tcp", "udp"]),
  address: v.pipe(v.string(), v.description("Address and port it is bound to")),
  port: portSchema,
  state: socketStateSchema,
  inode: v.number(),
});

/** One process that holds a port. */
export const victimSchema = v.object({
  ...processSchema.entries,
  identity: v.pipe(
    v.string(),
    v.description("Start time in the kernel's own ticks, which tells it from a later process with its pid"),
  ),
  sockets: v.pipe(listOf(heldSocketSchema), v.description("Empty for a descendant that is ended along (--tree)")),
  project: v.nullable(v.string()),
  supervisor: v.nullable(supervisorSchema),
  action: v.pipe(
    v.picklist(["signal", "stop-container", "refuse"]),
    v.description("What will be done: a signal, the container stopped, or nothing"),
  ),
  reason: v.pipe(v.nullable(v.string()), v.description("Why it is refused, or why its container is stopped instead")),
  otherUser: v.pipe(v.boolean(), v.description("True when it belongs to another user than the caller")),
  container: v.pipe(
    v.nullable(v.object({ engine: v.picklist(["docker", "podman"]), id: v.string() })),
    v.description("The container that holds the port"),
  ),
});

/** Sockets whose holders are out of sight. */
const unseenSchema = v.object({ ...heldSocketSchema.entries, uid: v.number(), reason: v.string() });

/** What would be done to whom. */
export const proposalSchema = v.object({
  complete: v.boolean(),
  ports: v.pipe(
    listOf(v.object({ port: portSchema, transport: v.picklist(["tcp", "udp"]) })),
    v.description("Ports to be freed that somebody holds"),
  ),
  victims: listOf(victimSchema),
  unseen: listOf(unseenSchema),
  signal: v.string(),
  graceMs: v.number(),
});

/** Who took a port that had just been freed. */
export const successorSchema = v.object({
  pid: v.nullable(v.number()),
  name: knownSchema(v.string()),
  broughtBy: v.pipe(v.nullable(v.string()), v.description("Who started it again, as far as that can be told")),
  stopInstead: v.pipe(v.nullable(v.string()), v.description("What to stop instead: a command, or a process")),
});

export const killResultSchema = v.object({
  complete: v.boolean(),
  outcome: v.picklist(["freed", "not-freed", "nothing-there", "proposed", "declined"]),
  ports: listOf(
    v.object({
      port: portSchema,
      transport: v.picklist(["tcp", "udp"]),
      free: v.boolean(),
      successor: v.nullable(successorSchema),
    }),
  ),
  processes: v.pipe(
    listOf(
      v.object({
        pid: v.number(),
        name: knownSchema(v.string()),
        signals: v.pipe(listOf(v.string()), v.description("Signals that it was sent, in order")),
        ended: v.boolean(),
        problem: v.nullable(v.string()),
      }),
    ),
    v.description("What became of each process that something was done to"),
  ),
  proposal: proposalSchema,
});

export const killEventSchema = v.variant("kind", [
  v.object({ kind: v.literal("signalled"), pid: v.number(), name: knownSchema(v.string()), signal: v.string() }),
  v.object({
    kind: v.literal("escalated"),
    pid: v.number(),
    name: knownSchema(v.string()),
    afterMs: v.pipe(v.number(), v.description("How long it had to let go of the port")),
  }),
  v.object({ kind: v.literal("stopping-container"), engine: v.string(), id: v.string() }),
  v.object({ kind: v.literal("freed"), port: portSchema, transport: v.picklist(["tcp", "udp"]), afterMs: v.number() }),
]);

export type KillVictim = v.InferOutput<typeof victimSchema>;
export type KillProposal = v.InferOutput<typeof proposalSchema>;
export type KillResult = v.InferOutput<typeof killResultSchema>;
export type KillEvent = v.InferOutput<typeof killEventSchema>;
export type Successor = v.InferOutput<typeof successorSchema>;

/**
 * @module `snapshot`: everything there is to see of this machine in one file, to be looked at later or elsewhere.
 */
import * as v from "valibot";
import { resolve } from "node:path";
import { PortolanError } from "../core/index.ts";
import { ownHostName } from "../host/index.ts";
import { writeSnapshotText } from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { optionalSwitch, optionalText } from "./parameters.ts";
import { takeMachine } from "./save-machine.ts";
import { blindSpotSchema, listOf, timeSchema } from "./schemas.ts";

const inputSchema = v.object({
  file: optionalText(
    "Where to; compressed when the name ends in .gz; - is standard output, and the default where that is no terminal",
    {
      placeholder: "FILE",
    },
  ),
  force: optionalSwitch("Replace the file when it is there already", { short: "f" }),
  showSecrets: optionalSwitch("Write passwords and tokens in arguments as they are instead of ***"),
});

const outputSchema = v.object({
  complete: v.boolean(),
  hostName: v.string(),
  takenAt: timeSchema,
  file: v.pipe(v.nullable(v.string()), v.description("Where it was written; null for standard output")),
  bytes: v.pipe(v.nullable(v.number()), v.description("Size of the file")),
  sockets: v.number(),
  processes: v.number(),
  namespaces: v.pipe(v.number(), v.description("Network namespaces that were looked into, the own included")),
  blindSpots: listOf(blindSpotSchema),
  document: v.pipe(v.nullable(v.unknown()), v.description("The snapshot itself, when no file was named")),
});

export type SnapshotInput = v.InferInput<typeof inputSchema>;
export type SnapshotResult = v.InferOutput<typeof outputSchema>;

/** Runs `snapshot`. */
export async function runSnapshot(input: SnapshotInput, context: OperationContext): Promise<SnapshotResult> {
  if (input.file === undefined && context.terminal?.().output === true) {
    throw new PortolanError("ARGUMENT_INVALID", "A whole snapshot would flood the terminal.", {
      details: { argument: "file", hint: "Name a file, or write - to have it here all the same." },
    });
  }
  const machine = await takeMachine(context, { showSecrets: input.showSecrets === true, hostName: ownHostName() });
  const toFile = input.file !== undefined && input.file !== "-";
  const path = toFile ? resolve(context.workingDirectory, input.file!) : null;
  const bytes =
    path === null ? null : writeSnapshotText(path, `${JSON.stringify(machine)}\n`, { replace: input.force === true });
  return {
    complete: machine.complete && !context.signal.aborted,
    hostName: machine.hostName,
    takenAt: new Date(machine.takenAtMs).toISOString(),
    file: path,
    bytes,
    sockets: machine.looks.reduce((sum, { sockets }) => sum + sockets.length, 0),
    processes: machine.processes.length,
    namespaces: machine.looks.length,
    blindSpots: machine.blindSpots,
    document: path === null ? machine : null,
  };
}

/** The declaration of `snapshot`. */
export const snapshotOperation = defineOperation({
  name: "snapshot",
  summary: "Everything there is to see of this machine, in one file",
  description:
    "Sockets of every state with their holders and traffic, processes, interfaces, limits, other network namespaces, projects and " +
    "containers, as one JSON document that the commands that look read with --from, on this machine or another. Passwords and tokens " +
    "in arguments are masked. The file is readable by its owner alone. Exit status 1 when the file is there already.",
  effect: "read",
  faces: ["cli"],
  positional: ["file"],
  examples: [
    { command: "snapshot before.json", note: "keep how things stand" },
    { command: "list --from before.json", note: "and look at it later, or elsewhere" },
    { command: "diff before.json live", note: "what has changed since" },
    { command: "snapshot - | gzip > now.json.gz", note: "to a pipe" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runSnapshot,
});

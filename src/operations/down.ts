/**
 * @module `down`: ends a project that is up.
 */
import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { openProcess } from "../act/index.ts";
import { endLeftovers, readUpRecords, upRuns, type KeptUpRecord } from "../project/index.ts";
import { stateFolderOf } from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { listOf } from "./schemas.ts";

const inputSchema = v.object({});

const outputSchema = v.object({
  complete: v.boolean(),
  projects: v.pipe(
    listOf(
      v.object({
        pid: v.pipe(v.number(), v.description("Process of up")),
        folder: v.string(),
        apps: v.pipe(listOf(v.string()), v.description("Applications that it had")),
        wasRunning: v.pipe(v.boolean(), v.description("False when up itself had been killed before")),
        ended: v.pipe(v.boolean(), v.description("False when it has not ended in time")),
      }),
    ),
    v.description("Of the project around the working directory; empty when it was not up"),
  ),
});

export type DownInput = Record<string, never>;
export type DownResult = v.InferOutput<typeof outputSchema>;

/** Longest time that `up` may take to end, milliseconds. */
const patienceMs = 60_000;
const paceMs = 50;

/** Runs `down`. */
export async function runDown(_input: DownInput, context: OperationContext): Promise<DownResult> {
  const stateFolder = stateFolderOf(context.environment);
  const here = readUpRecords(stateFolder).filter(({ record }) => isWithin(context.workingDirectory, record.folder));
  const projects: DownResult["projects"][number][] = [];
  for (const kept of here) {
    const { pid, folder, names } = kept.record;
    const wasRunning = upRuns(kept.record);
    const ended = wasRunning
      ? await endUp(kept, context.signal)
      : (await endLeftovers(stateFolder, kept, { fresh: false })) >= 0;
    projects.push({ pid, folder, apps: [...names], wasRunning, ended });
  }
  return { complete: !context.signal.aborted, projects };
}

function isWithin(directory: string, folder: string): boolean {
  return directory === folder || directory.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/** It ends what it started, and its own names. */
async function endUp({ record }: KeptUpRecord, signal: AbortSignal): Promise<boolean> {
  const { pid, identity } = record;
  // Without an identity it cannot be told from a later process of that pid.
  if (identity === null) return false;
  const handle = openProcess(pid, identity);
  if (handle === null) return true;
  try {
    handle.signal("SIGTERM");
    // One that Ctrl-Z has stopped does not hear it before.
    handle.signal("SIGCONT");
    const endMs = performance.now() + patienceMs;
    while (!handle.hasEnded() && performance.now() < endMs && !signal.aborted)
      await pause(paceMs, undefined, { signal }).catch(() => undefined);
    return handle.hasEnded();
  } finally {
    handle.close();
  }
}

/** The declaration of `down`. */
export const downOperation = defineOperation({
  name: "down",
  summary: "End a project that is up",
  description:
    "Asks the up of the project around the working directory to end, as Ctrl-C in its terminal would, and waits until it has; what an up that was killed has left behind is ended as well. " +
    "Exit status 1: nothing was up here, or it has not ended.",
  effect: "change",
  faces: ["cli"],
  positional: [],
  examples: [{ command: "down", note: "from any folder of the project" }],
  input: inputSchema,
  output: outputSchema,
  run: runDown,
});

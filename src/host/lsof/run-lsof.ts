/**
 * @module Runs lsof(8) for the Internet sockets of this machine.
 */
import { PortolanError } from "../../core/index.ts";
import { capture } from "../capture.ts";
import { fieldLetters, parseFieldOutput, type ProcessSet } from "./field-output.ts";

/** What to list. */
export interface LsofRequest {
  /** Also each process's working directory. */
  readonly workingDirectories: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** lsof looks through every process of the machine, on slow ones for long. */
const timeoutMs = 60_000;

/** Words of the command line, without the program: lsof(8). */
export function lsofWords({ workingDirectories }: Omit<LsofRequest, "signal">): readonly string[] {
  return [
    // No names for addresses (-n) and ports (-P), no warnings (-w).
    "-n",
    "-P",
    "-w",
    // Every Internet socket: with -sTCP:LISTEN lsof leaves out UDP as well.
    "-i",
    // Selections are joined by "or" unless -a stands with them.
    ...(workingDirectories ? ["-dcwd"] : []),
    // Socket options (where the system has them), queues and state.
    "-Tfqs",
    "-F",
    fieldLetters,
  ];
}

/**
 * Lists them.
 * @throws READER_UNAVAILABLE when lsof is not installed or does not know the options; HOST_READ_FAILED when it takes too long
 */
export async function runLsof(
  request: LsofRequest,
): Promise<{ readonly processes: readonly ProcessSet[]; readonly complete: boolean }> {
  const told = await capture({
    program: "lsof",
    words: lsofWords(request),
    timeoutMs,
    signal: request.signal,
    missingHint: "Install lsof: macOS brings it along, the other systems have it as a package.",
  });
  const processes = parseFieldOutput(told.output, told.complete);
  // Exit status 1 is also "nothing was found" (lsof(8), DIAGNOSTICS), which comes without a word.
  if (told.complete && told.exitStatus !== 0 && processes.length === 0 && told.complaint !== "") {
    throw new PortolanError("READER_UNAVAILABLE", "lsof does not do here what Portolan asks of it.", {
      details: { complaint: told.complaint, exitStatus: told.exitStatus ?? -1 },
    });
  }
  return { processes, complete: told.complete };
}

/**
 * @module A process that is not there any more, or of which nobody took note.
 */
import { unknown } from "../core/index.ts";
import type { Process } from "./host.ts";

/** Its number, and nothing else. */
export function describeGone(pid: number): Process {
  const gone = unknown("gone");
  return {
    pid,
    parentPid: gone,
    name: gone,
    arguments: gone,
    uid: gone,
    userName: gone,
    startTimeMs: gone,
    workingDirectory: gone,
    executable: gone,
    executableDeleted: false,
    memoryBytes: gone,
    controlGroup: gone,
  };
}

/**
 * @module Whether a folder of ours can be used, without making it.
 */
import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { tryLock } from "./kernel-locks.ts";

/** What can be done with a folder. */
export interface FolderExamination {
  readonly path: string;
  /** `missing`: it can be made. */
  readonly state: "writable" | "readable" | "missing" | "unusable";
  /** The system's word for why not, `null` when it can be used. */
  readonly problem: string | null;
}

/** Looks at a folder. Whether the disk has space is told by writing alone. */
export function examineFolder(path: string): FolderExamination {
  const present = accessProblem(path, constants.F_OK);
  if (present === null) {
    if (!isFolder(path)) return { path, state: "unusable", problem: "ENOTDIR" };
    const writing = accessProblem(path, constants.W_OK | constants.X_OK);
    if (writing === null) return { path, state: "writable", problem: null };
    const reading = accessProblem(path, constants.R_OK | constants.X_OK);
    return { path, state: reading === null ? "readable" : "unusable", problem: writing };
  }
  if (present !== "ENOENT") return { path, state: "unusable", problem: present };
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    const problem = accessProblem(parent, constants.W_OK | constants.X_OK);
    if (problem === null) return { path, state: isFolder(parent) ? "missing" : "unusable", problem: null };
    if (problem !== "ENOENT" || parent === dirname(parent)) return { path, state: "unusable", problem };
  }
}

/** Whether the kernel gives locks: why not, or `null`. */
export async function examineLocks(): Promise<string | null> {
  try {
    const lock = await tryLock(`diagnose/${process.pid}`, { waitable: false });
    lock?.release();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function accessProblem(path: string, mode: number): string | null {
  try {
    accessSync(path, mode);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

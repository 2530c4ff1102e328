/**
 * @module A JSON file of our own: read whole and checked, changed by one process at a time, replaced at once or not at all.
 */
import { createHash } from "node:crypto";
import { isPortolanError } from "../core/index.ts";
import { waitForLock } from "./kernel-locks.ts";
import { readPlainFile, replaceFile, storeFailure } from "./plain-file.ts";

/** What is in a file, and how. */
export interface JsonFile<Content> {
  readonly path: string;
  /** Version of the format; a file of a later one is not touched. */
  readonly version: number;
  /** What is there when there is no file yet. */
  readonly empty: Content;
  /** The content, or `undefined` when it is none. */
  readonly check: (content: unknown) => Content | undefined;
}

/** How long another process may change the file, milliseconds. */
const lockDeadlineMs = 10_000;

/**
 * What the file holds. One that this user may not even look at is somebody else's, and holds nothing of this user's.
 * @throws STORE_FAILED when it cannot be read, is damaged, or is of a later version
 */
export function readJsonFile<Content>(file: JsonFile<Content>): Content {
  return readContent(file, ["ENOENT", "ENOTDIR", "EACCES"]);
}

function readContent<Content>(file: JsonFile<Content>, absences: readonly string[]): Content {
  let text: string;
  try {
    text = readPlainFile(file.path).toString("utf8");
  } catch (error) {
    if (isPortolanError(error)) throw error;
    if (absences.includes((error as NodeJS.ErrnoException).code ?? "")) return file.empty;
    throw storeFailure(file.path, "could not be read", error);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw storeFailure(file.path, "is damaged: it is no JSON", error);
  }
  const { version, content } = (typeof parsed === "object" && parsed !== null ? parsed : {}) as {
    version?: unknown;
    content?: unknown;
  };
  if (typeof version === "number" && version > file.version)
    throw storeFailure(file.path, "was written by a later version of Portolan");
  const checked = version === file.version ? file.check(content) : undefined;
  if (checked === undefined) throw storeFailure(file.path, "is damaged: it does not hold what Portolan writes there");
  return checked;
}

/**
 * Changes the file: nobody else does meanwhile, and whoever reads sees the old content or the new one, whole.
 * @param change gets the content, returns the new one; `undefined` leaves the file as it is
 * @throws STORE_FAILED; what `change` throws
 */
export async function updateJsonFile<Content>(
  file: JsonFile<Content>,
  change: (content: Content) => Content | undefined | Promise<Content | undefined>,
  signal?: AbortSignal,
): Promise<void> {
  const name = `file/${createHash("sha256").update(file.path).digest("hex").slice(0, 32)}`;
  const lock = await waitForLock(name, lockDeadlineMs, signal);
  try {
    const changed = await change(readContent(file, ["ENOENT"]));
    if (changed !== undefined)
      replaceFile(file.path, `${JSON.stringify({ version: file.version, content: changed }, null, 2)}\n`);
  } finally {
    lock.release();
  }
}

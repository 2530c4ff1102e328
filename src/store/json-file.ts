/**
 * @module A JSON file of our own: read whole and checked, changed by one process at a time, replaced at once or not at all.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { PortolanError, isPortolanError, quote } from "../core/index.ts";
import { waitForLock } from "./kernel-locks.ts";

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
/** Larger files are not ours, bytes. */
const largestFile = 16 * 1024 * 1024;

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
    text = readPlainFile(file);
  } catch (error) {
    if (isPortolanError(error)) throw error;
    if (absences.includes((error as NodeJS.ErrnoException).code ?? "")) return file.empty;
    throw failure(file, "could not be read", error);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw failure(file, "is damaged: it is no JSON", error);
  }
  const { version, content } = (typeof parsed === "object" && parsed !== null ? parsed : {}) as {
    version?: unknown;
    content?: unknown;
  };
  if (typeof version === "number" && version > file.version)
    throw failure(file, "was written by a later version of Portolan");
  const checked = version === file.version ? file.check(content) : undefined;
  if (checked === undefined) throw failure(file, "is damaged: it does not hold what Portolan writes there");
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
      replaceFile(file, `${JSON.stringify({ version: file.version, content: changed }, null, 2)}\n`);
  } finally {
    lock.release();
  }
}

/** Neither a pipe, which would keep one waiting, nor a device, nor more than there can be is read. */
function readPlainFile(file: JsonFile<unknown>): string {
  const descriptor = openSync(file.path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw failure(file, "is no plain file");
    if (status.size > largestFile) throw failure(file, "is larger than any that Portolan writes");
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}

/** Writes beside it, to the disk, and renames: a crash or a full disk leaves the old file. */
function replaceFile(file: JsonFile<unknown>, text: string): void {
  const temporary = `${file.path}.${process.pid}.new`;
  try {
    makeFolders(dirname(file.path));
    const descriptor = openSync(temporary, "w", 0o600);
    try {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file.path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw failure(file, "could not be written", error);
  }
}

/** Node's own way of making parents never ends in file systems that take no folders (/proc). */
function makeFolders(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    const parent = dirname(folder);
    if (code !== "ENOENT" || parent === folder || existsSync(parent)) throw error;
    makeFolders(parent);
    makeFolders(folder);
  }
}

function failure(file: JsonFile<unknown>, what: string, cause?: unknown): PortolanError {
  const why = cause instanceof Error ? ` (${(cause as NodeJS.ErrnoException).code ?? cause.message})` : "";
  return new PortolanError("STORE_FAILED", `${quote(file.path)} ${what}${why}.`, {
    details: { path: file.path },
    cause,
  });
}

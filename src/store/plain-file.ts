/**
 * @module Plain files of our own: read bounded, replaced at once or not at all.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { PortolanError, isPortolanError, quote } from "../core/index.ts";

/** Larger files are not ours, bytes. */
const largestFile = 16 * 1024 * 1024;

/**
 * The content of a file. Neither a pipe, which would keep one waiting, nor a device, nor more than there can be is read.
 * @throws STORE_FAILED when it is no such file; the system's own error when it cannot be opened or read
 */
export function readPlainFile(path: string): Buffer {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw storeFailure(path, "is no plain file");
    if (status.size > largestFile) throw storeFailure(path, "is larger than any that Portolan writes");
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The text of a file that may be there.
 * @returns `null` when there is none, or this user may not look
 * @throws STORE_FAILED when it cannot be read, or is no plain file
 */
export function readTextFile(path: string): string | null {
  try {
    return readPlainFile(path).toString("utf8");
  } catch (error) {
    if (isPortolanError(error)) throw error;
    if (["ENOENT", "ENOTDIR", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw storeFailure(path, "could not be read", error);
  }
}

/**
 * Writes beside it, to the disk, and renames: a crash or a full disk leaves the old file. Makes the folders that are missing.
 * @param mode of the file; default 0600
 * @throws STORE_FAILED
 */
export function replaceFile(path: string, content: string | Uint8Array, mode = 0o600): void {
  const temporary = `${path}.${process.pid}.new`;
  try {
    makeFolders(dirname(path));
    // In a folder that others write to, a file or link of that name may be theirs.
    removeQuietly(temporary);
    const descriptor = openSync(temporary, "wx", mode);
    try {
      const bytes = Buffer.from(content);
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw storeFailure(path, "could not be written", error);
  }
}

/**
 * Writes a file that the user has named, readable by everybody that the umask lets, at once or not at all.
 * @throws FILE_EXISTS when there is one and it is not to be replaced; STORE_FAILED, also when there is no such folder
 */
export function writeNamedFile(path: string, content: string, { replace }: { readonly replace: boolean }): void {
  if (!existsSync(dirname(path))) throw storeFailure(path, "could not be written: there is no such folder");
  const there = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  if (!replace && there)
    throw new PortolanError("FILE_EXISTS", `${quote(path)} is there already.`, { details: { path } });
  replaceFile(there ? findReplaceable(path) : path, content, 0o666);
}

/**
 * The plain file that a user means to replace: a link's own stays a link, and no device or pipe, which root could rename a file over, is one.
 * @throws STORE_FAILED
 */
export function findReplaceable(path: string): string {
  let real: string;
  try {
    real = realpathSync(path);
  } catch (error) {
    throw storeFailure(path, "could not be written: it leads nowhere", error);
  }
  if (!statSync(real).isFile()) throw storeFailure(path, "could not be written: it is no plain file");
  return real;
}

/** What went wrong before is what matters. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Where it could not be written it may not be removable either.
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

/** The failure of one of our own files. */
export function storeFailure(path: string, what: string, cause?: unknown): PortolanError {
  const why = cause instanceof Error ? ` (${(cause as NodeJS.ErrnoException).code ?? cause.message})` : "";
  return new PortolanError("STORE_FAILED", `${quote(path)} ${what}${why}.`, { details: { path }, cause });
}

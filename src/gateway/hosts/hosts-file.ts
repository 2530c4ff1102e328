/**
 * @module The hosts file of this machine: read as bytes, replaced at once, with its mode, owner and links as they were.
 */
import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { runProgram } from "../../act/index.ts";
import { PortolanError } from "../../core/index.ts";
import { readPlainFile } from "../../store/index.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where it is: PORTOLAN_HOSTS_FILE, `/etc/hosts`, or where Windows keeps it. */
export function hostsPath(environment: Environment, platform: string = process.platform): string {
  const own = environment["PORTOLAN_HOSTS_FILE"];
  if (own !== undefined && own !== "") return own;
  if (platform !== "win32") return "/etc/hosts";
  return `${environment["SystemRoot"] ?? "C:\\Windows"}\\System32\\drivers\\etc\\hosts`;
}

/**
 * Its bytes as Latin-1; `""` when there is none.
 * @throws FILE_UNREADABLE
 */
export function readHostsFile(path: string): string {
  try {
    return readPlainFile(path).toString("latin1");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "";
    throw new PortolanError("FILE_UNREADABLE", `${path} could not be read (${code}).`, {
      details: { path },
      cause: error,
    });
  }
}

/** Whether this user may replace it. */
export function mayWriteHostsFile(path: string): boolean {
  try {
    const real = existsSync(path) ? realpathSync(path) : path;
    if (existsSync(real)) accessSync(real, constants.W_OK);
    else accessSync(dirname(real), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Replaces it: beside it, to the disk, and renamed. Where it cannot be renamed (a container's own hosts file is a mount; Windows keeps
 * rights with the file) it is written in its place.
 * @throws STORE_FAILED
 */
export async function replaceHostsFile(
  path: string,
  text: string,
  environment: Environment,
  signal: AbortSignal,
): Promise<void> {
  const bytes = Buffer.from(text, "latin1");
  try {
    const real = existsSync(path) ? realpathSync(path) : path;
    if (process.platform === "win32") return writeInPlace(real, bytes);
    const temporary = join(dirname(real), `.hosts.${process.pid}.portolan`);
    try {
      writeAside(temporary, real, bytes);
      await keepLabel(temporary, real, environment, signal);
      renameSync(temporary, real);
    } catch (error) {
      rmSync(temporary, { force: true });
      if (!["EBUSY", "EXDEV", "EACCES", "EPERM", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? ""))
        throw error;
      writeInPlace(real, bytes);
    }
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new PortolanError("STORE_FAILED", `${path} could not be written (${why}).`, {
      details: { path },
      cause: error,
    });
  }
}

function writeAside(temporary: string, real: string, bytes: Buffer): void {
  const old = statSync(real, { throwIfNoEntry: false });
  const descriptor = openSync(temporary, "wx", 0o600);
  try {
    writeWhole(descriptor, bytes);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  if (old !== undefined) chownSync(temporary, old.uid, old.gid);
  chmodSync(temporary, old === undefined ? 0o644 : old.mode & 0o7777);
}

/** SELinux labels are a file's own, and a new one beside it gets the folder's. */
async function keepLabel(
  temporary: string,
  real: string,
  environment: Environment,
  signal: AbortSignal,
): Promise<void> {
  if (!existsSync("/sys/fs/selinux/enforce") || !existsSync(real)) return;
  await runProgram("chcon", [`--reference=${real}`, temporary], { deadlineMs: 5000, signal, environment });
}

function writeInPlace(real: string, bytes: Buffer): void {
  const descriptor = openSync(real, constants.O_WRONLY | constants.O_CREAT, 0o644);
  try {
    writeWhole(descriptor, bytes);
    ftruncateSync(descriptor, bytes.length);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function writeWhole(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}

/**
 * @module Files of another machine's /proc, come as records, laid out as a tree that the Linux reader reads.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PortolanError, isPortolanError, quote } from "../../core/index.ts";

/** Paths that may be written: nothing of what the other machine says leads out of the tree. */
const filePattern =
  /^\/(?:proc\/(?:net\/[a-z0-9_]{1,32}|\d{1,10}\/(?:stat|status|cmdline|cgroup)|stat|sys\/(?:net|kernel)\/(?:[a-z0-9_]{1,64}\/)?[a-z0-9_]{1,64})|etc\/passwd|sys\/class\/net\/(?!\.\.?\/)[^/\s\0]{1,64}\/[a-z]{1,16})$/;
const linkPattern = /^\/proc\/(?:\d{1,10}\/(?:cwd|exe|fd\/\d{1,10})|self\/ns\/net)$/;
const socketPattern = /^socket:\[\d{1,20}\]$/;
/** Rows of `ls -l`: `lrwx------ 1 user group 64 Nov 23 10:00 3 -> socket:[123]`. */
const rowPattern = /(?:^|\s)(\S+) -> (.*)$/;
const mostEntries = 500_000;
/** Lines between two moments in which an interrupt is heard. */
const linesAtOnce = 2000;

/** A tree in a folder of its own. */
export interface UnpackedTree {
  readonly root: string;
  readonly hostName: string;
  /** Whether descriptors of other users' processes could be read. */
  readonly remove: () => void;
}

/**
 * Lays the records out below a new folder that only this user can read, and that is gone with this process at the latest.
 * @throws SNAPSHOT_INVALID when they are none, or more than a machine has; ABORTED; STORE_FAILED when there is no room for the folder
 */
export async function unpackTree(bytes: Buffer, signal: AbortSignal): Promise<UnpackedTree> {
  const root = makeRoot();
  const removeNow = (): void => rmSync(root, { recursive: true, force: true });
  process.once("exit", removeNow);
  const remove = (): void => {
    process.off("exit", removeNow);
    removeNow();
  };
  try {
    const hostName = await unpackInto(root, bytes.toString("latin1"), signal);
    return { root, hostName, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function makeRoot(): string {
  try {
    return mkdtempSync(join(tmpdir(), "portolan-remote-"));
  } catch (error) {
    throw new PortolanError("STORE_FAILED", `${quote(tmpdir())} takes no folder for the other machine's files.`, {
      details: { hint: "Make room there, or set TMPDIR to another folder." },
      cause: error,
    });
  }
}

/** Lines of a text one after the other: a list of all of them could take many times the text's memory. */
function* linesOf(text: string): Generator<string> {
  for (let at = 0; at <= text.length;) {
    const end = text.indexOf("\n", at);
    yield text.slice(at, end < 0 ? undefined : end);
    if (end < 0) return;
    at = end + 1;
  }
}

async function unpackInto(root: string, text: string, signal: AbortSignal): Promise<string> {
  const made = new Set<string>();
  let entries = 0;
  let hostName = "";
  let hasTable = false;
  const countEntry = (): void => {
    entries += 1;
    if (entries > mostEntries) throw new PortolanError("SNAPSHOT_INVALID", "The other machine told of too many files.");
  };
  const makeFolder = (folder: string): void => {
    if (made.has(folder)) return;
    mkdirSync(join(root, folder), { recursive: true, mode: 0o700 });
    made.add(folder);
  };
  const tryFolder = (folder: string): void => {
    try {
      makeFolder(folder);
    } catch (error) {
      if (isPortolanError(error)) throw error;
    }
  };
  const writeFile = (path: string, lines: readonly string[]): void => {
    if (!filePattern.test(path)) return;
    const content = lines.join("\n").replaceAll("\u0001", "\0");
    const whole = path.endsWith("/cmdline") ? content : `${content}\n`;
    try {
      makeFolder(dirname(path));
      writeFileSync(join(root, path), Buffer.from(whole, "latin1"), { mode: 0o600 });
    } catch (error) {
      if (isPortolanError(error)) throw error;
      // A folder where another record made a file, or the other way round: no kernel has that, and nothing is lost.
      return;
    }
    if (path === "/proc/net/tcp") hasTable = true;
    if (path === "/proc/sys/kernel/hostname")
      hostName = Buffer.from(content, "latin1").toString("utf8").trim().slice(0, 1024);
  };
  const writeLink = (path: string, target: string): void => {
    if (!linkPattern.test(path) || target === "" || target.length > 4096 || target.includes("\0")) return;
    if (path.includes("/fd/") && !socketPattern.test(target)) return;
    try {
      makeFolder(dirname(path));
      symlinkSync(Buffer.from(target, "latin1"), join(root, path));
    } catch (error) {
      if (isPortolanError(error)) throw error;
      // The same link twice: the first stays.
    }
  };

  let file: { readonly path: string; readonly lines: string[] } | undefined;
  let folder: string | undefined;
  const finish = (): void => {
    if (file !== undefined) writeFile(file.path, file.lines);
    file = undefined;
    folder = undefined;
  };
  let left = linesAtOnce;
  for (const line of linesOf(text)) {
    left -= 1;
    if (left === 0) {
      left = linesAtOnce;
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) throw new PortolanError("ABORTED", "Reading the other machine's files was stopped.");
    }
    if (line.startsWith("@")) {
      countEntry();
      finish();
      const [kind, path = "", ...target] = line.split(" ");
      if (kind === "@f") file = { path, lines: [] };
      else if (kind === "@s") writeLink(path, target.join(" "));
      else if (kind === "@o" && /^\d{1,10}$/.test(path)) tryFolder(`/proc/${path}/fd`);
      else if (kind === "@d" || kind === "@h") folder = "";
      continue;
    }
    if (!line.startsWith(" ")) continue;
    const content = line.slice(1);
    if (file !== undefined) file.lines.push(content);
    else if (folder !== undefined) {
      const heading = /^(\/proc\/\d{1,10}\/fd):$/.exec(content)?.[1];
      if (heading !== undefined) {
        folder = heading;
        tryFolder(heading);
        continue;
      }
      const row = rowPattern.exec(content);
      countEntry();
      if (row !== null) writeLink(folder === "" ? row[1]! : `${folder}/${row[1]}`, row[2]!);
    }
  }
  finish();
  if (!hasTable)
    throw new PortolanError(
      "SNAPSHOT_INVALID",
      "The other machine has no /proc/net/tcp: only Linux can be looked at this way.",
    );
  return hostName;
}

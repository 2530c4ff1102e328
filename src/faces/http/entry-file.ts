/**
 * @module The file that brings the browser in: the arguments of a process can be read by everybody, a file of mode 0600 cannot.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file that sends a browser to an address. */
export interface EntryFile {
  readonly path: string;
  /** Removes it with its folder; may be called again. */
  readonly remove: () => Promise<void>;
}

/**
 * Writes the file into a new folder of mode 0700 in the user's runtime folder, or in the temporary one.
 * @param url an address without characters that mean something in HTML
 */
export async function writeEntryFile(
  url: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<EntryFile> {
  const folder = await makeFolder(environment["XDG_RUNTIME_DIR"]);
  const path = join(folder, "portolan.html");
  const text =
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">` +
    `<meta http-equiv="refresh" content="0;url=${url}"><title>Portolan</title><p><a href="${url}">Open the chart</a></p></html>\n`;
  await writeFile(path, text, { mode: 0o600, flag: "wx" });
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}

async function makeFolder(runtimeFolder: string | undefined): Promise<string> {
  if (runtimeFolder !== undefined && runtimeFolder !== "") {
    try {
      return await mkdtemp(join(runtimeFolder, "portolan-"));
    } catch {
      // It can be another user's, as after su, or gone: the temporary folder is there for everybody.
    }
  }
  return mkdtemp(join(tmpdir(), "portolan-"));
}

/**
 * @module Finds and reads a project's file: in a folder, or in one above it as far as the project goes.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { PortolanError, quote } from "../core/index.ts";
import { findProject } from "../tenant/index.ts";
import { readProcfile } from "./procfile.ts";
import type { ProjectFile } from "./project-file.ts";
import { readConfig } from "./read-config.ts";

/** How Portolan's own file is called. */
export const configFileNames: readonly string[] = ["portolan.config.json", "portolan.config.jsonc"];
/** Names in one folder, the first before the others. `Procfile.dev` is what a project with both wants on a developer's machine. */
const fileNames = [...configFileNames, "Procfile.dev", "Procfile"] as const;
/** Larger ones are no such files, bytes. */
const largestFile = 1024 * 1024;
/** Most folders looked at on the way up. */
const depthLimit = 64;

/**
 * The project's file, read: the named one, or the nearest from a folder upwards, to the git checkout's or the project's root.
 * @param directory absolute path
 * @throws PROJECT_FILE_MISSING, PROJECT_FILE_INVALID, FILE_UNREADABLE
 */
export function readProjectFile(directory: string, named?: string): ProjectFile {
  const path = named === undefined ? findFile(directory) : resolve(directory, named);
  const shown = showPath(directory, path);
  const text = readText(path, shown);
  const folder = dirname(path);
  if (/\.jsonc?$/.test(path)) return readConfig(text, { path, shown, folder });
  const environmentFile = join(folder, ".env");
  return readProcfile(text, { path, shown, folder }, existsSync(environmentFile) ? environmentFile : null);
}

function findFile(directory: string): string {
  const project = findProject(directory);
  const top = project?.git?.root ?? project?.root ?? directory;
  let folder = directory;
  for (let depth = 0; depth < depthLimit; depth += 1) {
    const name = fileNames.find((candidate) => existsSync(join(folder, candidate)));
    if (name !== undefined) return join(folder, name);
    const parent = dirname(folder);
    if (folder === top || parent === folder) break;
    folder = parent;
  }
  throw new PortolanError(
    "PROJECT_FILE_MISSING",
    `There is neither portolan.config.json nor a Procfile in ${directory}${top === directory ? "" : `, nor above it up to ${top}`}.`,
    { details: { directory, top } },
  );
}

/** From where the user stands, unless that is longer. */
function showPath(directory: string, path: string): string {
  const short = relative(directory, path);
  return short === "" || isAbsolute(short) || short.length > path.length ? path : short;
}

function readText(path: string, shown: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new Error("it is no plain file");
    if (status.size > largestFile) throw new Error("it is larger than 1 MiB");
    return readFileSync(descriptor, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT")
      throw new PortolanError("PROJECT_FILE_MISSING", `There is no file ${quote(shown)}.`, {
        details: { path },
        cause,
      });
    throw new PortolanError("FILE_UNREADABLE", `${basename(path)} could not be read (${code ?? message}).`, {
      details: { path },
      cause,
    });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

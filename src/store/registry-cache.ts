/**
 * @module The updated registry in the user's cache: read when the first name is asked for, and not believed when it is damaged.
 *
 * One file: a line that says what it is, a line of JSON with what is known of it, the table of names, the table of descriptions; the
 * tables as the build packs them (registry/pack-assignments.ts). Each table has its length and checksum in the JSON.
 */
import { join } from "node:path";
import { isPortolanError } from "../core/index.ts";
import { useAssignments, type TableSource } from "../registry/index.ts";
import { cacheFolderOf } from "./cache-folder.ts";
import { readPlainFile, storeFailure } from "./plain-file.ts";

/** What is known of an updated registry. */
export interface RegistryFacts {
  /** Address or file that it came from, without password, or `standard input`. */
  readonly source: string;
  /** When it was fetched, or last found to be current, milliseconds since the Unix epoch. */
  readonly checkedAtMs: number;
  /** What the server called this version of the file, to ask for a newer one alone. */
  readonly entityTag: string | null;
  readonly lastModified: string | null;
  /** SHA-256 of the CSV file in UTF-8, hexadecimal. */
  readonly sha256: string;
  /** Of the CSV file. */
  readonly sizeBytes: number;
  readonly recordCount: number;
}

/** An updated registry. */
export interface CachedRegistry {
  readonly names: () => string;
  readonly described: NonNullable<TableSource["described"]>;
  readonly facts: RegistryFacts;
}

/** First line of the file. A later format has another. */
export const cacheMagic = "Portolan registry 1\n";

/** What the JSON holds beside the facts. */
export interface CacheLayout {
  readonly sources: readonly string[];
  readonly namesBytes: number;
  readonly namesSum: number;
  readonly descriptionsBytes: number;
  readonly descriptionsSum: number;
}

/** The longest line of JSON, bytes. */
const longestHeader = 65_536;

/** The file of a user's updated registry. */
export function registryCachePath(environment: Readonly<Record<string, string | undefined>>): string {
  return join(cacheFolderOf(environment), "registry.table");
}

let usedPath: string | undefined;
let problem: string | null = null;

/**
 * Makes every look-up of a name prefer the user's updated registry where there is one. Nothing is read before the first look-up; a file
 * that is damaged is left alone, and then the table of the build decides.
 * @param options.again whether it is read anew though the same file was named before: it has been changed. Default false.
 */
export function useRegistryCache(
  environment: Readonly<Record<string, string | undefined>>,
  options: { again?: boolean } = {},
): void {
  let path: string;
  try {
    path = registryCachePath(environment);
  } catch (error) {
    // Who has no home folder has no updated registry in it.
    if (!isPortolanError(error, "STORE_FAILED")) throw error;
    [usedPath, problem] = [undefined, null];
    return useAssignments();
  }
  if (path === usedPath && options.again !== true) return;
  usedPath = path;
  problem = null;
  useAssignments(() => {
    try {
      return readRegistryCache(path, (found) => {
        problem = found;
        useAssignments();
      });
    } catch (error) {
      if (!isPortolanError(error, "STORE_FAILED")) throw error;
      problem = error.message;
      return undefined;
    }
  });
}

/** What was wrong with the updated registry when it was read, one sentence; `null` when nothing was, or it has not been read. */
export function registryCacheProblem(): string | null {
  return problem;
}

/**
 * The updated registry; `undefined` when there is none.
 * @param onDamage told when the descriptions turn out to be damaged, which shows when they are asked for; none are given then
 * @throws STORE_FAILED when it cannot be read, is damaged, or is of another version
 */
export function readRegistryCache(
  path: string,
  onDamage: (problem: string) => void = () => undefined,
): CachedRegistry | undefined {
  let bytes: Buffer;
  try {
    bytes = readPlainFile(path);
  } catch (error) {
    if (isPortolanError(error)) throw error;
    // One that this user may not even look at is somebody else's.
    if (["ENOENT", "ENOTDIR", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw storeFailure(path, "could not be read", error);
  }
  if (bytes.toString("latin1", 0, cacheMagic.length) !== cacheMagic) {
    throw storeFailure(path, "is damaged or of another version of Portolan");
  }
  const headerEnd = bytes.subarray(0, longestHeader).indexOf(10, cacheMagic.length);
  const header = headerEnd === -1 ? undefined : readHeader(bytes.toString("utf8", cacheMagic.length, headerEnd));
  if (header === undefined) throw storeFailure(path, "is damaged: its header is not what Portolan writes");
  const { facts, sources, namesBytes, descriptionsBytes } = header;
  const names = bytes.subarray(headerEnd + 1, headerEnd + 1 + namesBytes);
  const descriptions = bytes.subarray(headerEnd + 1 + namesBytes);
  if (names.length !== namesBytes || descriptions.length !== descriptionsBytes) {
    throw storeFailure(path, "is damaged: it has not the length that it says");
  }
  if (sumOf(names) !== header.namesSum)
    throw storeFailure(path, "is damaged: its names are not those that were written");
  return {
    facts,
    names: () => names.toString("latin1"),
    described: {
      sources,
      descriptions: () => {
        if (sumOf(descriptions) === header.descriptionsSum) return descriptions.toString("utf8");
        onDamage(storeFailure(path, "is damaged: its descriptions are not those that were written").message);
        return "";
      },
    },
  };
}

function readHeader(text: string): (CacheLayout & { readonly facts: RegistryFacts }) | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const header = parsed as Record<string, unknown>;
  const isTextOrNull = (value: unknown): boolean => value === null || typeof value === "string";
  const sound =
    ["source", "sha256"].every((key) => typeof header[key] === "string") &&
    ["entityTag", "lastModified"].every((key) => isTextOrNull(header[key])) &&
    ["checkedAtMs", "sizeBytes", "recordCount", "namesBytes", "descriptionsBytes"].every((key) =>
      isCount(header[key]),
    ) &&
    ["namesSum", "descriptionsSum"].every((key) => Number.isInteger(header[key])) &&
    Array.isArray(header["sources"]) &&
    header["sources"].every((source) => typeof source === "string");
  if (!sound) return undefined;
  const { sources, namesBytes, namesSum, descriptionsBytes, descriptionsSum, ...facts } =
    header as unknown as CacheLayout & RegistryFacts;
  return { facts, sources, namesBytes, namesSum, descriptionsBytes, descriptionsSum };
}

/** A date beyond what `Date` can hold is none. */
function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 8.64e15;
}

/** FNV-1a (draft-eastlake-fnv) over words of 32 bits, then the bytes that are left: quick, and no module is loaded for it. */
export function sumOf(bytes: Uint8Array): number {
  const wordBytes = bytes.length & ~3;
  const words = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + wordBytes));
  let sum = 0x811c9dc5;
  for (let index = 0; index < words.length; index++) sum = Math.imul(sum ^ words[index]!, 0x01000193);
  for (let index = wordBytes; index < bytes.length; index++) sum = Math.imul(sum ^ bytes[index]!, 0x01000193);
  return sum;
}

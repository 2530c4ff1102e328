/**
 * @module What an `up` that runs has started and named, written down: so that another process can end it, also when `up` itself is gone.
 */
import { readdirSync, rmSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { endFamily, listFamily, readProcessIdentity, type Family, type FamilyLeader } from "../act/index.ts";
import { isPortolanError } from "../core/index.ts";
import { askGateway, endRoute, readRoutes, routeName, type GatewayStatus } from "../gateway/index.ts";
import { readJsonFile, updateJsonFile, type JsonFile } from "../store/index.ts";

/** What is written down. */
export interface UpRecord extends FamilyLeader {
  /** Folder of the project. */
  readonly folder: string;
  /** Path of its file. */
  readonly file: string;
  /** Marks in the environments of everything that it started. */
  readonly marks: readonly string[];
  readonly startedAtMs: number;
  /** Names of all that it is to start. */
  readonly names: readonly string[];
  /** What runs. */
  readonly apps: readonly (FamilyLeader & { readonly name: string })[];
  /** Names that lead to it: `shop.localhost/api`. */
  readonly routes: readonly string[];
}

/** A record and where it lies. */
export interface KeptUpRecord {
  readonly path: string;
  readonly record: UpRecord;
}

/** The variable that marks whatever an `up` started. */
export const markVariable = "PORTOLAN_UP";
/** What outlives its `up` gets SIGTERM, and SIGKILL after twice this time, milliseconds. */
const leftoverGraceMs = 2000;

function folderOf(stateFolder: string): string {
  return join(stateFolder, "up");
}

/** Where a process's record lies. */
export function recordPathOf(stateFolder: string, folder: string, pid: number): string {
  return join(folderOf(stateFolder), `${createHash("sha256").update(folder).digest("hex").slice(0, 16)}-${pid}.json`);
}

function fileOf(path: string): JsonFile<UpRecord | null> {
  return { path, version: 1, empty: null, check: checkRecord };
}

function checkRecord(content: unknown): UpRecord | undefined {
  if (typeof content !== "object" || content === null) return undefined;
  const { folder, file, marks, names, apps, routes } = content as Record<string, unknown>;
  const whole =
    isLeader(content) &&
    typeof folder === "string" &&
    typeof file === "string" &&
    isTexts(marks) &&
    isTexts(names) &&
    isTexts(routes) &&
    Array.isArray(apps) &&
    apps.every(isLeader);
  return whole ? (content as UpRecord) : undefined;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

function isLeader(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { pid, identity } = value as Record<string, unknown>;
  return typeof pid === "number" && (identity === null || typeof identity === "string");
}

/** @throws STORE_FAILED */
export async function writeUpRecord(path: string, record: UpRecord): Promise<void> {
  await updateJsonFile(fileOf(path), () => record);
}

/** Whatever remains of a record that is removed is nothing. */
export function removeUpRecord(path: string): void {
  rmSync(path, { force: true });
}

/** The record at a path; `null` when there is none any more, or none that can be read. */
export function readUpRecord(path: string): UpRecord | null {
  try {
    return readJsonFile(fileOf(path));
  } catch (error) {
    if (isPortolanError(error)) return null;
    throw error;
  }
}

/** Records of every `up` of a user, whether it runs or not. */
export function readUpRecords(stateFolder: string): readonly KeptUpRecord[] {
  let names: string[];
  try {
    names = readdirSync(folderOf(stateFolder));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    if (!name.endsWith(".json")) return [];
    const path = join(folderOf(stateFolder), name);
    const record = readUpRecord(path);
    return record === null ? [] : [{ path, record }];
  });
}

/** Whether the `up` of a record runs. */
export function upRuns({ pid, identity }: UpRecord): boolean {
  if (identity !== null) return readProcessIdentity(pid) === identity;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** What an `up` started, as processes to end: but for the gateway, which is everybody's. */
export async function familyOf(
  stateFolder: string,
  { leaders, marks }: Pick<Family, "leaders" | "marks">,
): Promise<Family> {
  const status = await askGateway<GatewayStatus>(stateFolder, { do: "status" }).catch(() => null);
  return { leaders, marks, spared: status === null ? [] : [status.pid] };
}

/**
 * Ends what an `up` has left behind, takes its names back, and forgets it.
 * @param fresh it has ended this very moment. Later, what cannot be told from other processes is left alone.
 * @returns how many processes there were
 */
export async function endLeftovers(
  stateFolder: string,
  { path, record }: KeptUpRecord,
  { fresh }: { readonly fresh: boolean },
): Promise<number> {
  const leaders = record.apps.filter(({ identity }) => fresh || identity !== null);
  const family = await familyOf(stateFolder, { leaders, marks: record.marks });
  const count = listFamily(family).length;
  await endFamily(family, { signal: "SIGTERM", graceMs: leftoverGraceMs, hurry: new AbortController().signal });
  const owners = new Set([record.pid, ...record.apps.map(({ pid }) => pid)]);
  for (const route of readRoutes(stateFolder).routes) {
    if (record.routes.includes(routeName(route)) && route.holder !== null && owners.has(route.holder.pid))
      await endRoute(stateFolder, route, null);
  }
  await askGateway(stateFolder, { do: "reload" }).catch(() => null);
  removeUpRecord(path);
  return count;
}

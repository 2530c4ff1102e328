/**
 * @module Writes and removes the updated registry in the user's cache: whole or not at all, by one process at a time.
 */
import { createHash } from "node:crypto";
import { readdirSync, rmSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { AssignmentTables } from "../registry/index.ts";
import { waitForLock, type KernelLock } from "./kernel-locks.ts";
import { replaceFile, storeFailure } from "./plain-file.ts";
import { cacheMagic, sumOf, type CacheLayout, type RegistryFacts } from "./registry-cache.ts";

/** How long another process may change the file, milliseconds. */
const lockDeadlineMs = 10_000;

/**
 * Writes an updated registry: whoever reads meanwhile sees the old one or the new one.
 * @throws STORE_FAILED, and then the old one is still there; ABORTED
 */
export async function writeRegistryCache(
  path: string,
  facts: RegistryFacts,
  tables: AssignmentTables,
  signal: AbortSignal,
): Promise<void> {
  const names = Buffer.from(tables.names, "latin1");
  const descriptions = Buffer.from(tables.descriptions, "utf8");
  const layout: CacheLayout = {
    sources: tables.sources,
    namesBytes: names.length,
    namesSum: sumOf(names),
    descriptionsBytes: descriptions.length,
    descriptionsSum: sumOf(descriptions),
  };
  const header = Buffer.from(`${cacheMagic}${JSON.stringify({ ...facts, ...layout })}\n`);
  const lock = await lockCache(path, signal);
  try {
    removeLeftovers(path);
    replaceFile(path, Buffer.concat([header, names, descriptions]));
  } finally {
    lock.release();
  }
}

/**
 * Removes the updated registry.
 * @returns whether there was one
 * @throws STORE_FAILED, ABORTED
 */
export async function removeRegistryCache(path: string, signal: AbortSignal): Promise<boolean> {
  const lock = await lockCache(path, signal);
  try {
    removeLeftovers(path);
    unlinkSync(path);
    return true;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw storeFailure(path, "could not be removed", error);
  } finally {
    lock.release();
  }
}

function lockCache(path: string, signal: AbortSignal): Promise<KernelLock> {
  return waitForLock(`file/${createHash("sha256").update(path).digest("hex").slice(0, 32)}`, lockDeadlineMs, signal);
}

/** Files that a writer left when it was ended halfway: nobody else writes while the lock is held. */
function removeLeftovers(path: string): void {
  const name = basename(path);
  try {
    for (const entry of readdirSync(dirname(path))) {
      if (!entry.startsWith(`${name}.`) || !/^\d+\.new$/.test(entry.slice(name.length + 1))) continue;
      rmSync(join(dirname(path), entry), { force: true });
    }
  } catch {
    // There is no folder yet, or nothing may be removed in it: writing tells.
  }
}

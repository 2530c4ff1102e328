/**
 * @module Leases that outlive the process that took them: each a name in a folder of its user, which all users of the machine may read.
 *
 * The folder lies in memory, is named after the boot, the network namespace and the user, and belongs to that user alone; a lease is an
 * empty file `PORT@END`, END by the kernel's monotonic clock in milliseconds, so that no setting of the clock moves it. Reading one
 * user's leases is one listing; a file without content is written whole or not at all. Whoever writes or believes a record holds the
 * port's lock meanwhile (docs/decisions/009-leases-are-sockets.md).
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PortolanError, isPort } from "../core/index.ts";

/** A port that somebody was promised. */
export interface LeaseRecord {
  readonly port: number;
  /** User to whom it was promised, `null` where the system has no user ids. */
  readonly uid: number | null;
  /** End by `monotonicMs()`; `null` for a reservation, which lasts until it is released. */
  readonly endMs: number | null;
}

/** The kernel's monotonic clock, milliseconds since the machine started; the same for every process of it. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

const folderPrefix = "portolan-leases";
/** In place of an end; behind it stands whose reservations they are, for a user can have several state folders. */
const reservedWord = "reserved";
/** Other names for a user's folder, for when the first is taken by somebody else. */
const spareNames = 8;

let place: { readonly parent: string; readonly prefix: string } | undefined;

/** In memory where there is such a folder for all users, else in the folder for temporary files that all users have. */
function placeOfRecords(): { readonly parent: string; readonly prefix: string } {
  if (place === undefined) {
    const parent = process.platform === "linux" ? (isSharedFolder("/dev/shm") ? "/dev/shm" : "/tmp") : tmpdir();
    place = { parent, prefix: `${folderPrefix}.${bootId()}.${networkNamespace()}.` };
  }
  return place;
}

function isSharedFolder(path: string): boolean {
  try {
    const status = lstatSync(path);
    return status.isDirectory() && (status.mode & 0o1000) !== 0;
  } catch {
    return false;
  }
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").slice(0, 8);
  } catch {
    return "boot";
  }
}

function networkNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/net"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}

/** The first name of this user's that nobody else has taken: one that is in the way must not keep the user from promising. */
function ownFolder(): string {
  const { parent, prefix } = placeOfRecords();
  const uid = process.geteuid?.() ?? 0;
  const first = join(parent, `${prefix}${uid}`);
  for (const path of [first, ...Array.from({ length: spareNames }, (_, step) => `${first}.${step + 1}`)]) {
    if (belongsTo(path, uid) || !exists(path)) return path;
  }
  return first;
}

function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Leases and reservations of every user that are in force now.
 * @throws LEASE_STORE_FAILED when the place of records cannot be read
 */
export function readLeaseRecords(): LeaseRecord[] {
  const { parent, prefix } = placeOfRecords();
  const nowMs = monotonicMs();
  const records: LeaseRecord[] = [];
  for (const name of listFolder(parent)) {
    if (!name.startsWith(prefix)) continue;
    const uid = Number(name.slice(prefix.length).split(".")[0]);
    const folder = join(parent, name);
    // Nobody speaks for another user. A user whose folder cannot be listed hides their own leases alone.
    if (!belongsTo(folder, uid)) continue;
    for (const file of tryListFolder(folder)) {
      const record = readName(file, uid);
      if (record !== undefined && (record.endMs === null || record.endMs > nowMs)) records.push(record);
    }
  }
  return records;
}

function readName(name: string, uid: number): LeaseRecord | undefined {
  const match = /^(\d{1,5})@(?:(\d{1,16})|reserved-[0-9a-f]{8})$/.exec(name);
  const port = Number(match?.[1]);
  if (match === null || !isPort(port)) return undefined;
  return { port, uid, endMs: match[2] === undefined ? null : Number(match[2]) };
}

function belongsTo(folder: string, uid: number): boolean {
  try {
    const status = lstatSync(folder);
    return status.isDirectory() && (process.geteuid === undefined || status.uid === uid);
  } catch {
    return false;
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    throw storeFailure(`${path} cannot be read`, error);
  }
}

function tryListFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/**
 * Writes leases down, all or none. The caller holds the ports' locks.
 * @param endMs by `monotonicMs()`
 * @throws LEASE_STORE_FAILED
 */
export function writeLeaseRecords(ports: readonly number[], endMs: number): void {
  writeNames(ports.map((port) => `${port}@${endMs}`));
}

function writeNames(names: readonly string[]): void {
  const folder = ownFolder();
  const written: string[] = [];
  try {
    makeFolder(folder);
    if (!belongsTo(folder, process.geteuid?.() ?? 0)) throw new Error(`${folder} belongs to somebody else`);
    removeOutdated(folder);
    for (const name of names) {
      closeSync(openSync(join(folder, name), "w", 0o644));
      written.push(name);
    }
  } catch (error) {
    for (const name of written) rmSync(join(folder, name), { force: true });
    throw storeFailure(`${folder} cannot be written`, error);
  }
}

/** For this user to write and for everybody to read. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o755 });
    // What umask took away.
    chmodSync(folder, 0o755);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** A name carries its end, so that none that is in force is ever removed. */
function removeOutdated(folder: string): void {
  const nowMs = monotonicMs();
  for (const name of tryListFolder(folder)) {
    const record = readName(name, 0);
    if (record?.endMs !== null && record !== undefined && record.endMs <= nowMs)
      rmSync(join(folder, name), { force: true });
  }
}

/** Takes back this user's leases of a port. */
export function removeLeaseRecords(port: number): void {
  const folder = ownFolder();
  for (const name of tryListFolder(folder)) {
    const record = readName(name, 0);
    if (record?.port === port && record.endMs !== null) rmSync(join(folder, name), { force: true });
  }
}

/**
 * Shows these reservations of this user, and no others from the same file, to all users.
 * @param source path of the file that keeps them
 * @throws LEASE_STORE_FAILED
 */
export function publishReservations(source: string, ports: readonly number[]): void {
  const folder = ownFolder();
  const mark = `@${reservedWord}-${createHash("sha256").update(source).digest("hex").slice(0, 8)}`;
  const wanted = new Set(ports.map((port) => `${port}${mark}`));
  for (const name of tryListFolder(folder)) {
    if (!name.endsWith(mark)) continue;
    if (!wanted.delete(name)) rmSync(join(folder, name), { force: true });
  }
  if (wanted.size > 0) writeNames([...wanted]);
}

function storeFailure(what: string, error: unknown): PortolanError {
  const why = (error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.message : String(error));
  return new PortolanError("LEASE_STORE_FAILED", `${what} (${why}).`, { cause: error });
}

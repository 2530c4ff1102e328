/**
 * @module The record of who held which port and when: one database file of the user's, written by one recorder, read by everybody.
 *
 * A residence is one service on one port from when it was seen first to when it was seen last. A recorder that was killed leaves open
 * residences; the next one ends them at the moment when that recorder last said that it is alive.
 */
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { PortolanError } from "../core/index.ts";
import { tryLock, type KernelLock } from "./kernel-locks.ts";
import { isDamage, loadDatabase, openDatabase, storeFailure, type SqlDatabase, type SqlValue } from "./sqlite.ts";
import { stateFolderOf } from "./state-folder.ts";

/** A residence as it is kept. `facts` is JSON that only who wrote it understands. */
export interface Residence {
  readonly transport: string;
  readonly port: number;
  readonly appearedMs: number;
  /** True when it was seen to come; false when it was there before the recorder. */
  readonly startKnown: boolean;
  /** `null` as long as it is there. */
  readonly disappearedMs: number | null;
  /** False when the recorder ended before it did. */
  readonly endKnown: boolean;
  readonly facts: string;
}

/** A time during which a recorder ran. */
export interface RecorderSession {
  readonly pid: number;
  readonly startedMs: number;
  /** When it last said that it is alive. */
  readonly seenMs: number;
  /** `null` while it runs, or when it was killed. */
  readonly endedMs: number | null;
}

/** How much is kept. */
export interface HistoryBounds {
  readonly keepMs: number;
  readonly mostResidences: number;
}

/** What the reader wants. */
export interface HistoryQuery {
  /** Only these ports; `null` for all. */
  readonly ports: readonly number[] | null;
  /** Only what was there at or after this moment. */
  readonly sinceMs: number;
}

/** So often a recorder says that it is alive, milliseconds. */
export const heartbeatMs = 10_000;
/** Writes between two looks at the bounds. */
const pruneEvery = 500;
/** Version of the tables; another one is not touched. */
const formatVersion = 1;

const tables = `
CREATE TABLE IF NOT EXISTS session (
  id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, started INTEGER NOT NULL, seen INTEGER NOT NULL, ended INTEGER
);
CREATE TABLE IF NOT EXISTS residence (
  id INTEGER PRIMARY KEY, session INTEGER NOT NULL, transport TEXT NOT NULL, port INTEGER NOT NULL,
  appeared INTEGER NOT NULL, start_known INTEGER NOT NULL, disappeared INTEGER, end_known INTEGER NOT NULL, facts TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS residence_by_port ON residence (port, appeared);
CREATE INDEX IF NOT EXISTS residence_by_time ON residence (appeared);
CREATE INDEX IF NOT EXISTS residence_by_end ON residence (disappeared);
`;

/** The user's record. */
export function historyPathOf(environment: Readonly<Record<string, string | undefined>>): string {
  return join(stateFolderOf(environment), "history.db");
}

/** The record while it is written. */
export class HistoryWriter {
  /** Where a damaged record was laid aside when this one was begun; `null` when none was. */
  readonly laidAside: string | null;
  readonly #path: string;
  readonly #database: SqlDatabase;
  readonly #lock: KernelLock;
  readonly #bounds: HistoryBounds;
  readonly #session: number;
  #writes = 0;

  private constructor(
    path: string,
    database: SqlDatabase,
    lock: KernelLock,
    options: { readonly bounds: HistoryBounds; readonly nowMs: number; readonly laidAside: string | null },
  ) {
    this.#path = path;
    this.#database = database;
    this.#lock = lock;
    this.#bounds = options.bounds;
    this.laidAside = options.laidAside;
    this.#session = this.#inTransaction(() => {
      this.#endForgotten();
      const made = this.#run(
        "INSERT INTO session (pid, started, seen) VALUES (?, ?, ?)",
        process.pid,
        options.nowMs,
        options.nowMs,
      );
      return Number(made.lastInsertRowid);
    });
    this.prune(options.nowMs);
  }

  /**
   * Opens or begins the record, as its only writer.
   * @throws RECORDER_RUNNING, RECORDER_UNAVAILABLE, STORE_FAILED
   */
  static async open(path: string, bounds: HistoryBounds, nowMs: number): Promise<HistoryWriter> {
    // First: without it no file is begun either.
    loadDatabase();
    makeFile(path);
    const digest = createHash("sha256").update(path).digest("hex").slice(0, 32);
    const lock = await tryLock(`history/${digest}`, { waitable: false });
    if (lock === null) throw alreadyRunning(path);
    try {
      const { database, laidAside } = openOrLayAside(path, nowMs);
      try {
        return new HistoryWriter(path, database, lock, { bounds, nowMs, laidAside });
      } catch (error) {
        database.close();
        throw error;
      }
    } catch (error) {
      lock.release();
      throw storeFailure(path, error);
    }
  }

  /** Writes several things at once; all or none. */
  together<T>(action: () => T): T {
    return this.#inTransaction(action);
  }

  /** Somebody has come. @returns the residence's number. @throws STORE_FAILED */
  begin(residence: Pick<Residence, "transport" | "port" | "appearedMs" | "startKnown" | "facts">): number {
    const { transport, port, appearedMs, startKnown, facts } = residence;
    const made = this.#run(
      "INSERT INTO residence (session, transport, port, appeared, start_known, end_known, facts) VALUES (?, ?, ?, ?, ?, 0, ?)",
      this.#session,
      transport,
      port,
      appearedMs,
      startKnown ? 1 : 0,
      facts,
    );
    this.#writes += 1;
    if (this.#writes % pruneEvery === 0) this.prune(appearedMs);
    return Number(made.lastInsertRowid);
  }

  /** More is known of somebody who is there. @throws STORE_FAILED */
  change(id: number, facts: string): void {
    this.#run("UPDATE residence SET facts = ? WHERE id = ?", facts, id);
  }

  /** Somebody has gone. @throws STORE_FAILED */
  end(id: number, disappearedMs: number): void {
    this.#run("UPDATE residence SET disappeared = ?, end_known = 1 WHERE id = ?", disappearedMs, id);
  }

  /** Says that the recorder is alive. @throws STORE_FAILED */
  beat(nowMs: number): void {
    this.#run("UPDATE session SET seen = ? WHERE id = ?", nowMs, this.#session);
  }

  /** Forgets what is too old or too much, and gives the room back. @throws STORE_FAILED */
  prune(nowMs: number): void {
    const { keepMs, mostResidences } = this.#bounds;
    this.#run("DELETE FROM residence WHERE disappeared IS NOT NULL AND disappeared < ?", nowMs - keepMs);
    this.#run(
      "DELETE FROM residence WHERE disappeared IS NOT NULL AND id <= (SELECT id FROM residence ORDER BY id DESC LIMIT 1 OFFSET ?)",
      mostResidences,
    );
    this.#run("DELETE FROM session WHERE id <> ? AND coalesce(ended, seen) < ?", this.#session, nowMs - keepMs);
    this.#exec("PRAGMA incremental_vacuum");
  }

  /** Ends the recording: what is still there was seen until now. Never throws; the next recorder does what could not be done. */
  close(nowMs: number): void {
    try {
      this.#inTransaction(() => {
        this.#run(
          "UPDATE residence SET disappeared = ? WHERE session = ? AND disappeared IS NULL",
          nowMs,
          this.#session,
        );
        this.#run("UPDATE session SET seen = ?, ended = ? WHERE id = ?", nowMs, nowMs, this.#session);
      });
    } catch {
      // A full disk: as after kill -9.
    }
    try {
      this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      this.#database.close();
    } catch {
      // Nothing can be done about it any more.
    }
    this.#lock.release();
  }

  /** Residences that earlier recorders left open, because they were killed, end when these were last alive. */
  #endForgotten(): void {
    this.#run(
      "UPDATE residence SET disappeared = max(appeared, (SELECT seen FROM session WHERE session.id = residence.session)) WHERE disappeared IS NULL",
    );
    this.#run("UPDATE session SET ended = seen WHERE ended IS NULL");
  }

  #run(sql: string, ...values: readonly SqlValue[]) {
    try {
      return this.#database.prepare(sql).run(...values);
    } catch (cause) {
      throw storeFailure(this.#path, cause);
    }
  }

  #exec(sql: string): void {
    try {
      this.#database.exec(sql);
    } catch (cause) {
      throw storeFailure(this.#path, cause);
    }
  }

  #inTransaction<T>(action: () => T): T {
    this.#exec("BEGIN IMMEDIATE");
    try {
      const done = action();
      this.#exec("COMMIT");
      return done;
    } catch (error) {
      try {
        this.#database.exec("ROLLBACK");
      } catch {
        // SQLite has rolled back by itself, as it does when the disk is full.
      }
      throw error;
    }
  }
}

/** The record as a reader sees it, or `null` when nobody ever recorded. */
export function readHistory(
  path: string,
  query: HistoryQuery,
  onResidence: (residence: Residence) => boolean,
): { readonly sessions: readonly RecorderSession[]; readonly residences: number } | null {
  // A recorder that was stopped in its first moment leaves an empty file.
  let sizeBytes: number;
  try {
    sizeBytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  } catch (error) {
    throw storeFailure(path, error);
  }
  if (sizeBytes === 0) return null;
  const database = openDatabase(path, { readonly: true });
  try {
    const sessions = database
      .prepare("SELECT pid, started, seen, ended FROM session ORDER BY started")
      .all()
      .map((row) => ({
        pid: Number(row["pid"]),
        startedMs: Number(row["started"]),
        seenMs: Number(row["seen"]),
        endedMs: row["ended"] === null ? null : Number(row["ended"]),
      }));
    const total = Number(database.prepare("SELECT count(*) AS total FROM residence").get()?.["total"] ?? 0);
    readPages(database, query, onResidence);
    return { sessions, residences: total };
  } catch (cause) {
    throw storeFailure(path, cause);
  } finally {
    database.close();
  }
}

/** Rows that are read at a time. */
const pageRows = 500;

/** Newest first, page by page, until the reader has enough. */
function readPages(
  database: SqlDatabase,
  { ports, sinceMs }: HistoryQuery,
  onResidence: (residence: Residence) => boolean,
): void {
  const chosen = ports === null ? "" : ` AND port IN (${ports.map(() => "?").join(",")})`;
  const page = database.prepare(
    `SELECT * FROM residence WHERE (disappeared IS NULL OR disappeared >= ?) AND id < ?${chosen} ORDER BY id DESC LIMIT ${pageRows}`,
  );
  let before = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const rows = page.all(sinceMs, before, ...(ports ?? []));
    for (const row of rows) {
      before = Number(row["id"]);
      if (!onResidence(residenceOf(row))) return;
    }
    if (rows.length < pageRows) return;
  }
}

function residenceOf(row: Readonly<Record<string, SqlValue>>): Residence {
  return {
    transport: String(row["transport"]),
    port: Number(row["port"]),
    appearedMs: Number(row["appeared"]),
    startKnown: row["start_known"] === 1,
    disappearedMs: row["disappeared"] === null ? null : Number(row["disappeared"]),
    endKnown: row["end_known"] === 1,
    facts: String(row["facts"]),
  };
}

/** The file with its folder, readable by its user alone: SQLite gives its other files the same mode. */
function makeFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, "a", 0o600));
  } catch (cause) {
    throw storeFailure(path, cause);
  }
}

function openOrLayAside(
  path: string,
  nowMs: number,
): { readonly database: SqlDatabase; readonly laidAside: string | null } {
  try {
    return { database: prepareDatabase(path), laidAside: null };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const laidAside = `${path}.damaged-${nowMs}`;
    renameSync(path, laidAside);
    // They belong to the damaged file.
    for (const end of ["-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
    makeFile(path);
    return { database: prepareDatabase(path), laidAside };
  }
}

function prepareDatabase(path: string): SqlDatabase {
  const database = openDatabase(path);
  try {
    // Only before the first table it can be said that room is given back.
    database.pragma("auto_vacuum = INCREMENTAL");
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = NORMAL");
    database.pragma("journal_size_limit = 4194304");
    const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
    if (version > formatVersion) {
      throw new PortolanError("STORE_FAILED", `The record ${path} was written by a newer Portolan.`, {
        details: { path, hint: "Update Portolan, or move the file away." },
      });
    }
    const check = String(Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {})[0] ?? "ok");
    if (check !== "ok") throw Object.assign(new Error(check), { code: "SQLITE_CORRUPT" });
    database.exec(tables);
    database.exec(`PRAGMA user_version = ${formatVersion}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function alreadyRunning(path: string): PortolanError {
  let pid: number | null = null;
  try {
    const found = readHistory(path, { ports: [], sinceMs: 0 }, () => false);
    pid = found?.sessions.findLast(({ endedMs }) => endedMs === null)?.pid ?? null;
  } catch {
    // It has only just begun.
  }
  const who = pid === null ? "" : `, process ${pid}`;
  return new PortolanError("RECORDER_RUNNING", `Another recorder writes this record already${who}.`, {
    details: { path, ...(pid === null ? {} : { pid }) },
  });
}

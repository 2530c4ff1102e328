/**
 * @module The embedded database (libsql, SQLite's file format), loaded when something is recorded or asked of the record.
 */
import { PortolanError } from "../core/index.ts";

/** A value of a column. */
export type SqlValue = string | number | null;

/** A statement that was prepared. */
export interface SqlStatement {
  run(...values: readonly SqlValue[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  get(...values: readonly SqlValue[]): Readonly<Record<string, SqlValue>> | undefined;
  all(...values: readonly SqlValue[]): Readonly<Record<string, SqlValue>>[];
}

/** An open database. */
export interface SqlDatabase {
  exec(sql: string): void;
  pragma(text: string): unknown;
  prepare(sql: string): SqlStatement;
  close(): void;
}

type Constructor = new (
  path: string,
  options?: { readonly readonly?: boolean; readonly timeout?: number },
) => SqlDatabase;

/** How long another process may hold the file, milliseconds. */
const busyMs = 5000;

/**
 * Opens a database file.
 * @throws RECORDER_UNAVAILABLE where libsql has no binary; STORE_FAILED
 */
export function openDatabase(path: string, options: { readonly readonly?: boolean } = {}): SqlDatabase {
  const Database = loadDatabase();
  try {
    return new Database(path, { ...options, timeout: busyMs });
  } catch (cause) {
    throw storeFailure(path, cause);
  }
}

/**
 * The database's code.
 * @throws RECORDER_UNAVAILABLE where libsql has no binary
 */
export function loadDatabase(): Constructor {
  try {
    const { createRequire } = process.getBuiltinModule("node:module");
    return createRequire(import.meta.filename)("libsql") as Constructor;
  } catch (cause) {
    throw new PortolanError(
      "RECORDER_UNAVAILABLE",
      "The package libsql is not installed, or has no binary for this machine.",
      {
        cause,
      },
    );
  }
}

/** SQLite's result codes (sqlite.org/rescode.html) that mean that the file is no database, or a broken one. */
const damageCodes: ReadonlySet<string> = new Set(["SQLITE_NOTADB", "SQLITE_CORRUPT"]);

/** Whether a failure says that the file is damaged. */
export function isDamage(error: unknown): boolean {
  const cause = error instanceof PortolanError ? error.cause : error;
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown };
  return damageCodes.has(String(code)) || /not a database|malformed/.test(String(message));
}

/** A failure of the database as one of the project's. */
export function storeFailure(path: string, cause: unknown): PortolanError {
  if (cause instanceof PortolanError) return cause;
  const { code, message } = cause as { code?: string; message?: string };
  const why = /full/i.test(String(message)) ? "the disk is full" : (message ?? String(code));
  return new PortolanError("STORE_FAILED", `The record ${path} could not be read or written: ${why}.`, {
    details: { path, ...(code === undefined ? {} : { code }) },
    cause,
  });
}

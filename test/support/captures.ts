/**
 * @module Recorded exchanges with real programs: `test/captures/<protocol>/<name>.json`.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HttpPage } from "../../src/protocols/index.ts";
import type { Recording } from "./replay.ts";

const folder = fileURLToPath(new URL("../captures", import.meta.url));

/** A recording and where it comes from. */
export interface Capture extends Recording {
  /** Program and version, or the document that it was written from. */
  readonly capturedFrom: string;
}

/** As it stands in the file: header fields are pairs, since JSON knows no maps. */
interface StoredCapture extends Omit<Capture, "page"> {
  readonly page: (Omit<HttpPage, "headers"> & { readonly headers: readonly (readonly [string, string])[] }) | null;
}

/** Names of the captures of a protocol, without `.json`. */
export function listCaptures(protocol: string): readonly string[] {
  try {
    return readdirSync(join(folder, protocol))
      .filter((name) => name.endsWith(".json"))
      .map((name) => name.slice(0, -5))
      .sort();
  } catch {
    return [];
  }
}

/** Reads one capture. */
export function readCapture(protocol: string, name: string): Capture {
  const stored = JSON.parse(readFileSync(join(folder, protocol, `${name}.json`), "utf8")) as StoredCapture;
  return { ...stored, page: stored.page === null ? null : { ...stored.page, headers: new Map(stored.page.headers) } };
}

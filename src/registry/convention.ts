/**
 * @module A developer convention: the port that a program uses by default, whatever IANA assigned the number to.
 */
import type { Port, Transport } from "../core/index.ts";

/** One program's default port. */
export interface Convention {
  readonly port: Port;
  readonly transport: Transport;
  /** Short lower-case word by which it can be found. */
  readonly name: string;
  /** Name for a person, e.g. `Vite dev server`. */
  readonly title: string;
  /** One line on what it is. */
  readonly description: string;
  /** What a browser would speak to it, `null` when it is not for browsers. */
  readonly scheme: "http" | "https" | null;
  /** Where the default is stated. */
  readonly source: string;
}

type Row = readonly [
  port: number,
  name: string,
  title: string,
  scheme: "http" | "https" | null,
  description: string,
  source: string,
  transport?: Transport,
];

/** Rows of a plain table as conventions. */
export function makeConventions(rows: readonly Row[]): readonly Convention[] {
  return rows.map(([port, name, title, scheme, description, source, transport = "tcp"]) => ({
    port: port as Port,
    transport,
    name,
    title,
    description,
    scheme,
    source,
  }));
}

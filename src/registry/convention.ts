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

/** Takes a line of the packed table apart: port, transport, name, title, scheme, description and source between tabs. */
export function readConvention(line: string): Convention {
  const [port, transport, name = "", title = "", scheme, description = "", source = ""] = line.split("\t");
  return {
    port: Number(port) as Port,
    transport: transport as Transport,
    name,
    title,
    description,
    scheme: scheme === "http" || scheme === "https" ? scheme : null,
    source,
  };
}

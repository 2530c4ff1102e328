/**
 * @module Shape of the plain data from which the command line is built.
 */
import type { Effect, Example } from "../../operations/operation.ts";
import type { OfferedFormat } from "./offered-formats.ts";

/** One argument or option. */
export interface CommandParameter {
  /** Entry of the operation's input. */
  readonly key: string;
  readonly kind: "text" | "list" | "switch" | "integer" | "choice";
  readonly description: string;
  readonly required: boolean;
  readonly placeholder?: string;
  readonly short?: string;
  readonly choices?: readonly string[];
  readonly lowest?: number | null;
  readonly highest?: number | null;
  /** A switch that is on unless `--no-…` turns it off: what help says of that flag. */
  readonly offDescription?: string;
  /** Actions of the command that take it; default all. */
  readonly actions?: readonly string[];
  /** A list that takes every word from its first one on as it is. */
  readonly passThrough?: boolean;
  /** A list that is a switch and takes the words after `--`. */
  readonly afterDashes?: boolean;
}

/** One command. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly effect: Effect;
  readonly examples: readonly Example[];
  readonly positional: readonly CommandParameter[];
  readonly options: readonly CommandParameter[];
  /** Formats beside text and JSON. */
  /** Columns that its table and CSV can have. */
  readonly columns?: readonly string[];
  readonly formats?: readonly { readonly name: OfferedFormat; readonly description: string }[];
}

/** Every command, and the package's version. */
export interface Manifest {
  readonly version: string;
  readonly commands: readonly Command[];
}

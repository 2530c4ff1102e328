/**
 * @module What a project's file says, whichever kind it is.
 */
import { PortolanError } from "../core/index.ts";
import type { TargetProtocol } from "../gateway/index.ts";
import type { ForwardContent, ShareContent } from "./config-schema.ts";
import type { JsonPath, Position } from "./json-tree.ts";
import type { Word } from "./split-command.ts";

/** When an application is ready, so that those that come after it may start. */
export type Readiness =
  | { readonly by: "listen" | "exit" | "started" }
  | { readonly by: "http"; /** Begins with `/`. */ readonly path: string };

/** One application of a project. */
export interface AppDeclaration {
  readonly name: string;
  /** Program and arguments. */
  readonly words: readonly Word[];
  /** As it is written, for people. */
  readonly text: string;
  /** The words go to a shell: nothing may be put behind them. */
  readonly shell: boolean;
  /** Absolute path. */
  readonly directory: string;
  /** Host name as written; `null` for one after the project. */
  readonly host: string | null;
  /** `/`, or where its part of the name begins. */
  readonly path: string;
  readonly strip: boolean;
  readonly ownHost: boolean;
  readonly protocol: TargetProtocol;
  /** Whether it gets a port; one that runs to its end needs none. */
  readonly takesPort: boolean;
  /** That port and no other. */
  readonly port: number | null;
  /** Tried first when its port is chosen. */
  readonly prefer: readonly number[];
  readonly environment: Readonly<Record<string, Word>>;
  /** Absolute paths, later ones before earlier ones. */
  readonly environmentFiles: readonly string[];
  readonly after: readonly string[];
  readonly ready: Readiness;
  /** Milliseconds; `null` when the file says nothing. */
  readonly readyTimeoutMs: number | null;
  readonly flags: boolean;
  readonly route: boolean;
  readonly restart: "never" | "on-failure";
  /** Where the file says what is told of a part: `command`, `after`, `name`, … */
  readonly positionOf: (key: string, index?: number) => Position;
}

/** A name for what runs already. */
export interface KeptRoute {
  /** `db-admin`, `shop/api`. */
  readonly name: string;
  readonly target: string;
  readonly position: Position;
}

/** Where a part of an entry stands in the file. */
interface Placed {
  readonly positionOf: (...path: JsonPath) => Position;
}

/** A forward of the file, its words as written. */
export type ForwardEntry = ForwardContent & Placed;
/** A share of the file, its words as written. */
export type ShareEntry = ShareContent & Placed;

/** A project's file, read. */
export interface ProjectFile {
  /** Absolute path. */
  readonly path: string;
  /** How it is called in messages. */
  readonly shown: string;
  readonly kind: "config" | "procfile";
  /** Absolute path of its folder, which is the project's. */
  readonly folder: string;
  /** Name that it gives the project. */
  readonly name: string | null;
  /** In the file's order. */
  readonly apps: readonly AppDeclaration[];
  readonly routes: readonly KeptRoute[];
  readonly forwards: readonly ForwardEntry[];
  readonly shares: readonly ShareEntry[];
}

/** The failure of a file at a place of it, as compilers write it: `portolan.config.json:4:12: …`. */
export function refuseFile(
  shown: string,
  { line, column }: Position,
  problem: string,
  details: { readonly hint?: string } = {},
): PortolanError {
  return new PortolanError("PROJECT_FILE_INVALID", `${shown}:${line}:${column}: ${problem}`, {
    details: { file: shown, line, column, ...details },
  });
}

/**
 * @module What an operation is: one declaration from which the command line, the library, the schemas and the reference derive.
 */
import type * as v from "valibot";
import type { AuthorityWish, GatewayReady, GatewayWish } from "../gateway/index.ts";
import type { Host } from "../host/host.ts";
import type { McpInput, McpResult } from "./mcp.ts";
import type { UiEvent, UiInput, UiResult } from "./ui.ts";
import type { WatchInput, WatchResult } from "./watch.ts";

/**
 * What running an operation does at most.
 * - `read`: looks at this machine or at built-in tables.
 * - `network`: sends traffic.
 * - `change`: changes the machine or Portolan's own files.
 * - `exec`: starts programs or opens listening sockets.
 */
export type Effect = "read" | "network" | "change" | "exec";

/** Faces on which an operation can appear. */
export type Face = "cli" | "http" | "mcp";

/** An example for help and reference. */
export interface Example {
  /** Words after `portolan`, e.g. `list 3000..3999 --user me`. */
  readonly command: string;
  /** What it does, a phrase. */
  readonly note: string;
}

/** How far long work is. */
export interface ProgressMeasure {
  readonly done: number;
  readonly total: number;
  /** `null` as long as it cannot be told. */
  readonly remainingMs: number | null;
}

/** What the standard streams of a command are. */
export interface TerminalFacts {
  /** Which of them are terminals. */
  readonly input: boolean;
  readonly output: boolean;
  readonly errors: boolean;
  /** Columns of the page, `null` when it has no end. */
  readonly columns: number | null;
  /** Whether the output is coloured. */
  readonly color: boolean;
}

/**
 * Faces that an operation can open in place of answering itself. The program that puts the faces together gives them
 * (`src/command.ts`); operations know no face.
 */
export interface FaceOpeners {
  /** Serves the page and the HTTP interface until the context's signal aborts. */
  readonly page?: (input: UiInput, context: OperationContext) => AsyncGenerator<UiEvent, UiResult, void>;
  /** Shows the live table on the terminal until the user leaves it. Absent where the standard streams are no terminal. */
  readonly screen?: (input: WatchInput, context: OperationContext) => Promise<WatchResult>;
  /** Serves as the gateway until the signal aborts or it is asked to end; says once where it listens. */
  readonly gateway?: (wish: GatewayWish) => AsyncGenerator<GatewayReady, void, void>;
  /** What makes a certificate authority, loaded. */
  readonly authority?: () => Promise<(wish: AuthorityWish) => Promise<{ readonly notes: readonly string[] }>>;
  /** Serves tools for agents on the standard streams until the input ends. */
  readonly tools?: (input: McpInput, context: OperationContext) => Promise<McpResult>;
}

/** What an operation may touch. Nothing else: no globals, no standard streams, no process. */
export interface OperationContext {
  readonly host: Host;
  /** Aborting asks the operation to end soon with what it has, marked `complete: false`. */
  readonly signal: AbortSignal;
  /** User id of the caller, `null` where the system has none. */
  readonly userId: number | null;
  /** Now, milliseconds since the Unix epoch. */
  readonly nowMs: () => number;
  /** Says what is going on, for a terminal's status line. Never data. May be called often. */
  readonly progress: (message: string, measure?: ProgressMeasure) => void;
  /**
   * The text of a file that the user named; `-` is standard input where the face has one.
   * @throws FILE_UNREADABLE
   */
  readonly readText: (path: string) => Promise<string>;
  /** Folder that relative paths and projects are looked for from, absolute. */
  readonly workingDirectory: string;
  /** What the standard streams are; absent where the caller has none. */
  readonly terminal?: () => TerminalFacts;
  /** The caller's environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Faces that can be opened from here; absent in the library. */
  readonly faces?: FaceOpeners;
  /**
   * Puts a proposed change before whoever decides, and answers whether it is to be done. Not called when the input says `yes`.
   * @throws CONFIRMATION_NEEDED where nobody can be asked
   */
  readonly confirm: (proposal: unknown) => Promise<boolean>;
}

/** What every result carries. */
export interface OperationResult {
  /** False when an abort cut the work short and the result holds what was found so far. */
  readonly complete: boolean;
}

/** An operation returns one value, or yields events and ends in one value. */
export type OperationRun<Input, Output extends OperationResult, Event> = (
  input: Input,
  context: OperationContext,
) => Promise<Output> | AsyncGenerator<Event, Output, void>;

/** The declaration of one operation. `Event` is `never` for operations that only return. */
export interface Operation<
  InputSchema extends v.GenericSchema = v.GenericSchema,
  OutputSchema extends v.GenericSchema = v.GenericSchema,
  Event = unknown,
> {
  /** Word on the command line, path of the HTTP route, name of the tool. */
  readonly name: string;
  /** One line, no full stop. */
  readonly summary: string;
  /** Some sentences for help and reference: what it tells, what it needs, its exit statuses. */
  readonly description: string;
  readonly effect: Effect;
  /** Where it appears. No face by default: every appearance is a decision. */
  readonly faces: readonly Face[];
  readonly examples: readonly Example[];
  /** Entries of the input in the order of positional arguments; options follow. */
  readonly positional: readonly string[];
  readonly input: InputSchema;
  readonly output: OutputSchema;
  readonly event?: v.GenericSchema;
  readonly run: OperationRun<v.InferOutput<InputSchema>, v.InferOutput<OutputSchema> & OperationResult, Event>;
}

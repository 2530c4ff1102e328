/**
 * @module An operation as a library function: input checked by its schema, a context made, the value returned.
 */
import * as v from "valibot";
import { PortolanError, quote } from "../core/index.ts";
import { createHost, type Host } from "../host/index.ts";
import { useRegistryCache } from "../store/index.ts";
import { refuseForeignEntries, type ActionEntry } from "./entry-actions.ts";
import type { Operation, OperationContext, OperationResult, ProgressMeasure } from "./operation.ts";

/** Options of every library function. */
export interface CallOptions {
  /** Ends the work soon; the result is then marked `complete: false`. */
  readonly signal?: AbortSignal;
  /** The machine to look at. Default: this one. */
  readonly host?: Host;
  /** Told what is going on during long work. */
  readonly onProgress?: (message: string, measure?: ProgressMeasure) => void;
  /** Reads the files that an input names. Default: from the file system, without standard input. */
  readonly readText?: (path: string) => Promise<string>;
  /** Decides about a proposed change. Default: refuses with CONFIRMATION_NEEDED, unless the input says `yes`. */
  readonly confirm?: (proposal: unknown) => Promise<boolean>;
  /** Folder that projects and relative paths are looked for from. Default: the process's own. */
  readonly workingDirectory?: string;
  /** Default: the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Makes the context of a call; everything that was not given is this process's own. The environment's registry is used from now on. */
export function createContext(options: CallOptions = {}): OperationContext {
  const environment = options.environment ?? process.env;
  useRegistryCache(environment);
  return {
    host: options.host ?? createHost(),
    signal: options.signal ?? new AbortController().signal,
    userId: process.getuid?.() ?? null,
    nowMs: Date.now,
    progress: options.onProgress ?? (() => undefined),
    readText: options.readText ?? readTextFile,
    workingDirectory: options.workingDirectory ?? currentFolder(),
    environment,
    confirm: options.confirm ?? refuseUnconfirmed,
  };
}

/** A process can stand in a folder that was removed. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return "/";
  }
}

function refuseUnconfirmed(): Promise<boolean> {
  throw new PortolanError("CONFIRMATION_NEEDED", "Nobody was named who decides about this change.", {
    details: { hint: "Give `yes: true` in the input, or `confirm` in the options." },
  });
}

async function readTextFile(path: string): Promise<string> {
  const scan = await import("../scan/index.ts");
  return scan.readTextFile(path);
}

/**
 * Checks an input against an operation's schema.
 * @throws ARGUMENT_INVALID naming the entry and what it accepts
 */
export function checkInput<InputSchema extends v.GenericSchema>(
  operation: { readonly name: string; readonly input: InputSchema },
  input: unknown,
): v.InferOutput<InputSchema> {
  const checked = v.safeParse(operation.input, input, { abortEarly: true });
  if (checked.success) {
    refuseForeignEntries(actionEntriesOf(operation.input), checked.output as never, {
      entry: (key) => `${operation.name}: the argument ${key}`,
      action: (action) => quote(action),
    });
    return checked.output;
  }
  const issue = checked.issues[0];
  const path = v.getDotPath(issue);
  throw new PortolanError(
    "ARGUMENT_INVALID",
    `${operation.name}: ${path === null ? "the input" : `the argument ${path}`} is not accepted: ${issue.message}.`,
    { details: path === null ? {} : { argument: path } },
  );
}

/** What its entries say of actions. */
function actionEntriesOf(schema: v.GenericSchema): readonly ActionEntry[] {
  const { entries = {} } = schema as { readonly entries?: Readonly<Record<string, v.GenericSchema>> };
  if (entries["action"] === undefined) return [];
  return Object.entries(entries).map(([key, entry]) => {
    const { wrapped = entry } = entry as { readonly wrapped?: v.GenericSchema };
    const { actions } = v.getMetadata(wrapped as never) as Pick<ActionEntry, "actions">;
    const { options } = wrapped as { readonly options?: readonly string[] };
    return { key, ...(actions && { actions }), ...(options && { choices: options }) };
  });
}

/** An operation that returns one value, as a function. */
export function bindOperation<InputSchema extends v.GenericSchema, OutputSchema extends v.GenericSchema>(
  operation: Operation<InputSchema, OutputSchema, never>,
): (input: v.InferInput<InputSchema>, options?: CallOptions) => Promise<v.InferOutput<OutputSchema> & OperationResult> {
  return async (input, options) => {
    const started = operation.run(checkInput(operation, input), createContext(options));
    if (!(started instanceof Promise)) throw new PortolanError("INTERNAL", `${operation.name} yields events.`);
    return started;
  };
}

/** An operation that yields events and ends in one value, as a function that returns the generator. */
export function bindStreamingOperation<
  InputSchema extends v.GenericSchema,
  OutputSchema extends v.GenericSchema,
  Event,
>(
  operation: Operation<InputSchema, OutputSchema, Event>,
): (
  input: v.InferInput<InputSchema>,
  options?: CallOptions,
) => AsyncGenerator<Event, v.InferOutput<OutputSchema> & OperationResult, void> {
  return (input, options) => {
    const started = operation.run(checkInput(operation, input), createContext(options));
    if (started instanceof Promise) throw new PortolanError("INTERNAL", `${operation.name} yields no events.`);
    return started;
  };
}

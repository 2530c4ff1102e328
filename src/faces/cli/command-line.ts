/**
 * @module From words to an exit status: parses, runs the operation, prints its result, tells failures.
 */
import {
  escapeForTerminal,
  escapeJsonForTerminal,
  isPortolanError,
  PortolanError,
  quoteForShell,
} from "../../core/index.ts";
import { createHost, type Host } from "../../host/index.ts";
import type { MachineSource } from "../../operations/open-machine.ts";
import type { FaceOpeners, OperationContext, OperationResult } from "../../operations/operation.ts";
import { registryCacheProblem, useRegistryCache } from "../../store/index.ts";
import { completeWords, readBareCall, type Call } from "./call.ts";
import { commands, type LoadedCommand } from "./commands.ts";
import { manifest } from "./manifest.generated.ts";
import { openOutput, type Output } from "./output.ts";
import { blank, paragraph, span, type Block } from "./print/document.ts";
import { printBlocks } from "./print/printer.ts";
import type { StatusLine } from "./status-line.ts";
import { isTerminal, pageOf, writeAll } from "./terminal.ts";
import type { ViewContext } from "./view.ts";

/** Exit status after an interrupt (128 + SIGINT). */
const interruptedStatus = 130;

/**
 * Runs one command line.
 * @param words what stands after `portolan`
 * @param faces what commands can open beside the command line
 * @returns the exit status; everything has been written by then
 */
export async function runCommandLine(words: readonly string[], faces: FaceOpeners): Promise<number> {
  if (words[0] === "__complete") return answerShell(words.slice(1));
  if (words[0] === "__guard") return (await import("./guard.ts")).guardProject(words[1] ?? "");
  const json = words.includes("--json") || words.includes("--ndjson");
  try {
    const completed = completeWords(words);
    const call = readBareCall(manifest, completed) ?? (await parse(completed));
    return typeof call === "string" ? await finish(call) : await runCall(call, words, faces);
  } catch (error) {
    return tellFailure(error, json);
  }
}

/** What may come next, for a shell's completion. Whatever fails, the shell gets nothing and the user can type on. */
async function answerShell(request: readonly string[]): Promise<number> {
  const { completeLine } = await import("./complete.ts");
  const context: OperationContext = {
    host: createHost(),
    signal: new AbortController().signal,
    userId: process.getuid?.() ?? null,
    nowMs: Date.now,
    progress: () => undefined,
    readText: () => Promise.reject(new PortolanError("FILE_UNREADABLE", "Nothing is read while a word is completed.")),
    workingDirectory: currentFolder(),
    environment: process.env,
    confirm: () => Promise.resolve(false),
  };
  try {
    await writeAll(1, await completeLine(manifest, request, context));
    return 0;
  } catch {
    return 1;
  }
}

async function parse(words: readonly string[]): Promise<Call | string> {
  const { parseWords } = await import("./parse-words.ts");
  return parseWords(manifest, words);
}

async function finish(text: string): Promise<number> {
  await writeAll(1, text);
  return 0;
}

async function runCall(call: Call, words: readonly string[], faces: FaceOpeners): Promise<number> {
  const load = commands[call.name];
  if (load === undefined) throw new PortolanError("INTERNAL", `The command ${call.name} has no code.`);
  const command = await load();
  const abort = new AbortController();
  let interrupts = 0;
  const onInterrupt = (): void => {
    interrupts += 1;
    if (interrupts > 1) process.exit(interruptedStatus);
    abort.abort();
  };
  // The terminal is closed. The kernel and the shell may both say so: twice is no more than once.
  let hungUp = false;
  const onHangup = (): void => {
    hungUp = true;
    abort.abort();
  };
  if (command.ownsSignals !== true) {
    process.on("SIGINT", onInterrupt);
    process.on("SIGTERM", onInterrupt);
    process.on("SIGHUP", onHangup);
  }
  try {
    return await runLoaded(call, words, command, abort, faces);
  } finally {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
    process.off("SIGHUP", onHangup);
    // What was open is closed. Node would abort when it gives a terminal back that is gone (EIO): it ends by the signal, as if nobody had listened.
    if (hungUp) process.kill(process.pid, "SIGHUP");
  }
}

async function runLoaded(
  call: Call,
  words: readonly string[],
  command: LoadedCommand,
  abort: AbortController,
  faces: FaceOpeners,
): Promise<number> {
  const { settings, input } = call;
  const page = pageOf(1, process.env, settings.color);
  const viewContext: ViewContext = { columns: page.columns, terminal: isTerminal(1), asRoot: commandAsRoot() };
  const status = openStatus();
  useRegistryCache(process.env);
  const readText = async (path: string): Promise<string> =>
    (await import("./read-text.ts")).readText(path, abort.signal);
  const elsewhere =
    settings.from === undefined ? undefined : await openElsewhere(settings.from, { status, abort, readText });
  const context: OperationContext = {
    host: elsewhere?.host ?? createLocalHost(settings),
    signal: abort.signal,
    // Numbers of users mean somebody else on another machine.
    userId: elsewhere === undefined ? (process.getuid?.() ?? null) : null,
    nowMs: Date.now,
    progress: status.show,
    readText,
    workingDirectory: currentFolder(),
    environment: process.env,
    faces: openersFor(faces, settings),
    terminal: () => ({
      input: isTerminal(0),
      output: isTerminal(1),
      errors: isTerminal(2),
      columns: Number.isFinite(page.columns) ? page.columns : null,
      color: page.color,
    }),
    confirm: async (proposal) => {
      status.clear();
      return confirmProposal(proposal, command, viewContext, settings.color, abort.signal);
    },
  };
  const output = await openOutput(call, command, page, viewContext, { version: manifest.version, words });
  const started = command.run(input as never, context);
  try {
    const exitStatus = await tellAll(started, call, command, output, viewContext, status, abort).catch(
      async (error: unknown) => {
        // What cannot be told any more is not to go on untold: the terminal may be gone, or the disk full.
        abort.abort();
        if (isGenerator(started)) await started.return(undefined as never).catch(() => undefined);
        throw error;
      },
    );
    if (elsewhere !== undefined && settings.format === "text") {
      const note = `From ${elsewhere.name}, as it was ${new Date(elsewhere.takenAtMs).toISOString()}.`;
      await writeQuietly(printBlocks([paragraph([span(note, "dim")])], pageOf(2, process.env, settings.color)));
    }
    return exitStatus;
  } finally {
    status.clear();
  }
}

/** A live table needs a terminal that can move its cursor and one to take keys from; everybody else gets events, a line each. */
function openersFor(faces: FaceOpeners, { format }: Call["settings"]): FaceOpeners {
  if (format === "text" && isTerminal(0) && isTerminal(1) && process.env["TERM"] !== "dumb") return faces;
  const { screen, ...others } = faces;
  void screen;
  return others;
}

function createLocalHost({ reader, root }: Call["settings"]): Host {
  return createHost(root === undefined ? { reader } : { reader, root });
}

/** The machine that `--from` names; which one it is and when it was seen is said beside the result. */
async function openElsewhere(
  source: string,
  { status, abort, readText }: { status: Status; abort: AbortController; readText: OperationContext["readText"] },
): Promise<MachineSource> {
  const { openMachine } = await import("../../operations/open-machine.ts");
  try {
    return await openMachine(source, {
      signal: abort.signal,
      environment: process.env,
      readText,
      readInput: async (mostBytes) => (await import("./read-text.ts")).readInput(mostBytes, abort.signal),
      progress: status.show,
    });
  } finally {
    status.clear();
  }
}

/** Prints events as they come, then the result. */
async function tellAll(
  started: ReturnType<LoadedCommand["run"]>,
  call: Call,
  command: LoadedCommand,
  output: Output,
  viewContext: ViewContext,
  status: Status,
  abort: AbortController,
): Promise<number> {
  const { view } = command;
  let result: OperationResult;
  let stoppedByReader = false;
  if (isGenerator(started)) {
    const atReadersPace = call.settings.format === "text" && viewContext.terminal && isTerminal(0);
    for (;;) {
      const step = await started.next();
      if (step.done === true) {
        result = step.value;
        break;
      }
      const text = output.event(step.value);
      if (text !== "") status.clear();
      if (text !== "" && !(await writeAll(1, text))) {
        abort.abort();
        continue;
      }
      const said = call.settings.format === "text" ? (view.announce?.(step.value as never, viewContext) ?? []) : [];
      if (said.length > 0) await writeQuietly(printBlocks(said, pageOf(2, process.env, call.settings.color)));
      if (atReadersPace && view.pausesAfter?.(step.value as never) === true) {
        const { waitForEnter } = await import("./pace.ts");
        const wish = await waitForEnter(abort.signal);
        if (wish === "next") continue;
        abort.abort();
        stoppedByReader = wish === "stop";
      }
    }
  } else {
    result = await started;
  }
  status.clear();
  // Who has read enough has not interrupted anything.
  if (stoppedByReader) return 0;
  return printResult(result, call, command, output, viewContext);
}

async function printResult(
  result: OperationResult,
  call: Call,
  { view }: LoadedCommand,
  output: Output,
  viewContext: ViewContext,
): Promise<number> {
  const { format, color } = call.settings;
  // JSON carries what the notes say.
  const hasNotes = format !== "json" && format !== "ndjson";
  const readable = await writeAll(1, output.result(result));
  const notes = hasNotes && readable ? (view.notes?.(result as never, viewContext) ?? []) : [];
  if (notes.length > 0) await writeAll(2, printBlocks(notes, pageOf(2, process.env, color)));
  if (hasNotes && registryCacheProblem() !== null) await tellRegistryProblem(color);
  if (!result.complete) {
    if (hasNotes) await writeAll(2, "Stopped early: this is what was found so far.\n");
    return interruptedStatus;
  }
  return view.exitStatus?.(result as never) ?? 0;
}

/** Names came from the built-in table, though a newer one was asked for. */
async function tellRegistryProblem(color: Call["settings"]["color"]): Promise<void> {
  const said: Block[] = [
    paragraph([
      span("The updated registry is not used: ", "warning"),
      registryCacheProblem() ?? "",
      " Names come from the built-in table. portolan registry update fetches it anew, portolan registry reset removes it.",
    ]),
  ];
  await writeQuietly(printBlocks(said, pageOf(2, process.env, color)));
}

/** A shell can stand in a folder that was removed; nothing is found from there, and that is no failure. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return "/";
  }
}

/**
 * Shows what would be done on standard error and asks on the terminal.
 * @throws CONFIRMATION_NEEDED where there is no terminal to ask on
 */
async function confirmProposal(
  proposal: unknown,
  { view }: LoadedCommand,
  viewContext: ViewContext,
  color: Call["settings"]["color"],
  signal: AbortSignal,
): Promise<boolean> {
  const page = pageOf(2, process.env, color);
  const blocks = view.proposal?.(proposal as never, { ...viewContext, columns: page.columns }) ?? [];
  if (blocks.length > 0) await writeAll(2, printBlocks(blocks, page));
  if (!isTerminal(0) || !isTerminal(2)) {
    throw new PortolanError("CONFIRMATION_NEEDED", "Standard input is no terminal, so nobody could be asked.");
  }
  const { askYesOrNo } = await import("./ask.ts");
  return askYesOrNo(escapeForTerminal(view.question?.(proposal as never) ?? "Go ahead?"), signal);
}

/** The status line, where there is a terminal for it. */
interface Status {
  readonly show: OperationContext["progress"];
  readonly clear: () => void;
}

/** A status line that costs nothing until something is said: most commands say nothing. */
function openStatus(): Status {
  let line: StatusLine | undefined;
  let asked = false;
  /** What was said while the line was being loaded: it may be all that is said. */
  let waiting: Parameters<Status["show"]> | undefined;
  const open = async (): Promise<void> => {
    const { createStatusLine } = await import("./status-line.ts");
    line = createStatusLine({
      write: (text) => void writeQuietly(text),
      columns: () => pageOf(2, process.env).columns,
      nowMs: Date.now,
    });
    if (waiting !== undefined) line.show(...waiting);
  };
  return {
    show: (message, measure) => {
      if (line === undefined) waiting = [message, measure];
      else line.show(message, measure);
      if (asked) return;
      asked = true;
      if (isTerminal(2) && process.env["TERM"] !== "dumb") void open();
    },
    clear: () => {
      waiting = undefined;
      line?.clear();
    },
  };
}

function isGenerator(value: object): value is AsyncGenerator<unknown, OperationResult, void> {
  return Symbol.asyncIterator in value;
}

/**
 * This very command with root's rights. `sudo` resets PATH, so a Node that lives in a home directory would not be found by name:
 * both files are named whole.
 */
function commandAsRoot(): string {
  const words = [process.execPath, process.argv[1] ?? "portolan", ...process.argv.slice(2)];
  return ["sudo", ...words.map(quoteForShell)].join(" ");
}

/** Says what happened, why, and what to do now, on standard error. */
async function tellFailure(error: unknown, json: boolean): Promise<number> {
  const failure = isPortolanError(error)
    ? error
    : new PortolanError("INTERNAL", error instanceof Error ? error.message : String(error), { cause: error });
  if (json) {
    const { code, message, hint, details } = failure;
    await writeQuietly(`${escapeJsonForTerminal(JSON.stringify({ error: { code, message, hint, details } }))}\n`);
    return failure.exitStatus;
  }
  const blocks: Block[] = [
    paragraph([span("portolan: ", "bad"), failure.message], { hang: 10 }),
    paragraph([failure.hint, " ", span(`(${failure.code})`, "dim")], { indent: 10 }),
  ];
  if (failure.code === "INTERNAL" && error instanceof Error && error.stack !== undefined) {
    blocks.push(blank, ...error.stack.split("\n").map((line) => paragraph(line, { hang: 4 })));
  }
  await writeQuietly(printBlocks(blocks, pageOf(2, process.env)));
  return failure.exitStatus;
}

/** Standard error may be closed as well; then there is nobody left to tell. */
async function writeQuietly(text: string): Promise<void> {
  try {
    await writeAll(2, text);
  } catch {
    // Nobody is listening on standard error.
  }
}

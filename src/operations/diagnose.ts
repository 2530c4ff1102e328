/**
 * @module `diagnose`: what Portolan runs on, what it sees with, and what it cannot see and why: made to be put into a bug report.
 */
import * as v from "valibot";
import { isListening, isPortolanError } from "../core/index.ts";
import {
  createHost,
  examineMachine,
  factTitles,
  readerCapabilities,
  readerFacts,
  readerNames,
  type BlindSpot,
  type ReaderChoice,
  type ReaderName,
  type Snapshot,
} from "../host/index.ts";
import { assignmentsOf, builtInSource, readNameTable } from "../registry/index.ts";
import {
  cacheFolderOf,
  examineFolder,
  examineLocks,
  readRegistryCache,
  registryCachePath,
  registryCacheProblem,
  findStateFolder,
  stateFolderOf,
  useRegistryCache,
} from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import { describeEnvironment } from "./diagnose-environment.ts";
import type { OperationContext } from "./operation.ts";
import { readLimitsOrUnknown, limitsSchema } from "./ranges.ts";
import { listOf } from "./schemas.ts";
import { version } from "./version.generated.ts";

const inputSchema = v.object({});

const methodSchema = v.object({ name: v.string(), works: v.boolean(), detail: v.string() });
const nullableText = v.nullable(v.string());

const outputSchema = v.object({
  complete: v.boolean(),
  versions: v.object({
    portolan: v.string(),
    node: v.string(),
    v8: v.string(),
    libuv: v.string(),
    kernel: v.string(),
    system: v.pipe(nullableText, v.description("Distribution")),
    libc: nullableText,
  }),
  platform: v.string(),
  architecture: v.string(),
  readers: v.pipe(
    listOf(
      v.object({
        name: v.string(),
        works: v.boolean(),
        inUse: v.boolean(),
        sockets: v.pipe(v.nullable(v.number()), v.description("Listening sockets that it told")),
        tookMs: v.nullable(v.number()),
        why: v.pipe(nullableText, v.description("Why it does not work")),
        cannotTell: v.pipe(listOf(v.string()), v.description("What it never tells, wherever it works")),
      }),
    ),
    v.description("Ways to read sockets, each tried"),
  ),
  holderSearch: v.pipe(listOf(methodSchema), v.description("Ways to find who holds a socket")),
  look: v.pipe(
    v.nullable(
      v.object({
        tookMs: v.number(),
        sockets: v.number(),
        listeners: v.number(),
        withoutHolder: v.pipe(v.number(), v.description("Listeners of which nobody is known to hold them")),
        interfaces: v.number(),
        holdersComplete: v.boolean(),
      }),
    ),
    v.description("One whole look at the machine; null when it failed"),
  ),
  failure: v.pipe(
    v.nullable(v.object({ code: v.string(), message: v.string() })),
    v.description("Why that look failed"),
  ),
  blindSpots: v.pipe(
    listOf(
      v.object({
        what: v.picklist(["holders", "sockets", "processes", "interfaces"]),
        why: v.picklist(["permission", "gone", "unsupported"]),
        count: v.nullable(v.number()),
        message: v.string(),
      }),
    ),
    v.description("What could not be seen"),
  ),
  rights: v.object({
    uid: v.nullable(v.number()),
    capabilities: v.pipe(v.nullable(listOf(v.string())), v.description("Effective ones, without CAP_")),
    noNewPrivileges: v.nullable(v.boolean()),
    seccomp: nullableText,
  }),
  surroundings: v.object({
    namespaces: listOf(v.object({ kind: v.string(), name: nullableText, sameAsSystem: v.nullable(v.boolean()) })),
    container: v.nullable(v.object({ kind: v.string(), evidence: v.string() })),
    processTable: v.nullable(v.object({ options: nullableText, hidesOthers: v.boolean() })),
    openFiles: v.pipe(
      v.nullable(v.object({ soft: v.string(), hard: v.string() })),
      v.description("How many descriptors a process may have (RLIMIT_NOFILE)"),
    ),
    settings: listOf(v.object({ name: v.string(), value: v.string() })),
  }),
  limits: limitsSchema,
  files: v.object({
    folders: listOf(
      v.object({
        name: v.string(),
        path: v.pipe(nullableText, v.description("null for a user without a home folder")),
        state: v.picklist(["writable", "readable", "missing", "unusable"]),
        problem: nullableText,
      }),
    ),
    locks: v.pipe(nullableText, v.description("Why the kernel gives no locks; null when it does")),
  }),
  registry: v.object({
    kind: v.picklist(["built-in", "updated"]),
    source: v.string(),
    names: v.number(),
    checkedAt: nullableText,
    problem: nullableText,
  }),
  terminal: v.nullable(
    v.object({
      input: v.boolean(),
      output: v.boolean(),
      errors: v.boolean(),
      columns: v.nullable(v.number()),
      color: v.boolean(),
      utf8: v.pipe(v.boolean(), v.description("By LC_ALL, LC_CTYPE or LANG")),
    }),
  ),
  environment: v.pipe(
    listOf(v.object({ name: v.string(), value: v.pipe(nullableText, v.description("null: set, and not told")) })),
    v.description("Variables that change what Portolan does"),
  ),
});

/** `diagnose` takes nothing. */
export type DiagnoseInput = Record<string, never>;
export type DiagnoseResult = v.InferOutput<typeof outputSchema>;

/** How each reader is asked for: Windows has one. */
const readerChoices: Readonly<Record<ReaderName, ReaderChoice>> = {
  netlink: "netlink",
  proc: "proc",
  lsof: "lsof",
  powershell: "auto",
};

/** Runs `diagnose`. */
export async function runDiagnose(_input: DiagnoseInput, context: OperationContext): Promise<DiagnoseResult> {
  const { environment } = context;
  context.progress("looking at the machine");
  const machine = await examineMachine();
  const whole = await tryLook(context);
  const readers = await tryReaders(machine.platform, whole.snapshot?.reader ?? null, context);
  const result: DiagnoseResult = {
    complete: !context.signal.aborted,
    versions: {
      portolan: version,
      ...machine.engine,
      kernel: machine.kernel,
      system: machine.system,
      libc: machine.libc,
    },
    platform: machine.platform,
    architecture: machine.architecture,
    readers,
    holderSearch: machine.holderSearch,
    look: whole.look,
    failure: whole.failure,
    blindSpots: whole.blindSpots,
    rights: {
      uid: context.userId,
      capabilities: machine.capabilities,
      noNewPrivileges: machine.confinement?.noNewPrivileges ?? null,
      seccomp: machine.confinement?.seccomp ?? null,
    },
    surroundings: {
      namespaces: machine.namespaces,
      container: machine.container,
      processTable: machine.processTable,
      openFiles: machine.openFiles,
      settings: machine.settings,
    },
    limits: readLimitsOrUnknown(context),
    files: {
      folders: [
        describeFolder("state", () => stateFolderOf(environment)),
        describeFolder("cache", () => cacheFolderOf(environment)),
      ],
      locks: await examineLocks(),
    },
    registry: describeRegistry(environment),
    terminal: describeTerminal(context),
    environment: describeEnvironment(environment),
  };
  return hideHome(result, [environment["HOME"], machine.homeFolder]);
}

interface Look extends Pick<DiagnoseResult, "look" | "failure"> {
  readonly snapshot: Snapshot | null;
  readonly blindSpots: readonly BlindSpot[];
}

/** A look as `list` takes it. A failure is what a report is for. */
async function tryLook({ host, signal }: OperationContext): Promise<Look> {
  const startMs = performance.now();
  try {
    const snapshot = await host.snapshot({ states: "listening", holders: "all", signal });
    const listeners = snapshot.sockets.filter(isListening);
    const withoutHolder = listeners.filter((socket) => {
      const holders = snapshot.holdersOf(socket);
      return !holders.known || holders.value.length === 0;
    });
    const look = {
      sockets: snapshot.sockets.length,
      listeners: listeners.length,
      withoutHolder: withoutHolder.length,
      interfaces: snapshot.interfaces.length,
      holdersComplete: snapshot.holdersComplete,
      tookMs: roundMs(performance.now() - startMs),
    };
    return { snapshot, look, failure: null, blindSpots: snapshot.blindSpots };
  } catch (error) {
    return { snapshot: null, look: null, failure: describeFailure(error), blindSpots: [] };
  }
}

async function tryReaders(
  platform: string,
  inUse: string | null,
  context: OperationContext,
): Promise<DiagnoseResult["readers"]> {
  const readers: DiagnoseResult["readers"][number][] = [];
  for (const name of readerNames) {
    if ((name === "powershell") !== (platform === "win32")) continue;
    const cannotTell = readerFacts
      .filter((fact) => readerCapabilities[name][fact].tells === "no")
      .map((fact) => factTitles[fact]);
    const startMs = performance.now();
    try {
      const reader = readerChoices[name];
      const snapshot = await createHost({ reader }).snapshot({ holders: "none", signal: context.signal });
      const tookMs = roundMs(performance.now() - startMs);
      const works = snapshot.reader === name;
      const why = works ? null : `${snapshot.reader} answered in its place`;
      readers.push({ name, works, inUse: name === inUse, sockets: snapshot.sockets.length, tookMs, why, cannotTell });
    } catch (error) {
      const why = describeFailure(error).message;
      readers.push({ name, works: false, inUse: false, sockets: null, tookMs: null, why, cannotTell });
    }
  }
  return readers;
}

function describeFailure(error: unknown): { code: string; message: string } {
  if (isPortolanError(error)) return { code: error.code, message: error.message };
  return { code: "INTERNAL", message: error instanceof Error ? error.message : String(error) };
}

/** @param pathOf throws STORE_FAILED for a user who has no home folder */
function describeFolder(name: string, pathOf: () => string): DiagnoseResult["files"]["folders"][number] {
  try {
    return { name, ...examineFolder(pathOf()) };
  } catch (error) {
    if (!isPortolanError(error, "STORE_FAILED")) throw error;
    return { name, path: null, state: "unusable", problem: error.message };
  }
}

function describeRegistry(environment: OperationContext["environment"]): DiagnoseResult["registry"] {
  useRegistryCache(environment, { again: true });
  assignmentsOf(0);
  const names = readNameTable().split("\n").length;
  const problem = registryCacheProblem();
  const mayHaveOne = problem === null && findStateFolder(environment) !== null;
  const facts = mayHaveOne ? readRegistryCache(registryCachePath(environment))?.facts : undefined;
  if (facts === undefined) return { kind: "built-in", source: builtInSource, names, checkedAt: null, problem };
  const checkedAt = new Date(facts.checkedAtMs).toISOString();
  // What follows the path of an address may be a key.
  return { kind: "updated", source: facts.source.replace(/[?#].*$/s, ""), names, checkedAt, problem };
}

function describeTerminal({ terminal, environment }: OperationContext): DiagnoseResult["terminal"] {
  if (terminal === undefined) return null;
  const locale = [environment["LC_ALL"], environment["LC_CTYPE"], environment["LANG"]].find(
    (value) => value !== undefined && value !== "",
  );
  return { ...terminal(), utf8: /utf-?8/i.test(locale ?? "") };
}

function roundMs(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}

/** Of a user whose folder it is not: with sudo it is another one. */
const otherHome = /(?:\/home|\/Users|\\Users)[/\\][^/\\\s"']+/g;

/** The name of a user stands in the path of the home folder, which is `~` in a report. */
export function hideHome<Value>(value: Value, homes: readonly (string | undefined)[]): Value {
  const hidden = homes.filter((home) => home !== undefined && home.replaceAll("/", "") !== "") as string[];
  const hide = (part: unknown): unknown => {
    if (typeof part === "string") return hidden.reduce(replaceFolder, part).replaceAll(otherHome, "~");
    if (Array.isArray(part)) return part.map(hide);
    if (typeof part !== "object" || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, entry]) => [key, hide(entry)]));
  };
  return hide(value) as Value;
}

/** Where a folder's path stands whole, it becomes `~`. */
function replaceFolder(text: string, folder: string): string {
  const path = folder.replace(/[/\\]+$/, "");
  return text.split(path).reduce((joined, part) => `${joined}${/^[\w.-]/.test(part) ? path : "~"}${part}`);
}

/** The declaration of `diagnose`. */
export const diagnoseOperation = defineOperation({
  name: "diagnose",
  summary: "What Portolan runs on, what it sees with, and what it cannot see and why: for a bug report",
  description:
    "Made to be pasted: it holds no process, no address and no listening port, no name of the machine or the user; the home folder is ~, " +
    "and of environment variables only harmless values are told. Exit status: 0, also when something does not work.",
  effect: "read",
  faces: ["cli", "http", "mcp"],
  positional: [],
  examples: [
    { command: "diagnose", note: "for a person" },
    { command: "diagnose --json", note: "for a program" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runDiagnose,
});

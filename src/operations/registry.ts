/**
 * @module `registry`: which table of assignments is in use, and newer ones from IANA.
 */
import { createHash } from "node:crypto";
import * as v from "valibot";
import { PortolanError, isPortolanError, parseDuration } from "../core/index.ts";
import {
  assignmentsOf,
  builtInSource,
  officialUrl,
  overlay,
  packAssignments,
  readNameTable,
  readOfficialFile,
  type AssignmentTables,
} from "../registry/index.ts";
import {
  downloadText,
  readRegistryCache,
  registryCachePath,
  registryCacheProblem,
  removeRegistryCache,
  useRegistryCache,
  writeRegistryCache,
  type RegistryFacts,
} from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { optionalChoice, optionalText } from "./parameters.ts";
import { listOf } from "./schemas.ts";

const usualTimeout = "2m";

const inputSchema = v.object({
  action: optionalChoice(
    ["status", "update", "reset"],
    "status tells which table is in use (default), update fetches a newer one, reset goes back to the built-in one",
    { placeholder: "ACTION" },
  ),
  from: optionalText("With update: the CSV file, or the address of one; - is standard input. Default: IANA's own", {
    placeholder: "FILE|URL",
    actions: ["update"],
  }),
  timeout: optionalText(`With update: how long fetching may take (default ${usualTimeout})`, {
    placeholder: "DURATION",
    actions: ["update"],
  }),
});

const tableSchema = v.object({
  kind: v.picklist(["built-in", "updated"]),
  source: v.pipe(v.string(), v.description("Package of the build, or address or file of the update")),
  checkedAt: v.pipe(v.nullable(v.string()), v.description("When it was fetched or last found current, ISO 8601")),
  lastModified: v.pipe(v.nullable(v.string()), v.description("What the server said of the file's age")),
  sha256: v.pipe(v.nullable(v.string()), v.description("Of the CSV file")),
  sizeBytes: v.pipe(v.nullable(v.number()), v.description("Of the CSV file")),
  records: v.pipe(v.nullable(v.number()), v.description("Of the CSV file, without its header")),
  names: v.pipe(v.number(), v.description("Names, each counted once for each of its ports")),
  ports: v.pipe(v.number(), v.description("Ports that have a name")),
});

const outputSchema = v.object({
  complete: v.boolean(),
  action: v.picklist(["status", "update", "reset"]),
  changed: v.pipe(v.boolean(), v.description("Whether another table is in use than before")),
  table: v.pipe(tableSchema, v.description("The table in use now")),
  cache: v.object({
    path: v.string(),
    problem: v.pipe(
      v.nullable(v.string()),
      v.description("Why the updated table is not used though there is a file; null when nothing is wrong"),
    ),
  }),
  difference: v.pipe(
    v.nullable(v.object({ added: listOf(v.string()), removed: listOf(v.string()) })),
    v.description("Names as name/port that the table has gained and lost; null when it has not been changed"),
  ),
});

export type RegistryInput = v.InferInput<typeof inputSchema>;
export type RegistryResult = v.InferOutput<typeof outputSchema>;

/** The official file has 1.2 million bytes. */
const mostBytes = 16 * 1024 * 1024;
const silenceMs = 20_000;
const mostRedirections = 5;
/** A file that loses more of the names in use is refused: IANA takes a few back in a year. */
const largestShareLost = 0.1;

/**
 * Runs `registry`.
 * @throws REGISTRY_INVALID, DOWNLOAD_FAILED, FILE_UNREADABLE, STORE_FAILED, ARGUMENT_INVALID, ABORTED; nothing is changed then
 */
export async function runRegistry(input: RegistryInput, context: OperationContext): Promise<RegistryResult> {
  const action = input.action ?? "status";
  const path = registryCachePath(context.environment);
  const before = readTables(context);
  if (action === "status") return describe(action, path, null);
  if (action === "update") await update(input, path, before, context);
  else await removeRegistryCache(path, context.signal);
  readTables(context);
  return describe(action, path, before);
}

/** Reads what is in use anew, descriptions too: now is the time to see whether it is damaged. */
function readTables(context: OperationContext): string {
  useRegistryCache(context.environment, { again: true });
  assignmentsOf(0);
  return readNameTable();
}

async function update(input: RegistryInput, path: string, before: string, context: OperationContext): Promise<void> {
  const { signal, nowMs } = context;
  const known = readWhole(path);
  const fetched = await fetchFile(input, known?.facts, context);
  if (fetched === null && known !== undefined) {
    // Nothing is newer: only the date of the question changes.
    await writeRegistryCache(path, { ...known.facts, checkedAtMs: nowMs() }, known.tables, signal);
    return;
  }
  const { text, ...origin } = fetched ?? (await fetchAnew(input, context));
  context.progress("checking the file");
  const { rows, recordCount } = readOfficialFile(text);
  const tables = packAssignments(rows, overlay, { keepOthers: true });
  refuseLoss(before, tables.names);
  const bytes = Buffer.from(text);
  const facts: RegistryFacts = {
    ...origin,
    checkedAtMs: nowMs(),
    sha256: createHash("sha256").update(bytes).digest("hex"),
    sizeBytes: bytes.length,
    recordCount,
  };
  if (signal.aborted) throw new PortolanError("ABORTED", "The update was stopped; nothing was changed.");
  context.progress("writing the table");
  await writeRegistryCache(path, facts, tables, signal);
}

/** The updated table that is there, with all its parts; a damaged one is none. */
function readWhole(path: string): { readonly facts: RegistryFacts; readonly tables: AssignmentTables } | undefined {
  let damaged = false;
  try {
    const cached = readRegistryCache(path, () => (damaged = true));
    if (cached === undefined) return undefined;
    const { facts, described } = cached;
    const tables = {
      names: cached.names(),
      descriptions: described.descriptions(),
      sources: described.sources,
    };
    return damaged ? undefined : { facts, tables };
  } catch (error) {
    if (isPortolanError(error, "STORE_FAILED")) return undefined;
    throw error;
  }
}

interface Fetched extends Pick<RegistryFacts, "source" | "entityTag" | "lastModified"> {
  readonly text: string;
}

/** The file's text; `null` when the server says that the known one is current. */
async function fetchFile(
  input: RegistryInput,
  known: RegistryFacts | undefined,
  context: OperationContext,
): Promise<Fetched | null> {
  const from = input.from ?? officialUrl;
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(from)) {
    const text = await context.readText(from);
    return { text, source: from === "-" ? "standard input" : from, entityTag: null, lastModified: null };
  }
  const deadlineMs = parseDuration(input.timeout ?? usualTimeout, "--timeout");
  const shown = withoutPassword(from);
  context.progress(`fetching ${shown}`);
  const startMs = performance.now();
  const download = await downloadText(from, {
    limits: { mostBytes, deadlineMs, silenceMs, mostRedirections },
    signal: context.signal,
    ...(known !== undefined && known.source === shown ? { known } : {}),
    onProgress: (done, total) => {
      const spentMs = performance.now() - startMs;
      const remainingMs = total === null || done === 0 ? null : (spentMs * (total - done)) / done;
      if (total === null) context.progress(`fetching ${shown}: ${Math.round(done / 1024)} KiB`);
      else context.progress(`fetching ${shown}`, { done, total, remainingMs });
    },
  });
  const { text, entityTag, lastModified } = download;
  return text === null ? null : { text, source: shown, entityTag, lastModified };
}

/** Somebody has taken the known one away meanwhile. */
async function fetchAnew(input: RegistryInput, context: OperationContext): Promise<Fetched> {
  const fetched = await fetchFile(input, undefined, context);
  if (fetched === null)
    throw new PortolanError("INTERNAL", "A server said that nothing has changed though it was not asked.");
  return fetched;
}

function withoutPassword(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  url.username = "";
  url.password = "";
  return url.href;
}

/** @throws REGISTRY_INVALID when too many of the names in use would be lost */
function refuseLoss(before: string, after: string): void {
  const { removed } = compareTables(before, after);
  const inUse = before.split("\n").length;
  if (removed.length <= inUse * largestShareLost) return;
  throw new PortolanError(
    "REGISTRY_INVALID",
    `That file would take away ${removed.length} of the ${inUse} names in use.`,
    {
      details: {
        problem: "loss",
        hint: "Nothing was changed. If it is right nevertheless: portolan registry reset, then update again.",
      },
    },
  );
}

/** Names that one table has and the other not, as `443 https`. */
function compareTables(before: string, after: string): { added: string[]; removed: string[] } {
  const [old, current] = [before, after].map(
    (names) => new Set(names.split("\n").map((line) => line.replace(/ \d+ /, " "))),
  );
  return {
    added: [...(current ?? [])].filter((name) => old?.has(name) === false),
    removed: [...(old ?? [])].filter((name) => current?.has(name) === false),
  };
}

function describe(action: RegistryResult["action"], path: string, before: string | null): RegistryResult {
  const names = readNameTable();
  const lines = names.split("\n");
  const cached = registryCacheProblem() === null ? readWhole(path) : undefined;
  const facts = cached?.facts ?? null;
  const difference = before === null || before === names ? null : compareTables(before, names);
  return {
    complete: true,
    action,
    changed: before !== null && before !== names,
    table: {
      kind: facts === null ? "built-in" : "updated",
      source: facts?.source ?? builtInSource,
      checkedAt: facts === null ? null : new Date(facts.checkedAtMs).toISOString(),
      lastModified: facts?.lastModified ?? null,
      sha256: facts?.sha256 ?? null,
      sizeBytes: facts?.sizeBytes ?? null,
      records: facts?.recordCount ?? null,
      names: lines.length,
      ports: new Set(lines.map((line) => Number.parseInt(line, 10))).size,
    },
    cache: { path, problem: registryCacheProblem() },
    difference,
  };
}

/** The declaration of `registry`. */
export const registryOperation = defineOperation({
  name: "registry",
  summary: "Which table of port names is in use; update it from IANA, or go back to the built-in one",
  description:
    "update fetches IANA's official CSV file, checks it, and keeps it in your cache folder; from then on every command prefers it, and our own " +
    "overlay still decides about primary names. A file that is broken, cut short or not IANA's changes nothing. Nothing else in Portolan " +
    "contacts the internet by itself. Exit status: 0 done or already current, 1 refused or not fetched, 3 the cache folder could not be written.",
  effect: "change",
  faces: ["cli"],
  positional: ["action"],
  examples: [
    { command: "registry", note: "which table is in use" },
    { command: "registry update", note: "fetch IANA's file, and prefer it from now on" },
    { command: "registry update --from service-names-port-numbers.csv", note: "from a file that you fetched" },
    { command: "registry reset", note: "back to the built-in table" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runRegistry,
});

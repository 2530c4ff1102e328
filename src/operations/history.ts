/**
 * @module `history`: who held a port, and when, as far as somebody recorded it.
 */
import * as v from "valibot";
import { PortolanError, parseDuration, quote } from "../core/index.ts";
import { heartbeatMs, historyPathOf, readHistory, type RecorderSession, type Residence } from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { optionalInteger, optionalText, optionalTexts } from "./parameters.ts";
import { readResidenceFacts, residenceFactsSchema, type ResidenceFacts } from "./residence-facts.ts";
import { listOf, portSchema, timeSchema } from "./schemas.ts";
import { parsePortWords } from "./who.ts";

const usualLimit = 200;
/** More ports than this are chosen here, not by the database. */
const mostAskedPorts = 500;

const inputSchema = v.object({
  ports: optionalTexts("Only these: 3000, 8000-8100, ..1023, ssh; several; default all", { placeholder: "PORT" }),
  since: optionalText("Only what was there since: 2h, 7d, or a time such as 2026-11-23T08:00", { placeholder: "WHEN" }),
  process: optionalText("Only holders whose name or command contains this text", { placeholder: "TEXT" }),
  project: optionalText("Only projects whose name or folder contains this text", { placeholder: "TEXT" }),
  limit: optionalInteger(`At most so many, the newest (default ${usualLimit})`, 1, 100_000, {
    placeholder: "N",
    short: "n",
  }),
});

const countSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

const residenceSchema = v.object({
  transport: v.string(),
  port: portSchema,
  appearedAt: timeSchema,
  startKnown: v.pipe(v.boolean(), v.description("False when it was there before the recorder")),
  disappearedAt: v.pipe(v.nullable(timeSchema), v.description("null while it is there")),
  endKnown: v.pipe(v.boolean(), v.description("False when it is there, or outlived the recorder")),
  ...residenceFactsSchema.entries,
});

const outputSchema = v.object({
  complete: v.boolean(),
  recorder: v.object({
    path: v.string(),
    running: v.boolean(),
    pid: v.nullable(v.number()),
    since: v.pipe(v.nullable(timeSchema), v.description("When somebody recorded first; null when nobody ever did")),
    lastSeenAt: v.nullable(timeSchema),
    residences: v.pipe(countSchema, v.description("In the record, before any filter")),
  }),
  residences: v.pipe(listOf(residenceSchema), v.description("Newest first")),
  more: v.pipe(v.boolean(), v.description("There are older ones that match")),
  gaps: v.pipe(
    listOf(v.object({ from: timeSchema, to: timeSchema })),
    v.description("Times in which nobody recorded, between the first recorder and now"),
  ),
});

export type HistoryInput = v.InferInput<typeof inputSchema>;
export type HistoryResult = v.InferOutput<typeof outputSchema>;
export type RecordedResidence = HistoryResult["residences"][number];

/** Runs `history`. */
export function runHistory(input: HistoryInput, context: OperationContext): Promise<HistoryResult> {
  const path = historyPathOf(context.environment);
  const ports = input.ports === undefined || input.ports.length === 0 ? null : parsePortWords(input.ports);
  const sinceMs = input.since === undefined ? 0 : readSince(input.since, context.nowMs());
  const limit = input.limit ?? usualLimit;
  const residences: RecordedResidence[] = [];
  let more = false;
  const query = { ports: ports !== null && ports.size <= mostAskedPorts ? ports.toArray() : null, sinceMs };
  const read = readHistory(path, query, (residence) => {
    if (ports !== null && !ports.has(residence.port)) return true;
    const facts = readResidenceFacts(residence.facts);
    if (facts === null || !matches(facts, input)) return true;
    if (residences.length === limit) {
      more = true;
      return false;
    }
    residences.push(describe(residence, facts));
    return !context.signal.aborted;
  });
  return Promise.resolve({
    complete: !context.signal.aborted,
    recorder: describeRecorder(path, read?.sessions ?? [], read?.residences ?? 0, context.nowMs()),
    residences,
    more,
    gaps: gapsOf(read?.sessions ?? [], context.nowMs()),
  });
}

function matches({ process, command, project, root }: ResidenceFacts, input: HistoryInput): boolean {
  const has = (texts: readonly (string | null)[], wanted: string | undefined): boolean =>
    wanted === undefined || texts.some((text) => text?.toLowerCase().includes(wanted.toLowerCase()) === true);
  return has([process, command], input.process) && has([project, root], input.project);
}

function describe(residence: Residence, facts: ResidenceFacts): RecordedResidence {
  const { transport, port, appearedMs, startKnown, disappearedMs, endKnown } = residence;
  return {
    transport,
    port: port as RecordedResidence["port"],
    appearedAt: new Date(appearedMs).toISOString(),
    startKnown,
    disappearedAt: disappearedMs === null ? null : new Date(disappearedMs).toISOString(),
    endKnown,
    ...facts,
  };
}

/** A recorder that did not speak for so long was killed. */
const silenceMs = heartbeatMs * 3;

function isRunning({ endedMs, seenMs }: RecorderSession, nowMs: number): boolean {
  return endedMs === null && nowMs - seenMs < silenceMs;
}

function describeRecorder(
  path: string,
  sessions: readonly RecorderSession[],
  residences: number,
  nowMs: number,
): HistoryResult["recorder"] {
  const last = sessions.at(-1);
  const running = last !== undefined && isRunning(last, nowMs);
  const first = sessions[0];
  return {
    path,
    running,
    pid: running ? last.pid : null,
    since: first === undefined ? null : new Date(first.startedMs).toISOString(),
    lastSeenAt: last === undefined ? null : new Date(last.seenMs).toISOString(),
    residences,
  };
}

function gapsOf(sessions: readonly RecorderSession[], nowMs: number): HistoryResult["gaps"] {
  return sessions.flatMap((session, index) => {
    if (isRunning(session, nowMs)) return [];
    const from = session.endedMs ?? session.seenMs;
    const to = sessions[index + 1]?.startedMs ?? nowMs;
    return to > from ? [{ from: new Date(from).toISOString(), to: new Date(to).toISOString() }] : [];
  });
}

function readSince(text: string, nowMs: number): number {
  const days = /^(\d{1,4})d$/.exec(text.trim());
  if (days !== null) return nowMs - Number(days[1]) * 86_400_000;
  const atMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(atMs)) return atMs;
  if (/^\d+(\.\d+)?\s?(ms|s|m|h)?$/.test(text.trim())) return nowMs - parseDuration(text, "--since");
  throw new PortolanError("ARGUMENT_INVALID", `--since: ${quote(text)} is neither a span of time nor a time.`, {
    details: { argument: "since", given: text, hint: "Write 30m, 2h or 7d, or a time: 2026-11-23T08:00." },
  });
}

/** The declaration of `history`. */
export const historyOperation = defineOperation({
  name: "history",
  summary: "Who held a port, and when, as far as portolan record saw it",
  description:
    "Reads the user's own record. Tells each residence with its process, project and times, newest first, and the times in which nobody recorded. Exit " +
    "status 1 when nothing was found.",
  effect: "read",
  faces: ["cli", "http", "mcp"],
  positional: ["ports"],
  examples: [
    { command: "history 3000", note: "who was on port 3000" },
    { command: "history --since 2h", note: "everything of the last two hours" },
    { command: "history --project shop --csv", note: "of one project, for a spreadsheet" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runHistory,
});

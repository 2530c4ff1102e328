/**
 * @module What a chapter of the lesson is, and what its writers share.
 */
import * as v from "valibot";
import { isPortolanError, known, unknown, type Known } from "../core/index.ts";
import type { Snapshot, SnapshotRequest } from "../host/index.ts";
import { listOf } from "./schemas.ts";
import type { OperationContext } from "./operation.ts";

const figureSchema = v.variant("kind", [
  v.object({
    kind: v.literal("rows"),
    columns: listOf(v.string()),
    rows: v.pipe(listOf(listOf(v.string())), v.description("Cells in the order of the columns")),
  }),
  v.object({ kind: v.literal("picture"), lines: v.pipe(listOf(v.string()), v.description("At most 38 columns wide")) }),
]);

export const chapterSchema = v.object({
  kind: v.literal("chapter"),
  number: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(7)),
  last: v.pipe(v.boolean(), v.description("No chapter follows")),
  title: v.string(),
  paragraphs: listOf(v.string()),
  figures: v.pipe(listOf(figureSchema), v.description("What was read or measured on this machine for this chapter")),
  afterwards: v.pipe(listOf(v.string()), v.description("Paragraphs that follow the figures")),
  commands: v.optional(
    v.pipe(listOf(v.tuple([v.string(), v.string()])), v.description("What to try next: a command, and what it tells")),
  ),
});

export type Chapter = v.InferOutput<typeof chapterSchema>;
export type Figure = v.InferOutput<typeof figureSchema>;

/** What a chapter is written from. */
export interface Lesson {
  readonly context: OperationContext;
  /** Something opened for the chapter: it stays open while the chapter is read, and is closed then. */
  readonly keep: (close: () => Promise<void>) => void;
}

/** Writes one chapter. */
export type ChapterWriter = (lesson: Lesson) => Promise<Omit<Chapter, "kind" | "number" | "last">>;

/** Makes a table of texts. */
export function rowsFigure(columns: readonly string[], rows: readonly (readonly string[])[]): Figure {
  return { kind: "rows", columns, rows };
}

/** A chapter with an experiment; where this machine does not let it succeed, the chapter says so and the lesson goes on. */
export function withExperiment(
  outline: Pick<Chapter, "title" | "paragraphs">,
  write: (lesson: Lesson, outline: Pick<Chapter, "title" | "paragraphs">) => ReturnType<ChapterWriter>,
): ChapterWriter {
  return async (lesson) => {
    try {
      return await write(lesson, outline);
    } catch (error) {
      if (!isPortolanError(error, "LISTEN_FAILED")) throw error;
      return { ...outline, figures: [], afterwards: [`This could not be shown on this machine now. ${error.message}`] };
    }
  };
}

/** A look at the machine, or why there is none. */
export async function lookOrUnknown(context: OperationContext, request: SnapshotRequest): Promise<Known<Snapshot>> {
  try {
    return known(await context.host.snapshot({ ...request, signal: context.signal }));
  } catch (error) {
    if (isPortolanError(error, "HOST_UNSUPPORTED")) return unknown("unsupported");
    throw error;
  }
}

/** `65,536`: a comma between groups of three digits. */
export function groupDigits(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

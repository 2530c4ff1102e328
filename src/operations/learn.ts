/**
 * @module `learn`: what addresses and ports are, in seven short chapters with this machine's own numbers.
 */
import * as v from "valibot";
import { isPortolanError } from "../core/index.ts";
import { defineOperation } from "./define-operation.ts";
import { writeApplicationsChapter } from "./learn-applications.ts";
import { writeBuildingChapter } from "./learn-building.ts";
import { writeConflictChapter, writeConnectionChapter } from "./learn-connection.ts";
import { writeDoorsChapter } from "./learn-doors.ts";
import { chapterSchema, type Chapter, type ChapterWriter } from "./learn-lesson.ts";
import { writeAddressChapter, writePortChapter } from "./learn-place.ts";
import type { OperationContext } from "./operation.ts";
import { optionalInteger } from "./parameters.ts";
import { listOf } from "./schemas.ts";

const inputSchema = v.object({
  chapter: optionalInteger("Only this chapter", 1, 7, { placeholder: "N", short: "c" }),
});

const outputSchema = v.object({
  complete: v.boolean(),
  chapters: v.pipe(listOf(v.number()), v.description("Numbers of the chapters that were told")),
});

export type LearnInput = v.InferInput<typeof inputSchema>;
export type LearnResult = v.InferOutput<typeof outputSchema>;
export type LearnEvent = Chapter;

/** In their order; a chapter's number is its place, from 1. */
const writers: readonly ChapterWriter[] = [
  writeAddressChapter,
  writePortChapter,
  writeBuildingChapter,
  writeApplicationsChapter,
  writeConnectionChapter,
  writeConflictChapter,
  writeDoorsChapter,
];

/** Runs `learn`. Each chapter is measured when its turn comes; what it opened is open while it is read, and closed after. */
export async function* runLearn(
  input: LearnInput,
  context: OperationContext,
): AsyncGenerator<LearnEvent, LearnResult, void> {
  const chapters: number[] = [];
  for (const [index, write] of writers.entries()) {
    const number = index + 1;
    if (input.chapter !== undefined && input.chapter !== number) continue;
    const closers: (() => Promise<void>)[] = [];
    try {
      if (context.signal.aborted) return { complete: false, chapters };
      const chapter = await write({ context, keep: (close) => closers.push(close) });
      // A look that was cut short is not this machine's truth.
      if (context.signal.aborted) return { complete: false, chapters };
      yield { kind: "chapter", number, last: number === (input.chapter ?? writers.length), ...chapter };
      chapters.push(number);
    } catch (error) {
      if (!isPortolanError(error, "ABORTED")) throw error;
      return { complete: false, chapters };
    } finally {
      await Promise.all(closers.map((close) => close()));
    }
  }
  return { complete: true, chapters };
}

/** The declaration of `learn`. */
export const learnOperation = defineOperation({
  name: "learn",
  summary: "What addresses and ports are: a lesson in seven chapters with this machine's own numbers",
  description:
    "For somebody who has never met a port. All numbers are read or measured at that moment: for that it opens a few ports at loopback " +
    "addresses, which nobody outside can reach, and closes each after its chapter. On a terminal Enter turns the page and q ends the " +
    "lesson; in a pipe it is plain text.",
  effect: "exec",
  faces: ["cli"],
  positional: [],
  examples: [
    { command: "learn", note: "the whole lesson" },
    { command: "learn --chapter 6", note: "two servers ask for the same port" },
    { command: "learn | less", note: "to read it in one piece" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: chapterSchema,
  run: runLearn,
});

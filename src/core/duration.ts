/**
 * @module Spans of time as people write them: `500ms`, `30s`, `2m`, `1h`, or plain seconds.
 */
import { PortolanError } from "./errors.ts";
import { quote } from "./text.ts";

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Longest span that is accepted, milliseconds: what timers can wait (2^31 - 1, 24 days). */
export const longestDurationMs = 2_147_483_647;

/**
 * Reads a span of time.
 * @param text a number with at most three decimals and a unit: ms, s, m, h or d; without unit it is seconds. 0 is accepted.
 * @param argument name of the argument, for the error
 * @returns milliseconds, whole, from 0 to `longestDurationMs`
 * @throws ARGUMENT_INVALID
 */
export function parseDuration(text: string, argument: string): number {
  const match = /^(\d{1,10}(?:\.\d{1,3})?) ?(ms|s|m|h|d)?$/.exec(text.trim());
  const unit = (match?.[2] ?? "s") as keyof typeof unitsMs;
  const durationMs = match === null ? Number.NaN : Math.round(Number(match[1]) * unitsMs[unit]);
  if (Number.isNaN(durationMs) || durationMs > longestDurationMs) {
    throw new PortolanError("ARGUMENT_INVALID", `${argument}: ${quote(text)} is not a span of time.`, {
      details: {
        argument,
        given: text,
        hint: "Write 500ms, 30s, 2m or 1h; a plain number is seconds; 24 days at most.",
      },
    });
  }
  return durationMs;
}

/** A span of time in the unit that suits it: `500 ms`, `1.5 s`, `2 min`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 60_000) return `${trim(durationMs / 1000)} s`;
  if (durationMs < 3_600_000) return `${trim(durationMs / 60_000)} min`;
  return `${trim(durationMs / 3_600_000)} h`;
}

function trim(number: number): string {
  return number.toFixed(1).replace(/\.0$/, "");
}

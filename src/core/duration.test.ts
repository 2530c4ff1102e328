import { expect, test } from "vitest";
import { formatDuration, longestDurationMs, parseDuration } from "./duration.ts";
import { isPortolanError } from "./errors.ts";

test.each([
  ["30", 30_000],
  ["30s", 30_000],
  ["1.5s", 1500],
  ["500ms", 500],
  ["2m", 120_000],
  ["1 h", 3_600_000],
  ["0", 0],
  [" 3 ", 3000],
  ["24d", 2_073_600_000],
])("%s is %d ms", (text, durationMs) => {
  expect(parseDuration(text, "--ttl")).toBe(durationMs);
});

test.each(["", "s", "-1", "1e3", "1,5s", "25d", "99999999999", "ten", "1.2345s", "0x10", "1s2m", "∞"])(
  "%j is refused with the argument's name",
  (text) => {
    let failure: unknown;
    try {
      parseDuration(text, "--ttl");
    } catch (error) {
      failure = error;
    }
    expect(isPortolanError(failure, "ARGUMENT_INVALID") && failure.message.startsWith("--ttl: ")).toBe(true);
  },
);

test("spans are told in the unit that suits them", () => {
  expect([0, 4.6, 999, 1000, 1500, 60_000, 90_000, 3_600_000].map(formatDuration)).toEqual([
    "0 ms",
    "5 ms",
    "999 ms",
    "1 s",
    "1.5 s",
    "1 min",
    "1.5 min",
    "1 h",
  ]);
  expect(formatDuration(longestDurationMs)).toBe("596.5 h");
});

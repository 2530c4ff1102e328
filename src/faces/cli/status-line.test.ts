import { expect, test } from "vitest";
import { createStatusLine, durationText, statusText } from "./status-line.ts";

function watched() {
  const written: string[] = [];
  const clock = { nowMs: 0 };
  const line = createStatusLine({
    write: (text) => void written.push(text),
    columns: () => 40,
    nowMs: () => clock.nowMs,
  });
  return { written, clock, line };
}

test("it is written over in place, at most ten times a second", () => {
  const { written, clock, line } = watched();
  for (clock.nowMs = 0; clock.nowMs < 1000; clock.nowMs += 1) line.show(`step ${clock.nowMs}`);
  expect(written).toHaveLength(10);
  for (const text of written) expect(text).toMatch(/^\r\u001b\[Kstep \d+$/);
});

test("it is gone before anything else is printed, and clearing twice writes nothing", () => {
  const { written, line } = watched();
  line.clear();
  line.show("working");
  line.clear();
  line.clear();
  expect(written).toEqual(["\r\u001b[Kworking", "\r\u001b[K"]);
});

test("it stays one line, whatever it is told", () => {
  const text = statusText("a\nb\u001b[2J".repeat(20), { done: 1, total: 3, remainingMs: null }, 39);
  expect(text).toHaveLength(39);
  expect(text.startsWith("33 %: a\\nb\\x1b[2J")).toBe(true);
});

test.each([
  [0, "0 s"],
  [1, "1 s"],
  [59_000, "59 s"],
  [60_000, "1 min"],
  [200_000, "3 min 20 s"],
  [7_500_000, "2 h 5 min"],
])("%d ms are %s", (milliseconds, text) => {
  expect(durationText(milliseconds)).toBe(text);
});

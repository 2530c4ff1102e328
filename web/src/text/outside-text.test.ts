import { expect, test } from "vitest";
import { safeText } from "./outside-text.ts";

test.each([
  ["node server.js", "node server.js"],
  ["\u001b[31mred\u001b[0m", "\ufffd[31mred\ufffd[0m"],
  ["safe\u202egnp.exe", "safegnp.exe"],
  ["one\r\n\ttwo\u2028three", "one two three"],
  ["a\u0000b\u0085c", "a\ufffdb\ufffdc"],
  ["\ud800x\udc00", "\ufffdx\ufffd"],
  ["\ud83d\ude00", "\ud83d\ude00"],
  ["<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
])("%j reads %j", (outside, safe) => {
  expect(safeText(outside)).toBe(safe);
});

test("long text is cut, also in the middle of a character", () => {
  expect(safeText("x".repeat(1_000_000), 10)).toBe(`${"x".repeat(10)}…`);
  expect(safeText("ab\ud83d\ude00", 3)).toBe("ab\ufffd…");
});

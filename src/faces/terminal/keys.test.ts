import * as fc from "fast-check";
import { expect, test } from "vitest";
import { KeyReader, type Key } from "./keys.ts";

function read(pieces: readonly string[]): Key[] {
  const reader = new KeyReader();
  return [...pieces.flatMap((piece) => reader.take(piece)), ...reader.flush()];
}

test.each([
  ["q", [{ kind: "text", text: "q" }]],
  [
    "é😀",
    [
      { kind: "text", text: "é" },
      { kind: "text", text: "😀" },
    ],
  ],
  ["\u001b[A\u001bOB", [{ kind: "up" }, { kind: "down" }]],
  [
    "\u001b[5~\u001b[6~\u001b[H\u001b[4~",
    [{ kind: "pageUp" }, { kind: "pageDown" }, { kind: "home" }, { kind: "end" }],
  ],
  ["\u001b", [{ kind: "escape" }]],
  ["\u001bx", [{ kind: "escape" }, { kind: "text", text: "x" }]],
  ["\u001b[1;5C", []],
  ["\u0003", [{ kind: "interrupt" }]],
  ["\r\u007f\t", [{ kind: "enter" }, { kind: "backspace" }, { kind: "tab" }]],
  ["\u0001\u0002", []],
] as const)("%j", (text, keys) => {
  expect(read([text])).toEqual(keys);
});

test("however the bytes are cut, the keys are the same", () => {
  const whole = "a\u001b[Ab\u001b[5~\u001bOHc\u001b[3~";
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: whole.length }), { maxLength: 6 }), (cuts) => {
      const edges = [0, ...cuts.toSorted((left, right) => left - right), whole.length];
      const pieces = edges.slice(1).map((edge, index) => whole.slice(edges[index], edge));
      expect(read(pieces)).toEqual(read([whole]));
    }),
  );
});

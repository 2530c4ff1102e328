import { escapeForTerminal, escapeJsonForTerminal, takeColumns, widthOf } from "../../../core/index.ts";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { paragraph, span, table, verbatim } from "./document.ts";
import { printBlocks } from "./printer.ts";

const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe("escaping", () => {
  test("spells out what a terminal would act on", () => {
    expect(escapeForTerminal("a\u001b[31mred\u0007\r\n\u009b2J\u202e")).toBe(
      String.raw`a\x1b[31mred\x07\r\n\x9b2J\u{202e}`,
    );
  });

  test("leaves ordinary text of any script alone", () => {
    for (const text of ["näive café", "日本語", "שלום", "👩‍🚀 rocket", "a b"]) {
      // A zero-width joiner inside an emoji is a letter of it, not a trick.
      expect(escapeForTerminal(text)).toBe(text);
    }
  });

  test("no control character of any text gets through", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(control.test(escapeForTerminal(text))).toBe(false);
      }),
    );
  });

  test("JSON stays the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, text) => {
        const json = JSON.stringify({ value, text }, null, 2);
        const escaped = escapeJsonForTerminal(json);
        expect(JSON.parse(escaped)).toEqual(JSON.parse(json));
        expect(control.test(escaped)).toBe(false);
      }),
    );
  });
});

describe("width", () => {
  test.each([
    ["abc", 3],
    ["日本", 4],
    ["é", 1],
    ["👩‍🚀", 2],
    ["한글", 4],
    ["", 0],
    ["ﾊﾝｶｸ", 4],
  ])("%s takes %i columns", (text, columns) => {
    expect(widthOf(text)).toBe(columns);
  });

  test("what is taken fits and is the beginning", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.nat(30), (text, columns) => {
        const taken = takeColumns(text, columns);
        expect(text.startsWith(taken)).toBe(true);
        expect(widthOf(taken)).toBeLessThanOrEqual(columns);
      }),
    );
  });
});

describe("pages", () => {
  const page = { columns: 40, color: false };

  test("a table fits the page, whatever its cells hold", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.string()), {
          maxLength: 8,
        }),
        (rows) => {
          const text = printBlocks(
            [
              table(
                [
                  { title: "A", priority: 0, leastWidth: 6 },
                  { title: "B", priority: 1, leastWidth: 6 },
                  { title: "C", priority: 2, leastWidth: 30 },
                ],
                rows.map((row) => row.map((cell) => [cell])),
              ),
            ],
            page,
          );
          for (const line of text.split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(40);
          expect(text.split("\n")).toHaveLength(rows.length + 2);
        },
      ),
    );
  });

  test("columns go by priority, and empty ones say nothing", () => {
    const print = (columns: number): string =>
      printBlocks(
        [
          table(
            [
              { title: "PORT", priority: 0 },
              { title: "WHAT", priority: 0 },
              { title: "EMPTY", priority: 1 },
              { title: "WHERE", priority: 2, leastWidth: 10 },
            ],
            [[["3000"], ["Vite"], [], ["http://192.168.1.8:3000/"]]],
          ),
        ],
        { columns, color: false },
      );
    expect(print(80)).toBe("PORT  WHAT  WHERE\n3000  Vite  http://192.168.1.8:3000/\n");
    expect(print(24)).toBe("PORT  WHAT  WHERE\n3000  Vite  http://192.1…\n".replace("192.1…", "192.…"));
    expect(print(20)).toBe("PORT  WHAT\n3000  Vite\n");
  });

  test("paragraphs wrap at spaces and keep long words whole", () => {
    expect(printBlocks([paragraph("one two three four five six seven eight nine ten", { hang: 4 })], page)).toBe(
      "one two three four five six seven eight\n    nine ten\n",
    );
    expect(printBlocks([paragraph(["one two three four five six seven ", span("eleven", "bad"), "."])], page)).toBe(
      "one two three four five six seven\neleven.\n",
    );
    const url = `http://${"x".repeat(60)}/`;
    expect(printBlocks([paragraph(`see ${url} now`)], page)).toBe(`see\n${url}\nnow\n`);
    expect(printBlocks([verbatim(url)], page)).toBe(`${url}\n`);
  });

  test("a pipe is neither wrapped nor clipped", () => {
    const words = "word ".repeat(100).trim();
    expect(printBlocks([paragraph(words)], { columns: Infinity, color: false })).toBe(`${words}\n`);
  });

  test("a program's own colours pass where colours are wanted, end with the line, and nothing else passes", () => {
    const print = (text: string, color: boolean): string =>
      printBlocks([verbatim("> ", { text, ownColors: true })], { columns: 40, color });
    const text = "a\u001b[1;38:5:9mb\u001b[mc\u001b[2Jd\u001b]0;x\u0007\u001b[31";
    expect(print(text, true)).toBe(
      `> a\u001b[1;38:5:9mb\u001b[mc${String.raw`\x1b[2Jd\x1b]0;x\x07\x1b[31`}\u001b[0m\n`,
    );
    expect(print(text, false)).toBe(`> abc${String.raw`\x1b[2Jd\x1b]0;x\x07\x1b[31`}\n`);
    expect(print("plain", true)).toBe("> plain\n");
    const sequence = /\u001b\[[\d;:]*m/g;
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("\u001b", "[", "3", ";", "m", "J", "\u009b", "x", "\u0007", "\n")),
        fc.boolean(),
        (pieces, color) => {
          const printed = print(pieces.join(""), color).slice(0, -1);
          expect(control.test(printed.replaceAll(sequence, ""))).toBe(false);
          if (!color) expect(printed).not.toMatch(sequence);
        },
      ),
    );
  });

  test("colour is added around escaped text and nowhere else", () => {
    const hostile = span("\u001b[2J", "bad");
    expect(printBlocks([verbatim(hostile)], { columns: 40, color: false })).toBe("\\x1b[2J\n");
    expect(printBlocks([verbatim(hostile)], { columns: 40, color: true })).toBe("\u001b[31m\\x1b[2J\u001b[39m\n");
  });
});

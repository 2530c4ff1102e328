/**
 * @module CSV as RFC 4180 has it, and what is not.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { CsvProblem, readCsvRecords } from "./csv-records.ts";

function read(text: string, longest = 1000): (readonly string[])[] {
  return [...readCsvRecords(text, longest)].map(({ fields }) => fields);
}

test("fields, quotes, commas and line ends within quotes", () => {
  expect(read('a,b\r\n"c, d","e ""f""\r\ng"\n,\n""\n')).toEqual([["a", "b"], ["c, d", 'e "f"\r\ng'], ["", ""], [""]]);
  expect(read("")).toEqual([]);
  expect([...readCsvRecords('a\n"b\nc"\nd\n', 9)].map(({ line }) => line)).toEqual([1, 2, 4]);
});

test.each([
  ["a,b", 1, "the last line has no end"],
  ["a\nb\r", 2, "the last line has no end"],
  ['a\n"b', 2, "a quoted field has no end"],
  ['"a"b\n', 1, "a field does not end where it should"],
  ['a"b\n', 1, "a quote stands inside"],
  ["a\rb\n", 1, "a field does not end where it should"],
  ["a\n12345678901\n", 2, "more than 10 characters"],
])("%j is refused with its line", (text, line, message) => {
  try {
    read(text, 10);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(CsvProblem);
    expect((error as CsvProblem).line).toBe(line);
    expect((error as CsvProblem).message).toContain(message);
  }
});

const records = fc.array(fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 5 }), { maxLength: 6 });

test("whatever is written is read again, and no beginning of it passes for the whole", () => {
  fc.assert(
    fc.property(records, fc.constantFrom("\r\n", "\n"), (written, lineEnd) => {
      const lines = written.map(
        (fields) => fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(",") + lineEnd,
      );
      const text = lines.join("");
      expect(read(text)).toEqual(written);
      const ends = new Set(lines.map((_, index) => lines.slice(0, index + 1).join("").length));
      for (let length = 1; length < text.length; length++) {
        if (!ends.has(length))
          expect(() => read(text.slice(0, length)), `${length} of ${text.length}`).toThrow(CsvProblem);
      }
    }),
    { numRuns: 100 },
  );
});

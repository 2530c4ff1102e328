import * as fc from "fast-check";
import { expect, test } from "vitest";
import { span, table, type Column, type Grid, type Style } from "./document.ts";
import { printBlocks } from "./printer.ts";

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom("", "plain", "\x1b[31mred\x1b[0m", "名前", "é", "🙂", "a\nb", "‮gnp", "long ".repeat(10)),
);

function describeColumns(count: number): Column[] {
  return Array.from({ length: count }, (_, index) => ({
    title: `T${index}`,
    priority: index,
    leastWidth: 4,
    align: index % 2 === 1 ? "right" : "left",
  }));
}

test("a grid is printed like a table of the same cells, on every page", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }).chain((count) =>
        fc.tuple(
          fc.array(fc.array(text, { minLength: count, maxLength: count }), { minLength: 1, maxLength: 8 }),
          fc.array(fc.constantFrom<Style | undefined>(undefined, "dim", "strong"), {
            minLength: count,
            maxLength: count,
          }),
        ),
      ),
      fc.constantFrom(20, 40, Infinity),
      fc.boolean(),
      ([rows, styles], columns, color) => {
        const described = describeColumns(styles.length);
        const grid: Grid = {
          kind: "grid",
          rowCount: rows.length,
          columns: described.map((column, index) => {
            const style = styles[index];
            return { ...column, texts: rows.map((row) => row[index]!), ...(style === undefined ? {} : { style }) };
          }),
        };
        const same = table(
          described,
          rows.map((row) => row.map((cell, index) => [span(cell, styles[index])])),
        );
        const page = { columns, color };
        expect(printBlocks([grid], page)).toBe(printBlocks([same], page));
      },
    ),
  );
});

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { placeLabels, type Label } from "./labels.ts";

const size = { width: 600, height: 400 };
const measure = (text: string): number => text.length * 7;

test("names lie within the picture and not over each other", () => {
  const label: fc.Arbitrary<Label> = fc.record({
    x: fc.integer({ min: 0, max: 600 }),
    y: fc.integer({ min: 0, max: 400 }),
    gap: fc.constant(6),
    text: fc.string({ minLength: 1, maxLength: 20 }),
    port: fc.integer({ min: 0, max: 65_535 }),
    weight: fc.integer({ min: 0, max: 100 }),
  });
  fc.assert(
    fc.property(fc.array(label, { maxLength: 60 }), (labels) => {
      const placed = placeLabels(labels, size, 12, measure);
      for (const [index, one] of placed.entries()) {
        expect(one.x).toBeGreaterThanOrEqual(0);
        expect(one.x + measure(one.text)).toBeLessThanOrEqual(size.width);
        for (const other of placed.slice(index + 1)) {
          const apart =
            Math.abs(one.y - other.y) >= 12 ||
            one.x + measure(one.text) <= other.x ||
            other.x + measure(other.text) <= one.x;
          expect(apart, `${JSON.stringify(one)} and ${JSON.stringify(other)}`).toBe(true);
        }
      }
    }),
  );
});

test("at the right edge a name stands left of its window, and the weightier one gets the place", () => {
  const at = (x: number, y: number, text: string, weight: number): Label => ({ x, y, gap: 6, text, port: 1, weight });
  expect(placeLabels([at(590, 50, "postgres", 1)], size, 12, measure)).toEqual([{ x: 528, y: 50, text: "postgres" }]);
  const crowded = placeLabels([at(300, 50, "light", 1), at(302, 52, "heavy", 9)], size, 12, measure);
  expect(crowded[0]!.text).toBe("heavy");
});

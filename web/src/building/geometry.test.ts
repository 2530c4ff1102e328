import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  apartmentOf,
  bringIntoSight,
  clampCamera,
  floorOf,
  floorRanges,
  fromScreen,
  placeOf,
  portAt,
  rangeOf,
  side,
  toScreen,
  wholeView,
  zoomAt,
  type Camera,
} from "./geometry.ts";

const ports = fc.integer({ min: 0, max: 65_535 });
const sizes = fc.record({ width: fc.integer({ min: 100, max: 4000 }), height: fc.integer({ min: 100, max: 3000 }) });
const cameras: fc.Arbitrary<Camera> = fc.record({
  across: fc.double({ min: -100, max: 400, noNaN: true }),
  down: fc.double({ min: -100, max: 400, noNaN: true }),
  scale: fc.double({ min: 0.1, max: 500, noNaN: true }),
});

test("a port and its place are one", () => {
  fc.assert(
    fc.property(ports, (port) => {
      const { across, down } = placeOf(port);
      expect(portAt(across, down)).toBe(port);
      expect(portAt(across + 0.99, down + 0.99)).toBe(port);
      expect(floorOf(port) * side + apartmentOf(port)).toBe(port);
    }),
  );
  expect(placeOf(0)).toEqual({ across: 0, down: 255 });
  expect(placeOf(65_535)).toEqual({ across: 255, down: 0 });
  expect([portAt(-0.1, 0), portAt(256, 0), portAt(0, 256)]).toEqual([null, null, null]);
});

test("the ranges are 4, 188 and 64 floors", () => {
  expect(floorRanges.map(({ firstFloor, lastFloor }) => lastFloor - firstFloor + 1)).toEqual([4, 188, 64]);
  expect([0, 1023, 1024, 49_151, 49_152, 65_535].map(rangeOf)).toEqual([
    "well-known",
    "well-known",
    "registered",
    "registered",
    "dynamic",
    "dynamic",
  ]);
});

test("screen and building are each other's inverse", () => {
  fc.assert(
    fc.property(
      cameras,
      sizes,
      fc.integer({ min: 0, max: 4000 }),
      fc.integer({ min: 0, max: 3000 }),
      (camera, size, x, y) => {
        const place = fromScreen(camera, size, x, y);
        const back = toScreen(camera, size, place.across, place.down);
        expect(back.x).toBeCloseTo(x, 4);
        expect(back.y).toBeCloseTo(y, 4);
      },
    ),
  );
});

test("a clamped camera sees the building and nothing beside it where it fills the screen", () => {
  fc.assert(
    fc.property(cameras, sizes, (camera, size) => {
      const clamped = clampCamera(camera, size);
      expect(clampCamera(clamped, size)).toEqual(clamped);
      if (size.width / clamped.scale < side) {
        expect(fromScreen(clamped, size, 0, 0).across).toBeGreaterThanOrEqual(-1e-6);
        expect(fromScreen(clamped, size, size.width, 0).across).toBeLessThanOrEqual(side + 1e-6);
      }
    }),
  );
});

test("zooming keeps what is under the pointer, away from the walls", () => {
  const size = { width: 800, height: 800 };
  const near = zoomAt(wholeView(size), size, 400, 300, 8);
  const before = fromScreen(wholeView(size), size, 400, 300);
  const after = fromScreen(near, size, 400, 300);
  expect(after.across).toBeCloseTo(before.across, 6);
  expect(after.down).toBeCloseTo(before.down, 6);
});

test("a port is brought into sight", () => {
  fc.assert(
    fc.property(cameras, sizes, ports, (camera, size, port) => {
      const moved = bringIntoSight(clampCamera(camera, size), size, port);
      const { across, down } = placeOf(port);
      const { x, y } = toScreen(moved, size, across + 0.5, down + 0.5);
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(size.width);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(size.height);
    }),
  );
});

import { expect, test } from "vitest";
import type { Tenant } from "./tenants.ts";
import { describePlace, stepCursor } from "./walk.ts";

const tenant = (port: number): Tenant => ({
  port,
  name: "PostgreSQL",
  detail: "postgres 812",
  keys: { range: "registered", proof: "proved", reach: "machine", project: "" },
  bytesPerSecond: null,
});
const tenants = [tenant(80), tenant(3000), tenant(5432)];

test.each([
  ["ArrowRight", 80, 81],
  ["ArrowLeft", 0, 0],
  ["ArrowUp", 80, 336],
  ["ArrowDown", 80, 80],
  ["PageUp", 0, 4096],
  ["PageUp", 65_000, 65_000],
  ["Home", 300, 256],
  ["End", 300, 511],
  ["n", 80, 3000],
  ["n", 5432, 80],
  ["p", 3000, 80],
  ["p", 80, 5432],
  ["x", 80, null],
])("%s from %i leads to %s", (key, here, there) => {
  expect(stepCursor(key, here, tenants, false)).toBe(there);
});

test("the first arrow only steps in", () => {
  expect(stepCursor("ArrowRight", 80, tenants, true)).toBe(80);
  expect(stepCursor("n", 80, tenants, true)).toBe(80);
  expect(stepCursor("n", 7, [], false)).toBe(7);
});

test("a place is told in words", () => {
  expect(describePlace(5432, tenants)).toBe("Port 5432, floor 21, apartment 56, registered. PostgreSQL, postgres 812.");
  expect(describePlace(0, tenants)).toBe("Port 0, floor 0, apartment 0, well-known. Nobody lives here.");
});

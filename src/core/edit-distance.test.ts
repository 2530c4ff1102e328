import { expect, test } from "vitest";
import { countEdits, nearestName } from "./index.ts";

test.each([
  ["", "", 0],
  ["abc", "", 3],
  ["kitten", "sitting", 3],
  ["after", "afetr", 1],
  ["ca", "abc", 3],
])("%s and %s are %i apart", (one, other, edits) => {
  expect(countEdits(one, other)).toBe(edits);
  expect(countEdits(other, one)).toBe(edits);
});

test.each([
  ["comand", "command"],
  ["cmd", undefined],
  ["env", "environment"],
  ["Port", "port"],
  ["dir", "directory"],
  ["zebra", undefined],
  ["x", undefined],
])("%s may mean %s", (wanted, nearest) => {
  expect(nearestName(wanted, ["command", "port", "environment", "directory"])).toBe(nearest);
});

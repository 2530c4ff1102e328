import { describe, expect, test } from "vitest";
import { PortolanError, errorTable, isPortolanError, type ErrorCode } from "./index.ts";

describe.each(Object.entries(errorTable))("%s", (code, entry) => {
  test("says what happened and what to do, in whole words", () => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(entry.title).toMatch(/^[A-Z].*[^.]$/);
    expect(entry.hint).not.toBe("");
    expect(entry.httpStatus).toBeGreaterThanOrEqual(400);
    expect(entry.exitStatus).toBeGreaterThan(0);
  });

  test("gives its statuses to its errors", () => {
    const cause = new Error("below");
    const error = new PortolanError(code as ErrorCode, "It happened.", { cause });
    expect(error).toMatchObject({
      code,
      hint: entry.hint,
      exitStatus: entry.exitStatus,
      httpStatus: entry.httpStatus,
      cause,
    });
    expect(isPortolanError(error, code as ErrorCode)).toBe(true);
  });
});

test("an error's own hint comes before the table's", () => {
  expect(new PortolanError("INTERNAL", "It happened.", { details: { hint: "Do this." } }).hint).toBe("Do this.");
});

test("other errors are not ours", () => {
  expect(isPortolanError(new Error("PORT_INVALID"))).toBe(false);
  expect(isPortolanError(new PortolanError("ABORTED", "Stopped."), "PORT_INVALID")).toBe(false);
});

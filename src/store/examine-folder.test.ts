/**
 * @module Whether a folder can be used, without making it.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { examineFolder, examineLocks } from "./examine-folder.ts";

test("writable, still to be made, in the way of a file, or nowhere", () => {
  const folder = mkdtempSync(join(tmpdir(), "portolan-examine-"));
  try {
    expect(examineFolder(folder)).toEqual({ path: folder, state: "writable", problem: null });
    const missing = join(folder, "a", "b");
    expect(examineFolder(missing)).toEqual({ path: missing, state: "missing", problem: null });
    expect(existsSync(join(folder, "a"))).toBe(false);
    const file = join(folder, "file");
    writeFileSync(file, "");
    expect(examineFolder(file)).toMatchObject({ state: "unusable", problem: "ENOTDIR" });
    expect(examineFolder(join(file, "below"))).toMatchObject({ state: "unusable", problem: "ENOTDIR" });
    expect(examineFolder("/proc/sys/nothing/here").state).toBe("unusable");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("locks work here, time after time", async () => {
  expect(await examineLocks()).toBeNull();
  expect(await examineLocks()).toBeNull();
});

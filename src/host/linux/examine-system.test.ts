/**
 * @module What a Linux system is told to be.
 */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { examineMachine } from "../examine.ts";
import { namesOfCapabilities } from "./examine-system.ts";

test("capabilities by their names", () => {
  expect(namesOfCapabilities(0n)).toEqual([]);
  expect(namesOfCapabilities(0x400n)).toEqual(["NET_BIND_SERVICE"]);
  expect(namesOfCapabilities(0xc000080000n)).toEqual(["SYS_PTRACE", "PERFMON", "BPF"]);
  expect(namesOfCapabilities(0x8000010000000001n)).toEqual(["CHOWN", "CHECKPOINT_RESTORE", "63"]);
  expect(namesOfCapabilities(undefined)).toBeNull();
});

test.skipIf(process.platform !== "linux")("this system agrees with uname and /proc", async () => {
  const machine = await examineMachine();
  expect(machine.kernel).toContain(execFileSync("uname", ["-r"], { encoding: "utf8" }).trim());
  expect(machine.libc).toMatch(/^glibc \d|^musl/);
  expect(machine.namespaces.map(({ kind }) => kind)).toEqual(["net", "pid", "user", "mnt", "cgroup"]);
  expect(machine.namespaces[0]?.name).toMatch(/^net:\[\d+\]$/);
  // Node raises its own to the hard one.
  expect(machine.openFiles?.hard).toMatch(/^\d+$|^unlimited$/);
  expect(machine.processTable?.hidesOthers).toBe(false);
  expect(machine.holderSearch.map(({ name }) => name)).toEqual(["koffi", "BPF iterator", "walk over /proc"]);
});

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { known, unknown } from "../../core/index.ts";
import { createProcessReader, splitArguments } from "./processes.ts";
import { parseProcessStat } from "./process-stat.ts";

const live = { root: "" };
const children: ChildProcess[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Starts a Node program that says when it is ready and then waits to be killed. */
async function startProgram(source: string, parameters: readonly string[] = [], options = {}): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    ["-e", `${source};console.log("ready");setInterval(()=>{},1e6)`, "--", ...parameters],
    {
      stdio: ["ignore", "pipe", "inherit"],
      ...options,
    },
  );
  children.push(child);
  await once(child.stdout, "data");
  return child;
}

describe.skipIf(process.platform !== "linux")("live processes", () => {
  test("a process is told as it was started", async () => {
    const before = Date.now();
    const child = await startProgram("", ["a b", "", "\u001b[31mred"], { cwd: "/usr" });
    const told = createProcessReader(live, Date.now()).processOf(child.pid!);
    expect(told).toMatchObject({
      pid: child.pid,
      parentPid: known(process.pid),
      uid: known(process.getuid!()),
      workingDirectory: known("/usr"),
      executable: known(process.execPath),
      executableDeleted: false,
    });
    expect(told.arguments.known && told.arguments.value.slice(-4)).toEqual(["--", "a b", "", "\u001b[31mred"]);
    // Ticks of 10 ms, an uptime of two decimals, and the clock's own milliseconds.
    expect(told.startTimeMs.known && told.startTimeMs.value).toBeGreaterThan(before - 50);
    expect(told.startTimeMs.known && told.startTimeMs.value).toBeLessThan(Date.now() + 50);
    expect(told.memoryBytes.known && told.memoryBytes.value).toBeGreaterThan(1 << 20);
    expect(told.controlGroup.known).toBe(true);
  });

  test("a name with spaces, parentheses and a newline changes nothing else", async () => {
    const child = await startProgram("require('fs').writeFileSync('/proc/self/comm', 'a) R (1\\n) 9')");
    const told = createProcessReader(live, Date.now()).processOf(child.pid!);
    expect(told.name).toEqual(known("a) R (1\n) 9"));
    expect(told.parentPid).toEqual(known(process.pid));
  });

  test("a title written over the arguments is one argument", async () => {
    const child = await startProgram("process.title = 'worker: idle'", ["x".repeat(100)]);
    const { arguments: words } = createProcessReader(live, Date.now()).processOf(child.pid!);
    expect(words).toEqual(known(["worker: idle"]));
  });

  test("a megabyte of arguments arrives whole", async () => {
    const parameters = Array.from({ length: 10 }, () => "y".repeat(100_000));
    const child = await startProgram("", parameters);
    const { arguments: words } = createProcessReader(live, Date.now()).processOf(child.pid!);
    expect(words.known && words.value.slice(-10)).toEqual(parameters);
  });

  test("a process that has ended is gone, not empty", async () => {
    const child = await startProgram("");
    child.kill("SIGKILL");
    await once(child, "exit");
    const told = createProcessReader(live, Date.now()).processOf(child.pid!);
    expect([told.name, told.arguments, told.executable]).toEqual([unknown("gone"), unknown("gone"), unknown("gone")]);
  });

  test("a pid that passed to another process is gone too", async () => {
    const child = await startProgram("");
    const lookedBefore = Date.now() - 60_000;
    expect(createProcessReader(live, lookedBefore).processOf(child.pid!).name).toEqual(unknown("gone"));
    expect(createProcessReader(live, Date.now()).processOf(child.pid!).name).toEqual(known("node"));
  });

  test("a process is read once and remembered", () => {
    const reader = createProcessReader(live, Date.now());
    expect(reader.processOf(process.pid)).toBe(reader.processOf(process.pid));
  });
});

describe("a saved machine", () => {
  function saveProcess(stat: string): { root: string } {
    const root = mkdtempSync(join(tmpdir(), "portolan-processes-"));
    folders.push(root);
    mkdirSync(join(root, "proc/42"), { recursive: true });
    mkdirSync(join(root, "etc"));
    writeFileSync(join(root, "proc/stat"), "cpu 1 2\nbtime 1700000000\n");
    writeFileSync(join(root, "proc/42/stat"), stat);
    writeFileSync(join(root, "proc/42/status"), "Name:\tx\\nUid:\t7\nUid:\t1000\t0\t0\t0\n");
    writeFileSync(join(root, "proc/42/cmdline"), "node\0server.js\0");
    writeFileSync(
      join(root, "etc/passwd"),
      "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/:/bin/sh\nbob:x:1000:1000::/:/bin/sh\nbroken\n",
    );
    symlinkSync("/srv/app", join(root, "proc/42/cwd"));
    symlinkSync("/opt/node (deleted)", join(root, "proc/42/exe"));
    return { root };
  }
  const stat = "42 (x) S 1 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 12345 1000000 256 18446744073709551615 1 1";

  test("is read from its files alone", () => {
    expect(createProcessReader(saveProcess(stat), 0).processOf(42)).toEqual({
      pid: 42,
      parentPid: known(1),
      name: known("x"),
      arguments: known(["node", "server.js"]),
      uid: known(1000),
      userName: known("ann"),
      startTimeMs: known(1_700_000_123_450),
      workingDirectory: known("/srv/app"),
      executable: known("/opt/node"),
      executableDeleted: true,
      memoryBytes: known(256 * 4096),
      controlGroup: unknown("gone"),
    });
  });

  test("a record that is none is not understood, and the rest still is", () => {
    const told = createProcessReader(saveProcess("42 nonsense"), 0).processOf(42);
    expect(told.name).toEqual(unknown("unsupported"));
    expect(told.workingDirectory).toEqual(known("/srv/app"));
  });
});

describe("records", () => {
  test("the kernel's own record of this process is understood", () => {
    expect(parseProcessStat(readFileSync("/proc/self/stat"))?.parentPid).toBe(process.ppid);
  });

  test("any name is told from the fields after it", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 15 }), (name) => {
        const bytes = Buffer.from(`1 (${name}) S 77 1 1 0 -1 2097152 1 2 3 4 5 6 7 8 20 0 1 0 500 0 9 1`);
        expect(parseProcessStat(bytes)).toMatchObject({
          name,
          parentPid: 77,
          startTicks: 500,
          residentPages: 9,
          kernelThread: true,
        });
      }),
    );
  });

  test("no bytes make it throw", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseProcessStat(Buffer.from(bytes))));
  });

  test("arguments end in NUL, titles may not", () => {
    expect(splitArguments(Buffer.from("a\0b c\0\0"))).toEqual(["a", "b c", ""]);
    expect(splitArguments(Buffer.from("nginx: worker process"))).toEqual(["nginx: worker process"]);
    expect(splitArguments(Buffer.from("title\0\0\0\0\0\0"))).toEqual(["title"]);
    expect(splitArguments(Buffer.alloc(0))).toEqual([]);
  });
});

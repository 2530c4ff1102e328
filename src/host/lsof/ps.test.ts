import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { known, unknown } from "../../core/index.ts";
import { argumentWords, describeProcess, parseArguments, parseProcesses, processWords } from "./ps.ts";

/** Text after ps(1) of macOS: not run there. */
const macos = `    1     0     0 root              12345 Mon Nov 23 06:05:09 2026     /sbin/launchd
  501     1   501 ada               98304 Sun Nov  1 16:31:10 2026     /Applications/My App.app/Contents/MacOS/My App
  502   501    -2 nobody             1024 Sun Nov  1 16:31:10 2026     node
`;

describe("ps on macOS (documented format, not run there)", () => {
  const processes = parseProcesses(macos);

  test("one process for each line", () => {
    expect(processes.get(501)).toEqual({
      pid: 501,
      parentPid: known(1),
      name: known("My App"),
      uid: known(501),
      userName: known("ada"),
      startTimeMs: known(new Date(2026, 10, 1, 16, 31, 10).getTime()),
      executable: known("/Applications/My App.app/Contents/MacOS/My App"),
      memoryBytes: known(98_304 * 1024),
    });
    expect(processes.get(502)).toMatchObject({ uid: known(4_294_967_294), name: known("node") });
    expect(processes.get(502)?.executable).toEqual(unknown("unsupported"));
    expect(processes.size).toBe(3);
  });

  test("lines of another form are left out", () => {
    expect(parseProcesses("PID PPID\n\n1 2 3\n  1 0 0 root 1 Mon Nev 23 06:05:09 2026 x").get(1)?.startTimeMs).toEqual(
      unknown("unsupported"),
    );
    expect(parseProcesses("PID PPID\n\n1 2 3\n").size).toBe(0);
  });
});

test("arguments come apart at blanks", () => {
  expect(parseArguments("    1 /sbin/launchd\n  501 node  server.js --port 3000\n  502 \nx y\n")).toEqual(
    new Map([
      [1, ["/sbin/launchd"]],
      [501, ["node", "server.js", "--port", "3000"]],
      [502, []],
    ]),
  );
});

test("what is not listed has ended; a folder that lsof did not tell is private", () => {
  expect(describeProcess(9, undefined, undefined, undefined)).toMatchObject({
    pid: 9,
    name: unknown("gone"),
    workingDirectory: unknown("gone"),
    controlGroup: unknown("gone"),
  });
  const listed = parseProcesses(macos).get(501);
  expect(describeProcess(501, listed, ["My", "App"], undefined)).toMatchObject({
    arguments: known(["My", "App"]),
    workingDirectory: unknown("permission"),
    controlGroup: unknown("unsupported"),
  });
});

test.skipIf(process.platform === "win32")("the ps of this machine knows the words and prints that form", () => {
  const ask = (words: readonly string[]) =>
    execFileSync("ps", [...words], { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
  const own = parseProcesses(ask(processWords)).get(process.pid)!;
  expect(own).toMatchObject({ parentPid: known(process.ppid), uid: known(process.getuid!()) });
  const startedMs = Date.now() - process.uptime() * 1000;
  // Whole seconds, and a machine whose clock was set since it started.
  expect(Math.abs((own.startTimeMs.known ? own.startTimeMs.value : 0) - startedMs)).toBeLessThan(5000);
  expect(parseArguments(ask(argumentWords)).get(process.pid)?.length).toBeGreaterThan(0);
});

/**
 * @module The live table in a real terminal, and its events in a pipe.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { widthOf } from "../../src/core/index.ts";
import type { WatchEvent } from "../../src/operations/watch.ts";
import { requireOrSkip } from "../support/netns.ts";
import { commandPath, runCommand } from "../support/run-command.ts";
import { openTerminal, whyNoTmux, type Terminal } from "../support/tmux.ts";

const skip = requireOrSkip("the live table", whyNoTmux());

const children: ChildProcess[] = [];
const terminals: Terminal[] = [];

afterEach(async () => {
  for (const terminal of terminals.splice(0)) await terminal.close();
  for (const child of children.splice(0)) await end(child);
});

async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

/** A server of its own process that answers each connection with some bytes. */
async function startServer(title = ""): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const script = `${title === "" ? "" : `process.title=${JSON.stringify(title)};`}require('net').createServer(s=>{s.on('error',()=>{});setInterval(()=>s.write('x'.repeat(5000)),50)}).listen(0,'127.0.0.1',function(){console.log(this.address().port)})`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  const port = Number(String((await once(child.stdout!, "data"))[0]).trim());
  return { child, port };
}

const command = `${process.execPath} ${commandPath} watch`;

/** Starts the live table. */
async function startWatch(
  columns: number,
  rows: number,
  words = "",
  environment: Record<string, string> = {},
): Promise<Terminal> {
  const terminal = await openTerminal(columns, rows, environment);
  terminals.push(terminal);
  await terminal.type(`${command} ${words}`, "Enter");
  await terminal.until(/Portolan .*open doors/);
  return terminal;
}

/** Everything of the terminal is as a shell wants it. */
async function expectClean(terminal: Terminal): Promise<void> {
  await terminal.until(/ready> *\n*$/);
  expect([await terminal.ask("alternate_on"), await terminal.ask("cursor_flag")]).toEqual(["0", "1"]);
  await terminal.type(
    "clear; stty -a | tr ';' '\\n' | tr ' ' '\\n' | grep -xE -- '-?(echo|icanon|isig|opost)' | tr '\\n' ' '; echo done",
    "Enter",
  );
  const modes = await terminal.until(/done\n/);
  expect(modes).toMatch(/(?<!-)\bisig\b/);
  for (const mode of ["echo", "icanon", "isig", "opost"]) expect(modes).not.toMatch(new RegExp(`-${mode}\\b`));
}

describe.skipIf(skip)("the live table", () => {
  beforeAll(() => expect(skip).toBe(false));

  test("at 40, 80 and 200 columns arrivals and departures are marked, and no line is too wide", async () => {
    // All at once: most of the time they wait for what was marked to be forgotten.
    const terminals = await Promise.all([40, 80, 200].map((columns) => startWatch(columns, 30)));
    const { child, port } = await startServer();
    // What is marked is so for a moment: all of them are looked at at once.
    const mark = new RegExp(`^ ?>?\\+ +${port}/tcp`, "m");
    const screens = await Promise.all(terminals.map((terminal) => terminal.until(mark)));
    for (const [index, columns] of [40, 80, 200].entries())
      for (const line of screens[index]!.split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    await end(child);
    await Promise.all(terminals.map((terminal) => terminal.until(new RegExp(`^ ?>?- +${port}/tcp`, "m"))));
    for (const terminal of terminals) {
      await terminal.until((screen) => !screen.includes(`${port}/tcp`));
      await terminal.type("q");
      await expectClean(terminal);
    }
  });

  test("clients and bytes a second of a port are told, and its connections followed", async () => {
    const { port } = await startServer();
    const terminal = await startWatch(160, 24, String(port));
    const client = connect(port, "127.0.0.1");
    client.resume();
    try {
      await terminal.until(new RegExp(`${port}/tcp.* 1 .*[1-9][0-9.]*k `));
      await terminal.type("f");
      await terminal.until(new RegExp(`${port}/tcp: [12] connections[^]*ESTABLISHED`));
      await terminal.type("Escape");
      await terminal.until(/HELD BY/);
    } finally {
      client.destroy();
    }
  });

  test("filter as one types, sort, door, help", async () => {
    const { port, child } = await startServer();
    const terminal = await startWatch(120, 24);
    await terminal.until(new RegExp(`${port}/tcp`));
    await terminal.type("/", "n", "o", " ", "s", "u", "c", "h");
    await terminal.until(/no such▏[^]*$/);
    await terminal.until(/Nothing that listens matches/);
    await terminal.type("Escape");
    await terminal.type("/");
    await terminal.type("-l", String(port));
    await terminal.type("Enter");
    await terminal.until(new RegExp(`filter: ${port}`));
    await terminal.type("Enter");
    const door = await terminal.until(/any key goes back/);
    expect(door).toMatch(new RegExp(`leader +node ${child.pid} of `));
    expect(door).toMatch(`127.0.0.1:${port}`);
    await terminal.type("x-unknown"[1]!);
    await terminal.until(/HELD BY/);
    await terminal.type("s");
    await terminal.until(/WHAT▲/);
    await terminal.type("S");
    await terminal.until(/WHAT▼/);
    await terminal.type("9");
    await terminal.until(/SINCE▼/);
    await terminal.type("?");
    await terminal.until(/filter as you type/);
    await terminal.type("q");
    await expectClean(terminal);
  });

  test("a port is freed after a question, and not without it", async () => {
    const { port, child } = await startServer();
    const terminal = await startWatch(100, 24, String(port));
    await terminal.until(new RegExp(`${port}/tcp`));
    await terminal.type("x");
    await terminal.until(new RegExp(`Free port ${port}/tcp\\?[^]*${child.pid}[^]*y ends it`));
    await terminal.type("n");
    await terminal.until(/Nobody was ended/);
    expect(child.exitCode).toBeNull();
    await terminal.type("x");
    await terminal.until(/y ends it/);
    const ended = once(child, "exit");
    await terminal.type("y");
    await ended;
    await terminal.until(/The port is free/);
  });

  test("a window of another size is filled anew, down to almost nothing", async () => {
    const { port } = await startServer();
    const terminal = await startWatch(120, 40);
    const wide = await terminal.until(new RegExp(`${port}/tcp`));
    expect(wide).toMatch(/[▀▄█]/);
    await terminal.resize(40, 10);
    const small = await terminal.until((screen) => screen.split("\n").length <= 11 && screen.includes(`${port}/tcp`));
    expect(small).not.toMatch(/[▀▄█]/);
    await terminal.resize(12, 3);
    await terminal.until(/Portolan/);
    await terminal.resize(100, 30);
    await terminal.until(new RegExp(`${port}/tcp.*node`));
    await terminal.type("b");
    await terminal.until((screen) => !/·····/.test(screen));
  });

  test("without colour nothing is coloured and every mark is there", async () => {
    // SGR 30–38 and 40–48 are colours, 90–107 bright ones; bold and reverse are not (ECMA-48, 8.3.117).
    const colour = /\u001b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]/;
    const plain = await startWatch(100, 24, "", { NO_COLOR: "1" });
    const coloured = await startWatch(100, 24, "", { NO_COLOR: "" });
    const { port } = await startServer();
    for (const terminal of [plain, coloured]) await terminal.until(new RegExp(`\\+ +${port}/tcp`));
    expect(await plain.looks()).not.toMatch(colour);
    expect(await coloured.looks()).toMatch(colour);
  });

  test("on a dumb terminal there are lines, no screen", async () => {
    const { port } = await startServer();
    // The shell's own terminal is called dumb: tmux sets TERM for panes, so the command's environment says it.
    const terminal = await openTerminal(100, 24);
    terminals.push(terminal);
    await terminal.type(`TERM=dumb ${command} ${port}`, "Enter");
    await terminal.until(new RegExp(`\\b${port}\\b.*node`));
    expect(await terminal.ask("alternate_on")).toBe("0");
    expect(await terminal.looks()).not.toContain("\u001b[3");
    await terminal.type("C-c");
    await expectClean(terminal);
  });

  test("in a pipe there are lines", async () => {
    const { port } = await startServer();
    const child = spawn(process.execPath, [commandPath, "watch", String(port)], { stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    expect((await lines.next()).value).not.toContain("\u001b");
    await end(child, "SIGTERM");
    expect(child.exitCode).toBe(0);
  });

  const states: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["the table", [], /HELD BY/],
    ["the filter", ["/", "x"], /x▏/],
    ["help", ["?"], /filter as you type/],
    ["the question", ["x"], /Free port/],
    ["a followed port", ["f"], /connections/],
  ];
  test.each(
    states.flatMap(([name, keys, seen]) =>
      (["SIGTERM", "SIGINT", "SIGHUP", "C-c"] as const).map((how) => [how, name, keys, seen] as const),
    ),
  )("%s in %s leaves the terminal clean", async (how, _, keys, seen) => {
    const { port } = await startServer();
    const terminal = await startWatch(90, 24, String(port));
    await terminal.until(new RegExp(`${port}/tcp`));
    for (const key of keys) await terminal.type(key);
    await terminal.until(seen);
    if (how === "C-c") await terminal.type("C-c");
    else {
      const shell = await terminal.ask("pane_pid");
      const pid = Number(readFileSync(`/proc/${shell}/task/${shell}/children`, "utf8").trim().split(" ")[0]);
      process.kill(pid, how);
    }
    await expectClean(terminal);
  });

  test("Ctrl-Z gives the terminal back, fg takes it again", async () => {
    const terminal = await startWatch(90, 24);
    await terminal.type("C-z");
    await terminal.until(/ready> *\n*$/);
    expect(await terminal.ask("alternate_on")).toBe("0");
    await terminal.type("fg", "Enter");
    await terminal.until(/Portolan .*open doors/);
    await terminal.type("q");
    await expectClean(terminal);
  });

  test("a title with escape sequences stays text", async () => {
    const { port } = await startServer("\u001b[2J\u001b]0;owned\u0007\u202eevil");
    const terminal = await startWatch(150, 24, String(port));
    const screen = await terminal.until(new RegExp(`${port}/tcp`));
    expect(screen).toMatch(/Portolan .*open doors/);
    expect(screen).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(await terminal.ask("pane_title")).not.toMatch("owned");
  });
});

describe("events", () => {
  test("traffic is told of changed ports alone", async () => {
    const { port } = await startServer();
    const child = spawn(process.execPath, [commandPath, "watch", String(port), "--ndjson"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.push(child);
    const client = connect(port, "127.0.0.1");
    client.resume();
    try {
      for await (const line of createInterface({ input: child.stdout! })) {
        const event = JSON.parse(line) as WatchEvent;
        if (event.kind !== "traffic") continue;
        expect(event.ports.map((one) => one.port)).toEqual([port]);
        if ((event.ports[0]!.sentPerSecond ?? 0) > 10_000) {
          expect(event.ports[0]).toMatchObject({ connections: 1, transport: "tcp" });
          break;
        }
      }
    } finally {
      client.destroy();
      await end(child, "SIGTERM");
    }
  });

  test("--on-change starts a program with each event on its standard input, one at a time, without a shell", async () => {
    const folder = mkdtempSync(join(tmpdir(), "portolan-change-"));
    try {
      const program = join(folder, "note");
      const log = join(folder, "log");
      writeFileSync(program, `#!/bin/sh\nread line\necho "$PORTOLAN_EVENT $PORTOLAN_PORT [$1] $line" >> "${log}"\n`, {
        mode: 0o755,
      });
      const child = spawn(
        process.execPath,
        [commandPath, "watch", "--ndjson", "--interval", "40ms", "--on-change", "--", program, "$(id); x"],
        {
          stdio: ["ignore", "pipe", "pipe"],
        },
      );
      children.push(child);
      const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
      expect(JSON.parse(String((await lines.next()).value))).toMatchObject({ kind: "start" });
      const { port, child: server } = await startServer();
      const endMs = Date.now() + 10_000;
      const read = (): string => {
        try {
          return readFileSync(log, "utf8");
        } catch {
          return "";
        }
      };
      while (!read().includes(`appeared ${port} `)) {
        if (Date.now() > endMs) throw new Error(`the program was not told: ${read()}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await end(server);
      while (!read().includes(`disappeared ${port} `)) {
        if (Date.now() > endMs) throw new Error(`the program was not told: ${read()}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const told = read()
        .split("\n")
        .filter((line) => line.includes(` ${port} `));
      expect(told.map((line) => line.split(" ")[0])).toEqual(["appeared", "disappeared"]);
      for (const line of told) {
        expect(line).toContain("[$(id); x]");
        expect(JSON.parse(line.slice(line.indexOf("{")))).toMatchObject({ service: { port } });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("a program that there is not, or none at all, is an error at once; one that fails is told once", async () => {
    const missing = await runCommand(["watch", "--on-change", "--", "no-such-program-here"]);
    expect([missing.status, missing.stderr.includes("COMMAND_NOT_FOUND")]).toEqual([127, true]);
    expect((await runCommand(["watch", "--on-change"])).stderr).toMatch("--on-change -- PROGRAM ARGS");
    const child = spawn(
      process.execPath,
      [commandPath, "watch", "--ndjson", "--interval", "40ms", "--on-change", "--", "false"],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    children.push(child);
    let failures = 0;
    let servers = 0;
    for await (const line of createInterface({ input: child.stdout! })) {
      const event = JSON.parse(line) as WatchEvent;
      if (event.kind === "program-failed") {
        failures += 1;
        expect(event.reason).toMatch("status 1");
      }
      if (event.kind === "start" || event.kind === "appeared") {
        if (servers === 3) break;
        servers += 1;
        await startServer();
      }
    }
    expect(failures).toBeLessThanOrEqual(1);
  });
});

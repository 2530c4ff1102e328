/**
 * @module Processes that end during the walk, or whose names, arguments and folders are meant to do harm, change nothing
 * else in the answer; no escape sequence of theirs reaches the terminal, and no password of theirs is shown.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createNetworkNamespace, requireOrSkip, whyNoNetworkNamespaces, whyNoProgram } from "../support/netns.ts";
import type { NetworkNamespace } from "../support/netns.ts";
import { startPopulation, type Population } from "../support/population.ts";
import { commandPath } from "../support/run-command.ts";
import { differences, rowsOfDump, rowsOfTruth, type Dump } from "./socket-rows.ts";

const dumpProgram = fileURLToPath(new URL("../support/dump-host.mjs", import.meta.url));
const strangeProgram = fileURLToPath(new URL("../support/population/strange.py", import.meta.url));
const readers = ["netlink", "proc"] as const;
const ports = { name: 9101, arguments: 9102, secrets: 9103, folder: 9104, churn: 9105 };
type Kind = keyof typeof ports;

const skip = requireOrSkip(
  "processes that are meant to do harm",
  whyNoNetworkNamespaces(),
  whyNoProgram("python3", "python3"),
);

describe.skipIf(skip)("processes that are meant to do harm", () => {
  let namespace: NetworkNamespace;
  let population: Population;
  const strangers: ChildProcess[] = [];

  async function startStrange(kind: Kind): Promise<ChildProcess> {
    const words = [strangeProgram, kind, String(ports[kind])];
    const child = namespace.spawnIn("/usr/bin/python3", words, { stdio: ["pipe", "pipe", "inherit"] });
    strangers.push(child);
    await once(child.stdout!, "data");
    return child;
  }
  async function stopStrange(child: ChildProcess): Promise<void> {
    const ended = once(child, "exit");
    child.stdin!.end();
    expect(await ended).toEqual([0, null]);
  }
  async function look(reader: string, times = 1): Promise<Dump[]> {
    const request = JSON.stringify({ reader, times });
    const { stdout } = await namespace.execIn(process.execPath, [dumpProgram, request]);
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Dump);
  }
  async function runInside(words: readonly string[], environment: Record<string, string> = {}): Promise<string> {
    return (await namespace.execIn(process.execPath, [commandPath, ...words], { environment })).stdout;
  }

  beforeAll(async () => {
    namespace = await createNetworkNamespace();
    population = await startPopulation({ listeners: 300, processes: 20, pairs: 1000, namespace });
    for (const kind of ["name", "arguments", "secrets", "folder"] as const) await startStrange(kind);
  });
  afterAll(async () => {
    for (const child of strangers) if (child.exitCode === null) await stopStrange(child);
    await population.stop();
    await namespace.destroy();
  });

  test.each(readers)("%s: nothing of the others changes", async (reader) => {
    for (const dump of await look(reader)) {
      const others = rowsOfDump(dump.sockets.filter((socket) => socket.local.port >= 10_000));
      expect(differences(others, rowsOfTruth(population.listeners))).toEqual([]);
      const expected = population.pids.map((pid) => [pid, "python3", 3]);
      const told = dump.processes
        .filter((process) => population.pids.includes(process.pid))
        .map(({ pid, name, arguments: words }) => [pid, name.known && name.value, words.known && words.value.length]);
      expect(told.toSorted()).toEqual(expected.toSorted());
    }
  });

  test.each(readers)("%s: what they call themselves is told as it is", async (reader) => {
    const [dump] = await look(reader);
    const holderOf = (kind: Kind) => {
      const { holders } = dump!.sockets.find((socket) => socket.local.port === ports[kind])!;
      expect(holders).toMatchObject({ known: true, value: [{ pid: expect.any(Number) }] });
      return dump!.processes.find((process) => holders.known && process.pid === holders.value[0]!.pid)!;
    };
    expect(holderOf("name").name).toEqual({ known: true, value: ") R (\n\u001b[31m\u009bx" });
    const words = holderOf("arguments").arguments;
    expect(words.known && words.value.join("").length).toBeGreaterThan(15 * 65_535 + 65_500);
    expect(words.known && words.value.at(-1)).toMatch(/^b{65500}\u001b\[2Jend$/);
    const secrets = holderOf("secrets").arguments;
    expect(secrets.known && secrets.value).toContain("hunter2-b"); // The facts are whole; what is shown is not.
  });

  test.each(readers)("%s: processes that end during the walk change nothing", async (reader) => {
    const churn = await startStrange("churn");
    const dumps = await look(reader, 25);
    await stopStrange(churn);
    expect(dumps).toHaveLength(25);
    for (const dump of dumps) {
      expect(dump.complete).toBe(true);
      const others = rowsOfDump(
        dump.sockets.filter((socket) => socket.local.port >= 10_000 && socket.local.port < 30_000),
      );
      expect(differences(others, rowsOfTruth(population.listeners))).toEqual([]);
    }
    // The children really came and went: their listeners are seen, not always the same.
    const passing = dumps.map((dump) => dump.sockets.filter((socket) => socket.local.port >= 30_000).length);
    expect(Math.max(...passing)).toBeGreaterThan(0);
  });

  const strangePorts = Object.values(ports).map(String);
  const commands = [
    ["list"],
    ["list", "--all"],
    ["who", ...strangePorts],
    ["list", "--json"],
    ["who", ...strangePorts, "--json"],
  ];
  describe.each(commands.map((words) => [words.join(" "), words] as const))("portolan %s", (_, words) => {
    test("prints no control character, no invalid text and no password", async () => {
      const text = await runInside(words, { NO_COLOR: "1" });
      expect(text).toContain(String(ports.name));
      expect(findControls(text)).toEqual([]);
      expect(text).not.toContain("hunter2");
    });

    test("with colours, prints colours and nothing else of that kind", async () => {
      const text = await runInside(words, { FORCE_COLOR: "1" });
      if (!words.includes("--json")) expect(text).toContain("\u001b[");
      // eslint-disable-next-line no-control-regex -- Control characters are what this is about.
      expect(findControls(text.replaceAll(/\u001b\[[0-9;]*m/g, ""))).toEqual([]);
      expect(text).not.toContain("\u001b[31mred"); // The process's own, which the line above would forgive.
      expect(text).not.toContain("hunter2");
    });
  });

  test("passwords are shown when asked for", async () => {
    const text = await runInside(["who", String(ports.secrets), "--show-secrets"], { NO_COLOR: "1", COLUMNS: "400" });
    for (const letter of "abcde") expect(text).toContain(`hunter2-${letter}`);
    const masked = await runInside(["who", String(ports.secrets)], { NO_COLOR: "1", COLUMNS: "400" });
    expect(masked).toContain("--password=***");
  });
});

/** Every character that a terminal could obey or that turns the reading direction, with what stands around it. */
function findControls(text: string): readonly string[] {
  // eslint-disable-next-line no-control-regex -- Control characters are what this is about.
  const pattern = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
  return [...text.matchAll(pattern)].map(({ index }) =>
    JSON.stringify(text.slice(Math.max(0, index - 20), index + 20)),
  );
}

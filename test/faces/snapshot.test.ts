/**
 * @module Snapshots as files: what was seen comes back as it was, and hostile files are refused or shown safely.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DiffResult } from "../../src/operations/diff.ts";
import type { ListResult } from "../../src/operations/list.ts";
import { closeServer, connectTo, listenTcp, portOf } from "../support/listeners.ts";
import { commandPath, runCommand } from "../support/run-command.ts";

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

let folder: string;
let file: string;
let document: Json;
let port: number;
let end: () => Promise<void>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "portolan-snapshot-"));
  const server = await listenTcp({ host: "127.0.0.1", port: 0 });
  port = portOf(server);
  const { client, accepted } = await connectTo(server, "127.0.0.1");
  const child = spawn(
    process.execPath,
    [
      "-e",
      "setInterval(() => {}, 1000); require('net').createServer().listen(0, '127.0.0.1', () => console.log('up'))",
      "--",
      "--password=hunter2",
    ],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await once(child.stdout, "data");
  end = async () => {
    client.destroy();
    accepted.destroy();
    await closeServer(server);
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  file = join(folder, "machine.json");
  const outcome = await runCommand(["snapshot", file]);
  expect(outcome.stderr).toBe("");
  expect(outcome.status).toBe(0);
  document = JSON.parse(readFileSync(file, "utf8")) as Json;
});

afterAll(async () => {
  await end();
  rmSync(folder, { recursive: true });
});

let counter = 0;
function write(content: string | Buffer): string {
  const path = join(folder, `hostile-${counter++}`);
  writeFileSync(path, content);
  return path;
}

function loadSchema(name: string): object {
  return JSON.parse(readFileSync(new URL(`../../dist/schema/${name}.json`, import.meta.url), "utf8")) as object;
}

describe("a snapshot", () => {
  test("is its owner's alone, holds no password, and is not written over", async () => {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).not.toContain("hunter2");
    const again = await runCommand(["snapshot", file]);
    expect([again.status, again.stderr.includes("SNAPSHOT_EXISTS")]).toEqual([1, true]);
    const pipe = join(folder, "taken");
    execFileSync("mkfifo", [pipe]);
    const device = await runCommand(["snapshot", pipe, "--force"]);
    expect([device.status, device.stderr.includes("it is no plain file.")]).toEqual([3, true]);
    expect(statSync(pipe).isFIFO()).toBe(true);
    const open = await runCommand(["snapshot", "-", "--show-secrets"]);
    expect(open.stdout).toContain("hunter2");
    const result = JSON.parse((await runCommand(["snapshot", join(folder, "b.json.gz"), "--json"])).stdout) as unknown;
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(loadSchema("snapshot"));
    expect(validate(result), JSON.stringify(validate.errors)).toBe(true);
    expect(readFileSync(join(folder, "b.json.gz")).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
  });

  test.each([
    ["list"],
    ["interfaces"],
    ["connections"],
    ["ranges"],
    ["services"],
    ["explain", "5432"],
    ["can-bind", "8080"],
  ])("%s reads it: text, JSON by its schema, compressed and from a pipe", async (...words) => {
    const direct = await runCommand([...words, "--from", file, "--json"]);
    expect(direct.stderr).toBe("");
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(loadSchema(words[0]!));
    expect(validate(JSON.parse(direct.stdout)), JSON.stringify(validate.errors)).toBe(true);
    const packed = join(folder, "b.json.gz");
    const fromPacked = await runCommand([...words, "--from", packed]);
    expect(fromPacked.stderr).toContain("as it was");
    const piped = execFileSync(
      "sh",
      ["-c", '"$0" "$@" --from - --json < "$FILE"', process.execPath, commandPath, ...words],
      {
        encoding: "utf8",
        env: { FILE: file, PATH: process.env["PATH"] },
        // A machine may have many connections.
        maxBuffer: 64 * 1024 * 1024,
      },
    );
    expect(JSON.parse(piped)).toEqual(JSON.parse(direct.stdout));
  });

  test("tells what the live machine told", async () => {
    const pick = async (words: readonly string[]): Promise<ListResult["services"]> =>
      (
        JSON.parse(
          (await runCommand(["list", String(port), "--namespace", "own", "--json", ...words])).stdout,
        ) as ListResult
      ).services;
    const [saved, live] = [await pick(["--from", file]), await pick([])];
    expect(saved).toHaveLength(1);
    // Memory and queues move, and start times have an uncertain last digit; all else stands.
    const still = (services: ListResult["services"]): unknown =>
      JSON.parse(
        JSON.stringify(services).replaceAll(/"(?:memoryBytes|startedAt)":\{[^}]*\}|"receiveQueue":\d+/g, '"still":0'),
      );
    expect(still(saved)).toEqual(still(live));
    const who = await runCommand(["who", String(port), "--from", file]);
    expect(who.stdout).toMatch(/clients\s+127\.0\.0\.1:\d+/);
  });

  test("what belongs to the live machine alone is refused", async () => {
    for (const words of [
      ["list", "--identify"],
      ["who", "1", "--identify"],
      ["kill", "1"],
      ["pick"],
      ["scan", "127.0.0.1"],
      ["wait", "1"],
    ]) {
      const outcome = await runCommand([...words, "--from", file]);
      expect([words.join(" "), outcome.status]).toEqual([words.join(" "), 2]);
    }
  });

  test("a copy keeps the name of its machine, a folder that is missing is not made, and groups have no columns", async () => {
    const other = write(JSON.stringify(replaced(document, ["hostName"], "otherhost")));
    const copy = await runCommand(["snapshot", "-", "--from", other]);
    expect((JSON.parse(copy.stdout) as { hostName: string }).hostName).toBe("otherhost");
    const lost = await runCommand(["snapshot", join(folder, "no/such/file.json")]);
    expect([lost.status, lost.stderr.includes("no such folder"), existsSync(join(folder, "no"))]).toEqual([
      3,
      true,
      false,
    ]);
    const groups = await runCommand(["connections", "--group", "process", "--csv"]);
    expect([groups.status, groups.stderr.includes("--group")]).toEqual([2, true]);
    const lines = await runCommand(["connections", "--group", "process", "--ndjson", "--from", file]);
    expect(lines.stdout).toContain('"connections":');
  });

  test("diff tells what came and what went, by its exit status too", async () => {
    expect(await runCommand(["diff", file, file])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("Nothing differs.") as string,
    });
    const later = await listenTcp({ host: "127.0.0.1", port: 0 });
    try {
      const { status, stdout } = await runCommand(["diff", file, "live", "--json"]);
      expect(status).toBe(1);
      const result = JSON.parse(stdout) as DiffResult;
      expect(result.appeared.map((service) => service.port)).toContain(portOf(later));
      const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(loadSchema("diff"));
      expect(validate(result), JSON.stringify(validate.errors)).toBe(true);
      const text = await runCommand(["diff", file, "live"], { environment: { COLUMNS: "40", NO_COLOR: "1" } });
      expect(text.stdout).toContain(`+ ${portOf(later)}/tcp`);
      const back = join(folder, "later.json");
      await runCommand(["snapshot", back]);
      const reverse = JSON.parse((await runCommand(["diff", back, file, "--json"])).stdout) as DiffResult;
      expect(reverse.disappeared.map((service) => service.port)).toContain(portOf(later));
    } finally {
      await closeServer(later);
    }
  });
});

/** Every place in a document, by its path. */
function* places(value: Json, path: readonly (string | number)[] = []): Generator<readonly (string | number)[]> {
  yield path;
  if (Array.isArray(value))
    for (const [index, entry] of value.slice(0, 2).entries()) yield* places(entry, [...path, index]);
  else if (typeof value === "object" && value !== null)
    for (const [name, entry] of Object.entries(value)) yield* places(entry, [...path, name]);
}

function replaced(value: Json, path: readonly (string | number)[], by: Json): Json {
  const [step, ...rest] = path;
  if (step === undefined) return by;
  if (Array.isArray(value)) return value.map((entry, index) => (index === step ? replaced(entry, rest, by) : entry));
  const object = value as { [name: string]: Json };
  return { ...object, [step]: replaced(object[step]!, rest, by) };
}

describe("hostile files", () => {
  const read = (path: string, ...words: string[]) =>
    runCommand([...(words.length === 0 ? ["list"] : words), "--from", path]);

  test.each([
    ["nothing", ""],
    ["no JSON", "<html>"],
    ["null", "null"],
    ["a list", "[]"],
    ["a number", "1"],
    ["an empty object", "{}"],
    ["a deep list", "[".repeat(2_000_000)],
    ["a deep, whole list", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
    ["a later version", '{"portolanSnapshot": 2}'],
    ["its prototype", '{"__proto__": {"portolanSnapshot": 1, "looks": []}}'],
    ["half a gzip", gzipSync("x".repeat(1000)).subarray(0, 20)],
    ["a bomb", gzipSync(Buffer.alloc(300 << 20))],
  ])(
    "%s is refused",
    async (_, content) => {
      const outcome = await read(write(content));
      expect(outcome.stderr).toContain("SNAPSHOT_INVALID");
      expect(outcome.stderr).not.toContain("INTERNAL");
      expect([outcome.status, outcome.stdout]).toEqual([2, ""]);
    },
    60_000,
  );

  test("a huge file, a folder, a pipe and a missing file are refused at once", async () => {
    const huge = write("");
    truncateSync(huge, 300 << 20);
    expect((await read(huge)).stderr).toContain("SNAPSHOT_INVALID");
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    for (const path of [folder, pipe, join(folder, "none")])
      expect((await read(path)).stderr).toContain("FILE_UNREADABLE");
  });

  test("a wrong value at any place is refused with the name of the place, and nothing falls over", async () => {
    const { readSavedMachine } = await import("../../src/host/index.ts");
    let refused = 0;
    for (const path of places(document)) {
      if (path[0] === "facts") continue;
      for (const wrong of [{ evil: 1 }, -1.5, "\u001b]0;evil\u0007", [[[]]]] as Json[]) {
        try {
          readSavedMachine(replaced(document, path, wrong));
        } catch (error) {
          refused += 1;
          expect(error).toMatchObject({ code: "SNAPSHOT_INVALID" });
        }
      }
    }
    expect(refused).toBeGreaterThan(300);
  }, 60_000);

  test("facts of wrong shapes are refused", async () => {
    for (const facts of [{ tenants: 7 }, { tenants: { 1: {} } }, { engines: [{}] }, { engines: [{ id: "x" }] }]) {
      const outcome = await read(write(JSON.stringify(replaced(document, ["facts"], facts as Json))));
      expect(outcome.stderr).toContain("SNAPSHOT_INVALID");
    }
  });

  test("escape sequences in every text are shown safely", async () => {
    const evil = "\u001b[31mred\u001b]0;title\u0007\u009b2J\r\nx\u202e";
    let hostile = document;
    for (const path of places(document)) {
      const last = path.at(-1);
      const free: ReadonlySet<string> = new Set([
        "hostName",
        "madeBy",
        "name",
        "workingDirectory",
        "executable",
        "controlGroup",
        "message",
        "reader",
        "platform",
      ]);
      const current = path.reduce<Json>((value, step) => (value as { [name: string]: Json })[step as string]!, hostile);
      const isText =
        typeof current === "string" &&
        (free.has(String(last)) || (path.includes("arguments") && typeof last === "number"));
      const isKnownText = last === "value" && typeof current === "string" && free.has(String(path.at(-2)));
      if (isText || isKnownText) hostile = replaced(hostile, path, evil);
    }
    const path = write(JSON.stringify(hostile));
    for (const words of [
      ["list"],
      ["list", "--all"],
      ["who", String(port)],
      ["interfaces", "--all"],
      ["connections"],
      ["diff", file, path],
    ]) {
      for (const format of [[], ["--json"]]) {
        const outcome = await runCommand([...words, ...(words[0] === "diff" ? [] : ["--from", path]), ...format], {
          environment: { NO_COLOR: "1" },
        });
        expect(outcome.stderr).not.toContain("INTERNAL");
        // eslint-disable-next-line no-control-regex -- Control characters are what this is about.
        expect(outcome.stdout + outcome.stderr, words.join(" ")).not.toMatch(
          /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/,
        );
      }
    }
  }, 60_000);
});

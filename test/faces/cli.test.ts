/**
 * @module The command as its users meet it: built, run as a process, with the wrong things that people try.
 */
import { widthOf } from "../../src/core/index.ts";
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manifest } from "../../src/faces/cli/manifest.generated.ts";
import { commands } from "../../src/faces/cli/commands.ts";
import { commandPath, runCommand } from "../support/run-command.ts";

let server: Server;
let port: number;

beforeAll(async () => {
  // Nobody is to keep it from ending by a connection that somebody else on this machine has opened.
  server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

/** Each command with words that make it answer at once. */
const samples: readonly (readonly string[])[] = [
  ["list"],
  ["list", "--all"],
  ["who", "1", "80", "8080"],
  ["explain", "5432"],
  ["explain", "https://[::1]:8443/x"],
  ["explain", "rdp"],
  ["services"],
  ["services", "mail"],
  ["ranges"],
  ["interfaces", "--all"],
];

function loadSchema(name: string): object {
  const path = fileURLToPath(new URL(`../../dist/schema/${name}.json`, import.meta.url));
  return JSON.parse(readFileSync(path, "utf8")) as object;
}

describe("results", () => {
  test.each(samples.map((words) => [words.join(" "), words] as const))(
    "portolan %s --json matches its schema",
    async (_, words) => {
      const outcome = await runCommand([...words, "--json"]);
      const result: unknown = JSON.parse(outcome.stdout);
      const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(loadSchema(words[0] ?? ""));
      expect(validate(result), JSON.stringify(validate.errors)).toBe(true);
    },
  );

  test.each(samples.map((words) => [words.join(" "), words] as const))(
    "portolan %s fits 40 columns",
    async (_, words) => {
      const outcome = await runCommand(words, { environment: { COLUMNS: "40" } });
      expect(outcome.stdout.length).toBeGreaterThan(0);
      // URLs, endpoints and single words stay whole so that they can be copied.
      const tooWide = outcome.stdout.split("\n").filter((line) => widthOf(line) > 40 && !/\S{24,}/.test(line));
      expect(tooWide).toEqual([]);
    },
  );

  test.each([["demo", "--once"], ["learn"]])(
    "portolan %s --json is one value a line, each by its schema",
    async (...words) => {
      const { stdout, status } = await runCommand([...words, "--json"]);
      const lines = stdout.trimEnd().split("\n");
      const ajv = new Ajv2020({ strict: false, validateFormats: false });
      const isEvent = ajv.compile(loadSchema(`${words[0]}-event`));
      const isResult = ajv.compile(loadSchema(words[0] ?? ""));
      expect(lines.length).toBeGreaterThan(4);
      for (const line of lines.slice(0, -1))
        expect(isEvent(JSON.parse(line)), JSON.stringify(isEvent.errors)).toBe(true);
      expect(isResult(JSON.parse(lines.at(-1) ?? "")), JSON.stringify(isResult.errors)).toBe(true);
      expect(status).toBe(0);
    },
  );

  test("a listener is listed with its port, its process and its reach", async () => {
    const { stdout, status } = await runCommand(["list", String(port), "--json"]);
    expect(status).toBe(0);
    const [service, ...others] = JSON.parse(stdout).services;
    expect(others).toEqual([]);
    expect(service).toMatchObject({ port, transport: "tcp", addresses: ["127.0.0.1"], reach: { scope: "machine" } });
    expect(service.holders.value[0]).toMatchObject({ pid: process.pid });
  });

  test("who answers for a held and for a free port, and its status tells them apart", async () => {
    const held = await runCommand(["who", `:${port}`]);
    expect(held.status).toBe(0);
    expect(held.stdout).toContain(`Port ${port}/tcp is held`);
    expect(held.stdout).toContain(`pid ${process.pid}`);
    const free = await runCommand(["who", "1"]);
    expect(free.status).toBe(1);
    expect(free.stdout).toContain("Port 1 is free");
    expect(free.stdout).toContain("portolan doctor 1");
    // The first free one beside it leads there.
    let beside = held;
    for (let distance = 1; distance < 10 && beside.status === 0; distance += 1)
      beside = await runCommand(["who", String(port - distance)]);
    expect(beside.stdout).toMatch(
      new RegExp(`^${port} is held by .*pid ${process.pid}\\)?: .*the number is near`, "m"),
    );
    const bare = await runCommand([String(port)]);
    expect(bare.stdout).toContain(`Port ${port}/tcp is held`);
  });
});

describe("help", () => {
  test("the overview names every command", async () => {
    const { stdout, status } = await runCommand(["--help"]);
    expect(status).toBe(0);
    for (const command of manifest.commands) expect(stdout).toContain(command.name);
  });

  test.each(manifest.commands.map((command) => command.name))(
    "%s --help has examples and code behind it",
    async (name) => {
      expect(commands[name]).toBeTypeOf("function");
      const { stdout, status } = await runCommand([name, "--help"]);
      expect(status).toBe(0);
      expect(stdout).toContain("Examples:");
      expect(stdout).toContain(`Usage: portolan ${name}`);
    },
  );

  test("--version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect((await runCommand(["--version"])).stdout).toBe(`${version}\n`);
  });
});

describe("wrong input says what is wrong and what is accepted", () => {
  test.each([
    [["who", "65536"], 2, "65535", "PORT_INVALID"],
    [["who", "80-22"], 2, "22-80", "PORT_SET_INVALID"],
    [["who", "0x50"], 2, "0x50", "PORT_INVALID"],
    [["who", "256.1.1.1:80"], 2, "256", "ENDPOINT_INVALID"],
    [["explain", "1.2.3.4:"], 2, "1.2.3.4:", "ENDPOINT_INVALID"],
    [["explain", "70000"], 2, "65535", "PORT_INVALID"],
    [["explain", "htpp"], 1, "http", "SERVICE_UNKNOWN"],
    [["who", "postgress"], 1, "postgres", "SERVICE_UNKNOWN"],
    [["list", "--prot", "3"], 2, "--port", "ARGUMENT_INVALID"],
    [["lst"], 2, "list", "ARGUMENT_INVALID"],
    [["list", "--transport", "icmp"], 2, "tcp", "ARGUMENT_INVALID"],
    [["list", "--pid", "x"], 2, "whole number", "ARGUMENT_INVALID"],
    [["list", "--address", "localhost"], 2, "IP address", "ADDRESS_INVALID"],
    [["list", "--root", "/nowhere"], 2, "/nowhere", "SNAPSHOT_ROOT_INVALID"],
    [["who"], 2, "port", "ARGUMENT_INVALID"],
  ] as const)("portolan %j", async (words, status, mention, code) => {
    const outcome = await runCommand(words);
    expect(outcome.stdout).toBe("");
    expect(outcome.stderr).toContain(mention);
    expect(outcome.stderr).toContain(code);
    expect(outcome.status).toBe(status);
    const asJson = await runCommand([...words, "--json"]);
    expect(JSON.parse(asJson.stderr).error).toMatchObject({ code });
    expect(asJson.status).toBe(status);
  });

  test("a tree of garbage is no machine on which nothing listens", async () => {
    const folder = mkdtempSync(join(tmpdir(), "portolan-garbage-"));
    try {
      mkdirSync(join(folder, "proc/net"), { recursive: true });
      for (const content of ["", "garbage\n".repeat(5000)]) {
        writeFileSync(join(folder, "proc/net/tcp"), content);
        const outcome = await runCommand(["list", "--root", folder]);
        expect(outcome).toMatchObject({
          status: 2,
          stdout: "",
          stderr: expect.stringContaining("not a table of sockets"),
        });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("hostile words come back harmless", async () => {
    const outcome = await runCommand(["explain", "\u001b]0;owned\u0007\u001b[2J"], {
      environment: { FORCE_COLOR: "1" },
    });
    expect(outcome.stderr.replaceAll(/\u001b\[\d+m/g, "")).not.toContain("\u001b");
    expect(outcome.status).not.toBe(0);
  });
});

describe("surroundings", () => {
  const escape = "\u001b";

  test("colour: none in a pipe, none with NO_COLOR, some when forced", async () => {
    expect((await runCommand(["services"])).stdout).not.toContain(escape);
    expect((await runCommand(["services"], { environment: { FORCE_COLOR: "1" } })).stdout).toContain(escape);
    expect((await runCommand(["services"], { environment: { FORCE_COLOR: "1", NO_COLOR: "1" } })).stdout).not.toContain(
      escape,
    );
    expect((await runCommand(["services", "--color", "always"])).stdout).toContain(escape);
    expect((await runCommand(["services", "--no-color"], { environment: { FORCE_COLOR: "1" } })).stdout).not.toContain(
      escape,
    );
  });

  test("a reader that goes away ends the command quietly", async () => {
    const child = spawn(process.execPath, [commandPath, "services", "--all", "--json"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdout.once("data", () => child.stdout.destroy());
    const status = await new Promise((resolve) => child.once("close", resolve));
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  test("a large result passes a slow pipe whole", async () => {
    const outcome = await runCommand(["services", "--all", "--json"]);
    expect(JSON.parse(outcome.stdout).matches.length).toBeGreaterThan(5000);
  });

  test.runIf(existsSync("/dev/full"))("a full disk is a clear failure", async () => {
    const full = openSync("/dev/full", "w");
    try {
      const outcome = await runCommand(["services"], { stdout: full });
      expect(outcome.status).toBe(1);
      expect(outcome.stderr).toContain("OUTPUT_FAILED");
      expect(outcome.stderr).toContain("ENOSPC");
    } finally {
      closeSync(full);
    }
  });
});

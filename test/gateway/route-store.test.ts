/**
 * @module Routes whose files are damaged, unreadable, vanishing, very many, or whose disk is full, under a gateway that runs.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readRoutes } from "../../src/gateway/index.ts";
import type { GatewayResult } from "../../src/operations/gateway.ts";
import type { RoutesResult } from "../../src/operations/routes.ts";
import { ask, plainAsker } from "../support/gateway-askers.ts";
import { mebibytes, startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import { routeOf } from "../support/gateway.ts";
import { requireOrSkip, whyNoNetworkNamespaces } from "../support/netns.ts";
import { commandPath } from "../support/run-command.ts";

const app = createServer((request, response) => response.end(`app of ${request.headers.host}`));
let port = "";

beforeAll(async () => {
  await once(app.listen(0, "127.0.0.1"), "listening");
  port = String((app.address() as AddressInfo).port);
});

afterAll(() => {
  app.close();
  app.closeAllConnections();
});

/** A file as Portolan writes it. */
const textOf = (name: string): string => `${JSON.stringify({ version: 1, content: routeOf(name, port) }, null, 2)}\n`;

async function statusOf(gateway: GatewayProcess, name: string): Promise<number> {
  return (await ask(plainAsker, gateway.port, { host: `${name}.localhost` })).status;
}

async function list(gateway: GatewayProcess): Promise<RoutesResult> {
  return JSON.parse((await gateway.portolan(["routes", "--json"])).stdout) as RoutesResult;
}

describe("routes under a gateway that runs", () => {
  let gateway: GatewayProcess;
  let folder = "";

  beforeAll(async () => {
    gateway = await startGatewayProcess();
    folder = join(gateway.folder, "routes");
    await gateway.addRoutes(routeOf("good", port), routeOf("bad", port));
  });

  afterAll(() => gateway.close());

  test("whatever lies in place of a route's file costs that route alone, and is told", async () => {
    const path = join(folder, "bad.localhost.json");
    const whole = readFileSync(path, "utf8");
    const damages: readonly (readonly [string, () => void])[] = [
      ["cut off", () => writeFileSync(path, whole.slice(0, whole.length / 2))],
      ["empty", () => writeFileSync(path, "")],
      ["garbage", () => writeFileSync(path, Buffer.from([0, 255, 128, 10, 123]))],
      ["other JSON", () => writeFileSync(path, '{"version":1,"content":{"host":"bad.localhost"}}')],
      ["of a later version", () => writeFileSync(path, whole.replace('"version": 1', '"version": 99'))],
      ["a folder", () => mkdirSync(path)],
      ["a pipe", () => execFileSync("mkfifo", [path])],
      ["a link to nowhere", () => execFileSync("ln", ["-s", "/nowhere", path])],
      ["a link to itself", () => execFileSync("ln", ["-s", path, path])],
      ["larger than any of ours", () => writeFileSync(path, Buffer.alloc(17 * 1024 * 1024, " "))],
    ];
    for (const [what, damage] of damages) {
      rmSync(path, { recursive: true, force: true });
      damage();
      await expect.poll(() => statusOf(gateway, "bad"), { message: what }).toBe(404);
      expect(await statusOf(gateway, "good")).toBe(200);
      const { routes, problems } = await list(gateway);
      expect(routes.map(({ name }) => name)).toEqual(["good.localhost"]);
      // A link that leads nowhere is as good as no file.
      expect([what, problems.map((problem) => problem.path)]).toEqual([what, what.endsWith("nowhere") ? [] : [path]]);
      // Put right, it is there again.
      rmSync(path, { recursive: true, force: true });
      writeFileSync(`${path}.x`, whole);
      renameSync(`${path}.x`, path);
      await expect.poll(() => statusOf(gateway, "bad"), { message: what }).toBe(200);
    }
  });

  test("adding a route that cannot be written says why and leaves what is there", async () => {
    const path = join(folder, "bad.localhost.json");
    const whole = readFileSync(path, "utf8");
    rmSync(path);
    mkdirSync(path);
    const refused = await gateway.portolan(["route", "add", "bad", "3000"]);
    expect([refused.status, refused.stderr]).toEqual([3, expect.stringMatching(/is no plain file.*STORE_FAILED/s)]);
    rmSync(path, { recursive: true });
    writeFileSync(path, whole.replace('"version": 1', '"version": 99'));
    const later = await gateway.portolan(["route", "add", "bad", "3000"]);
    expect([later.status, later.stderr]).toEqual([
      3,
      expect.stringMatching(/later version of Portolan.*STORE_FAILED/s),
    ]);
    expect(readFileSync(path, "utf8")).toContain('"version": 99');
    writeFileSync(path, whole);
  });

  test("files that come and go while they are read are no failure", async () => {
    const script = `
      const { writeFileSync, renameSync, rmSync } = require("fs");
      const [folder, text] = process.argv.slice(1);
      for (let round = 0; round < 1500; round++) {
        const path = folder + "/hasty-" + (round % 7) + ".localhost.json";
        writeFileSync(path + ".1.new", text); renameSync(path + ".1.new", path);
        rmSync(folder + "/hasty-" + ((round + 3) % 7) + ".localhost.json", { force: true });
      }`;
    const child = spawn(process.execPath, ["-e", script, folder, textOf("hasty")], { stdio: "inherit" });
    const ended = once(child, "exit");
    let reads = 0;
    while (child.exitCode === null) {
      expect(readRoutes(gateway.folder).problems).toEqual([]);
      reads += 1;
      if (reads % 20 === 0) expect(await statusOf(gateway, "good")).toBe(200);
      await new Promise((resolve) => void setImmediate(resolve));
    }
    expect([(await ended)[0], reads > 10]).toEqual([0, true]);
    for (const name of readdirSync(folder)) if (name.startsWith("hasty")) rmSync(join(folder, name));
  });

  test("a folder that is removed and made anew, or moved away and back, is watched again", async () => {
    rmSync(folder, { recursive: true });
    await expect.poll(() => statusOf(gateway, "good"), { timeout: 5000 }).toBe(404);
    mkdirSync(folder);
    writeFileSync(join(folder, "anew.localhost.json"), textOf("anew"));
    await expect.poll(() => statusOf(gateway, "anew"), { timeout: 5000 }).toBe(200);
    // Watched: what comes next is known without being told, whatever the folder's time.
    writeFileSync(join(folder, "next.localhost.json"), textOf("next"));
    await expect.poll(() => statusOf(gateway, "next"), { timeout: 5000 }).toBe(200);
    renameSync(folder, `${folder}.away`);
    await expect.poll(() => statusOf(gateway, "next"), { timeout: 5000 }).toBe(404);
    renameSync(`${folder}.away`, folder);
    await expect.poll(() => statusOf(gateway, "next"), { timeout: 5000 }).toBe(200);
  });

  test("a state folder that is removed as a whole: the same gateway goes on", async () => {
    const { pid } = (await gateway.status())!;
    for (const name of ["routes", "gateway"]) rmSync(join(gateway.folder, name), { recursive: true });
    const added = await gateway.portolan(["route", "add", "after", port]);
    expect([added.status, added.stderr]).toEqual([0, ""]);
    expect(await statusOf(gateway, "after")).toBe(200);
    const status = JSON.parse((await gateway.portolan(["gateway", "--json"])).stdout) as GatewayResult;
    expect(status.pid).toBe(pid);
  });

  test("five thousand routes", async () => {
    const names = Array.from({ length: 5000 }, (_, index) => `many-${index}`);
    // Put there at once: the gateway reads them once or twice, not five thousand times.
    const aside = `${folder}.aside`;
    mkdirSync(aside);
    for (const name of names) writeFileSync(join(aside, `${name}.localhost.json`), textOf(name));
    const before = await gateway.usage();
    rmSync(folder, { recursive: true });
    renameSync(aside, folder);
    const startedMs = performance.now();
    readRoutes(gateway.folder);
    const readMs = performance.now() - startedMs;
    await expect.poll(() => statusOf(gateway, "many-4999"), { timeout: 10_000 }).toBe(200);
    for (const name of ["many-0", "many-2500"]) expect(await statusOf(gateway, name)).toBe(200);
    expect(await statusOf(gateway, "many-5000")).toBe(404);
    const { routes } = await list(gateway);
    expect(routes).toHaveLength(5000);
    const added = await gateway.portolan(["route", "add", "one-more", port]);
    expect([added.status, await statusOf(gateway, "one-more")]).toEqual([0, 200]);
    expect((await ask(plainAsker, gateway.port, { host: "portolan.localhost" })).text).toContain("many-4999.localhost");
    const after = await gateway.usage();
    const each = (after.heapBytes - before.heapBytes) / 5000;
    console.log(
      `5000 routes: read in ${readMs.toFixed(0)} ms, ${each.toFixed(0)} bytes of heap each, ${mebibytes(after.residentBytes)}`,
    );
    expect(each).toBeLessThan(4096);
  });
});

test("a file in place of the folder is told by everything that needs it", async () => {
  const state = mkdtempSync(join(tmpdir(), "pgs-"));
  writeFileSync(join(state, "routes"), "mine");
  const cases: readonly (readonly [words: readonly string[], status: number])[] = [
    [["routes"], 3],
    [["route", "add", "shop", "3000", "--no-start"], 3],
    [["gateway", "start"], 1],
  ];
  for (const [words, expected] of cases) {
    const child = spawn(process.execPath, [commandPath, ...words], {
      env: { PATH: process.env["PATH"], HOME: state, PORTOLAN_STATE_HOME: state },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    const [status] = (await once(child, "close")) as [number];
    expect([words[0], status, said]).toEqual([
      words[0],
      expected,
      expect.stringMatching(/routes.*(?:ENOTDIR|EEXIST)/s),
    ]);
  }
  expect(readFileSync(join(state, "routes"), "utf8")).toBe("mine");
  rmSync(state, { recursive: true });
});

const skip = requireOrSkip("routes of another user, and a full disk", whyNoNetworkNamespaces());

describe.skipIf(skip)("routes that the system denies", () => {
  test("a file and a folder without permission: told, what was known stays, and they come back", async () => {
    const nobody = 65_534;
    const gateway = await startGatewayProcess({ uid: nobody });
    try {
      const folder = join(gateway.folder, "routes");
      for (const name of ["good", "shut"]) {
        writeFileSync(join(folder, `${name}.localhost.json`), textOf(name));
        chownSync(join(folder, `${name}.localhost.json`), nobody, nobody);
      }
      await expect.poll(() => statusOf(gateway, "shut")).toBe(200);
      const path = join(folder, "shut.localhost.json");
      chmodSync(path, 0);
      const { routes, problems } = await list(gateway);
      expect(routes.map(({ name }) => name)).toEqual(["good.localhost"]);
      expect(problems).toEqual([{ path, reason: expect.stringContaining("may not be read (EACCES)") }]);
      chmodSync(path, 0o600);
      chmodSync(folder, 0);
      const listed = await gateway.portolan(["routes"]);
      expect([listed.status, listed.stderr]).toEqual([
        3,
        expect.stringMatching(/Not seen: .* could not be listed \(EACCES\)/),
      ]);
      const added = await gateway.portolan(["route", "add", "more", "3000"]);
      expect([added.status, added.stderr]).toEqual([3, expect.stringMatching(/EACCES.*STORE_FAILED/s)]);
      // Looked at while it was shut, by the gateway as well.
      await gateway.portolan(["gateway", "status"]);
      expect(await statusOf(gateway, "good")).toBe(200);
      chmodSync(folder, 0o700);
      expect((await gateway.portolan(["route", "add", "more", port])).status).toBe(0);
      for (const name of ["good", "shut", "more"]) expect(await statusOf(gateway, name)).toBe(200);
    } finally {
      await gateway.close();
    }
  });

  test("a full disk: what is there stays, whole, and the error says so", async () => {
    const state = mkdtempSync(join(tmpdir(), "pgd-"));
    // A file system of 64 KiB, in a mount namespace that ends with the shell.
    const script = `
      set -u
      mount -t tmpfs -o size=64k none "$1"; shift
      export PORTOLAN_STATE_HOME="$1"; shift
      portolan() { "$@" && echo "status 0" || echo "status $?"; }
      portolan "$@" route add kept 3000 --no-start
      dd if=/dev/zero of="$PORTOLAN_STATE_HOME/fill" bs=4096 2>/dev/null
      portolan "$@" route add more 3001 --no-start
      portolan "$@" route add kept 3002 --no-start
      portolan "$@" routes --csv
      ls "$PORTOLAN_STATE_HOME/routes"
      rm "$PORTOLAN_STATE_HOME/fill"
      portolan "$@" route add more 3001 --no-start
      portolan "$@" routes --csv`;
    const child = spawn("unshare", ["--mount", "sh", "-c", script, "sh", state, state, process.execPath, commandPath], {
      env: { PATH: process.env["PATH"], HOME: state },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (said += text));
    await once(child, "close");
    rmSync(state, { recursive: true });
    expect(said.match(/status \d/g)).toEqual(["status 0", "status 3", "status 3", "status 0", "status 0", "status 0"]);
    expect(said.match(/could not be written \(ENOSPC\)/g)).toHaveLength(2);
    expect(said).toMatch(/^kept\.localhost,http:\/\/localhost:3000,/m);
    expect(said).not.toContain("3002");
    expect(said).not.toContain(".new");
    expect(said).toMatch(/^more\.localhost,http:\/\/localhost:3001,/m);
    expect(existsSync(state)).toBe(false);
  });
});

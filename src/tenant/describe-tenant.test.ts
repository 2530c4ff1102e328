import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { known, toPort, unknown } from "../core/index.ts";
import { createHost } from "../host/index.ts";
import type { Process, Snapshot } from "../host/index.ts";
import { createTenantCache, describeTenant } from "./describe-tenant.ts";
import { groupServices } from "./services.ts";
import type { Service } from "./services.ts";

const folders: string[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    // The group: npm starts a shell that starts the program.
    process.kill(-child.pid, "SIGKILL");
    await ended;
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function makeFolder(files: Readonly<Record<string, string>>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "tenant-live-")));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** Making a mount namespace needs a privilege that root in a container may lack. */
function mayUnshare(): boolean {
  return spawnSync("unshare", ["--mount", "sh", "-c", "mount -t tmpfs none /mnt"]).status === 0;
}

/** Starts a program and waits until it prints a line in which `pattern` finds a port. */
async function startListening(
  directory: string,
  command: string,
  words: readonly string[],
  pattern: RegExp,
): Promise<number> {
  const child = spawn(command, words, { cwd: directory, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  return await new Promise((resolve, reject) => {
    let seen = "";
    const read = (chunk: Buffer): void => {
      seen += chunk.toString();
      const port = pattern.exec(seen)?.[1];
      if (port !== undefined) resolve(Number(port));
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`ended early: ${seen}`)));
  });
}

async function look(port: number): Promise<{ snapshot: Snapshot; service: Service }> {
  const snapshot = await createHost({ reader: "proc" }).snapshot({ ports: [port] });
  const service = groupServices(snapshot).find((candidate) => candidate.port === port && candidate.transport === "tcp");
  if (service === undefined) throw new Error(`nothing found on ${port}`);
  return { snapshot, service };
}

const serverCode = `
  const server = require("node:http").createServer((request, response) => response.end("x"));
  server.listen(0, "127.0.0.1", () => console.log("port " + server.address().port));
`;

describe.skipIf(process.platform !== "linux")("describeTenant with real programs", () => {
  test("Vite in a project", { timeout: 30_000 }, async () => {
    const folder = makeFolder({
      "package.json": '{"name":"shop","devDependencies":{"vite":"8"}}',
      "index.html": "<p>x</p>",
    });
    const vite = join(dirname(createRequire(import.meta.url).resolve("vite/package.json")), "bin/vite.js");
    const words = [vite, "--host", "127.0.0.1", "--clearScreen", "false"];
    const port = await startListening(folder, process.execPath, words, /127\.0\.0\.1:\D*(\d+)/);
    const { snapshot, service } = await look(port);
    const tenant = describeTenant(snapshot, service);
    expect(tenant.project?.value).toEqual({ name: "shop", root: folder, marker: "package.json", git: null });
    expect(tenant.framework?.value).toEqual({ id: "vite", title: "Vite", role: "dev-server", scheme: "http" });
    expect(tenant.framework?.evidence).toContain("vite/bin/vite.js");
  });

  test("a script of npm, with a server library in the project", { timeout: 30_000 }, async () => {
    const folder = makeFolder({
      "package.json": '{"name":"api","scripts":{"dev":"node src/server.js"},"dependencies":{"express":"5"}}',
      "src/server.js": serverCode,
    });
    const { snapshot, service } = await look(await startListening(folder, "npm", ["run", "dev"], /port (\d+)/));
    const tenant = describeTenant(snapshot, service);
    expect(tenant.project?.value).toMatchObject({ name: "api", root: folder });
    expect(tenant.framework?.value.id).toBe("express");
    expect(tenant.supervisor?.value).toEqual({ kind: "npm", name: "dev" });
  });

  test("a process that changed its title", async () => {
    const folder = makeFolder({
      "package.json": '{"name":"site"}',
      "x.js": `process.title = "next-server (v16.4.5)";${serverCode}`,
    });
    const { snapshot, service } = await look(await startListening(folder, process.execPath, ["x.js"], /port (\d+)/));
    const tenant = describeTenant(snapshot, service);
    expect(tenant.framework?.value.id).toBe("next");
    // The title has only the room that the arguments had.
    expect(tenant.framework?.evidence).toMatch(/^arguments name next-server \(v16/);
    expect(tenant.project?.value.name).toBe("site");
  });

  test("a cluster of Node that shares its socket is one service, and the primary leads", async () => {
    const folder = makeFolder({
      "x.js": `
        const cluster = require("node:cluster");
        cluster.schedulingPolicy = cluster.SCHED_NONE;
        if (cluster.isPrimary) {
          let count = 0;
          for (let index = 0; index < 2; index++) cluster.fork();
          cluster.on("listening", (worker, address) => { if (++count === 2) console.log("port " + address.port); });
        } else require("node:http").createServer().listen({ port: 0, host: "127.0.0.1" });
      `,
    });
    const { service } = await look(await startListening(folder, process.execPath, ["x.js"], /port (\d+)/));
    const holders = service.holders.known ? service.holders.value : [];
    expect(holders.map(({ role }) => role)).toEqual(["leader", "worker", "worker"]);
    expect(holders[0]!.pid).toBe(children[0]!.pid);
  });

  test.skipIf(!mayUnshare())("a process whose files only its own mount namespace shows", async () => {
    const folder = makeFolder({ "package.json": '{"name":"outside"}', "x.js": serverCode });
    const script = `mount -t tmpfs none "$0" && cd "$0" && cp "$1" package.json && exec "$2" -e "$3"`;
    const inside = makeFolder({ "package.json": '{"name":"inside"}' });
    const words = ["--mount", "sh", "-c", script, folder, join(inside, "package.json"), process.execPath, serverCode];
    const { snapshot, service } = await look(await startListening(folder, "unshare", words, /port (\d+)/));
    expect(describeTenant(snapshot, service).project?.value).toMatchObject({ name: "inside", root: folder });
  });

  test("the inspector beside the application", async () => {
    const folder = makeFolder({ "x.js": serverCode });
    // A port of the kernel's choice: Node prints it, but its arguments say 0, so only a given one can be recognized.
    const given = await startListening(folder, process.execPath, ["-e", serverCode], /port (\d+)/);
    process.kill(children[0]!.pid!, "SIGKILL");
    await new Promise((resolve) => children[0]!.once("exit", resolve));
    const words = [`--inspect=127.0.0.1:${given}`, "x.js"];
    const port = await startListening(folder, process.execPath, words, /port (\d+)/);
    const application = await look(port);
    expect(describeTenant(application.snapshot, application.service).framework?.value.id).toBe("node");
    const inspector = await look(given);
    expect(describeTenant(inspector.snapshot, inspector.service).framework?.value.id).toBe("inspector");
  });
});

/** A process of a made-up machine. */
function makeProcess(pid: number, facts: Partial<Process>): Process {
  const gone = unknown("gone");
  return {
    pid,
    parentPid: known(1),
    name: gone,
    arguments: gone,
    uid: gone,
    userName: gone,
    startTimeMs: gone,
    workingDirectory: gone,
    executable: gone,
    executableDeleted: false,
    memoryBytes: gone,
    controlGroup: gone,
    ...facts,
  };
}

function makeService(port: number, pids: readonly number[]): Service {
  return {
    transport: "tcp",
    port: toPort(port),
    sockets: [],
    holders: known(pids.map((pid, index) => ({ pid, role: index === 0 ? "leader" : "worker", fileDescriptors: [3] }))),
  };
}

describe("describeTenant on a made-up machine", () => {
  const node = known("/usr/bin/node");

  test("asks the workers and the parents when the leader tells nothing", () => {
    const root = makeFolder({ "srv/shop/package.json": '{"name":"shop"}' });
    const processes = new Map([
      [7, makeProcess(7, { executable: known("/opt/launcher"), workingDirectory: known("/") })],
      [
        8,
        makeProcess(8, {
          parentPid: known(7),
          executable: node,
          arguments: known(["next-server (v16)"]),
          workingDirectory: known("/srv/shop"),
        }),
      ],
      [
        9,
        makeProcess(9, {
          parentPid: known(8),
          executable: node,
          arguments: known(["node", "x.js"]),
          workingDirectory: known("/"),
        }),
      ],
    ]);
    const snapshot = { platform: "test", processOf: (pid: number) => processes.get(pid) ?? makeProcess(pid, {}) };
    const led = describeTenant(snapshot, makeService(3000, [7, 8]), { root });
    expect([led.project?.value.name, led.framework?.value.id]).toEqual(["shop", "next"]);
    const child = describeTenant(snapshot, makeService(3001, [9]), { root });
    expect(child.project).toMatchObject({ value: { name: "shop" }, basis: "inferred" });
    expect(child.project?.evidence).toContain("parent process 8");
  });

  test("says nothing of a service whose holders are out of sight", () => {
    const snapshot = { platform: "test", processOf: (pid: number) => makeProcess(pid, {}) };
    const nothing = { project: null, framework: null, supervisor: null };
    expect(describeTenant(snapshot, { ...makeService(80, []), holders: unknown("permission") })).toEqual(nothing);
    expect(describeTenant(snapshot, makeService(80, []))).toEqual(nothing);
    expect(describeTenant(snapshot, makeService(80, [5]))).toEqual(nothing);
  });

  test("a UDP socket of a web server has no URL", () => {
    const snapshot = {
      platform: "test",
      processOf: (pid: number) => makeProcess(pid, { executable: known("/usr/sbin/nginx") }),
    };
    const service: Service = { ...makeService(443, [5]), transport: "udp" };
    expect(describeTenant(snapshot, service).framework?.value).toMatchObject({ id: "nginx", scheme: null });
  });

  test("2,000 services of 50 processes take some milliseconds with a cache", () => {
    const names = Array.from({ length: 50 }, (_, index) => `app${index}`);
    const root = makeFolder(
      Object.fromEntries(
        names.map((name) => [
          `srv/work/${name}/package.json`,
          JSON.stringify({ name, dependencies: { express: "5" } }),
        ]),
      ),
    );
    const processes = names.map((name, index) =>
      makeProcess(100 + index, {
        executable: node,
        arguments: known(["node", "server.js"]),
        workingDirectory: known(`/srv/work/${name}`),
      }),
    );
    const first = makeProcess(1, { parentPid: known(0) });
    const snapshot = { platform: "test", processOf: (pid: number) => processes[pid - 100] ?? first };
    const services = Array.from({ length: 2000 }, (_, index) => makeService(1024 + index, [100 + (index % 50)]));
    const times = Array.from({ length: 10 }, () => {
      const cache = createTenantCache();
      const started = performance.now();
      const tenants = services.map((service) => describeTenant(snapshot, service, { root, cache }));
      const took = performance.now() - started;
      expect(tenants[1999]!.project!.value.name).toBe("app49");
      return took;
    });
    // Measured: about 4 ms. The bound leaves room for a busy machine, not for reading files 2,000 times.
    expect(Math.min(...times)).toBeLessThan(25);
  });
});

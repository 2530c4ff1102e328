/**
 * @module `portolan gateway export` as a user calls it: routes of the store, a forward that runs, a share of the project's file, the file that is
 * written, and what is refused.
 */
import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepRoute, openRelays } from "../../src/gateway/index.ts";
import { toPort } from "../../src/core/index.ts";
import { routeOf } from "../support/gateway.ts";
import { runCommand, type CommandOutcome } from "../support/run-command.ts";

let state: string;
let project: string;
let relays: Awaited<ReturnType<typeof openRelays>>;

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "pxs-"));
  project = mkdtempSync(join(tmpdir(), "pxp-"));
  await keepRoute(state, routeOf("shop", "3000"), false);
  await keepRoute(state, routeOf("shop", "4000", { path: "/api", strip: true }), false);
  const wish = {
    kind: "forward",
    listen: { transport: "tcp", address: "127.0.0.1", port: toPort(0) },
    target: { host: "localhost", port: toPort(5432) },
    sendProxy: null,
    acceptProxy: false,
    idleMs: null,
    mostConnections: 100,
    mostToTarget: 100,
  } as const;
  relays = await openRelays([{ wish }], {
    stateFolder: state,
    workingDirectory: project,
    version: "0",
    nowMs: Date.now,
  });
  const config = {
    shares: [
      {
        listen: 7443,
        rules: [
          { protocol: "ssh", to: ":22" },
          { name: "app.localhost", to: ":3000" },
        ],
      },
    ],
    forwards: [{ listen: "7053/udp", to: "192.168.1.8:53" }],
  };
  writeFileSync(join(project, "portolan.config.json"), JSON.stringify(config));
});

afterAll(async () => {
  await relays.close({ drainMs: 0 });
  rmSync(state, { recursive: true, force: true });
  rmSync(project, { recursive: true, force: true });
});

const run = (...words: string[]): Promise<CommandOutcome> =>
  runCommand(["gateway", "export", ...words], {
    environment: { PORTOLAN_STATE_HOME: state, HOME: state },
    cwd: project,
  });

test("the file goes to standard output, what is different to standard error", async () => {
  const { status, stdout, stderr } = await run("--format", "haproxy", "--http-port", "8080");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^# Written by portolan gateway export, for HAProxy\./);
  expect(stdout).toContain("bind 127.0.0.1:8080");
  expect(stdout).toContain("bind [::1]:8080");
  expect(stdout).toContain("{ var(txn.name) -m str shop.localhost } { var(txn.path) -m beg /api/ }");
  const { port } = relays.status().relays[0]!.place;
  expect(stdout).toContain(`bind 127.0.0.1:${port}\n`);
  expect(stdout).toContain("bind 127.0.0.1:7443\n");
  expect(stdout).toContain("# - forward udp:127.0.0.1:7053: HAProxy passes no UDP on; left out.");
  expect(stderr).toContain("forward udp:127.0.0.1:7053: HAProxy passes no UDP on; left out.");
});

test("--json has the same in one document", async () => {
  const { status, stdout, stderr } = await run("--format", "caddy", "--json");
  expect(status).toBe(0);
  expect(stderr).toBe("");
  const result = JSON.parse(stdout) as { text: string; file: null; names: number; relays: number; limits: object[] };
  expect(result).toMatchObject({ complete: true, format: "caddy", file: null, names: 2, relays: 3 });
  expect(result.text).toContain("http://:80 {");
  const { port } = relays.status().relays[0]!.place;
  const left = { concerns: [`forward 127.0.0.1:${port}`, "forward udp:127.0.0.1:7053", "share 127.0.0.1:7443"] };
  expect(result.limits).toContainEqual(expect.objectContaining(left));
});

test("a share or forward at the port of names is told: no engine has both", async () => {
  const words = ["--format", "nginx", "--bind", "0.0.0.0", "--http-port", "7443", "--json"];
  const { notes } = JSON.parse((await run(...words)).stdout) as { notes: string[] };
  expect(notes).toEqual([
    "share 127.0.0.1:7443 has the port of names (7443): give --http-port or --https-port another one, or end it.",
  ]);
  const apart = await run("--format", "nginx", "--bind", "127.0.0.2", "--http-port", "7443", "--json");
  expect((JSON.parse(apart.stdout) as { notes: string[] }).notes).toEqual([]);
  // UDP is another port.
  const datagrams = await run("--format", "nginx", "--http-port", "7053", "--json");
  expect((JSON.parse(datagrams.stdout) as { notes: string[] }).notes).toEqual([]);
});

test("a file is written whole, and replaced only when told", async () => {
  const path = join(project, "nginx.conf");
  const first = await run("--format", "nginx", "--output", "nginx.conf");
  expect(first).toMatchObject({
    status: 0,
    stdout: `Written to ${path} for nginx, from 2 routes, 3 forwards and shares.\n`,
  });
  const text = readFileSync(path, "utf8");
  expect(text).toContain("server_name shop.localhost;");
  expect(statSync(path).mode & 0o777).toBe(0o666 & ~process.umask());
  writeFileSync(path, "mine");
  const second = await run("--format", "nginx", "-o", "nginx.conf");
  expect(second.status).toBe(1);
  expect(second.stderr).toContain("(FILE_EXISTS)");
  expect(readFileSync(path, "utf8")).toBe("mine");
  expect((await run("--format", "nginx", "-o", "nginx.conf", "--force")).status).toBe(0);
  expect(readFileSync(path, "utf8")).toBe(text);
  expect(readdirSync(project).sort()).toEqual(["nginx.conf", "portolan.config.json"]);
  const nowhere = await run("--format", "nginx", "-o", "none/nginx.conf");
  expect(nowhere).toMatchObject({ status: 3, stdout: "" });
});

test("what is no plain file is never replaced, and a link stays one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pxl-"));
  try {
    const [pipe, real, link, lost] = ["pipe", "real", "link", "lost"].map((name) => join(folder, name));
    execFileSync("mkfifo", [pipe!]);
    writeFileSync(real!, "old");
    symlinkSync("real", link!);
    symlinkSync("nowhere", lost!);
    const write = (path: string): Promise<CommandOutcome> => run("--format", "nginx", "--force", "-o", path);
    const refused = await write(pipe!);
    expect(refused).toMatchObject({ status: 3, stdout: "" });
    expect(refused.stderr).toContain("it is no plain file.");
    expect(statSync(pipe!).isFIFO()).toBe(true);
    expect((await write(lost!)).stderr).toContain("it leads nowhere (ENOENT).");
    expect((await write(link!)).status).toBe(0);
    expect(lstatSync(link!).isSymbolicLink()).toBe(true);
    expect(readFileSync(real!, "utf8")).toContain("server_name shop.localhost;");
    expect(readdirSync(folder).sort()).toEqual(["link", "lost", "pipe", "real"]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each([
  [["--format", "apache"], /Allowed choices are caddy, nginx, haproxy, traefik/],
  [[], /Nothing says which engine the file is for/],
  [["--format", "nginx", "--https-port", "8443"], /HTTPS takes a certificate and its key/],
  [["--format", "nginx", "--certificate", "a.pem"], /HTTPS takes a certificate and its key/],
  [["--format", "nginx", "--key", "a.pem"], /HTTPS takes a certificate and its key/],
  [["--format", "nginx", "--certificate", "a", "--key", "b", "--https-port", "80"], /cannot both have port 80/],
  [["--format", "nginx", "--bind", "here"], /not an IP address/],
])("%j is refused", async (words, said) => {
  const { status, stdout, stderr } = await run(...words);
  expect(status).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(said);
});

test("where nothing leads anywhere there is nothing to write", async () => {
  const empty = mkdtempSync(join(tmpdir(), "pxe-"));
  try {
    const environment = { PORTOLAN_STATE_HOME: empty, HOME: empty };
    const words = ["gateway", "export", "--format", "nginx", "-o", "out.conf"];
    const { status, stdout } = await runCommand(words, { environment, cwd: empty });
    expect(status).toBe(1);
    expect(stdout).toContain("There is nothing to write");
    expect(readdirSync(empty)).not.toContain("out.conf");
  } finally {
    rmSync(empty, { recursive: true, force: true });
  }
});

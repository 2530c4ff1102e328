/**
 * @module `up`: whole projects, in a network namespace with a gateway of its own. What is left running is asked of the namespace itself.
 */
import { type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { GatewayResult } from "../../src/operations/gateway.ts";
import type { RoutesResult } from "../../src/operations/routes.ts";
import type { UpEvent, UpResult } from "../../src/operations/up-schemas.ts";
import { installPrograms } from "../programs/programs.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath } from "../support/run-command.ts";
import { openTerminal, whyNoTmux } from "../support/tmux.ts";

const skip = requireOrSkip("whole projects", whyNoNetworkNamespaces());
const programs = join(import.meta.dirname, "..", "programs");

interface Running {
  readonly child: ChildProcess;
  readonly events: UpEvent[];
  readonly result: () => UpResult | undefined;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

/** Answers with its environment; ends with the status that `/exit/N` asks for. */
const server = `
const { createServer } = require("node:http");
createServer((request, response) => {
  const exit = /^\\/exit\\/(\\d+)/.exec(request.url);
  if (exit) process.exit(Number(exit[1]));
  response.end(JSON.stringify({ pid: process.pid, url: request.url, environment: process.env }));
}).listen(Number(process.env.PORT), "127.0.0.1", () => console.log("ready " + process.argv[2]));`;

/** Holds its port only when a file is there. */
const late = `
const { existsSync } = require("node:fs");
const timer = setInterval(() => {
  if (!existsSync(process.argv[2])) return;
  clearInterval(timer);
  require("node:net").createServer().listen(Number(process.env.PORT));
}, 20);`;

/** Does not end when it is asked. */
const stubborn = `for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => console.log("got " + name));${server}`;

describe.skipIf(skip)("a whole project", () => {
  let device: NetworkNamespace;
  const folder = mkdtempSync(join(tmpdir(), "pgu-"));
  const state = join(folder, "state");
  const project = join(folder, "my-shop");
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    device = await createNetworkNamespace();
  });

  beforeEach(() => {
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "shop" }));
    for (const [name, text] of Object.entries({ server, late, stubborn }))
      writeFileSync(join(project, `${name}.cjs`), text);
  });

  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    await portolan(["gateway", "stop"]);
    // Nothing that any test started is left.
    await expect.poll(pidsLeft).toEqual([]);
    rmSync(project, { recursive: true, force: true });
    rmSync(state, { recursive: true, force: true });
  });

  afterAll(async () => {
    await device?.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  const environment = (): Record<string, string> => ({
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    PORTOLAN_STATE_HOME: state,
    NPM_CONFIG_UPDATE_NOTIFIER: "false",
  });

  function start(words: readonly string[], cwd = project): ChildProcess {
    return device.spawnIn(process.execPath, [commandPath, ...words], {
      cwd,
      env: environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  async function portolan(words: readonly string[], cwd?: string) {
    const child = start(words, cwd);
    let stdout = "";
    let stderr = "";
    child.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [status] = (await once(child, "close")) as [number | null];
    return { status, stdout, stderr };
  }

  /** Every process in the namespace, by the namespace. */
  async function pidsLeft(): Promise<number[]> {
    const { stdout } = await device.execIn("ip", ["netns", "pids", device.name]);
    return stdout.split("\n").filter(Boolean).map(Number).filter(isProgram);
  }

  /** What asks is in there as well. */
  function isProgram(pid: number): boolean {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      return !/\((?:ip)\)/.test(stat) && !/\) [ZX] /.test(stat);
    } catch {
      return false;
    }
  }

  /** Empty when it is gone. */
  function wordsOf(pid: number): string {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1");
    } catch {
      return "";
    }
  }

  async function gatewayPid(): Promise<number | null> {
    const { stdout } = await portolan(["gateway", "--json"]);
    return (JSON.parse(stdout.split("\n").find((line) => line.startsWith("{"))!) as GatewayResult).pid;
  }

  async function untilOnlyTheGatewayIsLeft(): Promise<void> {
    const pid = await gatewayPid();
    await expect.poll(pidsLeft).toEqual([pid]);
  }

  async function routes(): Promise<RoutesResult["routes"]> {
    return (JSON.parse((await portolan(["routes", "--json"])).stdout) as RoutesResult).routes;
  }

  function write(apps: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}): void {
    writeFileSync(join(project, "portolan.config.json"), JSON.stringify({ ...more, apps }));
  }

  function up(words: readonly string[] = [], cwd?: string): Running {
    const child = start(["up", "--ndjson", ...words], cwd);
    children.push(child);
    const events: UpEvent[] = [];
    let result: UpResult | undefined;
    let said = "";
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const told = JSON.parse(line) as UpEvent | UpResult;
      if ("kind" in told) events.push(told);
      else result = told;
    });
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
    const ended = once(child, "close").then(([status]) => status as number | null);
    return { child, events, result: () => result, said: () => said, ended };
  }

  type EventOf<Kind extends UpEvent["kind"]> = Extract<UpEvent, { kind: Kind }>;

  function eventsOf<Kind extends UpEvent["kind"]>({ events }: Running, kind: Kind, app?: string): EventOf<Kind>[] {
    return events.filter(
      (event): event is EventOf<Kind> =>
        event.kind === kind && (app === undefined || (event as { app?: string }).app === app),
    );
  }

  async function until<Kind extends UpEvent["kind"]>(
    running: Running,
    kind: Kind,
    app?: string,
    count = 1,
  ): Promise<EventOf<Kind>> {
    const find = () => eventsOf(running, kind, app)[count - 1];
    const told = expect.poll(find, { timeout: 20_000 }).toBeDefined();
    const over = running.ended.then(() => expect(find()).toBeDefined());
    await Promise.race([told, over]).catch((error: unknown) => {
      throw new Error(`${running.said()}${JSON.stringify(running.events)}`, { cause: error });
    });
    return find()!;
  }

  async function stop(running: Running, signal: NodeJS.Signals = "SIGINT"): Promise<number | null> {
    running.child.kill(signal);
    return running.ended;
  }

  async function fetchIn(host: string, path = "/"): Promise<string> {
    const script = `require("http").get({host:"127.0.0.1",port:80,path:${JSON.stringify(path)},headers:{host:${JSON.stringify(host)}}},s=>{let t=s.statusCode+" ";s.on("data",d=>t+=d);s.on("end",()=>console.log(t))}).on("error",e=>console.log(e.code))`;
    const child = device.spawnIn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout!.setEncoding("utf8").on("data", (part: string) => (text += part));
    await once(child, "close");
    return text.trimEnd();
  }

  const seen = (text: string) =>
    JSON.parse(text.slice(4)) as { pid: number; url: string; environment: Record<string, string> };

  test("each starts when those before it are ready, and knows all of them from the beginning", async () => {
    write({
      web: { command: "node server.cjs web", after: ["api"], environment: { API: "${PORTOLAN_URL_API}/v1" } },
      api: {
        command: "node server.cjs api",
        after: ["db", "migrate"],
        path: "/api",
        ready: { http: "/health" },
      },
      db: { command: "node late.cjs go", route: false },
      migrate: { command: ["sh", "-c", "echo $PORTOLAN_URL_WEB $PORTOLAN_PORT_DB"], ready: "exit", after: ["db"] },
    });
    const running = up();
    const { apps } = await until(running, "plan");
    const ports = Object.fromEntries(apps.map(({ name, port }) => [name, port]));
    expect(apps.map(({ name, hostName }) => [name, hostName])).toEqual([
      ["db", null],
      ["migrate", null],
      ["api", "shop.localhost/api"],
      ["web", "web.shop.localhost"],
    ]);
    expect((await until(running, "waiting", "api")).for).toEqual(["db", "migrate"]);
    expect((await until(running, "waiting", "web")).for).toEqual(["api"]);
    await until(running, "starting", "db");
    expect(await fetchIn("web.shop.localhost")).toMatch(/^502 .*is not up/);
    expect(eventsOf(running, "starting").map(({ app }) => app)).toEqual(["db"]);
    writeFileSync(join(project, "go"), "");
    await until(running, "ready", "web");
    const order = running.events
      .filter(({ kind }) => kind === "starting" || kind === "ready")
      .map((event) => `${event.kind} ${(event as { app: string }).app}`);
    expect(order).toEqual([
      "starting db",
      "ready db",
      "starting migrate",
      "ready migrate",
      "starting api",
      "ready api",
      "starting web",
      "ready web",
    ]);
    expect(eventsOf(running, "line", "migrate").map(({ text }) => text)).toEqual([
      `http://web.shop.localhost ${ports["db"]}`,
    ]);
    const web = seen(await fetchIn("web.shop.localhost"));
    expect(web.environment).toMatchObject({
      PORT: String(ports["web"]),
      API: "http://shop.localhost/api/v1",
      PORTOLAN_NAME: "web.shop.localhost",
      PORTOLAN_URL: "http://web.shop.localhost",
      PORTOLAN_URL_WEB: "http://web.shop.localhost",
      PORTOLAN_PLAIN_URL_WEB: `http://localhost:${ports["web"]}`,
      PORTOLAN_PLAIN_URL_API: `http://localhost:${ports["api"]}/api`,
      PORTOLAN_PORT_DB: String(ports["db"]),
    });
    expect(seen(await fetchIn("shop.localhost", "/api/x")).url).toBe("/api/x");
    expect(await routes()).toMatchObject([
      { name: "shop.localhost/api", state: "running" },
      { name: "web.shop.localhost", state: "running", pid: web.pid },
    ]);
    expect(await stop(running)).toBe(0);
    expect(running.result()).toMatchObject({ complete: true, stoppedBy: "SIGINT", exitStatus: 0, left: [] });
    expect(running.result()!.apps.map(({ name, state }) => [name, state])).toEqual([
      ["db", "stopped"],
      ["migrate", "ended"],
      ["api", "stopped"],
      ["web", "stopped"],
    ]);
    expect(await routes()).toEqual([]);
    await untilOnlyTheGatewayIsLeft();
    // The next day it has the same ports; some are enough, with what they need.
    const again = up(["api"]);
    const plan = await until(again, "plan");
    expect(plan.apps.map(({ name, port }) => [name, port])).toEqual(
      ["db", "migrate", "api"].map((name) => [name, ports[name] ?? null]),
    );
    await until(again, "ready", "api");
    expect(await stop(again, "SIGTERM")).toBe(0);
  }, 40_000);

  test("a plan shows everything and changes nothing", async () => {
    write(
      { web: { command: "node server.cjs", after: ["db"] }, db: { command: "postgres", port: 5432, route: false } },
      { routes: { "db-admin": "8081" } },
    );
    const inside = join(project, "packages", "web");
    mkdirSync(inside, { recursive: true });
    const { status, stdout, stderr } = await portolan(["up", "--dry-run"], inside);
    expect([status, stderr]).toEqual([0, `From ${project}/portolan.config.json. Nothing was started.\n`]);
    expect(stdout.split("\n").map((line) => line.replaceAll(/ {2,}/g, "|").trimEnd())).toEqual([
      "APP|ADDRESS|PORT|AFTER|READY|COMMAND",
      "db|5432|listen|postgres",
      "web|http://shop.localhost/|free|db|listen|node server.cjs",
      "db-admin|8081|a route",
      "",
    ]);
    expect(existsSync(state)).toBe(false);
    expect(await gatewayPid()).toBeNull();
  });

  test("thirteen at the same moment: thirteen names that lead to thirteen programs", async () => {
    const names = Array.from({ length: 13 }, (_, index) => `app-${index}`);
    write(Object.fromEntries(names.map((name) => [name, { command: ["node", "server.cjs", name], name }])), {
      routes: { "by-hand": "8081" },
    });
    const running = up();
    await Promise.all(names.map((name) => until(running, "ready", name)));
    expect((await routes()).map(({ name }) => name).toSorted()).toEqual(
      [...names, "by-hand"].map((name) => `${name}.localhost`).toSorted(),
    );
    const answers = await Promise.all(names.map(async (name) => seen(await fetchIn(`${name}.localhost`))));
    expect(answers.map(({ pid }) => pid)).toEqual(names.map((name) => eventsOf(running, "starting", name)[0]!.pid));
    expect(new Set(answers.map(({ environment }) => environment["PORT"])).size).toBe(13);
    expect(answers[0]!.environment["PORTOLAN_URL_APP_12"]).toBe("http://app-12.localhost");
    expect(await stop(running)).toBe(0);
    expect(await routes()).toEqual([]);
  }, 60_000);

  test("a Procfile: a real Vite with its port behind its words, and a line for a shell", async () => {
    await installPrograms();
    writeFileSync(join(project, ".env"), "FROM_FILE=yes\n");
    writeFileSync(
      join(project, "Procfile"),
      `vite: ${join(programs, "node_modules/.bin/vite")} ${join(programs, "vite-app")}\n` +
        `worker: WORD="a b" && printf '%s|%s|%s\\n' "$WORD" "$FROM_FILE" "$PORT" >/dev/stderr && exec node server.cjs worker 2>&1\n`,
    );
    const running = up();
    const { apps } = await until(running, "plan");
    await Promise.all(["vite", "worker"].map((name) => until(running, "ready", name)));
    expect(eventsOf(running, "starting", "vite")[0]!.told).toBe("vite");
    const port = apps.find(({ name }) => name === "worker")!.port;
    expect(eventsOf(running, "line", "worker")[0]).toMatchObject({ stream: "stderr", text: `a b|yes|${port}` });
    expect(await fetchIn("vite.shop.localhost")).toMatch(/^200 [^]*<title>harbour-vite/);
    expect(await fetchIn("worker.shop.localhost")).toMatch(/^200 /);
    expect(await stop(running)).toBe(0);
    await untilOnlyTheGatewayIsLeft();
  }, 300_000);

  test.skipIf(requireOrSkip("up on a terminal", whyNoTmux()))(
    "Ctrl-C on a terminal ends everything that was started, Ctrl-Z stops it and fg goes on",
    async () => {
      // npm → sh → node, which has left a daemon in a session of its own behind.
      const daemon = `require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => 0, 1000)"], { detached: true, stdio: "ignore" }).unref();`;
      writeFileSync(join(project, "daemon.cjs"), `${daemon}${server}`);
      writeFileSync(
        join(project, "package.json"),
        JSON.stringify({
          name: "shop",
          scripts: {
            dev: "node daemon.cjs web; echo not reached",
            all: `${process.execPath} ${commandPath} up`,
          },
        }),
      );
      write({ web: { command: "npm run dev" }, "the-api": { command: "node server.cjs api" } });
      // Colours are looked at here, whatever this test was told.
      const terminal = await openTerminal(100, 30, { ...environment(), NO_COLOR: "" });
      try {
        await terminal.type(`cd ${project} && exec ip netns exec ${device.name} env PS1='inside> ' sh`, "Enter");
        await terminal.until(/^inside>/m);
        await terminal.type("npm run --silent all", "Enter");
        await terminal.until((screen) => screen.match(/ listens: http/g)?.length === 2);
        const screen = await terminal.screen();
        expect(screen).toMatch(/^web {6}\| ready web$/m);
        expect(screen).toMatch(/^the-api {2}\| ready api$/m);
        expect(screen).toMatch(/^portolan \| web: http:\/\/web\.shop\.localhost\/ leads to port \d+$/m);
        // Each name in its colour.
        const looks = await terminal.looks();
        expect(looks).toMatch(/\u001b\[36m(?:\u001b\[49m)?web {6}\|/);
        expect(looks).toMatch(/\u001b\[33m(?:\u001b\[49m)?the-api {2}\|/);
        // up, its guard, two programs, npm, its shell, the daemon, the gateway, the shell of the terminal
        await expect.poll(async () => (await pidsLeft()).length).toBeGreaterThanOrEqual(8);
        const { pid } = seen(await fetchIn("the-api.shop.localhost"));
        const stateOf = (): string => /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))![1]!;
        await terminal.type("C-z");
        await expect.poll(stateOf).toBe("T");
        await terminal.type("fg", "Enter");
        await expect.poll(stateOf).not.toBe("T");
        expect(seen(await fetchIn("the-api.shop.localhost")).pid).toBe(pid);
        await terminal.type("C-c");
        await terminal.until(/^inside>\s*$/m);
        const shell = await gatewayPid();
        await expect.poll(async () => (await pidsLeft()).length).toBe(2);
        expect(await pidsLeft()).toContain(shell);
        expect(await routes()).toEqual([]);
        // Asked once, though npm has passed on what the terminal had sent as well. Who ends first is the machine's business.
        const ended = (await terminal.screen()).match(/^(?:web {6}|the-api {2})\| was ended by SIGINT$/gm);
        expect(ended?.toSorted()).toEqual(["the-api  | was ended by SIGINT", "web      | was ended by SIGINT"]);
      } finally {
        await terminal.close();
      }
    },
    60_000,
  );

  test("who does not end when asked gets SIGTERM and SIGKILL after a grace, or at once when asked twice", async () => {
    write({ web: { command: "node stubborn.cjs" } });
    const patient = up(["--grace", "300ms"]);
    await until(patient, "ready", "web");
    expect(await stop(patient)).toBe(0);
    expect(eventsOf(patient, "line", "web").map(({ text }) => text)).toEqual([
      "ready undefined",
      "got SIGINT",
      "got SIGTERM",
    ]);
    expect(patient.result()!.apps[0]).toMatchObject({ signal: "SIGKILL", state: "stopped" });
    const hasty = up(["--grace", "10m"]);
    await until(hasty, "ready", "web");
    hasty.child.kill("SIGINT");
    await until(hasty, "line", "web", 2);
    // Twice in the same moment is once: npm passes on what the terminal has sent to all.
    hasty.child.kill("SIGINT");
    await expect.poll(() => hasty.child.kill("SIGINT")).toBe(false);
    expect(await hasty.ended).toBe(130);
    expect(hasty.result()!.apps[0]).toMatchObject({ signal: "SIGKILL", state: "stopped" });
    await untilOnlyTheGatewayIsLeft();
  });

  test("one that fails ends the others, and its name tells how it ended", async () => {
    write({ web: { command: "node server.cjs web" }, api: { command: "node server.cjs api" } });
    const running = up();
    await Promise.all(["web", "api"].map((name) => until(running, "ready", name)));
    await fetchIn("api.shop.localhost", "/exit/7");
    expect(await running.ended).toBe(7);
    expect(running.result()).toMatchObject({ stoppedBy: "api", exitStatus: 7 });
    expect(running.result()!.apps.map(({ name, state, exitStatus }) => [name, state, exitStatus])).toEqual([
      ["web", "stopped", 143],
      ["api", "failed", 7],
    ]);
    expect(await routes()).toMatchObject([{ name: "api.shop.localhost", state: "ended", exitStatus: 7 }]);
    await untilOnlyTheGatewayIsLeft();

    const going = up(["--keep-going"]);
    await Promise.all(["web", "api"].map((name) => until(going, "ready", name)));
    await fetchIn("api.shop.localhost", "/exit/7");
    await until(going, "ended", "api");
    expect(await fetchIn("web.shop.localhost")).toMatch(/^200 /);
    expect(await stop(going)).toBe(7);
  }, 30_000);

  test("who waits for one that fails, or is too late, is not started", async () => {
    write({
      migrate: { command: ["sh", "-c", "exit 5"], ready: "exit" },
      api: { command: "node server.cjs", after: ["migrate"] },
      web: { command: "node server.cjs", after: ["api"] },
    });
    const failing = up(["--keep-going"]);
    expect(await failing.ended).toBe(5);
    expect(failing.result()!.apps.map(({ state }) => state)).toEqual(["failed", "not-started", "not-started"]);
    write({
      db: { command: "node late.cjs never", readyTimeout: "200ms" },
      web: { command: "node server.cjs", after: ["db"] },
    });
    const waiting = up();
    expect(await waiting.ended).toBe(1);
    expect(eventsOf(waiting, "said", "db")[0]!.text).toMatch(/^does not listen at port \d+ after 200 ms\.$/);
    expect(eventsOf(waiting, "starting").map(({ app }) => app)).toEqual(["db"]);
    expect(waiting.result()).toMatchObject({ stoppedBy: "db", exitStatus: 1 });
    expect(await routes()).toEqual([]);
  });

  test("one that may is started again, and what it left behind is not in its way", async () => {
    // The port stays with a child of it, until that is ended.
    const flaky = `
      const fs = require("node:fs");
      fs.appendFileSync("starts", "x");
      const tries = fs.readFileSync("starts", "utf8").length;
      const child = require("node:child_process").fork("server.cjs", ["try" + tries], { detached: tries === 1 });
      child.once("spawn", () => child.channel.unref());
      if (tries < 3) setTimeout(() => process.exit(1), 300);`;
    writeFileSync(join(project, "flaky.cjs"), flaky);
    write({ web: { command: "node flaky.cjs", restart: "on-failure" } });
    const running = up();
    await expect.poll(() => eventsOf(running, "line", "web").at(-1)?.text, { timeout: 15_000 }).toBe("ready try3");
    expect(eventsOf(running, "ended", "web").map(({ exitStatus, restartInMs }) => [exitStatus, restartInMs])).toEqual([
      [1, 500],
      [1, 1000],
    ]);
    expect(eventsOf(running, "starting", "web").map(({ attempt }) => attempt)).toEqual([0, 1, 2]);
    expect(await fetchIn("shop.localhost")).toMatch(/^200 /);
    expect(await stop(running)).toBe(0);
    expect(running.result()!.apps[0]).toMatchObject({ restarts: 2, state: "stopped" });
    await untilOnlyTheGatewayIsLeft();
  }, 30_000);

  test("what programs print cannot harm a terminal, and comes whole", async () => {
    const hostile = `
      process.stdout.write("plain \\x1b[31mred\\x1b[0m\\ttab \\x1b[2J\\x1b]0;title\\x07 \\x9b1m \\u202e\\n");
      process.stdout.write(Buffer.from([0x66, 0xff, 0xfe, 0x0a]));
      process.stdout.write("x".repeat(1024 * 1024) + "\\n10 %\\r20 %\\r\\n");
      process.stderr.write("to \\x1b[1mstandard error\\n");
      process.stdout.write("no end");`;
    writeFileSync(join(project, "hostile.cjs"), hostile);
    write({ loud: { command: "node hostile.cjs", ready: "exit" } });
    const plain = await portolan(["up"]);
    const lines = plain.stdout.split("\n");
    expect(plain.status).toBe(0);
    expect(lines[0]).toBe(String.raw`loud     | plain red    tab \x1b[2J\x1b]0;title\x07 \x9b1m \u{202e}`);
    expect(lines[1]).toBe("loud     | f\ufffd\ufffd");
    const long = lines.filter((line) => line.startsWith("loud     | x"));
    expect(long.map((line) => line.slice(11)).join("")).toBe("x".repeat(1024 * 1024));
    expect(Math.max(...long.map((line) => line.length))).toBeLessThan(17_000);
    expect(lines.slice(-4)).toEqual(["loud     | 10 %", "loud     | 20 %", "loud     | no end", ""]);
    expect(plain.stderr).toContain("loud     | to standard error\n");
    expect(plain.stdout + plain.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);

    const colored = await portolan(["up", "--color", "always"]);
    expect(colored.stdout.split("\n")[0]).toBe(
      `\u001b[36mloud     |\u001b[39m plain \u001b[31mred\u001b[0m    tab ${String.raw`\x1b[2J\x1b]0;title\x07 \x9b1m \u{202e}`}\u001b[0m`,
    );
    const events = up();
    expect(await events.ended).toBe(0);
    const told = eventsOf(events, "line", "loud").filter(({ stream }) => stream === "stdout");
    expect(told[0]!.text).toBe("plain \u001b[31mred\u001b[0m\ttab \u001b[2J\u001b]0;title\u0007 \u009b1m \u202e");
    expect(told.filter(({ continued }) => continued)).toHaveLength(64 - 1);
  }, 30_000);

  test("killed -9: what it started is ended and its names are taken back", async () => {
    write({ web: { command: "npm exec -- node server.cjs web" } }, { routes: { "by-hand": "8081" } });
    const running = up();
    await until(running, "ready", "web");
    running.child.kill("SIGKILL");
    await running.ended;
    await untilOnlyTheGatewayIsLeft();
    expect(await routes()).toEqual([]);
    expect(readdirSync(join(state, "up"))).toEqual([]);
  }, 30_000);

  test("killed -9 with the guard beside it: the next up ends what is left, and says so", async () => {
    write({ web: { command: "node server.cjs web" } });
    const running = up();
    await until(running, "ready", "web");
    const { pid } = seen(await fetchIn("shop.localhost"));
    // It is there when it has become what it was forked for.
    const findGuard = async (): Promise<number | undefined> =>
      (await pidsLeft()).find((one) => wordsOf(one).includes("__guard"));
    await expect.poll(findGuard).toBeDefined();
    process.kill((await findGuard())!, "SIGKILL");
    running.child.kill("SIGKILL");
    await running.ended;
    expect(seen(await fetchIn("shop.localhost")).pid).toBe(pid);
    const next = up();
    await until(next, "ready", "web");
    expect(eventsOf(next, "said")[0]!.text).toBe(
      "An up of this project was killed and had left a process behind; ended now.",
    );
    expect(seen(await fetchIn("shop.localhost")).pid).not.toBe(pid);
    // And down asks one that runs to end.
    const inside = join(project, "src");
    mkdirSync(inside);
    expect(await portolan(["down"], inside)).toEqual({ status: 0, stdout: "web has ended.\n", stderr: "" });
    expect(await next.ended).toBe(0);
    expect(next.result()).toMatchObject({ stoppedBy: "SIGTERM" });
    expect(await portolan(["down"], inside)).toMatchObject({ status: 1, stdout: "Nothing is up here.\n" });
    await untilOnlyTheGatewayIsLeft();
  }, 30_000);

  test("nothing is started when something is in the way, and what is in the way is said", async () => {
    write({ web: { command: "node server.cjs web" }, api: { command: "nonexistent-program --x" } });
    const missing = await portolan(["up"]);
    expect([missing.status, missing.stdout]).toEqual([127, ""]);
    expect(missing.stderr).toMatch(
      /portolan\.config\.json:1:\d+: api: There is no program "nonexistent-program"[^]*COMMAND_NOT_FOUND/,
    );

    const holder = device.spawnIn(
      process.execPath,
      ["-e", `require("net").createServer().listen(4321,()=>console.log("up"))`],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    children.push(holder);
    await once(holder.stdout!, "data");
    write({ web: { command: "node server.cjs web" }, db: { command: "node server.cjs", port: 4321 } });
    const taken = await portolan(["up"]);
    expect([taken.status, taken.stderr]).toEqual([
      1,
      expect.stringMatching(/Port 4321, which db is to have, is in use\.[^]*portolan who 4321[^]*PORT_TAKEN/),
    ]);

    const other = start(["run", "--json", "web", "--", process.execPath, "server.cjs"]);
    children.push(other);
    await expect.poll(routes).toMatchObject([{ name: "web.localhost", state: "running" }]);
    write({ api: { command: "node server.cjs" }, web: { command: "node server.cjs web", name: "web", port: 4500 } });
    const named = await portolan(["up"]);
    expect([named.status, named.stderr]).toEqual([
      1,
      expect.stringMatching(/web\.localhost belongs to process \d+[^]*--force takes it over[^]*ROUTE_TAKEN/),
    ]);
    // The name of the other application was given back.
    expect((await routes()).map(({ name }) => name)).toEqual(["web.localhost"]);

    write({ page: { command: "node server.cjs page", name: "free" } });
    const running = up();
    await until(running, "ready", "page");
    const twice = await portolan(["up"]);
    expect([twice.status, twice.stderr]).toEqual([
      1,
      expect.stringMatching(/page is up already: process \d+\.[^]*portolan down[^]*PROJECT_UP/),
    ]);
    expect(await stop(running)).toBe(0);

    expect(await portolan(["up", "pgae"])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/Did you mean page\?[^]*APP_UNKNOWN/) as string,
    });
    rmSync(join(project, "portolan.config.json"));
    expect(await portolan(["up"])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/neither portolan\.config\.json nor a Procfile[^]*PROJECT_FILE_MISSING/) as string,
    });
  }, 40_000);

  test("a program with a mind of its own is found, and those that start later are told the truth", async () => {
    write({
      api: { command: ["node", "-e", "require('http').createServer((q,s)=>s.end('stubborn')).listen(8999)"] },
      web: { command: "node server.cjs", after: ["api"] },
    });
    const running = up();
    expect(await until(running, "listening", "api")).toMatchObject({ port: 8999, expected: false });
    await until(running, "ready", "web");
    expect(await fetchIn("api.shop.localhost")).toBe("200 stubborn");
    expect(seen(await fetchIn("web.shop.localhost")).environment["PORTOLAN_PLAIN_URL_API"]).toBe(
      "http://localhost:8999",
    );
    expect(await stop(running)).toBe(0);
  }, 30_000);

  test("the library starts it, and ends it with its signal", async () => {
    const library = join(import.meta.dirname, "..", "..", "dist");
    // Its parser of JSON comes with it.
    expect(readFileSync(join(library, "project", "json-tree.js"), "utf8")).not.toContain("@humanwhocodes");
    write({ web: { command: "node server.cjs web" } });
    const script = `
      import { up } from ${JSON.stringify(join(library, "index.js"))};
      const abort = new AbortController();
      const running = up({}, { signal: abort.signal });
      for (let step = await running.next(); ; step = await running.next()) {
        console.log(JSON.stringify(step.value));
        if (step.done) break;
        if (step.value.kind === "ready") abort.abort();
      }`;
    const child = device.spawnIn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: project,
      env: environment(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    const told: (UpEvent | UpResult)[] = [];
    createInterface({ input: child.stdout! }).on("line", (line) => told.push(JSON.parse(line) as UpEvent | UpResult));
    expect((await once(child, "close"))[0]).toBe(0);
    expect(told.at(-1)).toMatchObject({ complete: true, stoppedBy: "abort", exitStatus: 0 });
    await untilOnlyTheGatewayIsLeft();
  });

  test("a shell completes the names of applications", async () => {
    write({ web: { command: "node server.cjs" }, worker: { command: "x" } });
    expect((await portolan(["__complete", "words", "up", "w"])).stdout).toBe("web\tnode server.cjs\nworker\tx\n");
  });

  test("ends when nobody reads any more", async () => {
    write({ loud: { command: ["node", "-e", "setInterval(() => console.log('x'), 10)"], ready: "started" } });
    const child = start(["up"]);
    children.push(child);
    const ended = once(child, "exit");
    await once(child.stdout!, "data");
    child.stdout!.destroy();
    await ended;
    await expect.poll(pidsLeft).toEqual([]);
  });
});

/**
 * @module `run NAME -- COMMAND`: names for programs that are started, in a network namespace with a gateway of its own.
 */
import { type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readProcessStat } from "../../src/host/index.ts";
import type { RoutesResult } from "../../src/operations/routes.ts";
import type { RunEvent, RunResult } from "../../src/operations/run.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath } from "../support/run-command.ts";

const skip = requireOrSkip("names for programs", whyNoNetworkNamespaces());

type Told = RunEvent | (RunResult & { kind?: undefined });

interface Running {
  readonly child: ChildProcess;
  /** Events and the result, as they come. */
  readonly told: Told[];
  readonly said: () => string;
}

/** Answers with its name and the variables that are asked for. */
const server = `
const { createServer } = require("node:http");
createServer((request, response) => {
  if (request.url === "/exit") process.exit(3);
  response.end(JSON.stringify({ pid: process.pid, words: process.argv.slice(2), environment: process.env }));
}).listen(Number(process.env.PORT), "127.0.0.1");`;

describe.skipIf(skip)("names for programs", () => {
  let device: NetworkNamespace;
  const folder = mkdtempSync(join(tmpdir(), "pgr-"));
  const project = join(folder, "my-shop");
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    device = await createNetworkNamespace();
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "@acme/Shop" }));
    writeFileSync(join(project, "server.cjs"), server);
  });

  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    await portolan(["gateway", "stop"]);
    rmSync(join(folder, "state", "routes"), { recursive: true, force: true });
  });

  afterAll(async () => {
    await device?.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(words: readonly string[], cwd = project): ChildProcess {
    return device.spawnIn(process.execPath, [commandPath, ...words], {
      cwd,
      env: { PATH: process.env["PATH"] ?? "", HOME: folder, PORTOLAN_STATE_HOME: join(folder, "state") },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  async function portolan(
    words: readonly string[],
  ): Promise<{ status: number | null; stdout: string; stderr: string }> {
    const child = start(words);
    let stdout = "";
    let stderr = "";
    child.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [status] = (await once(child, "close")) as [number | null];
    return { status, stdout, stderr };
  }

  async function routes(): Promise<RoutesResult["routes"]> {
    const { stdout } = await portolan(["routes", "--json"]);
    return (JSON.parse(stdout) as RoutesResult).routes;
  }

  /** Starts `run` with events as JSON on standard output; what the program itself says there is left out. */
  function run(words: readonly string[], cwd?: string): Running {
    const child = start(["run", "--json", ...words], cwd);
    children.push(child);
    const told: Told[] = [];
    let said = "";
    createInterface({ input: child.stdout! }).on("line", (line) => {
      if (line.startsWith("{")) told.push(JSON.parse(line) as Told);
    });
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
    return { child, told, said: () => said };
  }

  async function untilListening(running: Running): Promise<Extract<RunEvent, { kind: "listening" }>> {
    const find = () => running.told.find((one) => one.kind === "listening");
    await expect.poll(find, { timeout: 15_000, message: running.said() }).toBeDefined();
    return find()!;
  }

  async function fetchIn(
    host: string,
    path = "/",
    at = "127.0.0.1",
    more: Record<string, string> = {},
  ): Promise<string> {
    const wish = { host: at, port: 80, path, headers: { host, ...more } };
    const script = `require("http").get(${JSON.stringify(wish)},s=>{let t=s.statusCode+" ";s.on("data",d=>t+=d);s.on("end",()=>console.log(t))}).on("error",e=>console.log(e.code))`;
    const child = device.spawnIn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout!.setEncoding("utf8").on("data", (part: string) => (text += part));
    await once(child, "close");
    return text.trimEnd();
  }

  const seen = (text: string) =>
    JSON.parse(text.slice(4)) as { pid: number; words: string[]; environment: Record<string, string> };

  test("a program gets a port, a name and its addresses; the name is gone when it has ended", async () => {
    const running = run(["shop", "--", process.execPath, "server.cjs", "word"]);
    const { port, urls, expected } = await untilListening(running);
    expect([urls, expected]).toEqual([["http://shop.localhost/", "https://shop.localhost/"], true]);
    const { pid, words, environment } = seen(await fetchIn("shop.localhost"));
    expect(words).toEqual(["word"]);
    expect(environment).toMatchObject({
      PORT: String(port),
      PORTOLAN_NAME: "shop.localhost",
      PORTOLAN_URL: "http://shop.localhost",
      PORTOLAN_PLAIN_URL: `http://localhost:${port}`,
    });
    expect(await routes()).toMatchObject([
      { name: "shop.localhost", state: "running", pid, workingDirectory: project },
    ]);
    const ended = once(running.child, "exit");
    running.child.kill("SIGTERM");
    expect(await ended).toEqual([143, null]);
    expect(await routes()).toEqual([]);
    expect(await fetchIn("shop.localhost")).toMatch(/^404 /);
  });

  test("without a name it is called after its project, and after its branch when that is not the main one", async () => {
    const first = run(["--", process.execPath, "server.cjs"]);
    expect((await untilListening(first)).urls).toEqual(["http://acme-shop.localhost/", "https://acme-shop.localhost/"]);
    mkdirSync(join(project, ".git"));
    writeFileSync(join(project, ".git", "HEAD"), "ref: refs/heads/fix/login\n");
    const second = run(["--", process.execPath, "server.cjs"]);
    expect((await untilListening(second)).urls).toEqual([
      "http://fix-login.acme-shop.localhost/",
      "https://fix-login.acme-shop.localhost/",
    ]);
    // It knows its neighbour.
    const { environment } = seen(await fetchIn("fix-login.acme-shop.localhost"));
    expect(environment).toMatchObject({ PORTOLAN_URL_ACME_SHOP: "http://acme-shop.localhost" });
    expect(environment["PORTOLAN_PLAIN_URL_ACME_SHOP"]).toMatch(/^http:\/\/localhost:\d+$/);
    rmSync(join(project, ".git"), { recursive: true });
  });

  test("the same name has the same port every day", async () => {
    const ports: number[] = [];
    for (let day = 0; day < 2; day += 1) {
      const running = run(["daily", "--", process.execPath, "server.cjs"]);
      ports.push((await untilListening(running)).port);
      const ended = once(running.child, "exit");
      running.child.kill("SIGINT");
      await ended;
    }
    expect(ports[0]).toBe(ports[1]);
  });

  test("a name may begin with a digit, as a project's may; a path and a wildcard are for servers that run", async () => {
    const named = await portolan(["run", "3d-app", "--", "sh", "-c", "echo $PORTOLAN_URL"]);
    expect([named.status, named.stdout]).toEqual([0, "http://3d-app.localhost\n"]);
    for (const name of ["shop/api", "*.shop"]) {
      const { status, stderr } = await portolan(["run", name, "--", "true"]);
      expect([status, stderr]).toEqual([2, expect.stringContaining("without a path and without *")]);
    }
  });

  test("a program that fails leaves its name, which tells how it ended", async () => {
    const running = run(["shop", "--", process.execPath, "server.cjs"]);
    await untilListening(running);
    const ended = once(running.child, "exit");
    await fetchIn("shop.localhost", "/exit");
    expect(await ended).toEqual([3, null]);
    expect(running.told.at(-1)).toMatchObject({ complete: true, exitStatus: 3 });
    expect(await routes()).toMatchObject([{ name: "shop.localhost", state: "ended", exitStatus: 3 }]);
    expect(await fetchIn("shop.localhost")).toMatch(/^502 .*has ended[^]*exit status 3/);
    // The next one just takes it.
    const again = run(["shop", "--", process.execPath, "server.cjs"]);
    await untilListening(again);
    expect(await fetchIn("shop.localhost")).toMatch(/^200 /);
  });

  test("other devices, and whoever asks through a proxy, are not told how and where a program was started", async () => {
    await device.execIn("ip", ["address", "replace", "10.93.4.2/32", "dev", "lo"]);
    expect((await portolan(["gateway", "start", "--bind", "0.0.0.0", "--no-https"])).status).toBe(0);
    const crash = run(["crash", "--", process.execPath, "-e", "process.exit(4)"]);
    run(["waits", "--", process.execPath, "-e", "setInterval(()=>{},1000)"]);
    await once(crash.child, "exit");
    await expect.poll(() => fetchIn("waits.localhost")).toContain("does not listen yet");
    const secret = new RegExp(`setInterval|process\\.exit|${project}`);
    for (const host of ["crash.localhost", "waits.localhost"]) {
      expect(await fetchIn(host)).toMatch(secret);
      expect(await fetchIn(host, "/", "127.0.0.7")).toMatch(secret);
      const foreign = await Promise.all([
        fetchIn(host, "/", "10.93.4.2"),
        fetchIn(host, "/", "127.0.0.1", { "x-forwarded-for": "10.1.2.3" }),
        fetchIn(host, "/", "127.0.0.1", { X_Real_IP: "10.1.2.3" }),
        fetchIn(host, "/", "127.0.0.1", { forwarded: "for=127.0.0.1" }),
        fetchIn(host, "/", "127.0.0.1", { via: "1.1 tunnel" }),
      ]);
      for (const text of foreign) {
        expect(text).toMatch(host === "crash.localhost" ? /^502 .*has ended[^]*exit status 4/ : /^502 .*is not up/);
        expect(text).not.toMatch(secret);
      }
    }
  });

  test("before it listens the name tells that it does not yet", async () => {
    const late = join(folder, "go");
    const script = `const t=setInterval(()=>{if(require("fs").existsSync(${JSON.stringify(late)})){clearInterval(t);require("http").createServer((q,s)=>s.end("up")).listen(process.env.PORT)}},20)`;
    const running = run(["slow", "--", process.execPath, "-e", script]);
    await expect.poll(() => running.told.length).toBeGreaterThan(0);
    await expect.poll(() => fetchIn("slow.localhost")).toMatch(/^502 .*is not up[^]*runs, but does not listen yet/);
    writeFileSync(late, "");
    await untilListening(running);
    expect(await fetchIn("slow.localhost")).toBe("200 up");
  });

  test("a program with a mind of its own is found at the port that it took", async () => {
    const script = `require("http").createServer((q,s)=>s.end("stubborn")).listen(8999,"127.0.0.1")`;
    const running = run(["stubborn", "--", process.execPath, "-e", script]);
    expect(await untilListening(running)).toMatchObject({ port: 8999, expected: false });
    expect(await fetchIn("stubborn.localhost")).toBe("200 stubborn");
  });

  test("of a program that does not listen it is told, once, what it was given and what to do", async () => {
    const udp = `require("dgram").createSocket("udp4").bind(8998,"127.0.0.1");setInterval(()=>{},1000)`;
    mkdirSync(join(project, "bin"), { recursive: true });
    writeFileSync(join(project, "bin", "vite"), `#!${process.execPath}\nsetInterval(()=>{},1000)`, { mode: 0o755 });
    const deaf = run(["deaf", "--patience", "1s", "--", process.execPath, "-e", udp]);
    const flagged = run(["flagged", "--patience=1s", "--", join(project, "bin", "vite")]);
    const texts = ({ told }: Running) => told.flatMap((one) => (one.kind === "said" ? [one.text] : []));
    for (const running of [deaf, flagged])
      await expect.poll(() => texts(running).length, { timeout: 15_000 }).toBeGreaterThan(0);
    const [text] = texts(deaf);
    expect(text).toMatch(/^deaf\.localhost is not up: after 1 s nothing listens at port (\d+) yet\./);
    expect(text).toMatch(/environment alone, PORT=\d+\. Instead it has udp port 8998\./);
    expect(text).toContain("--prefer");
    expect(text).toContain("portolan doctor");
    expect(texts(flagged)[0]).toMatch(/"vite" was told by "--port \d+ --strictPort", and by PORT=\d+\./);
    expect([texts(deaf).length, texts(flagged).length]).toEqual([1, 1]);
  });

  describe("a program that makes itself a daemon", () => {
    /** Leaves its session and its group, and its parent ends before it listens. */
    const daemon = (more: string) =>
      `require("child_process").spawn(process.execPath,["-e",${JSON.stringify(
        `setTimeout(()=>require("http").createServer((q,s)=>{s.end(String(process.pid));if(q.url==="/end")process.exit()}).listen(process.env.PORT,"127.0.0.1"),300);${more}`,
      )}],{detached:true,stdio:"ignore"}).unref()`;

    /** Not gone, and not only waiting for a parent that does not ask after it. */
    const lives = (pid: number) => ![undefined, "Z", "X"].includes(readProcessStat(pid)?.state);

    async function untilSaid(running: Running): Promise<string> {
      const find = () => running.told.find((one) => one.kind === "said");
      await expect.poll(find, { timeout: 15_000 }).toBeDefined();
      return find()!.text;
    }

    test("keeps its name and its port, and is ended with run", async () => {
      const running = run(["back", "--", process.execPath, "-e", daemon("")]);
      const text = await untilSaid(running);
      const answer = await fetchIn("back.localhost");
      const pid = Number(answer.slice(4));
      expect(text).toContain(`process ${pid} goes on in the background`);
      expect(await routes()).toMatchObject([{ name: "back.localhost", state: "running", pid }]);
      const ended = once(running.child, "exit");
      running.child.kill("SIGINT");
      expect(await ended).toEqual([130, null]);
      expect(lives(pid)).toBe(false);
      expect(await routes()).toEqual([]);
      // Its port is free for the next one.
      const again = run(["back", "--", process.execPath, "server.cjs"]);
      await untilListening(again);
    });

    test("also without a name; when it ends by itself run does, with the program's own status", async () => {
      const running = run(["--no-route", "--", process.execPath, "-e", daemon("")]);
      const text = await untilSaid(running);
      const [, pid, port] = /process (\d+) .* port (\d+)/.exec(text)!;
      expect(text).not.toContain("localhost");
      const ended = once(running.child, "exit");
      process.kill(Number(pid), "SIGTERM");
      expect(await ended).toEqual([0, null]);
      expect(running.told.at(-1)).toMatchObject({ complete: true, port: Number(port), exitStatus: 0 });
    });

    test("one that ignores what it is asked is killed when it is asked once more", async () => {
      const running = run([
        "deaf",
        "--",
        process.execPath,
        "-e",
        daemon(`for(const s of ["SIGINT","SIGTERM"])process.on(s,()=>{})`),
      ]);
      await untilSaid(running);
      const pid = Number((await fetchIn("deaf.localhost")).slice(4));
      const ended = once(running.child, "exit");
      running.child.kill("SIGTERM");
      const asking = setInterval(() => running.child.kill("SIGINT"), 100);
      await ended;
      clearInterval(asking);
      expect(lives(pid)).toBe(false);
    });

    test("what it leaves that does not listen at its port is left alone", async () => {
      const helper = `require("child_process").spawn(process.execPath,["-e","require('net').createServer().listen(0,()=>require('fs').writeFileSync('helper',String(process.pid)))"],{detached:true,stdio:"ignore"}).unref()`;
      const left = join(project, "helper");
      const script = `${helper};const t=setInterval(()=>{if(require("fs").existsSync("helper"))process.exit(0)},20)`;
      const running = run(["build", "--", process.execPath, "-e", script]);
      expect((await once(running.child, "exit"))[0]).toBe(0);
      const pid = Number(readFileSync(left, "utf8"));
      expect(lives(pid)).toBe(true);
      process.kill(pid, "SIGKILL");
      expect(running.told.filter((one) => one.kind === "said")).toEqual([]);
    });
  });

  test("a program that listens at one address of the network alone is led to there", async () => {
    await device.execIn("ip", ["address", "add", "10.93.4.1/32", "dev", "lo"]);
    const script = `require("http").createServer((q,s)=>s.end("at "+q.socket.localAddress)).listen(process.env.PORT,"10.93.4.1")`;
    const running = run(["apart", "--", process.execPath, "-e", script]);
    expect(await untilListening(running)).toMatchObject({ expected: true });
    expect(await fetchIn("apart.localhost")).toBe("200 at 10.93.4.1");
  });

  test("two programs cannot have one name, unless the second takes it by force", async () => {
    await untilListening(run(["shop", "--", process.execPath, "server.cjs"]));
    const refused = await portolan(["run", "shop", "--no-flags", "--", process.execPath, "server.cjs"]);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/PORT_TAKEN|ROUTE_TAKEN/);
    const other = await portolan(["run", "--app", "shop", "--name", "other", "--", process.execPath, "server.cjs"]);
    expect([other.status, other.stderr]).toEqual([
      1,
      expect.stringMatching(/shop\.localhost belongs to process \d+[^]*ROUTE_TAKEN/),
    ]);
    const forced = run(["--app", "shop", "--name", "other", "--force", "--", process.execPath, "server.cjs"]);
    await untilListening(forced);
    expect(seen(await fetchIn("shop.localhost")).pid).toBe((await routes())[0]!.pid);
  });

  test("killed -9, run leaves the program and its name", async () => {
    const running = run(["shop", "--", process.execPath, "server.cjs"]);
    await untilListening(running);
    const { pid } = seen(await fetchIn("shop.localhost"));
    const ended = once(running.child, "exit");
    running.child.kill("SIGKILL");
    await ended;
    expect(await routes()).toMatchObject([{ name: "shop.localhost", state: "running", pid }]);
    expect(seen(await fetchIn("shop.localhost")).pid).toBe(pid);
    process.kill(pid, "SIGKILL");
    await expect.poll(async () => (await routes())[0]?.state).toBe("gone");
    expect(await fetchIn("shop.localhost")).toMatch(/^502 .*has ended[^]*is gone/);
  });

  test("thirteen at the same moment: thirteen names that lead to thirteen programs", async () => {
    const names = Array.from({ length: 13 }, (_, index) => `app-${index}`);
    const all = names.map((name) => run([name, "--", process.execPath, "server.cjs", name]));
    await Promise.all(all.map(untilListening));
    expect((await routes()).map(({ name }) => name).toSorted()).toEqual(
      names.map((name) => `${name}.localhost`).toSorted(),
    );
    for (const name of names) expect(seen(await fetchIn(`${name}.localhost`)).words).toEqual([name]);
  }, 60_000);

  test("the port goes behind the words of a program that does not look at PORT", async () => {
    const bin = join(project, "node_modules", ".bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(
      join(bin, "vite"),
      `#!${process.execPath}\nprocess.env.PORT = process.argv[process.argv.indexOf("--port") + 1];${server}`,
      { mode: 0o755 },
    );
    writeFileSync(
      join(project, "package.json"),
      JSON.stringify({ name: "shop", scripts: { dev: "vite --open false" } }),
    );
    const running = run(["flagged", "--", "npm", "run", "dev"]);
    const { port } = await untilListening(running);
    expect(seen(await fetchIn("flagged.localhost")).words).toEqual([
      "--open",
      "false",
      "--port",
      String(port),
      "--strictPort",
    ]);
    expect(running.told[0]).toMatchObject({ kind: "starting", told: "vite" });
  });

  test("without a route nothing is started but the program", async () => {
    const outcome = await portolan([
      "run",
      "--no-route",
      "--",
      process.execPath,
      "-e",
      "console.log(process.env.PORTOLAN_URL)",
    ]);
    expect(outcome).toMatchObject({ status: 0, stdout: "undefined\n", stderr: "" });
    expect((await portolan(["gateway"])).status).toBe(1);
  });

  test("where no route can be kept: an error for who asked for a name, a word for who did not", async () => {
    writeFileSync(join(folder, "file"), "");
    const broken = (words: readonly string[]) => {
      const child = device.spawnIn(
        process.execPath,
        [commandPath, "run", ...words, "--", process.execPath, "-e", "console.log(process.env.PORT)"],
        {
          cwd: project,
          env: { PATH: process.env["PATH"] ?? "", HOME: folder, PORTOLAN_STATE_HOME: join(folder, "file") },
          stdio: ["ignore", "pipe", "pipe"],
        },
      );
      children.push(child);
      return child;
    };
    const named = broken(["--app", "shop", "--name", "x"]);
    expect((await once(named, "exit"))[0]).not.toBe(0);
    const unnamed = broken([]);
    let said = "";
    unnamed.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
    expect((await once(unnamed, "close"))[0]).toBe(0);
    expect(said).toContain("portolan: No name:");
  });

  test("the access log of nobody: a program's arguments are masked where they are told", async () => {
    const running = run(["secret", "--", process.execPath, "server.cjs", "--password=hunter2"]);
    await untilListening(running);
    expect(JSON.stringify(await routes())).not.toContain("hunter2");
    expect(readFileSync(join(folder, "state", "routes", "secret.localhost.json"), "utf8")).not.toContain("hunter2");
  });
});

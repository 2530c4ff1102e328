/**
 * @module The commands `gateway`, `route`, `routes` and `trace`, with the gateway's own process in a network namespace.
 */
import { type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { GatewayResult } from "../../src/operations/gateway.ts";
import type { ListResult } from "../../src/operations/list.ts";
import type { RouteResult } from "../../src/operations/route.ts";
import type { RoutesResult } from "../../src/operations/routes.ts";
import type { WhoResult } from "../../src/operations/who.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath } from "../support/run-command.ts";

const skip = requireOrSkip("the gateway's commands", whyNoNetworkNamespaces());

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe.skipIf(skip)("the gateway's commands", () => {
  let device: NetworkNamespace;
  const folder = mkdtempSync(join(tmpdir(), "pgw-"));
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    device = await createNetworkNamespace();
  });

  afterEach(async () => {
    await portolan(["gateway", "stop"]);
    for (const child of children.splice(0)) await end(child);
    rmSync(join(folder, "routes"), { recursive: true, force: true });
  });

  afterAll(async () => {
    await device?.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  async function end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  const environment = (): Record<string, string> => ({
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    PORTOLAN_STATE_HOME: folder,
  });

  function start(words: readonly string[], uid?: number): ChildProcess {
    return device.spawnIn(process.execPath, [commandPath, ...words], {
      env: environment(),
      stdio: ["ignore", "pipe", "pipe"],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
  }

  async function portolan(words: readonly string[]): Promise<Outcome> {
    const child = start(words);
    let stdout = "";
    let stderr = "";
    child.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [status] = (await once(child, "close")) as [number | null];
    return { status, stdout, stderr };
  }

  async function json<Result>(words: readonly string[]): Promise<Result> {
    const { stdout, stderr } = await portolan([...words, "--json"]);
    const line = stdout.trimEnd().split("\n").at(-1) ?? "";
    if (line === "") throw new Error(`${words.join(" ")}: ${stderr}`);
    return JSON.parse(line) as Result;
  }

  /** A server in the namespace that answers with its name. */
  async function startServer(name: string): Promise<number> {
    const script = `require("http").createServer((q,s)=>s.end(${JSON.stringify(name)}+" "+q.url)).listen(0,"127.0.0.1",function(){console.log(this.address().port)})`;
    const child = device.spawnIn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
    return Number(line);
  }

  /** What a client in the namespace gets. */
  async function fetchIn(host: string, path = "/", port = 80): Promise<string> {
    const script = `require("http").get({host:"127.0.0.1",port:${port},path:${JSON.stringify(path)},headers:{host:${JSON.stringify(host)}}},s=>{let t=s.statusCode+" ";s.on("data",d=>t+=d);s.on("end",()=>console.log(t))}).on("error",e=>console.log(e.code))`;
    const child = device.spawnIn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout!.setEncoding("utf8").on("data", (part: string) => (text += part));
    await once(child, "close");
    return text.trimEnd();
  }

  test("a name for a server: the gateway is started, the name leads there, and nowhere when it is removed", async () => {
    const port = await startServer("shop");
    const added = await portolan(["route", "add", "shop", String(port)]);
    expect([added.status, added.stdout]).toEqual([0, `http://shop.localhost/ leads to http://localhost:${port}.\n`]);
    expect(await fetchIn("shop.localhost", "/x")).toBe("200 shop /x");
    expect(await fetchIn("shop.localhost", "/x", port)).toBe("200 shop /x");
    const listed = await json<RoutesResult>(["route", "list"]);
    expect(listed.routes).toMatchObject([
      { name: "shop.localhost", urls: ["http://shop.localhost/", "https://shop.localhost/"], state: "kept", pid: null },
    ]);
    expect(listed.index).toBe("http://portolan.localhost/");
    expect((await portolan(["routes"])).stdout).toMatch(/NAME +LEADS TO +STATE\nhttp:\/\/shop\.localhost\/ +http/);
    expect((await portolan(["routes", "--csv"])).stdout).toMatch(/^name,target,state,pid,.*\r\nshop\.localhost,http/);
    expect((await json<RouteResult>(["route", "add", "SHOP", String(port)])).replaced).toBe(false);
    const removed = await json<RouteResult>(["route", "remove", "shop"]);
    expect(removed.route.target).toBe(`http://localhost:${port}`);
    expect(await fetchIn("shop.localhost")).toMatch(/^404 /);
    const again = await portolan(["route", "remove", "shop"]);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining("ROUTE_MISSING")]);
    expect((await portolan(["routes"])).status).toBe(1);
  });

  test("who and list tell the names that lead to a port", async () => {
    const port = await startServer("shop");
    const other = await startServer("other");
    const service = async (words: readonly string[]): Promise<object> => {
      const { services = [], ports = [] } = await json<Partial<ListResult & WhoResult>>(words);
      return [...services, ...ports.flatMap((one) => one.services)].find((one) => one.port === port)!;
    };
    expect(await service(["who", String(port), "--namespace", "own"])).not.toHaveProperty("routeNames");
    for (const name of ["*.shop", "shop", "shop/api"])
      await portolan(["route", "add", name, `127.0.0.1:${port}`, "--no-start"]);
    await portolan(["route", "add", "other", String(other), "--no-start"]);
    const names = ["shop.localhost", "shop.localhost/api", "*.shop.localhost"];
    expect(await service(["list", "--namespace", "own"])).toMatchObject({ routeNames: names });
    expect(await service(["who", String(port)])).toMatchObject({ routeNames: names, routeUrls: [] });
    expect((await portolan(["who", String(port)])).stdout).toMatch(/named +shop\.localhost once a gateway runs/);
    await portolan(["gateway", "start"]);
    expect((await portolan(["who", String(port)])).stdout).toMatch(
      /named +http:\/\/shop\.localhost\/\n +http:\/\/shop\.localhost\/api\n/,
    );
    expect((await portolan(["list", "--namespace", "own"])).stdout).toMatch(/127\.0\.0\.1 shop\.localhost /);
  });

  test("status, start, stop say what is the case", async () => {
    expect((await portolan(["gateway"])).status).toBe(1);
    const started = await json<GatewayResult>(["gateway", "start"]);
    expect(started).toMatchObject({
      running: true,
      changed: true,
      listeners: [
        { scheme: "http", addresses: ["127.0.0.1", "::1"], port: 80 },
        { scheme: "https", addresses: ["127.0.0.1", "::1"], port: 443 },
      ],
    });
    expect(await json<GatewayResult>(["gateway", "start"])).toMatchObject({ pid: started.pid, changed: false });
    const status = await portolan(["gateway", "status"]);
    expect([status.status, status.stdout]).toEqual([
      0,
      expect.stringMatching(/The gateway runs: process \d+\.\nhttp at 127\.0\.0\.1:80 and \[::1\]:80/),
    ]);
    expect(await json<GatewayResult>(["gateway", "stop"])).toMatchObject({ running: false, changed: true });
    expect((await portolan(["gateway", "stop"])).status).toBe(1);
    await expect.poll(() => isGone(started.pid!)).toBe(true);
  });

  test("where port 80 is taken it says so and takes the fallback", async () => {
    const script = `require("net").createServer().listen(80,"127.0.0.1",()=>console.log("up"))`;
    const child = device.spawnIn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    await once(child.stdout!, "data");
    const outcome = await portolan(["gateway", "start"]);
    expect(outcome.status).toBe(0);
    expect(outcome.stdout).toContain("127.0.0.1:4280");
    expect(outcome.stderr).toContain("Port 80 is in use: portolan who 80 says by whom.");
    const added = await json<RouteResult>(["route", "add", "shop", "3000"]);
    expect(added.route.urls).toEqual(["http://shop.localhost:4280/", "https://shop.localhost/"]);
  });

  test("without the privilege it says how to allow it", async () => {
    const own = mkdtempSync(join(tmpdir(), "pgn-"));
    const set = device.spawnIn("sh", ["-c", "echo 1024 > /proc/sys/net/ipv4/ip_unprivileged_port_start"], {
      stdio: "ignore",
    });
    await once(set, "close");
    const { chownSync } = await import("node:fs");
    chownSync(own, 65_534, 65_534);
    const words = [commandPath, "gateway", "serve", "--json"];
    const child = device.spawnIn(
      "setpriv",
      ["--reuid", "65534", "--regid", "65534", "--clear-groups", process.execPath, ...words],
      {
        env: { PATH: process.env["PATH"] ?? "", PORTOLAN_STATE_HOME: own },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    children.push(child);
    const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
    const ready = JSON.parse(line) as { listeners: { port: number }[]; notes: string[] };
    expect(ready.listeners.map(({ port }) => port)).toEqual([4280, 4281]);
    expect(ready.notes).toEqual([
      expect.stringMatching(
        /^Port 80 .*portolan gateway install --system\. Or .*echo net\.ipv4\.ip_unprivileged_port_start=80 \| sudo tee (\S+) && sudo sysctl -p \1,/,
      ),
      expect.stringMatching(/^Port 443 /),
    ]);
    expect(statSync(join(own, "gateway")).mode & 0o777).toBe(0o700);
    expect(statSync(join(own, "gateway", "control.sock")).mode & 0o777).toBe(0o600);
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    expect((await ended)[0]).toBe(0);
    rmSync(own, { recursive: true, force: true });
  });

  test("killed -9, no route is lost, and the next one starts over its remains", async () => {
    const port = await startServer("shop");
    await portolan(["route", "add", "shop", String(port)]);
    const { pid } = await json<GatewayResult>(["gateway"]);
    process.kill(pid!, "SIGKILL");
    await expect.poll(() => fetchIn("shop.localhost")).toBe("ECONNREFUSED");
    expect((await portolan(["gateway"])).status).toBe(1);
    expect(await json<GatewayResult>(["gateway", "start"])).toMatchObject({ running: true, changed: true });
    expect(await fetchIn("shop.localhost")).toBe("200 shop /");
  });

  test("a new one takes the doors while the old one answers what is open", async () => {
    const script =
      'let n=0;require("http").createServer((q,s)=>{s.write("begun ");const t=setInterval(()=>{n++;if(n>=8){clearInterval(t);s.end("ended")}},100)}).listen(0,"127.0.0.1",function(){console.log(this.address().port)})';
    const child = device.spawnIn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
    await portolan(["route", "add", "slow", line]);
    const before = await json<GatewayResult>(["gateway"]);
    const slow = fetchIn("slow.localhost");
    await expect.poll(async () => (await json<GatewayResult>(["gateway"])).requests).toBe(1);
    // Asked all the time meanwhile, nobody is refused.
    const asked: Promise<string>[] = [];
    const asking = new AbortController();
    const keepAsking = (async () => {
      while (!asking.signal.aborted) {
        asked.push(fetchIn("nobody.localhost"));
        await asked.at(-1);
      }
    })();
    const after = await json<GatewayResult>(["gateway", "restart"]);
    asking.abort();
    await keepAsking;
    expect(after.pid).not.toBe(before.pid);
    expect(await slow).toBe("200 begun ended");
    for (const answer of await Promise.all(asked)) expect(answer).toMatch(/^404 /);
    // The old one has nothing left to do.
    await expect.poll(() => isGone(before.pid!)).toBe(true);
    expect((await json<GatewayResult>(["gateway"])).pid).toBe(after.pid);
  });

  function isGone(pid: number): boolean {
    try {
      // A process that nobody has asked after yet is gone as well.
      return / Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return true;
    }
  }

  test("words: told where one runs with others, kept by restart, and a door that nobody wants any more is shut", async () => {
    const words = ["--port", "8088", "--no-https", "--log", join(folder, "own.ndjson")];
    expect((await json<GatewayResult>(["gateway", "start"])).notes).toEqual([]);
    const told = await portolan(["gateway", "start", ...words]);
    expect([told.status, told.stdout]).toEqual([0, expect.stringContaining("127.0.0.1:80")]);
    expect(told.stderr).toContain(`portolan gateway restart ${words.join(" ")}`);
    const loopback = [{ scheme: "http", addresses: ["127.0.0.1", "::1"], port: 8088 }];
    expect((await json<GatewayResult>(["gateway", "restart", ...words])).listeners).toEqual(loopback);
    expect(await fetchIn("x.localhost", "/", 443)).toBe("ECONNREFUSED");
    expect((await json<GatewayResult>(["gateway", "restart"])).listeners).toEqual(loopback);
    expect(await fetchIn("x.localhost", "/logged", 8088)).toMatch(/^404 /);
    expect(readFileSync(join(folder, "own.ndjson"), "utf8")).toContain("/logged");
    expect((await json<GatewayResult>(["gateway", "start", ...words])).notes).toEqual([]);
    const unheard = await portolan(["gateway", "restart", "--log", "/nowhere/own.ndjson"]);
    expect([unheard.status, unheard.stderr]).toEqual([1, expect.stringContaining("gateway/gateway.log")]);
    const moved = ["--port", "8089", "--bind", "0.0.0.0"];
    const refused = await portolan(["gateway", "restart", ...moved]);
    expect(refused.stderr).toContain("portolan gateway stop && portolan gateway start --port 8089 --bind 0.0.0.0");
    await portolan(["gateway", "stop"]);
    const outside = await json<GatewayResult>(["gateway", "start", ...moved]);
    expect(outside.listeners[0]).toEqual({ scheme: "http", addresses: ["0.0.0.0"], port: 8089 });
    expect(outside.notes).toContainEqual(expect.stringMatching(/^At 0\.0\.0\.0 other devices can reach every/));
  });

  test("thirteen at the same moment: one gateway, thirteen routes", async () => {
    const names = Array.from({ length: 13 }, (_, index) => `app-${index}`);
    const outcomes = await Promise.all(
      names.map((name, index) => portolan(["route", "add", name, String(3000 + index)])),
    );
    expect(outcomes.map(({ status, stderr }) => [status, stderr])).toEqual(names.map(() => [0, ""]));
    const { routes } = await json<RoutesResult>(["routes"]);
    expect(routes.map(({ name }) => name).toSorted()).toEqual(names.map((name) => `${name}.localhost`).toSorted());
    for (const [index, name] of names.entries())
      expect(await fetchIn(`${name}.localhost`)).toContain(`localhost:${3000 + index}`);
  });

  test("a damaged file costs one route, is told, and is replaced when the route is given anew", async () => {
    await portolan(["route", "add", "good", "3000"]);
    await portolan(["route", "add", "bad", "3001"]);
    const path = join(
      folder,
      "routes",
      readdirSync(join(folder, "routes")).find((name) => name.startsWith("bad"))!,
    );
    for (const content of ["", "{", '{"version":1,"content":{"host":1}}', "\u0000".repeat(100)]) {
      writeFileSync(path, content);
      const { routes, problems } = await json<RoutesResult>(["routes"]);
      expect(routes.map(({ name }) => name)).toEqual(["good.localhost"]);
      expect(problems).toMatchObject([{ path, reason: expect.stringContaining("damaged") }]);
    }
    expect((await portolan(["route", "add", "bad", "3002"])).status).toBe(0);
    expect((await json<RoutesResult>(["routes"])).routes.map(({ target }) => target)).toEqual([
      "http://localhost:3002",
      "http://localhost:3000",
    ]);
  });

  test("what cannot be is refused with a reason", async () => {
    await portolan(["gateway", "start"]);
    const cases: readonly (readonly [readonly string[], number, string])[] = [
      [["route", "add", "shop"], 2, "route add takes a name and where it leads"],
      [["route", "add", "-shop-", "3000"], 2, "ROUTE_NAME_INVALID|Unknown option"],
      [["route", "add", "sh op", "3000"], 2, "ROUTE_NAME_INVALID"],
      [["route", "add", "127.0.0.1", "3000"], 2, "ROUTE_NAME_INVALID|leads"],
      [["route", "add", "portolan", "3000"], 2, "is the gateway's own"],
      [["route", "add", "shop/../x", "3000"], 2, "ROUTE_NAME_INVALID"],
      [["route", "add", "shop", "99999"], 2, "ROUTE_TARGET_INVALID"],
      [["route", "add", "shop", "0"], 2, "ROUTE_TARGET_INVALID"],
      [["route", "add", "shop", "http://x/path"], 2, "ROUTE_TARGET_INVALID"],
      [["route", "add", "shop", "80"], 2, "Port 80 is the gateway itself"],
      [["route", "add", "shop", "0.0.0.0:80"], 2, "Port 80 is the gateway itself"],
      [["route", "add", "shop", "999.1.1.1:3000"], 2, "ROUTE_TARGET_INVALID"],
      [["route", "add", "shop", "[1:2]:3000"], 2, "ROUTE_TARGET_INVALID"],
      [["route", "sell", "shop"], 2, "add, remove"],
      [["gateway", "dance"], 2, "status, start, stop"],
      [["gateway", "start", "--bind", "x"], 2, "ADDRESS_INVALID"],
      [["gateway", "stop", "--drain", "x"], 2, "--drain"],
      [["gateway", "serve"], 1, "A gateway runs already"],
    ];
    for (const [words, status, said] of cases) {
      const outcome = await portolan(words);
      expect([words.join(" "), outcome.status]).toEqual([words.join(" "), status]);
      expect(outcome.stderr).toMatch(new RegExp(said));
    }
  });

  test("trace tells requests as they happen, for all names or one", async () => {
    const port = await startServer("shop");
    await portolan(["route", "add", "shop", String(port)]);
    const all = start(["trace", "--ndjson"]);
    const one = start(["trace", "shop", "--json"]);
    children.push(all, one);
    const lines = (child: ChildProcess): string[] => {
      const told: string[] = [];
      createInterface({ input: child.stdout! }).on("line", (text) => told.push(text));
      return told;
    };
    const [everything, shop] = [lines(all), lines(one)];
    // The gateway knows of both before something is asked.
    await expect
      .poll(async () => {
        await fetchIn("shop.localhost", "/?token=secret");
        return Math.min(everything.length, shop.length);
      })
      .toBeGreaterThan(0);
    await fetchIn("nobody.localhost");
    await expect.poll(() => everything.filter((line) => line.includes("nobody")).length).toBe(1);
    expect(shop.filter((line) => line.includes("nobody"))).toEqual([]);
    expect(JSON.parse(shop[0]!)).toMatchObject({
      kind: "request",
      route: "shop.localhost",
      rule: "name",
      status: 200,
      path: "/",
      target: `http://localhost:${port}`,
    });
    const ended = once(all, "exit");
    all.kill("SIGINT");
    expect((await ended)[0]).toBe(0);
    const stopped = once(one, "exit");
    await portolan(["gateway", "stop"]);
    expect((await stopped)[0]).toBe(0);
    const none = await portolan(["trace"]);
    expect([none.status, none.stderr]).toEqual([1, expect.stringContaining("GATEWAY_STOPPED")]);
  });

  test("requests are written to a file when that is asked for", async () => {
    const log = join(folder, "access.log");
    await portolan(["gateway", "start", "--log", log]);
    await fetchIn("nobody.localhost", "/x?token=secret");
    await portolan(["gateway", "stop"]);
    const written = readFileSync(log, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(written).toMatchObject([{ host: "nobody.localhost", path: "/x", status: 404 }]);
    expect(readFileSync(log, "utf8")).not.toContain("secret");
    const refused = await portolan(["gateway", "start", "--log", "/nowhere/x.log"]);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining("cannot be written")]);
  });

  test("nobody else's requests are heard at the control socket, and nonsense is answered", async () => {
    await portolan(["gateway", "start"]);
    const path = join(folder, "gateway", "control.sock");
    const socket = connect(path).setEncoding("utf8");
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    socket.write('nonsense\n{"do":"dance"}\n');
    expect(JSON.parse((await lines.next()).value as string)).toEqual({ error: "no JSON" });
    expect(JSON.parse((await lines.next()).value as string)).toEqual({ error: "an unknown request" });
    socket.destroy();
    const script = `require("net").connect(${JSON.stringify(path)}).on("error",e=>console.log(e.code)).on("connect",()=>console.log("in"))`;
    const child = device.spawnIn(
      "setpriv",
      ["--reuid", "65534", "--regid", "65534", "--clear-groups", process.execPath, "-e", script],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    children.push(child);
    expect(String((await once(child.stdout!, "data"))[0]).trim()).toBe("EACCES");
  });
});

/**
 * @module The HTTP interface of the built command: every route from the declarations, and every way in that must stay shut.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { operations } from "../../src/operations/index.ts";
import { startPage, type Answer, type PageServer } from "../support/page-server.ts";
import { runCommand } from "../support/run-command.ts";

let page: PageServer;
let state: string;
let key: string;
let listener: Server;
let port: number;

beforeAll(async () => {
  listener = createServer();
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  port = (listener.address() as AddressInfo).port;
  state = mkdtempSync(join(tmpdir(), "portolan-http-"));
  page = await startPage({ environment: { PORTOLAN_STATE_HOME: state } });
  key = await page.enter();
});

afterAll(async () => {
  await page?.end();
  listener?.close();
  rmSync(state, { recursive: true, force: true });
});

function schemaOf(name: string): object {
  const path = fileURLToPath(new URL(`../../dist/schema/${name}.json`, import.meta.url));
  return JSON.parse(readFileSync(path, "utf8")) as object;
}

function matches(name: string, value: unknown): void {
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schemaOf(name));
  expect(validate(value), JSON.stringify(validate.errors?.slice(0, 3))).toBe(true);
}

function errorOf(answer: Answer): { code: string; message: string; hint: string } {
  return (JSON.parse(answer.text) as { error: { code: string; message: string; hint: string } }).error;
}

/** The events of a text/event-stream answer. */
function eventsOf(text: string): { event: string; data: unknown }[] {
  return text
    .split("\n\n")
    .filter((part) => part.startsWith("event: "))
    .map((part) => {
      const [event, data] = part.split("\n");
      return { event: event!.slice(7), data: JSON.parse(data!.slice(6)) as unknown };
    });
}

const bearer = (): Record<string, string> => ({ authorization: `Bearer ${key}` });
const json = { "content-type": "application/json" };

describe("operations", () => {
  const inputs: Readonly<Record<string, object>> = {
    list: {},
    who: { ports: ["22"] },
    connections: { limit: 5 },
    explain: { what: "5432" },
    services: { text: "mail" },
    ranges: {},
    interfaces: {},
    "can-bind": { endpoints: ["127.0.0.1:0"] },
    reservations: {},
    diagnose: {},
    history: { limit: 3 },
    routes: {},
    "suggest-name": { port: "80" },
  };
  const reading = operations.filter(
    (one) => (one.faces as readonly string[]).includes("http") && one.effect === "read" && one.event === undefined,
  );

  test("every reading operation of this face is tried here", () => {
    expect(reading.map(({ name }) => name).toSorted()).toEqual(Object.keys(inputs).toSorted());
  });

  test.each(Object.entries(inputs))("POST /api/%s answers what its schema says", async (name, input) => {
    const answer = await page.call(name, input, key);
    expect(answer.status, answer.text.slice(0, 300)).toBe(200);
    expect(answer.headers["cache-control"]).toBe("no-store");
    matches(name, JSON.parse(answer.text));
  });

  test("GET takes the input as a query", async () => {
    const answer = await page.ask(`/api/list?port=${port}&filter=${port}&reverse=true&transport=tcp`, {
      headers: bearer(),
    });
    const { services } = JSON.parse(answer.text) as { services: { port: number }[] };
    expect(services.map((service) => service.port)).toEqual([port]);
    const wrong = await page.ask("/api/list?colour=red", { headers: bearer() });
    expect([wrong.status, errorOf(wrong).message]).toEqual([400, 'list takes no parameter "colour".']);
    const number = await page.ask("/api/connections?limit=many", { headers: bearer() });
    expect([number.status, errorOf(number).code]).toEqual([400, "ARGUMENT_INVALID"]);
  });

  test("the answer is the command line's", async () => {
    const [overHttp, printed] = await Promise.all([
      page.call("who", { ports: [String(port)], namespace: "own" }, key),
      runCommand(["who", String(port), "--namespace", "own", "--json"]),
    ]);
    const bare = (text: string): unknown =>
      JSON.parse(text, (name, value: unknown) =>
        /^(takenAt|startedAt|memoryBytes|.*Ms)$/.test(name) ? undefined : value,
      );
    expect(bare(overHttp.text)).toEqual(bare(printed.stdout));
  });

  test("a stream tells its events and then its result", async () => {
    const answer = await page.call("wait", { endpoints: [`127.0.0.1:${port}`], timeout: "5s" }, key);
    expect(answer.headers["content-type"]).toMatch("text/event-stream");
    const events = eventsOf(answer.text);
    expect(events.at(-1)!.event).toBe("result");
    matches("wait", events.at(-1)!.data);
    expect(events.at(-1)!.data).toMatchObject({ ready: true });
  });

  test.each(["trace", "traffic"])("%s is told as long as a gateway runs", async (name) => {
    const answer = await page.call(name, {}, key);
    expect(eventsOf(answer.text).at(-1)).toMatchObject({
      event: "error",
      data: { error: { code: "GATEWAY_STOPPED" } },
    });
  });

  test("a name is given in two steps, and not when it was given elsewhere meanwhile", async () => {
    const propose = async (input: object) => {
      const { text } = await page.call("route/propose", input, key);
      return JSON.parse(text) as { ticket: string; proposal: object };
    };
    const apply = async (ticket: string) => eventsOf((await page.call("route/apply", { ticket }, key)).text).at(-1)!;
    const input = { action: "add", name: "shop", target: "3000", start: false };
    const first = await propose(input);
    expect(first.proposal).toEqual({
      action: "add",
      name: "shop.localhost",
      target: "http://localhost:3000",
      leadsNow: null,
      gatewayRuns: false,
      urls: [],
      heldBy: null,
    });
    const second = await propose({ ...input, target: "4000" });
    expect(await apply(first.ticket)).toMatchObject({ event: "result", data: { gatewayRuns: false, replaced: false } });
    expect(await apply(second.ticket)).toMatchObject({ event: "error", data: { error: { code: "PROPOSAL_STALE" } } });
    const { text } = await page.call("routes", {}, key);
    expect(JSON.parse(text)).toMatchObject({ routes: [{ name: "shop.localhost", target: "http://localhost:3000" }] });
    const gone = await propose({ action: "remove", name: "shop" });
    expect((await apply(gone.ticket)).event).toBe("result");
  });

  test("the gateway is started in two steps, as usual and in no other way", async () => {
    const { ticket, proposal } = JSON.parse((await page.call("start-gateway/propose", {}, key)).text) as {
      ticket: string;
      proposal: { pid: null; command: string[] };
    };
    expect(proposal).toEqual({
      pid: null,
      command: [process.execPath, expect.stringMatching(/portolan\.cjs$/), "gateway", "serve", "--json"],
    });
    for (const input of [{ port: 8088 }, { bind: "0.0.0.0" }, { log: "/tmp/x" }, { action: "stop" }])
      expect((await page.call("start-gateway/propose", input, key)).status).toBe(400);
    for (const name of ["start-gateway", "gateway", "gateway/propose"])
      expect([name, (await page.call(name, {}, key)).status]).toEqual([name, 404]);
    const { text } = await page.call("routes", {}, key);
    expect(JSON.parse(text)).toMatchObject({ gatewayRuns: false, gateway: null });
    // A ticket for another change starts nothing, and this one is used up by the attempt.
    expect((await page.call("route/apply", { ticket }, key)).status).toBe(409);
    expect((await page.call("start-gateway/apply", { ticket }, key)).status).toBe(409);
  });

  test("a scan goes on over HTTP", async () => {
    const answer = await page.call("scan", { targets: ["127.0.0.1"], port: String(port), identify: false }, key);
    const result = eventsOf(answer.text).at(-1)!;
    expect(result.event).toBe("result");
    matches("scan", result.data);
  });

  test("a failure in a stream is its last event", async () => {
    const answer = await page.call("scan", { targets: ["256.1.1.1/8"] }, key);
    expect(eventsOf(answer.text).map(({ event }) => event)).toEqual(["error"]);
  });

  test.each([
    ["list", { showSecrets: true }],
    ["who", { ports: ["22"], showSecrets: true }],
    ["scan", { file: "/etc/passwd" }],
    ["list", { nonsense: 1 }],
    ["list", []],
    ["explain", {}],
    ["connections", { limit: 0 }],
  ])("%s refuses %j", async (name, input) => {
    const answer = await page.call(name, input, key);
    expect([answer.status, errorOf(answer).code]).toEqual([400, "ARGUMENT_INVALID"]);
  });

  test.each([["kill"], ["run"], ["demo"], ["ui"], ["mcp"], ["registry"], ["snapshot"], ["../list"], ["constructor"]])(
    "POST /api/%s runs nothing",
    async (name) => {
      const answer = await page.call(name, {}, key);
      expect(answer.status).toBe(404);
    },
  );

  test("what is no JSON, is too long, or comes as a form is refused", async () => {
    const post = (headers: Record<string, string>, body: string): Promise<Answer> =>
      page.ask("/api/list", { method: "POST", headers: { ...bearer(), ...headers }, body });
    expect((await post(json, "{")).status).toBe(400);
    expect((await post({ "content-type": "text/plain" }, "{}")).status).toBe(400);
    expect((await post({ "content-type": "application/x-www-form-urlencoded" }, "a=1")).status).toBe(400);
    expect((await post(json, JSON.stringify({ port: "1".repeat(2_000_000) }))).status).toBe(400);
  });
});

describe("changes", () => {
  test("a port is freed in two steps, and a ticket is good for one", async () => {
    const child = spawn(
      process.execPath,
      ["-e", "require('net').createServer().listen(0,'127.0.0.1',function(){console.log(this.address().port)})"],
      {
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    try {
      const [text] = (await once(child.stdout!, "data")) as [Buffer];
      const victim = text.toString().trim();
      const proposed = await page.call("kill/propose", { targets: [victim] }, key);
      const { ticket, proposal } = JSON.parse(proposed.text) as {
        ticket: string;
        proposal: { victims: { pid: number }[] };
      };
      expect(proposal.victims.map(({ pid }) => pid)).toEqual([child.pid]);
      expect(child.exitCode).toBeNull();
      const foreign = await page.call("release/apply", { ticket }, key);
      expect(errorOf(foreign).code).toBe("PROPOSAL_STALE");
      const again = JSON.parse((await page.call("kill/propose", { targets: [victim] }, key)).text) as {
        ticket: string;
      };
      const ended = once(child, "exit");
      const applied = await page.call("kill/apply", { ticket: again.ticket }, key);
      await ended;
      const result = eventsOf(applied.text).at(-1)!;
      matches("kill", result.data);
      expect(result.data).toMatchObject({ outcome: "freed" });
      const used = await page.call("kill/apply", { ticket: again.ticket }, key);
      expect([used.status, errorOf(used).code]).toEqual([409, "PROPOSAL_STALE"]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  test("what would skip the question is not taken", async () => {
    for (const input of [{ targets: ["1"], yes: true }, { targets: ["1"], otherUsers: true }, { dryRun: false }]) {
      expect((await page.call("kill/propose", input, key)).status).toBe(400);
    }
  });
});

describe("who is let in", () => {
  const entry = (token: unknown): Promise<Answer> =>
    page.ask("/api/session", { method: "POST", headers: json, body: JSON.stringify({ token }) });

  test("a token is good for one use, and an invitation makes another", async () => {
    expect((await entry(page.token)).status).toBe(401);
    const invitation = await page.invite(key);
    const fresh = new URLSearchParams(new URL(invitation).hash.slice(1)).get("token");
    expect((await entry(fresh)).status).toBe(200);
    expect((await entry(fresh)).status).toBe(401);
  });

  test.each([[""], ["x"], ["A".repeat(43)], ["A".repeat(100_000)], [null], [{}], [["a"]]])(
    "a guessed token is refused: %j",
    async (token) => {
      expect((await entry(token)).status).toBeGreaterThanOrEqual(400);
    },
  );

  test.each([
    ["none", {}],
    ["an empty one", { authorization: "" }],
    ["another scheme", { authorization: "Basic YTpi" }],
    ["a guess", { authorization: `Bearer ${"A".repeat(43)}` }],
    ["the used token", { authorization: "Bearer TOKEN" }],
    ["the key in a cookie", { cookie: "key=KEY" }],
  ] as const)("without a key nothing is told: %s", async (_, headers: Record<string, string>) => {
    const filled = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace("TOKEN", page.token).replace("KEY", key)]),
    );
    for (const path of [
      "/api/list",
      "/api/about",
      "/api/watch",
      "/api/session/invite",
      "/api/kill/propose",
      "/api/route/propose",
      "/api/start-gateway/propose",
      "/api/start-gateway/apply",
      "/api/traffic",
      "/api/no",
    ]) {
      const answer = await page.ask(path, { method: "POST", headers: { ...filled, ...json }, body: "{}" });
      expect([path, answer.status, errorOf(answer).code]).toEqual([path, 401, "ACCESS_DENIED"]);
      expect(answer.headers["set-cookie"]).toBeUndefined();
    }
    expect((await page.ask(`/api/list?key=${key}&token=${key}`, { headers: filled })).status).toBe(401);
  });

  test.each([
    ["a name that resolves here (DNS rebinding)", { host: "attacker.example:PORT" }],
    ["a name below localhost", { host: "evil.localhost:PORT" }],
    ["a name that looks like an address", { host: "127.0.0.1.nip.io:PORT" }],
    ["another site", { origin: "https://attacker.example" }],
    ["another port of this address", { origin: "http://127.0.0.1:5500" }],
    ["https of this address", { origin: "https://127.0.0.1:PORT" }],
    ["the same port under another name", { origin: "http://localhost:PORT" }],
    ["a sandboxed frame, data: or file:", { origin: "null" }],
    ["an old browser's cross-site form", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }],
    ["a same-site page (another port)", { "sec-fetch-site": "same-site" }],
    ["a script of another page", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }],
  ] as const)("with the right key, too: %s is refused", async (_, headers: Record<string, string>) => {
    const own: Record<string, string> = { host: `127.0.0.1:${page.port}`, ...bearer(), ...json };
    for (const [name, value] of Object.entries(headers)) own[name] = value.replace("PORT", String(page.port));
    for (const path of [
      "/api/list",
      "/api/kill/propose",
      "/api/start-gateway/propose",
      "/api/traffic",
      "/api/session",
    ]) {
      const answer = await page.ask(path, { method: "POST", headers: own, body: "{}" });
      expect([path, answer.status, errorOf(answer).code]).toEqual([path, 403, "ORIGIN_REFUSED"]);
      for (const name of Object.keys(answer.headers)) expect(name).not.toMatch(/^access-control/);
    }
  });

  test.each([["127.0.0.1@attacker.example"], ["127.0.0.1/x"]])("a Host that is none is refused: %j", async (host) => {
    const answer = await page.ask("/api/list", {
      method: "POST",
      headers: { host, ...bearer(), ...json },
      body: "{}",
    });
    expect([400, 403]).toContain(answer.status);
  });

  test.each([
    ["no Host", ""],
    ["an empty Host", "Host: \r\n"],
    ["two Hosts", "Host: 127.0.0.1\r\nHost: attacker.example\r\n"],
    ["two Hosts, the right one last", "Host: attacker.example\r\nHost: 127.0.0.1\r\n"],
  ])("%s is refused, by HTTP/1.0 and HTTP/1.1", async (_, hosts) => {
    for (const version of ["1.0", "1.1"]) {
      const socket = connect(page.port, "127.0.0.1");
      socket.end(
        `GET /api/ranges HTTP/${version}\r\n${hosts}Authorization: Bearer ${key}\r\nConnection: close\r\n\r\n`,
      );
      const parts: Buffer[] = [];
      for await (const part of socket) parts.push(part as Buffer);
      expect(Buffer.concat(parts).toString()).toMatch(/^HTTP\/1\.1 (400|403) /);
    }
  });

  test("a preflight is answered with no permission", async () => {
    const answer = await page.ask("/api/list", {
      method: "OPTIONS",
      headers: { origin: "https://attacker.example", "access-control-request-method": "POST" },
    });
    expect(answer.status).toBe(403);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  test.each([["localhost"], ["127.0.0.1"], ["[::1]"], ["192.168.1.8"]])(
    "under %s, also at a forwarded port, it answers",
    async (host) => {
      const answer = await page.ask("/api/ranges", {
        headers: { host: `${host}:8080`, origin: `http://${host}:8080`, ...bearer() },
      });
      expect(answer.status).toBe(200);
    },
  );

  test("the page itself opens from anywhere, and may be framed nowhere", async () => {
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    const answer = await page.ask("/", { headers });
    expect(answer.status).toBe(200);
    const policy = String(answer.headers["content-security-policy"]);
    expect(policy).toMatch("default-src 'none'");
    expect(policy).toMatch("frame-ancestors 'none'");
    expect(policy).not.toMatch("unsafe");
    expect(answer.headers["x-frame-options"]).toBe("DENY");
    expect(answer.headers["cross-origin-resource-policy"]).toBe("same-origin");
    expect(
      (await page.ask("/", { headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" } })).status,
    ).toBe(403);
  });

  test.each([
    ["/../../etc/passwd"],
    ["/assets/../../../package.json"],
    ["/%2e%2e/%2e%2e/package.json"],
    ["/assets/"],
    ["//etc/passwd"],
    ["/index.html%00.js"],
  ])("%s is no file of the page", async (path) => {
    expect((await page.ask(path)).status).toBe(404);
  });

  test("everything that the page loads comes from here", async () => {
    const { text } = await page.ask("/");
    const paths = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
    expect(paths.length).toBeGreaterThan(1);
    for (const path of paths) {
      expect(path).toMatch(/^\.\//);
      const file = await page.ask(path.slice(1));
      expect([path, file.status]).toEqual([path, 200]);
      const again = await page.ask(path.slice(1), { headers: { "if-none-match": String(file.headers.etag) } });
      expect(again.status).toBe(304);
    }
  });

  test("metrics are served only when they were asked for", async () => {
    expect((await page.ask("/metrics")).status).toBe(404);
  });
});

describe("what the server says of itself", () => {
  test("the OpenAPI document names each route and no other", async () => {
    const answer = await page.ask("/api/openapi.json");
    const document = JSON.parse(answer.text) as { openapi: string; paths: Record<string, Record<string, object>> };
    expect(document.openapi).toBe("3.1.0");
    const offered = operations.filter(({ faces }) => (faces as readonly string[]).includes("http"));
    const paths = offered.flatMap(({ name, effect }) =>
      effect === "change" ? [`/api/${name}/propose`, `/api/${name}/apply`] : [`/api/${name}`],
    );
    expect(Object.keys(document.paths).toSorted()).toEqual(
      [...paths, "/api/session", "/api/session/invite", "/api/about"].toSorted(),
    );
    expect(answer.text).not.toMatch("showSecrets");
    for (const [path, methods] of Object.entries(document.paths)) {
      if (path === "/api/watch") continue;
      for (const method of Object.keys(methods)) {
        const tried = await page.ask(path, {
          method: method.toUpperCase(),
          headers: { ...bearer(), ...json },
          ...(method === "post" && { body: "null" }),
        });
        expect([path, method, tried.status === 404]).toEqual([path, method, false]);
      }
    }
  });

  test("it says when a port is taken, and by which command that is found out", async () => {
    const outcome = await runCommand(["ui", "--no-open", "--port", String(page.port)]);
    expect(outcome.status).toBe(1);
    expect(outcome.stdout).toBe("");
    expect(outcome.stderr).toMatch(`portolan who ${page.port}`);
    expect((await runCommand(["ui", "--no-open", "--bind", "localhost"])).stderr).toMatch("ADDRESS_INVALID");
    expect((await runCommand(["ui", "--no-open", "--bind", "192.0.2.1"])).stderr).toMatch("portolan interfaces");
  });

  test("to other devices it opens only when asked, and says what that means", async () => {
    const open = await startPage({ words: ["--no-open", "--bind", "0.0.0.0"] });
    try {
      expect(open.warnings).toEqual([expect.stringMatching(/^Every device .* not encrypted/)]);
      expect(open.ready.url).toBe(`http://127.0.0.1:${open.port}/`);
      expect((await open.ask("/api/list")).status).toBe(401);
    } finally {
      await open.end();
    }
  });
});

describe("the browser's way in", () => {
  /** A stand-in for a browser that notes what it was started with and what the file says. */
  function makeBrowser(folder: string): string {
    const path = join(folder, "browser");
    writeFileSync(
      path,
      `#!/bin/sh\ncat "$1" > "${folder}/opened.html"\nstat -c '%a %F' "$1" "$(dirname "$1")" > "${folder}/modes"\ntr '\\0' ' ' < /proc/$$/cmdline > "${folder}/arguments.part"\nmv "${folder}/arguments.part" "${folder}/arguments"\n`,
      { mode: 0o755 },
    );
    return path;
  }

  async function untilThere(path: string): Promise<void> {
    const endMs = Date.now() + 10_000;
    while (!existsSync(path)) {
      if (Date.now() > endMs) throw new Error(`${path} did not come`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  test("goes through a file that only its user can read; no process's arguments hold the token", async () => {
    const folder = mkdtempSync(join(tmpdir(), "portolan-browser-"));
    try {
      const server = await startPage({
        words: [],
        environment: { BROWSER: makeBrowser(folder), XDG_RUNTIME_DIR: folder },
      });
      try {
        expect(server.ready.opened).toBe(true);
        await untilThere(join(folder, "arguments"));
        expect(readFileSync(join(folder, "modes"), "utf8")).toBe("600 regular file\n700 directory\n");
        const opened = readFileSync(join(folder, "opened.html"), "utf8");
        const token = /#token=([\w-]{43})"/.exec(opened)![1]!;
        expect(token).not.toBe(server.token);
        expect(readFileSync(join(folder, "arguments"), "utf8")).not.toContain(token);
        expect(readFileSync(`/proc/${server.child.pid}/cmdline`, "utf8")).not.toContain(token);
        expect(statSync(server.ready.entryFile!).mode & 0o777).toBe(0o600);
        await server.enter(token);
      } finally {
        await server.end();
      }
      expect(existsSync(server.ready.entryFile!)).toBe(false);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("without a browser the address is printed and no file is left", async () => {
    const folder = mkdtempSync(join(tmpdir(), "portolan-runtime-"));
    try {
      const server = await startPage({ words: [], environment: { XDG_RUNTIME_DIR: folder } });
      expect([server.ready.opened, server.ready.entryFile]).toEqual([false, null]);
      expect(await server.end("SIGINT")).toBe(0);
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("--demo and --metrics", () => {
  test("the demo's servers run as long as the page, and counts are served", async () => {
    const reader = "a-reader-of-counts-1";
    const server = await startPage({
      words: ["--no-open", "--demo", "--metrics"],
      environment: { PORTOLAN_METRICS_KEY: reader },
    });
    const ports = server.ready.demoPorts!;
    try {
      expect(ports).toHaveLength(3);
      const demoKey = await server.enter();
      const about = JSON.parse((await server.call("about", {}, demoKey)).text) as { demoPorts: number[] };
      expect(about.demoPorts).toEqual(ports);
      let metrics = await server.ask("/metrics");
      for (let tries = 0; tries < 100 && !metrics.text.includes("portolan_listener{"); tries += 1)
        metrics = await server.ask("/metrics");
      expect(metrics.headers["content-type"]).toMatch("version=0.0.4");
      expect(metrics.text).toMatch(
        new RegExp(`^portolan_listener\\{transport="tcp",port="${ports[0]}",[^\\n]*\\} 1$`, "m"),
      );
      expect(metrics.text).not.toMatch(/process=|project=|harbour/);
      for (const key of [reader, demoKey]) {
        const named = await server.ask("/metrics", { headers: { authorization: `Bearer ${key}` } });
        expect(named.text).toMatch(/process="[^"]+",project="harbour/);
      }
      const guessed = await server.ask("/metrics", { headers: { authorization: "Bearer a-reader-of-counts-2" } });
      expect(guessed.text).not.toMatch("process=");
      // It reads counts and nothing else.
      expect((await server.call("list", {}, reader)).status).toBe(401);
      for (const line of metrics.text.trimEnd().split("\n"))
        expect(line).toMatch(/^(# (HELP|TYPE) portolan_\w+ .+|portolan_\w+(\{(\w+="([^"\\]|\\.)*",?)*\})? \d+)$/);
      expect((await server.ask("/metrics", { headers: { host: "attacker.example" } })).status).toBe(403);
    } finally {
      await server.end();
    }
    const outcome = await runCommand(["list", "--port", ports.join(), "--namespace", "own", "--json"]);
    const { services } = JSON.parse(outcome.stdout) as { services: { project: { value: { name: string } } | null }[] };
    expect(services.filter(({ project }) => project?.value.name.startsWith("harbour"))).toEqual([]);
  });
});

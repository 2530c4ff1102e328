/**
 * @module `check` as a user calls it: the machine in its own namespace, the files written, the formats for other programs, a git hook, and
 * files that mean harm.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import sarifSchema from "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json" with { type: "json" };
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { checkSarifFormat } from "../../src/faces/cli/formats/check-sarif.ts";
import { applyCheck, check, proposeCheck, type CheckResult } from "../../src/index.ts";
import { endHolders, startProgram } from "../support/holders.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  whyNoProgram,
  type NetworkNamespace,
} from "../support/netns.ts";
import { folderMaker } from "../support/project-folder.ts";
import { commandPath, runCommand } from "../support/run-command.ts";

const home = mkdtempSync(join(tmpdir(), "check-"));

afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A new folder with these files. */
const folderOf = folderMaker(home);

/** The files alone, by the library. */
function checkAlone(folder: string, input: Parameters<typeof check>[0] = {}): Promise<CheckResult> {
  return check({ machine: false, ...input }, { workingDirectory: folder, environment: {} });
}

const compose = (...ports: string[]): string =>
  `services:\n${ports.map((port, index) => `  s${index}:\n    image: nginx\n    ports: ["${port}"] # kept\n`).join("")}`;

describe.skipIf(
  requireOrSkip("check on this machine", whyNoNetworkNamespaces(), whyNoProgram("setpriv", "util-linux")),
)("this machine", () => {
  let namespace: NetworkNamespace;
  const isResult = new Ajv2020({ strict: false, validateFormats: false }).compile(
    JSON.parse(readFileSync(fileURLToPath(new URL("../../dist/schema/check.json", import.meta.url)), "utf8")) as object,
  );
  const stateHome = join(home, "state");
  const environment = { PORTOLAN_STATE_HOME: stateHome, XDG_STATE_HOME: stateHome, HOME: home };

  beforeAll(async () => {
    namespace = await createNetworkNamespace({ addresses: ["10.77.9.1/24"] });
  });
  afterEach(endHolders);
  afterAll(() => namespace.destroy());

  async function ask(words: readonly string[], uid?: number): Promise<{ status: number; result: CheckResult }> {
    const as = uid === undefined ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    const [first = "", ...rest] = [...as, process.execPath, commandPath, "check", ...words, "--json"];
    const ended = await namespace
      .execIn(first, rest, { environment: { ...process.env, ...environment } })
      .then(({ stdout }) => ({ status: 0, stdout }))
      .catch((error: { code: number; stdout: string }) => ({ status: error.code, stdout: error.stdout }));
    const result = JSON.parse(ended.stdout) as CheckResult;
    expect(isResult(result), JSON.stringify(isResult.errors)).toBe(true);
    return { status: ended.status, result };
  }

  /** A server in the namespace that stands in a folder. */
  async function serve(folder: string, port: number): Promise<number> {
    const code = `require("net").createServer().listen(${port}, () => console.log("ready"))`;
    const words = ["netns", "exec", namespace.name, process.execPath, "-e", code];
    return (await startProgram("ip", words, { cwd: folder })).pid;
  }

  test("tells who has a port, and proposes one that nobody has or wants", async () => {
    const folder = folderOf({ "compose.yaml": compose("3000:80", "3001:80") });
    const other = folderOf({ "package.json": `{"name":"stranger"}` });
    const pid = await serve(other, 3000);
    await serve(other, 3002);
    const { status, result } = await ask([folder]);
    expect(status).toBe(1);
    expect(result.findings).toHaveLength(1);
    const [held] = result.findings;
    expect(held).toMatchObject({ kind: "held", severity: "conflict", port: 3000, wish: 0 });
    expect(held!.holder).toMatchObject({ pid, name: "node", project: "stranger", folder: other });
    expect(held!.proposal).toMatchObject({ port: 3003, edit: { before: "3000", after: "3003", line: 4 } });
  });

  test("a program of the project itself that runs already is told, and is no conflict", async () => {
    const folder = folderOf({ "package.json": `{"name":"own","scripts":{"dev":"node server.js --port 3010"}}` });
    await serve(folder, 3010);
    const { status, result } = await ask([folder]);
    expect(status).toBe(0);
    expect(result.findings).toMatchObject([{ kind: "already-up", severity: "note", port: 3010 }]);
  });

  test("a program that moves to another port is warned of", async () => {
    const folder = folderOf({ "package.json": `{"name":"vite-app","scripts":{"dev":"vite"}}` });
    await serve(folderOf({ "package.json": `{"name":"other"}` }), 5173);
    const { status, result } = await ask([folder]);
    expect(status).toBe(0);
    expect(result.findings).toMatchObject([{ kind: "held", severity: "warning", port: 5173 }]);
  });

  test("an ordinary user may not have port 80, and a container engine may", async () => {
    chmodSync(home, 0o755);
    const folder = folderOf({
      Procfile: "web: node server.js --port 80\n",
      "db/compose.yaml": compose("81:80"),
    });
    mkdirSync(stateHome, { recursive: true, mode: 0o777 });
    chmodSync(stateHome, 0o777);
    const { status, result } = await ask([folder], 65_534);
    expect(status).toBe(1);
    expect(result.findings.map(({ kind, severity, port }) => [kind, severity, port])).toEqual([
      ["privilege", "conflict", 80],
    ]);
    expect(result.findings[0]!.proposal).toMatchObject({ port: 8080 });
  });

  test("an address of another machine is none to publish at", async () => {
    const folder = folderOf({ "compose.yaml": compose("10.77.9.1:3020:80", "10.77.9.2:3021:80") });
    const { status, result } = await ask([folder]);
    expect(status).toBe(1);
    expect(result.findings).toMatchObject([{ kind: "address", severity: "conflict", port: 3021, proposal: null }]);
  });

  test("a port that is kept for another project is not to be had, and the own one is", async () => {
    const other = folderOf({ "package.json": `{"name":"keeper"}` });
    const folder = folderOf({ "package.json": `{"name":"asker"}`, Procfile: "web: node s.js --port 3030\n" });
    const words = [commandPath, "reserve", "web", "3030"];
    const at = { cwd: other, env: { ...process.env, ...environment } };
    execFileSync("ip", ["netns", "exec", namespace.name, process.execPath, ...words], { ...at, stdio: "ignore" });
    try {
      const { status, result } = await ask([folder]);
      expect(status).toBe(1);
      expect(result.findings).toMatchObject([{ kind: "reserved", severity: "conflict", port: 3030 }]);
      writeFileSync(join(other, "Procfile"), "web: node s.js --port 3030\n");
      expect((await ask([other])).result.findings).toEqual([]);
    } finally {
      const release = [commandPath, "release", "web"];
      execFileSync("ip", ["netns", "exec", namespace.name, process.execPath, ...release], { ...at, stdio: "ignore" });
    }
  });

  test("what the kernel hands out, and keeps, is warned of by its own limits", async () => {
    await namespace.execIn("sysctl", [
      "-w",
      "net.ipv4.ip_local_port_range=4000 4999",
      "net.ipv4.ip_local_reserved_ports=4500,6100",
    ]);
    const folder = folderOf({ "compose.yaml": compose("4100:80", "4500:80", "6100:80", "40000:80") });
    const { status, result } = await ask([folder]);
    expect(status).toBe(0);
    expect(result.findings.map(({ kind, port }) => [kind, port])).toEqual([
      ["ephemeral", 4100],
      ["kernel-reserved", 4500],
      ["kernel-reserved", 6100],
    ]);
  });
});

describe("--fix", () => {
  const odd = `\u{feff}# für alle\r\nservices:\r\n  a: {image: x, ports: ["3000:80"]}\r\n  b:\r\n    image: x   # two spaces\r\n    ports:\r\n      - '3000:80'   # keep me\t\r\n`;

  test("writes the number and leaves every other byte, the mode and a link as they were", async () => {
    const folder = folderOf({ "real/c.yaml": odd });
    symlinkSync("real/c.yaml", join(folder, "compose.yaml"));
    chmodSync(join(folder, "real/c.yaml"), 0o640);
    const words = ["check", "--no-machine", "--fix"];
    const shown = await runCommand([...words, "--dry-run"], { cwd: folder });
    expect(shown.status).toBe(1);
    expect(shown.stdout).toContain("+      - '3001:80'   # keep me");
    expect(readFileSync(join(folder, "real/c.yaml"), "utf8")).toBe(odd);
    const asked = await runCommand(words, { cwd: folder });
    expect(asked.status).toBe(1);
    expect(asked.stderr).toContain("CONFIRMATION_NEEDED");
    expect(readFileSync(join(folder, "real/c.yaml"), "utf8")).toBe(odd);
    const written = await runCommand([...words, "--yes"], { cwd: folder });
    expect(written.status).toBe(0);
    expect(readFileSync(join(folder, "real/c.yaml"), "utf8")).toBe(odd.replace("'3000:80'", "'3001:80'"));
    expect(statSync(join(folder, "real/c.yaml")).mode & 0o777).toBe(0o640);
    expect(readlinkSync(join(folder, "compose.yaml"))).toBe("real/c.yaml");
    expect(readdirSync(join(folder, "real"))).toEqual(["c.yaml"]);
    expect((await runCommand(["check", "--no-machine"], { cwd: folder })).status).toBe(0);
  });

  test("writes into every kind of file, and what it shows is what git applies", async () => {
    const folder = folderOf({
      "compose.yaml": compose("${WEB:-4000}:80", "${API}:80", "5000-5002:5000-5002"),
      ".env": "API=4000 # api\n",
      "package.json": `{\n  "scripts": {\n    "dev": "run-p front back",\n    "front": "vite --port 4000 --strictPort",\n    "back": "json-server db.json"\n  }\n}`,
      "web/package.json": `{"scripts":{"dev":"json-server db.json"}}\n`,
      "web/vite.config.ts": "export default { server: { port: 5001, strictPort: true } };\n",
      Procfile: "a: rails s -p 5001\nb: flask run --port=5001",
    });
    const before = await checkAlone(folder);
    expect(before.findings.length).toBeGreaterThan(4);
    const { changes, left } = await proposeCheck({ machine: false }, { workingDirectory: folder, environment: {} });
    expect(left).toEqual([]);
    const copy = folderOf(Object.fromEntries(before.files.map(({ file }) => [file, readFileSync(join(folder, file))])));
    if (!copy.includes(".env")) writeFileSync(join(copy, ".env"), readFileSync(join(folder, ".env")));
    execFileSync("git", ["apply", "-p0"], {
      cwd: copy,
      input: changes.map(({ diff }) => diff).join(""),
      env: { ...process.env, GIT_CEILING_DIRECTORIES: home },
    });
    const { fix } = await checkAlone(folder, { fix: true, yes: true });
    expect(fix!.outcome).toBe("written");
    for (const { file } of changes) {
      expect(readFileSync(join(folder, file), "utf8"), file).toBe(readFileSync(join(copy, file), "utf8"));
    }
    expect((await checkAlone(folder)).findings.filter(({ severity }) => severity === "conflict")).toEqual([]);
  });

  test("refuses what has changed since it was proposed, and writes nothing then", async () => {
    const folder = folderOf({ "compose.yaml": compose("3000:80", "3000:80"), Procfile: "a: x --port 3000\n" });
    const options = { workingDirectory: folder, environment: {} };
    const proposal = await proposeCheck({ machine: false }, options);
    expect(proposal.changes.map(({ file }) => file).sort()).toEqual(["Procfile", "compose.yaml"]);
    writeFileSync(join(folder, "Procfile"), "a: x --port 3000 \n");
    const before = readFileSync(join(folder, "compose.yaml"), "utf8");
    await expect(applyCheck(proposal)).rejects.toMatchObject({ code: "PROPOSAL_STALE" });
    expect(readFileSync(join(folder, "compose.yaml"), "utf8")).toBe(before);
  });

  test("leaves alone what a link leads to outside, and what several share", async () => {
    const outside = folderOf({ "compose.yaml": compose("3000:80", "3000:80") });
    const folder = folderOf({
      "shared/compose.yaml": `x: &p ["3100:80"]\nservices:\n  a: {ports: *p}\n  b: {ports: *p}\n`,
    });
    symlinkSync(join(outside, "compose.yaml"), join(folder, "compose.yaml"));
    const { fix, findings } = await checkAlone(folder, { fix: true, yes: true });
    expect(findings.filter(({ severity }) => severity === "conflict")).toHaveLength(2);
    expect(fix).toMatchObject({ outcome: "nothing-to-do", proposal: { changes: [] } });
    expect(fix!.proposal.left.map(({ why }) => why).sort()).toEqual([
      "both take the number from the same place",
      "it stands outside the folder that is checked",
    ]);
  });
});

describe("for other programs", () => {
  const { $schema: _draft, id: _id, ...schema } = sarifSchema as Record<string, unknown>;
  const isSarif = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(schema);

  test("SARIF is valid by its schema, for every folder of the corpus", async () => {
    const corpus = fileURLToPath(new URL("corpus", import.meta.url));
    let results = 0;
    for (const name of readdirSync(corpus)) {
      const result = await checkAlone(join(corpus, name));
      const log = JSON.parse(checkSarifFormat.result(result, { version: "0.1.0", words: [] })) as {
        runs: [{ results: unknown[] }];
      };
      expect(isSarif(log), `${name}: ${JSON.stringify(isSarif.errors)}`).toBe(true);
      results += log.runs[0].results.length;
    }
    expect(results).toBeGreaterThan(40);
    expect(isSarif({ version: "2.1.0", runs: [{}] })).toBe(false);
  });

  test("SARIF on the command line points at the number and carries the fix", async () => {
    const folder = folderOf({ "a b/compose.yaml": compose("3000:80", "3000:80") });
    const { status, stdout } = await runCommand(["check", "--no-machine", "--sarif"], { cwd: folder });
    expect(status).toBe(1);
    const [result] = (JSON.parse(stdout) as { runs: [{ results: [Record<string, unknown>] }] }).runs[0].results;
    const region = { startLine: 7, startColumn: 14, endLine: 7, endColumn: 18 };
    expect(result).toMatchObject({
      ruleId: "same-port",
      level: "error",
      locations: [{ physicalLocation: { artifactLocation: { uri: "a%20b/compose.yaml" }, region } }],
      fixes: [{ artifactChanges: [{ replacements: [{ deletedRegion: region, insertedContent: { text: "3001" } }] }] }],
    });
  });

  test("a git hook keeps a conflict out of the history", () => {
    const folder = folderOf({ "compose.yaml": compose("3000:80", "3000:80") });
    const git = (...words: string[]): string =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@localhost", ...words], {
        cwd: folder,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: process.env["PATH"], HOME: home, GIT_CONFIG_NOSYSTEM: "1" },
      });
    git("init", "-q", "-b", "main");
    const hook = join(folder, ".git/hooks/pre-commit");
    mkdirSync(dirname(hook), { recursive: true });
    writeFileSync(hook, `#!/bin/sh\nexec "${process.execPath}" "${commandPath}" check --no-machine\n`, { mode: 0o755 });
    git("add", ".");
    expect(() => git("commit", "-q", "-m", "two at one port")).toThrow();
    expect(() => git("rev-parse", "HEAD")).toThrow();
    writeFileSync(join(folder, "compose.yaml"), compose("3000:80", "3001:80"));
    git("add", ".");
    git("commit", "-q", "-m", "each at its own");
    expect(git("log", "--format=%s")).toBe("each at its own\n");
  });

  test("what is named and is not there, or is of no known kind, is unusable input", async () => {
    const folder = folderOf({ "notes.txt": "3000" });
    for (const path of ["missing.yaml", "notes.txt"]) {
      const { status, stderr } = await runCommand(["check", "--no-machine", path], { cwd: folder });
      expect(status).toBe(2);
      expect(stderr).toContain("FILE_UNREADABLE");
    }
    expect((await runCommand(["check", "--no-machine"], { cwd: folder })).status).toBe(0);
  });
});

test("5,000 services of one file are all read", async () => {
  const folder = folderOf({
    "compose.yaml": compose(...Array.from({ length: 5_000 }, (_, index) => `127.0.0.1:${10_000 + (index % 4_999)}:80`)),
  });
  await checkAlone(folder);
  const started = performance.now();
  const { wishes, findings } = await checkAlone(folder);
  process.stdout.write(`check: 5,000 services in ${Math.round(performance.now() - started)} ms\n`);
  expect(wishes).toHaveLength(5_000);
  expect(findings.filter(({ severity }) => severity === "conflict")).toMatchObject([
    { port: 10_000, wish: 4_999, others: [0] },
  ]);
});

/**
 * @module The package as it would be published: unpacked into an empty project, used as a command and as a typed library.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const project = mkdtempSync(join(tmpdir(), "portolan-consumer-"));
const modules = join(project, "node_modules");
const environment = { PATH: process.env["PATH"] ?? "", HOME: project, npm_config_update_notifier: "false" };

beforeAll(async () => {
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], {
    cwd: root,
    env: environment,
  });
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  mkdirSync(join(modules, "portolan"), { recursive: true });
  await run("tar", ["xzf", join(project, packed.filename), "--strip-components=1", "-C", join(modules, "portolan")]);
  // Its one dependency from this checkout, so that nothing is fetched; koffi and libsql stay out on purpose.
  symlinkSync(join(root, "node_modules/valibot"), join(modules, "valibot"));
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "consumer", type: "module" }));
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

function runNode(words: readonly string[]) {
  return run(process.execPath, words, { cwd: project, env: environment });
}

test("the manifest names what is in the package, and little else is", () => {
  const manifest = JSON.parse(readFileSync(join(modules, "portolan/package.json"), "utf8"));
  expect(Object.keys(manifest.dependencies)).toEqual(["valibot"]);
  expect(Object.keys(manifest.optionalDependencies)).toEqual(["koffi", "libsql"]);
  expect(manifest.scripts.postinstall).toBeUndefined();
});

test("the command works without koffi, and reads /proc then", async () => {
  const { stdout } = await runNode([join(modules, "portolan/dist/bin/portolan.cjs"), "list", "--json"]);
  const result = JSON.parse(stdout);
  expect(result.complete).toBe(true);
  expect(result.reader).toBe("proc");
});

test("a reader that needs koffi says so", async () => {
  const failure = runNode([join(modules, "portolan/dist/bin/portolan.cjs"), "list", "--reader", "netlink"]);
  await expect(failure).rejects.toMatchObject({ code: 3, stderr: expect.stringContaining("READER_UNAVAILABLE") });
});

test("a record needs libsql, and says so; everything else goes without", async () => {
  const command = join(modules, "portolan/dist/bin/portolan.cjs");
  await expect(runNode([command, "record"])).rejects.toMatchObject({
    code: 3,
    stderr: expect.stringContaining("RECORDER_UNAVAILABLE"),
  });
  // Nobody has recorded: the answer is no.
  await expect(runNode([command, "history", "--json"])).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('"residences":[]'),
    stderr: "",
  });
});

test("the library works from an ES module, and its schemas are there", async () => {
  writeFileSync(
    join(project, "use.js"),
    `import { createServer } from "node:net";
     import { list, who, watch, history, explain, PortSet } from "portolan";
     import { parsePort } from "portolan/core";
     import schema from "portolan/schema/list.json" with { type: "json" };
     const server = createServer().listen(0, "127.0.0.1", async () => {
       const port = server.address().port;
       const found = await who({ ports: [String(port)] });
       const { services } = await list({ pid: process.pid });
       let first;
       for await (const event of watch({})) { first = event.kind; break; }
       const past = await history({});
       const meaning = await explain({ what: "5432" });
       console.log(JSON.stringify([services[0].port === port, found.held, meaning.ports[0].assigned[0].name,
         PortSet.parse("1-3").size, parsePort("80"), schema.title,
         first, past.residences.length]));
       server.close();
     });`,
  );
  const { stdout } = await runNode(["--no-warnings", "use.js"]);
  expect(JSON.parse(stdout)).toEqual([true, 1, "postgresql", 3, 80, "Result of portolan list", "start", 0]);
});

test("the types resolve for a strict consumer", async () => {
  writeFileSync(
    join(project, "use.ts"),
    `import { createHost, list, who, type ListResult, type Port, parsePort } from "portolan";
     const result: ListResult = await list({ reach: "everywhere", sort: "port" });
     const port: Port = parsePort("3000");
     const names: string[] = result.services.map((service) => service.title?.value ?? "?");
     const answer = await who({ ports: [String(port)] }, { host: createHost() });
     const holders = answer.ports[0]?.services[0]?.holders;
     if (holders?.known === true) console.log(holders.value[0]?.pid.toFixed(), names);
     // @ts-expect-error an unknown reach is refused at compile time
     await list({ reach: "moon" });`,
  );
  symlinkSync(join(root, "node_modules/@types"), join(modules, "@types"));
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const options = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
  const words = [compiler, ...options, "--module", "nodenext", "--target", "es2023", "--types", "node", "use.ts"];
  const { stdout } = await runNode(words).catch((error: { stdout: string }) => error);
  expect(stdout).toBe("");
});

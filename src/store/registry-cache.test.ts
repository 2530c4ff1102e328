/**
 * @module The updated registry on the disk: whole, damaged in every part, or not there.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assignmentsOf, primaryNameOf, useAssignments } from "../registry/index.ts";
import { cacheFolderOf } from "./cache-folder.ts";
import {
  readRegistryCache,
  registryCachePath,
  registryCacheProblem,
  useRegistryCache,
  type RegistryFacts,
} from "./registry-cache.ts";
import { removeRegistryCache, writeRegistryCache } from "./registry-writing.ts";

const facts: RegistryFacts = {
  source: "http://127.0.0.1/a.csv",
  checkedAtMs: 1_790_000_000_000,
  entityTag: '"a"',
  lastModified: null,
  sha256: "0".repeat(64),
  sizeBytes: 7,
  recordCount: 2,
};
const tables = {
  names: "22 1 our-ssh\n48700 3 brand-new",
  descriptions: "22 0 Ours é\n48700 1 New",
  sources: ["IANA", "RFC 1"],
};
const never = new AbortController().signal;

let folder = "";
let environment: Record<string, string> = {};
let path = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "portolan-registry-"));
  environment = { PORTOLAN_STATE_HOME: join(folder, "state") };
  path = registryCachePath(environment);
});

afterEach(() => {
  useAssignments();
  rmSync(folder, { recursive: true, force: true });
});

test("where it lies", () => {
  expect(cacheFolderOf({ PORTOLAN_STATE_HOME: "/own", XDG_CACHE_HOME: "/x" })).toBe("/own/cache");
  if (process.platform !== "linux") return;
  expect(cacheFolderOf({ HOME: "/home/a", XDG_CACHE_HOME: "/x" })).toBe("/x/portolan");
  expect(cacheFolderOf({ HOME: "/home/a", XDG_CACHE_HOME: "relative" })).toBe("/home/a/.cache/portolan");
  expect(cacheFolderOf({ HOME: "/home/a", XDG_CACHE_HOME: "" })).toBe("/home/a/.cache/portolan");
});

test("what is written is read, preferred, and given up again", async () => {
  useRegistryCache(environment, { again: true });
  expect(primaryNameOf(22, "tcp")).toBe("ssh");
  await writeRegistryCache(path, facts, tables, never);
  const cached = readRegistryCache(path);
  expect(cached?.facts).toEqual(facts);
  expect([cached?.names(), cached?.described.descriptions(), cached?.described.sources]).toEqual(Object.values(tables));
  // The same file was named before: it is read anew when that is asked for.
  useRegistryCache(environment);
  expect(primaryNameOf(22, "tcp")).toBe("ssh");
  useRegistryCache(environment, { again: true });
  expect(assignmentsOf(22)).toEqual([
    { name: "our-ssh", transport: "tcp", port: 22, description: "Ours é", source: "IANA" },
  ]);
  expect(assignmentsOf(48_700, "udp")[0]).toMatchObject({ name: "brand-new", source: "RFC 1" });
  expect(registryCacheProblem()).toBeNull();
  expect(await removeRegistryCache(path, never)).toBe(true);
  expect(await removeRegistryCache(path, never)).toBe(false);
  useRegistryCache(environment, { again: true });
  expect(primaryNameOf(22, "tcp")).toBe("ssh");
});

describe("a damaged file", () => {
  function expectBuiltIn(problem: string | null, label = ""): void {
    useRegistryCache(environment, { again: true });
    expect(assignmentsOf(22, "tcp")[0], label).toMatchObject({
      name: "ssh",
      description: expect.stringContaining("SSH"),
    });
    if (problem === null) expect(registryCacheProblem(), label).toBeNull();
    else expect(registryCacheProblem(), label).toContain(problem);
  }

  test("with any byte changed or missing gives the table of the build, and says so", async () => {
    await writeRegistryCache(path, facts, tables, never);
    const sound = readFileSync(path);
    const tablesAt = sound.length - Buffer.byteLength(tables.names + tables.descriptions);
    for (let index = 0; index < sound.length; index++) {
      const damaged = Buffer.from(sound);
      damaged[index] = (damaged[index] ?? 0) ^ 0x20;
      writeFileSync(path, damaged);
      // A fact may be another one without harm; the tables may not.
      if (index < 20 || index >= tablesAt) expectBuiltIn("is damaged", `byte ${index} changed`);
      else expect(() => readRegistryCache(path)).not.toThrow(TypeError);
      writeFileSync(path, sound.subarray(0, index));
      expectBuiltIn("is damaged", `cut after ${index}`);
    }
    writeFileSync(path, Buffer.concat([sound, Buffer.from("x")]));
    expectBuiltIn("is damaged");
  });

  test.each([
    ["of zeros", Buffer.alloc(300_000)],
    ["of another version", Buffer.from("Portolan registry 2\n{}\n")],
    ["with JSON that is none", Buffer.from("Portolan registry 1\n{\n")],
    ["with JSON of another kind", Buffer.from("Portolan registry 1\n[null]\n")],
    ["with facts of other types", Buffer.from('Portolan registry 1\n{"source":1,"namesBytes":"1e9"}\n')],
    ["with a header without end", Buffer.concat([Buffer.from("Portolan registry 1\n"), Buffer.alloc(200_000, "a")])],
  ])("%s", (_, content) => {
    mkdirSync(cacheFolderOf(environment), { recursive: true });
    writeFileSync(path, content);
    expectBuiltIn("is damaged");
  });

  test("that is a folder, a pipe, or larger than there can be", () => {
    mkdirSync(path, { recursive: true });
    expectBuiltIn("is no plain file");
    rmSync(path, { recursive: true });
    execFileSync("mkfifo", [path]);
    expectBuiltIn("is no plain file");
    rmSync(path);
    writeFileSync(path, Buffer.alloc(16 * 1024 * 1024 + 1));
    expectBuiltIn("is larger than");
  });

  test("whose folder is a file is as good as none", () => {
    mkdirSync(join(folder, "state"), { recursive: true });
    writeFileSync(cacheFolderOf(environment), "");
    expectBuiltIn(null);
  });
});

test("writers take turns, nobody reads a half, and what a dead writer left is removed", async () => {
  await writeRegistryCache(path, facts, tables, never);
  writeFileSync(`${path}.999999.new`, "half");
  writeFileSync(`${path}.txt`, "somebody's own");
  let reads = 0;
  const end = new AbortController();
  const reading = (async () => {
    while (!end.signal.aborted) {
      expect(readRegistryCache(path)?.facts.source).toBe(facts.source);
      reads += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  await Promise.all(
    Array.from({ length: 8 }, (_, index) => writeRegistryCache(path, { ...facts, sizeBytes: index }, tables, never)),
  );
  end.abort();
  await reading;
  expect(reads).toBeGreaterThan(0);
  expect(readdirSync(cacheFolderOf(environment)).toSorted()).toEqual(["registry.table", "registry.table.txt"]);
});

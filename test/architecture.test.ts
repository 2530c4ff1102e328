/**
 * @module The rule of direction: a room imports only rooms above it. Each forbidden import has its reason here.
 */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const source = fileURLToPath(new URL("../src", import.meta.url));

/** Rooms from the top of the house to the bottom: an import may only go up. */
const rooms = [
  "core",
  "registry",
  "protocols",
  "host",
  "tenant",
  "observe",
  "plan",
  "store",
  "act",
  "lease",
  "scan",
  "gateway",
  "project",
  "wishes",
  "operations",
  "faces",
];

/** What a room may not load from Node, and why. */
const forbiddenModules: Record<string, { pattern: RegExp; reason: string }> = {
  core: { pattern: /^node:/, reason: "core runs in browsers" },
  registry: { pattern: /^node:/, reason: "the registry is pure: its table is made at build time" },
  protocols: { pattern: /^node:/, reason: "protocols are pure: bytes in, actions and verdict out" },
  plan: { pattern: /^node:/, reason: "plan is opinion over facts: it reads nothing itself" },
  operations: {
    pattern: /^node:(fs|net|dgram|http|https|child_process|os|tty|readline)/,
    reason: "operations reach the machine only through the rooms above them",
  },
};

interface Import {
  readonly file: string;
  readonly room: string;
  readonly specifier: string;
}

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sourceFiles(path);
    else if (/\.tsx?$/.test(entry.name) && !/\.test\.tsx?$/.test(entry.name)) yield path;
  }
}

function roomOf(path: string): string {
  return relative(source, path).split("/")[0] ?? "";
}

function listImports(): Import[] {
  const imports: Import[] = [];
  for (const file of sourceFiles(source)) {
    const text = readFileSync(file, "utf8").replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    for (const match of text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["']([^"'\n]+)["']/g)) {
      imports.push({ file: relative(source, file), room: roomOf(file), specifier: match[1] ?? "" });
    }
  }
  return imports;
}

const imports = listImports();

test("the house has rooms and the rooms import each other", () => {
  expect(imports.length).toBeGreaterThan(50);
  for (const { file, room } of imports) if (file.includes("/")) expect(rooms, file).toContain(room);
});

test("a room imports only rooms above it, and other rooms through their index or contract", () => {
  const wrong: string[] = [];
  for (const { file, room, specifier } of imports) {
    if (!specifier.startsWith(".") || !file.includes("/")) continue;
    const target = resolve(dirname(join(source, file)), specifier);
    const targetRoom = roomOf(target);
    if (targetRoom === room) continue;
    if (!rooms.includes(targetRoom)) wrong.push(`${file} imports ${specifier}, which is outside every room`);
    else if (rooms.indexOf(targetRoom) > rooms.indexOf(room))
      wrong.push(`${file} imports ${specifier}: ${targetRoom} is below ${room}`);
    else if (targetRoom !== "operations" && !/\/index\.ts$|\/host\/host\.ts$/.test(target))
      wrong.push(
        `${file} imports ${specifier}: other rooms are entered by their index.ts, host also by its contract host.ts`,
      );
  }
  expect(wrong).toEqual([]);
});

test("faces do not import each other", () => {
  const wrong = imports.filter(({ file, specifier }) => {
    if (!file.startsWith("faces/") || !specifier.startsWith(".")) return false;
    const target = relative(source, resolve(dirname(join(source, file)), specifier));
    return target.startsWith("faces/") && target.split("/")[1] !== file.split("/")[1];
  });
  expect(wrong).toEqual([]);
});

test("pure rooms load nothing from Node", () => {
  const wrong = imports.flatMap(({ file, room, specifier }) => {
    const rule = forbiddenModules[room];
    return rule?.pattern.test(specifier) === true ? [`${file} imports ${specifier}: ${rule.reason}`] : [];
  });
  expect(wrong).toEqual([]);
});

const page = fileURLToPath(new URL("../web/src", import.meta.url));

test("the page takes code from core alone, and types from the operations", () => {
  const wrong: string[] = [];
  for (const file of sourceFiles(page)) {
    const text = readFileSync(file, "utf8").replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    for (const match of text.matchAll(/\bimport\s+(type\s+)?(?:[^"';]*?\bfrom\s*)?["']([^"'\n]+)["']/g)) {
      const specifier = match[2] ?? "";
      const target = resolve(dirname(file), specifier);
      if (specifier.startsWith("node:")) wrong.push(`${relative(page, file)} imports ${specifier}`);
      if (!specifier.startsWith(".") || !relative(page, target).startsWith("..")) continue;
      const room = roomOf(target);
      if (room === "core" && target.endsWith("/core/index.ts")) continue;
      if (match[1] !== undefined && room === "operations") continue;
      wrong.push(`${relative(page, file)} imports ${specifier}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("every file says in its first lines what it is for", () => {
  const silent = [...sourceFiles(source), ...sourceFiles(page)].filter(
    (file) => !file.endsWith(".generated.ts") && !readFileSync(file, "utf8").slice(0, 400).includes("@module"),
  );
  expect(silent.map((file) => relative(source, file))).toEqual([]);
});

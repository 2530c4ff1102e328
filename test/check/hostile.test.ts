/**
 * @module Files that mean harm: they are told as unusable, or read, within bounds; nothing hangs, and nothing of them reaches the terminal.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { check, type CheckResult } from "../../src/index.ts";
import { folderMaker } from "../support/project-folder.ts";
import { runCommand } from "../support/run-command.ts";

// What is bounded here is bounded by counts; how long a count takes is the machine's own matter.
vi.setConfig({ testTimeout: 120_000 });

/** In memory where there is such a folder: a hundred thousand files are made here. */
const home = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "hostile-"));

afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A new folder with these files. */
const folderOf = folderMaker(home);

function checkAlone(folder: string): Promise<CheckResult> {
  return check({ machine: false }, { workingDirectory: folder, environment: {} });
}

/** Texts of the errors. */
async function errorsOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string[]> {
  const { problems } = await checkAlone(folderOf(files));
  return problems.filter(({ severity }) => severity === "error").map(({ message }) => message);
}

const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("");

test("aliases that stand for billions of values cost their own length", async () => {
  const bomb = `a0: &a0 ["1:1"]\n${lines(40, (index) => `a${index + 1}: &a${index + 1} [${Array(10).fill(`*a${index}`).join(",")}]\n`)}`;
  expect(await errorsOf({ "compose.yaml": `${bomb}services:\n  web: {ports: *a40, x: *a40}\n` })).toEqual([
    "A port is a text or a mapping.",
  ]);
  const shared = `x: &p\n${lines(3_000, (index) => `  - "${index + 1}:80"\n`)}services:\n${lines(2_000, (index) => `  s${index}: {ports: *p}\n`)}`;
  expect(await errorsOf({ "compose.yaml": shared })).toContain(
    "Too many ports are wished for; the rest is not looked at.",
  );
});

test("merges beyond measure, and an alias inside what it names", async () => {
  const merges = `b: &b\n${lines(2_000, (index) => `  k${index}: 1\n`)}${lines(2_000, (index) => `m${index}: {<<: *b}\n`)}`;
  expect(await errorsOf({ "compose.yaml": `${merges}services: {}\n` })).toHaveLength(1);
  expect(await errorsOf({ "compose.yaml": "services: &s\n  web: *s\n" })).toContain(
    "This alias stands inside what it names.",
  );
});

test("nesting too deep for a parser is said to be so", async () => {
  for (const [name, text] of [
    ["compose.yaml", `services: ${"[".repeat(20_000)}`],
    ["package.json", "[".repeat(200_000)],
    ["vite.config.ts", `export default ${"(".repeat(100_000)}`],
  ] as const) {
    expect(await errorsOf({ [name]: text }), name).toEqual(["It is nested too deeply."]);
  }
});

test("files that include or extend themselves, or each other beyond measure", async () => {
  const cycle = await errorsOf({
    "compose.yaml": "include: [b/compose.yaml]\nservices:\n  a: {extends: b}\n  b: {extends: a}\n",
    "b/compose.yaml": "include: [../compose.yaml]\n",
  });
  expect(cycle).toContain("This file includes itself.");
  expect(cycle).toContain(`The service "a" extends itself.`);
  const fan: Record<string, string> = { "compose.yaml": "include: [l0.yaml]\n", "l29.yaml": "services: {}\n" };
  for (let index = 0; index < 29; index += 1) {
    fan[`l${index}.yaml`] = `include: [l${index + 1}.yaml, ./l${index + 1}.yaml, {path: l${index + 1}.yaml}]\n`;
  }
  expect(await errorsOf(fan)).toContain("Files include each other too deeply, or too often.");
});

test("what lies outside is read as a file of text at most", async () => {
  const errors = await errorsOf({
    "compose.yaml":
      "include: [/dev/zero, ../../../../../../etc/passwd, /proc/self/environ]\nservices: {a: {env_file: /dev/stdin}}\n",
  });
  expect(errors.join("\n")).toContain("/dev/zero, which is named here, cannot be used: it is no ordinary file.");
  expect(errors.join("\n")).not.toContain("root:");
});

test("variables that name each other, double each other or stand inside each other", async () => {
  const errors = await errorsOf({
    ".env": `A=\${B}\nB=\${A}\nD0=xxxxxxxxxx\n${lines(40, (index) => `D${index + 1}=\${D${index}}\${D${index}}\n`)}`,
    "compose.yaml": `services:\n  a:\n    ports:\n      - "\${D40}:80"\n      - "\${A:-81}:80"\n      - "${"${X:-".repeat(2_000)}80${"}".repeat(2_000)}:80"\n`,
  });
  expect(errors).toHaveLength(2);
});

test("links in a circle, pipes, and bytes that are no text", async () => {
  const folder = folderOf({ ".env": new Uint8Array([80, 79, 82, 84, 61, 0, 255, 254]) });
  symlinkSync("compose.yaml", join(folder, "compose.yaml"));
  symlinkSync(".", join(folder, "self"));
  execFileSync("mkfifo", [join(folder, "Procfile")]);
  const { problems } = await checkAlone(folder);
  expect(problems.map(({ file, message }) => `${file}: ${message}`).sort()).toEqual([
    ".env: It cannot be used: it is no text in UTF-8.",
    "compose.yaml: It cannot be used: its symbolic links lead round in a circle.",
  ]);
});

test("a file beyond 8 MiB is not read", async () => {
  expect(await errorsOf({ "compose.yaml": `#${"x".repeat(9 << 20)}` })).toEqual([
    "It cannot be used: it is larger than 8 MiB.",
  ]);
});

test("escape sequences in names reach nobody's terminal", async () => {
  const folder = folderOf({
    "compose.yaml": `services:\n  "\\e]0;evil\\a\\e[31mred":\n    ports: ["80:80"]\n  "b\\u202e":\n    ports: ["80:81", "\\e[2Jx:1"]\n`,
  });
  const { status, stdout, stderr } = await runCommand(["check", "--no-machine"], { cwd: folder });
  expect(status).toBe(1);
  expect(`${stdout}${stderr}`).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
});

test("a folder of 100,000 files is walked to its end, and what others have installed is passed over", async () => {
  const folder = folderOf({
    "compose.yaml": "services: {a: {ports: ['80:80']}}\n",
    "node_modules/x/package.json": `{"scripts":{"start":"serve -l 80"}}`,
    ".git/compose.yaml": "services: {a: {ports: ['80:80']}}\n",
    "many/package.json": `{"scripts":{"start":"json-server --port 3999"}}`,
  });
  execFileSync("sh", ["-c", "seq 1 100000 | xargs touch"], { cwd: join(folder, "many") });
  const { complete, files } = await checkAlone(folder);
  expect(complete).toBe(true);
  expect(files.map(({ file }) => file)).toEqual(["compose.yaml", "many/package.json"]);
});

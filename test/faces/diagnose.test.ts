/**
 * @module `diagnose` as a user calls it: by root, by nobody, without koffi's rights, in namespaces and with hidden processes.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, describe, expect, test } from "vitest";
import type { DiagnoseResult } from "../../src/operations/diagnose.ts";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";
import { commandPath, runCommand, type CommandOutcome } from "../support/run-command.ts";

const home = mkdtempSync(join(tmpdir(), "portolan-diagnose-"));

afterAll(() => rmSync(home, { recursive: true, force: true }));

const validate = new Ajv2020({ strict: false }).compile(
  JSON.parse(
    readFileSync(fileURLToPath(new URL("../../dist/schema/diagnose.json", import.meta.url)), "utf8"),
  ) as object,
);

function check({ status, stdout, stderr }: Pick<CommandOutcome, "status" | "stdout" | "stderr">): DiagnoseResult {
  expect([status, stderr]).toEqual([0, ""]);
  const value = JSON.parse(stdout) as DiagnoseResult;
  expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
  return value;
}

test("as JSON: versions, readers, folders, and nothing of the person", async () => {
  const environment = { HOME: home, LANG: "C.UTF-8", HTTPS_PROXY: "http://user:secret@proxy/", NO_COLOR: "1" };
  const outcome = await runCommand(["diagnose", "--json"], { environment });
  const result = check(outcome);
  expect(result.versions).toMatchObject({ portolan: "0.1.0", node: process.versions.node });
  expect(result.readers.filter(({ inUse }) => inUse)).toHaveLength(1);
  expect(result.readers.find(({ name }) => name === "proc")).toMatchObject({ works: true, why: null });
  expect(result.files).toMatchObject({
    folders: [
      { name: "state", path: "~/.local/state/portolan", state: "missing" },
      { name: "cache", path: "~/.cache/portolan", state: "missing" },
    ],
    locks: null,
  });
  expect(result.terminal).toEqual({
    input: false,
    output: false,
    errors: false,
    columns: null,
    color: false,
    utf8: true,
  });
  expect(result.registry).toMatchObject({ kind: "built-in", problem: null });
  expect(outcome.stdout).not.toContain(home);
  expect(outcome.stdout).not.toContain("secret");
  if (hostname().length > 3) expect(outcome.stdout).not.toContain(hostname());
});

test("in words, of which each line stands for itself", async () => {
  const { status, stdout, stderr } = await runCommand(["diagnose"], { environment: { HOME: home } });
  expect([status, stderr]).toEqual([0, ""]);
  for (const word of [
    "Versions",
    "portolan",
    "kernel",
    "netlink",
    "proc",
    "What it cannot see",
    "state folder",
    "registry",
  ]) {
    expect(stdout).toContain(word);
  }
  expect(stdout).not.toContain("undefined");
  expect(stdout).not.toContain("\u001b");
});

test("a damaged registry and a state folder that is none are told, and end nothing", async () => {
  const state = join(home, "odd");
  mkdirSync(join(state, "cache"), { recursive: true });
  writeFileSync(join(state, "cache", "registry.table"), "Portolan registry 1\nbroken");
  const odd = check(await runCommand(["diagnose", "--json"], { environment: { PORTOLAN_STATE_HOME: state } }));
  expect(odd.registry).toMatchObject({ kind: "built-in", problem: expect.stringContaining("is damaged") });
  const file = join(home, "file");
  writeFileSync(file, "");
  const none = check(await runCommand(["diagnose", "--json"], { environment: { PORTOLAN_STATE_HOME: file } }));
  expect(none.files.folders[0]).toMatchObject({ state: "unusable", problem: "ENOTDIR" });
});

describe.skipIf(process.platform !== "linux" || process.getuid?.() !== 0)("with less than root", () => {
  test("nobody: no capabilities, no iterator, and what is out of sight is said", async () => {
    const result = check(
      await runCommand(["diagnose", "--json"], { environment: { HOME: "/nonexistent" }, uid: 65_534 }),
    );
    expect(result.rights).toMatchObject({ uid: 65_534, capabilities: [] });
    expect(result.holderSearch.find(({ name }) => name === "BPF iterator")).toMatchObject({
      works: false,
      detail: expect.stringContaining("CAP_BPF"),
    });
    expect(result.blindSpots.some(({ why }) => why === "permission")).toBe(true);
    expect(result.files.folders[0]?.state).toBe("unusable");
  });

  test.skipIf(requireOrSkip("namespaces of a report", whyNoProgram("unshare", "util-linux")))(
    "in namespaces of its own and with a /proc that hides processes",
    async () => {
      const script =
        'mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid 65534 --clear-groups "$@" diagnose --json';
      const child = spawn(
        "unshare",
        ["-m", "-n", "-p", "--fork", "--kill-child", "sh", "-c", script, "sh", process.execPath, commandPath],
        { env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" } },
      );
      let stdout = "";
      let stderr = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
      const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
      const { surroundings, readers } = check({ status, stdout, stderr });
      expect(surroundings.namespaces.find(({ kind }) => kind === "pid")).toMatchObject({ sameAsSystem: false });
      expect(surroundings.processTable?.options).toMatch(/hidepid=(?:2|invisible)/);
      expect(readers.find(({ name }) => name === "proc")).toMatchObject({ works: true, sockets: 0 });
    },
  );
});

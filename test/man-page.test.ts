/**
 * @module The manual page: without complaints of those who read such pages, and whole.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { errorTable, operations } from "../src/operations/index.ts";
import { requireOrSkip, whyNoProgram } from "./support/netns.ts";

const path = fileURLToPath(new URL("../dist/man/portolan.1", import.meta.url));

describe("the manual page", () => {
  test("names every command, its options and every error", () => {
    const text = readFileSync(path, "utf8");
    for (const { name, faces } of operations) {
      if (faces.some((face) => face === "cli")) expect(text).toContain(`\n.SS ${name}\n`);
    }
    for (const code of Object.keys(errorTable)) expect(text).toContain(`\n.B ${code}\n`);
    expect(text).toContain("\n.B \\-u, \\-\\-user <USER>\n");
    // No line of prose is taken for a request.
    for (const line of text.split("\n")) {
      expect(line).toMatch(/^(?:\.(?:\\"|TH|SH|SS|TP|PP|B|BR|I|RI|br)(?: |$)|[^.']|$)/);
    }
  });

  test.skipIf(requireOrSkip("groff", whyNoProgram("groff", "groff-base")))("groff has nothing to complain of", () => {
    const { stderr, status } = spawnSync("groff", ["-man", "-Tutf8", "-ww", "-z", path], { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
  });

  test.skipIf(requireOrSkip("mandoc", whyNoProgram("mandoc", "mandoc")))("mandoc reads it", () => {
    const lint = spawnSync("mandoc", ["-T", "lint", "-W", "warning", path], { encoding: "utf8" });
    expect(lint.stdout).toBe("");
    const page = execFileSync("mandoc", ["-T", "ascii", "-O", "width=78", path], { encoding: "utf8" });
    const plain = page.replaceAll(/.\u0008/g, "");
    expect(plain).toContain("portolan - the chart of this machine's ports");
    expect(plain).toContain("portolan list [FILTER...] [options]");
  });
});

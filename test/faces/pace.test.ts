/**
 * @module The reader's pace of `learn`, on a real pseudo-terminal (script(1)).
 */
import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";
import { commandPath } from "../support/run-command.ts";

const prompt = "Enter for more";

/** Runs `portolan WORDS` on a terminal and types one of `keys` at each prompt. */
function readOnTerminal(
  words: string,
  keys: readonly string[],
): Promise<{ status: number | null; text: string; prompts: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn("script", ["-qfec", `${process.execPath} ${commandPath} ${words}`, "/dev/null"], {
      env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", COLUMNS: "80" },
    });
    let text = "";
    let prompts = 0;
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      while (text.split(prompt).length - 1 > prompts) {
        child.stdin.write(keys[prompts] ?? "q\n");
        prompts += 1;
      }
    });
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, text: text.replaceAll(/\u001b\[[0-9;]*m/g, ""), prompts }));
  });
}

describe.skipIf(requireOrSkip("the reader's pace", whyNoProgram("script", "bsdutils")))("learn on a terminal", () => {
  test("waits between chapters, and not after the last", async () => {
    const outcome = await readOnTerminal(
      "learn",
      Array.from({ length: 6 }, () => "\n"),
    );
    expect(outcome.text).toContain("7. ");
    expect(outcome.prompts).toBe(6);
    expect(outcome.status).toBe(0);
  });

  test("q is a good end", async () => {
    const outcome = await readOnTerminal("learn", ["\n", "q\n"]);
    expect(outcome.text).toContain("2. ");
    expect(outcome.text).not.toContain("3. The");
    expect(outcome.text).not.toContain("Stopped early");
    expect(outcome.status).toBe(0);
  });

  test("Ctrl-C is an interrupt", async () => {
    const outcome = await readOnTerminal("learn", ["\u0003"]);
    expect(outcome.status).toBe(130);
  });

  test("one chapter has no prompt", async () => {
    const outcome = await readOnTerminal("learn --chapter 1", []);
    expect(outcome.prompts).toBe(0);
    expect(outcome.status).toBe(0);
  });
});

import { expect, test } from "vitest";
import { powershellPath, powershellScript, powershellWords } from "./script.ts";

test("the script goes encoded, so that nothing of it is quoted, and fits a command line of Windows", () => {
  for (const scope of ["all", "network"] as const) {
    const words = powershellWords(scope);
    expect(words.slice(0, -1)).toEqual(["-NoLogo", "-NoProfile", "-NonInteractive", "-EncodedCommand"]);
    expect(Buffer.from(words.at(-1)!, "base64").toString("utf16le")).toBe(powershellScript(scope));
    expect(words.join(" ").length).toBeLessThan(16_000);
  }
  expect(powershellScript("network")).not.toContain("Get-NetTCPConnection");
  expect(powershellScript("all")).toContain(String.raw`'[^\x20-\x7e]', { param($m) '\u{0:x4}' -f`);
});

test("PowerShell is started by its full path", () => {
  expect(powershellPath({ SystemRoot: "D:\\Win" })).toBe("D:\\Win\\System32\\WindowsPowerShell\\v1.0\\powershell.exe");
  expect(powershellPath({})).toMatch(/^C:\\Windows\\/);
});

import { expect, test } from "vitest";
import { capture, captureText } from "./capture.ts";

const node = process.execPath;

test("gives what a program prints, what it complains of and how it ended", async () => {
  const source = `process.stdin.on("data", (text) => { console.log("heard " + text); console.error("alas"); process.exitCode = 3; });`;
  const told = await capture({ program: node, words: ["-e", source], input: "you" });
  expect(told).toEqual({ output: Buffer.from("heard you\n"), complaint: "alas", exitStatus: 3, complete: true });
});

test("words are never read by a shell", async () => {
  const words = ["-e", "console.log(process.argv[1])", "--", "$(id); `id` > /dev/null"];
  expect((await capture({ program: node, words })).output.toString()).toBe("$(id); `id` > /dev/null\n");
});

test("messages come in English, whatever the user speaks", async () => {
  const told = await capture({ program: node, words: ["-e", "console.log(process.env.LC_ALL, process.env.LANG)"] });
  expect(told.output.toString()).toBe("C C\n");
});

test("a program that is not there, takes too long or prints too much is an error", async () => {
  await expect(capture({ program: "portolan-no-such-program", words: [] })).rejects.toMatchObject({
    code: "READER_UNAVAILABLE",
    message: "There is no program portolan-no-such-program here.",
  });
  const hinted = capture({ program: "portolan-no-such-program", words: [], missingHint: "Install it." });
  await expect(hinted).rejects.toMatchObject({ hint: "Install it." });
  const endless = ["-e", "setInterval(() => undefined, 1000)"];
  await expect(capture({ program: node, words: endless, timeoutMs: 100 })).rejects.toMatchObject({
    code: "HOST_READ_FAILED",
    details: { timeoutMs: 100 },
  });
  const flood = ["-e", `const page = "x".repeat(65536); const more = () => process.stdout.write(page, more); more();`];
  await expect(capture({ program: node, words: flood, limitBytes: 1 << 20 })).rejects.toMatchObject({
    code: "HOST_READ_FAILED",
    details: { limitBytes: 1 << 20 },
  });
});

test("an abort ends the program and gives what it has printed", async () => {
  const stop = new AbortController();
  const started = capture({
    program: node,
    words: ["-e", `console.log("first"); setInterval(() => undefined, 1000); process.kill(process.ppid, "SIGWINCH");`],
    signal: stop.signal,
  });
  await new Promise((resolve) => process.once("SIGWINCH", resolve));
  stop.abort();
  expect(await started).toMatchObject({ exitStatus: null, complete: false });
  const never = await capture({ program: "portolan-no-such-program", words: [], signal: AbortSignal.abort() });
  expect(never).toMatchObject({ output: Buffer.alloc(0), complete: false });
});

test("short answers come at once, or not at all", () => {
  expect(captureText(node, ["-e", "console.log(1)"])).toBe("1\n");
  expect(captureText(node, ["-e", "console.log(1); process.exit(1)"])).toBeUndefined();
  expect(captureText("portolan-no-such-program", [])).toBeUndefined();
  expect(captureText(node, ["-e", "setInterval(() => undefined, 1000)"], 100)).toBeUndefined();
});

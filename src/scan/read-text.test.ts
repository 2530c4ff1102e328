import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, expect, test } from "vitest";
import { readTextFile, readTextStream } from "./read-text.ts";

const folder = mkdtempSync(join(tmpdir(), "portolan-read-text-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a file is read without its byte order mark", async () => {
  const path = join(folder, "targets");
  writeFileSync(path, "\ufeff10.0.0.1\r\nnaïve.example\n");
  expect(await readTextFile(path)).toBe("10.0.0.1\r\nnaïve.example\n");
});

test.each([
  [join(folder, "missing"), "no such file"],
  [folder, "a folder"],
  ["a\0b", "NUL"],
])("%j cannot be read, and the reason is told", async (path, reason) => {
  await expect(readTextFile(path)).rejects.toMatchObject({
    code: "FILE_UNREADABLE",
    message: expect.stringContaining(reason) as string,
  });
});

test("a stream without end is not read to its end", async () => {
  function* forEver(): Generator<Buffer> {
    for (;;) yield Buffer.alloc(1_048_576, "x");
  }
  await expect(readTextStream(Readable.from(forEver()), "-")).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
});

test("an abort ends the wait for a pipe that says nothing", async () => {
  const abort = new AbortController();
  const silent = new Readable({ read: () => undefined, signal: abort.signal });
  const reading = readTextStream(silent, "-");
  abort.abort();
  await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
});

import { array, assert, asyncProperty, constantFrom, nat } from "fast-check";
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { readLines, type SaidLine } from "./index.ts";

async function linesOf(chunks: readonly Uint8Array[]): Promise<SaidLine[]> {
  const stream = new PassThrough();
  const lines: SaidLine[] = [];
  const { ended } = readLines(stream, (line) => lines.push(line) > 0);
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await ended;
  return lines;
}

const whole = (text: string): SaidLine => ({ text, continued: false });

describe("lines of a program", () => {
  test.each<[string, string[], SaidLine[]]>([
    ["nothing", [], []],
    ["one line", ["a\n"], [whole("a")]],
    ["without an end", ["a\nb"], [whole("a"), whole("b")]],
    ["an empty one", ["\n\n"], [whole(""), whole("")]],
    ["in pieces", ["a", "b\nc", "d\n"], [whole("ab"), whole("cd")]],
    ["CR LF", ["a\r\nb\r\n"], [whole("a"), whole("b")]],
    ["CR LF in two pieces", ["a\r", "\nb\n"], [whole("a"), whole("b")]],
    ["a line that is written over", ["10 %\r20 %\r", "30 %\n"], [whole("10 %"), whole("20 %"), whole("30 %")]],
  ])("%s", async (_, chunks, expected) => {
    expect(await linesOf(chunks.map((chunk) => Buffer.from(chunk)))).toEqual(expected);
  });

  test("bytes that are no UTF-8, and a letter in two pieces", async () => {
    const letter = Buffer.from("é");
    const lines = await linesOf([
      Buffer.from([0xff, 0x61]),
      letter.subarray(0, 1),
      letter.subarray(1),
      Buffer.from("\n"),
      Buffer.from([0xc3]),
    ]);
    expect(lines).toEqual([whole("\ufffdaé"), whole("\ufffd")]);
  });

  test("a line of a megabyte comes in parts, no letter cut", async () => {
    const text = `x${"😀".repeat(262_144)}`;
    const lines = await linesOf([Buffer.from(`${text}\nnext\n`)]);
    const parts = lines.slice(0, -1);
    expect(parts.map((part) => part.text).join("")).toBe(text);
    expect(Math.max(...parts.map((part) => part.text.length))).toBeLessThanOrEqual(16_384);
    expect(parts.map(({ continued }) => continued)).toEqual(parts.map((_, index) => index > 0));
    expect(parts.some((part) => /\p{Surrogate}/u.test(part.text))).toBe(false);
    expect(lines.at(-1)).toEqual(whole("next"));
  });

  test("a line that is begun is told after a while, and its end is no line of its own", async () => {
    const stream = new PassThrough();
    const lines: SaidLine[] = [];
    const { ended } = readLines(stream, (line) => lines.push(line) > 0);
    stream.write("Sure? ");
    await expect.poll(() => lines).toEqual([whole("Sure? ")]);
    stream.write("yes\nand");
    await expect.poll(() => lines.length).toBe(3);
    stream.write("\nmore\n");
    stream.end();
    await ended;
    expect(lines).toEqual([whole("Sure? "), { text: "yes", continued: true }, whole("and"), whole("more")]);
  });

  test("who reads sets the pace", async () => {
    const stream = new PassThrough();
    const lines: SaidLine[] = [];
    const { ended, resume } = readLines(stream, (line) => lines.push(line) % 2 !== 0);
    for (let number = 0; number < 6; number += 1) stream.write(`${number}\n`);
    stream.end();
    await expect.poll(() => stream.isPaused()).toBe(true);
    expect(lines.length).toBeLessThan(6);
    while (lines.length < 6) {
      resume();
      await new Promise(setImmediate);
    }
    await ended;
    expect(lines.map(({ text }) => text)).toEqual(["0", "1", "2", "3", "4", "5"]);
  });

  test("how it is cut into pieces makes no difference", async () => {
    await assert(
      asyncProperty(
        array(constantFrom("a", "é", "\n", "\r", "\r\n", "😀", "\u001b[31m"), { maxLength: 30 }),
        array(nat(8), { maxLength: 12 }),
        async (pieces, cuts) => {
          const bytes = Buffer.from(pieces.join(""));
          const chunks: Buffer[] = [];
          let at = 0;
          for (const size of cuts) {
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          chunks.push(bytes.subarray(at));
          expect(await linesOf(chunks)).toEqual(await linesOf([bytes]));
        },
      ),
    );
  });
});

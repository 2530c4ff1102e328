import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PortolanError, isPort, parsePort, quote, toPort } from "./index.ts";

function refusalOf(text: string): PortolanError {
  try {
    parsePort(text);
  } catch (error) {
    if (error instanceof PortolanError && error.code === "PORT_INVALID") return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(text)} was accepted`);
}

test("parsing what was printed gives the same port, for all of them", () => {
  for (let port = 0; port <= 65_535; port++) expect(parsePort(String(port))).toBe(port);
});

describe("refusals", () => {
  test.each([
    ["", "empty"],
    ["65536", "highest port is 65535"],
    ["100000", "highest port is 65535"],
    ["9".repeat(400), "highest port is 65535"],
    ["-1", 'character 1 is "-"'],
    ["+1", 'character 1 is "+"'],
    ["0x50", 'character 2 is "x"'],
    ["1e3", 'character 2 is "e"'],
    [" 80", 'character 1 is " "'],
    ["80 ", 'character 3 is " "'],
    ["80\n", 'character 3 is "\\n"'],
    ["８０", 'character 1 is "８"'],
    ["٨٠", 'character 1 is "٨"'],
    ["1.5", 'character 2 is "."'],
    ["080", "leading zeros"],
    ["00", "leading zeros"],
    ["\u{1F6A2}", 'character 1 is "\u{1F6A2}"'],
    ["http", 'character 1 is "h"'],
  ])("%j", (text, reason) => {
    expect(refusalOf(text).message).toContain(reason);
  });

  test("any text is a port or refused, and the message never holds a raw control character", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.stringMatching(/^[0-9]{0,7}$/)),
        (text) => {
          let port: number;
          try {
            port = parsePort(text);
          } catch {
            // eslint-disable-next-line no-control-regex
            return !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/.test(refusalOf(text).message);
          }
          return String(port) === text;
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("ten million characters make a short message", () => {
    expect(refusalOf("1".repeat(1e7)).message.length).toBeLessThan(200);
    expect(refusalOf("x".repeat(1e7)).message.length).toBeLessThan(200);
  });
});

test("numbers", () => {
  expect(toPort(65_535)).toBe(65_535);
  for (const value of [-1, 65_536, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(isPort(value)).toBe(false);
    expect(() => toPort(value)).toThrow(PortolanError);
  }
  expect(isPort("80")).toBe(false);
  expect(isPort(80)).toBe(true);
});

test("outside text is quoted, clipped and free of what steers a terminal or a reader's eye", () => {
  expect(quote("a\u001b[31mb")).toBe('"a\\u001b[31mb"');
  expect(quote("\u202eabc\u009b\u2028")).toBe('"\\u202eabc\\u009b\\u2028"');
  expect(quote("x".repeat(100))).toBe(`"${"x".repeat(57)}..."`);
});

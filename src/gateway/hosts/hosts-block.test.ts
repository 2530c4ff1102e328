import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readHostsText, writeHostsText, type HostLine } from "./hosts-block.ts";

const shop: readonly HostLine[] = [
  { address: "127.0.0.1", name: "shop.test" },
  { address: "::1", name: "shop.test" },
];
const block =
  "# portolan begin: written by portolan hosts, taken out by portolan hosts --remove\n127.0.0.1 shop.test\n::1 shop.test\n# portolan end";

const put = (text: string, lines = shop): string => writeHostsText(readHostsText(text), lines);

describe("the block in a hosts file", () => {
  test.each([
    ["", `${block}\n`],
    ["127.0.0.1 localhost\n", `127.0.0.1 localhost\n${block}\n`],
    ["127.0.0.1 localhost", `127.0.0.1 localhost\n${block}`],
    ["127.0.0.1 localhost\r\n", `127.0.0.1 localhost\r\n${block.replaceAll("\n", "\r\n")}\r\n`],
    ["127.0.0.1 localhost\r\n# end", `127.0.0.1 localhost\r\n# end\r\n${block.replaceAll("\n", "\r\n")}`],
  ])("is put behind %j, and taken out again", (text, expected) => {
    expect(put(text)).toBe(expected);
    expect(put(expected)).toBe(expected);
    expect(put(expected, [])).toBe(text);
  });

  test("is changed where it stands", () => {
    const text = `10.0.0.1 a\n${block}\n10.0.0.2 b # c\n`;
    expect(put(text, [{ address: "::1", name: "x.test" }])).toBe(
      `10.0.0.1 a\n${block.replace(/\n127[^]*?::1 shop\.test/, "\n::1 x.test")}\n10.0.0.2 b # c\n`,
    );
    expect(readHostsText(text)).toMatchObject({
      names: shop,
      foreign: [
        { line: 1, address: "10.0.0.1", name: "a" },
        { line: 6, address: "10.0.0.2", name: "b" },
      ],
    });
  });

  test("whatever else is in the file stays, byte for byte", () => {
    const lines = fc.array(
      fc.record({ address: fc.constantFrom("127.0.0.1", "::1"), name: fc.stringMatching(/^[a-z]{1,8}\.test$/) }),
      { minLength: 1, maxLength: 4 },
    );
    const text = fc
      .array(fc.constantFrom("\n", "\r\n", "\t", " ", "#", "127.0.0.1", "x", "\u00e9", "\u00ff", "\r", "::1 y"), {
        maxLength: 40,
      })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, lines, lines, (whole, first, second) => {
        const once = put(whole, first);
        expect(readHostsText(once).names).toEqual(first);
        expect(put(once, second)).toBe(put(whole, second));
        expect(put(once, [])).toBe(whole);
      }),
    );
  });

  test.each([
    ["no end", block.slice(0, block.lastIndexOf("\n")), /has no end/],
    ["no beginning", "# portolan end\n", /Line 1 ends a block of Portolan's that has not begun/],
    ["twice", `${block}\n${block}\n`, /Line 5 begins/],
    ["begun within itself", block.replace("::1 shop.test", "# portolan begin"), /Line 3 begins/],
    ["a line of somebody else's", block.replace("::1 shop.test", "10.0.0.1 a b"), /Line 3, within/],
    ["a comment", block.replace("::1 shop.test", "# mine"), /Line 3, within/],
    ["bytes", "\u00ff\u00fe1\u0000", /bytes that no text has/],
  ])("damaged, it is refused: %s", (_name, text, message) => {
    expect(() => readHostsText(text)).toThrow(message);
    expect(() => readHostsText(text)).toThrow(expect.objectContaining({ code: "HOSTS_DAMAGED" }));
  });
});

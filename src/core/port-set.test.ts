import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PortSet, PortolanError, longestPortSetText, type Port } from "./index.ts";

const names: ReadonlyMap<string, readonly number[]> = new Map([
  ["ssh", [22]],
  ["http-alt", [8080, 591]],
  ["3com-tsmux", [106]],
  ["z39.50", [210]],
]);
const resolveName = (name: string): readonly number[] | undefined => names.get(name);

const port = fc.oneof(fc.nat(65_535), fc.constantFrom(0, 1, 31, 32, 33, 65_534, 65_535));
const range = fc
  .tuple(port, fc.oneof(fc.nat(200), fc.nat(65_535)))
  .map(([first, length]): [number, number] => [first, Math.min(65_535, first + length)]);
/** A set as the library has it, with the same set as the language has it. */
const pair = fc.tuple(fc.array(port, { maxLength: 20 }), fc.array(range, { maxLength: 3 })).map(([ports, ranges]) => {
  const model = new Set<number>(ports);
  let set = PortSet.of(...ports);
  for (const [first, last] of ranges) {
    for (let member = first; member <= last; member++) model.add(member);
    set = set.union(PortSet.range(first, last));
  }
  return { set, model };
});

function refusalOf(text: string, resolve: typeof resolveName | null = resolveName): PortolanError {
  try {
    PortSet.parse(text, resolve ?? undefined);
  } catch (error) {
    if (error instanceof PortolanError && error.code === "PORT_SET_INVALID") return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(text.slice(0, 60))} was accepted`);
}

describe("grammar", () => {
  test.each([
    ["22,80,8000-8100", "22,80,8000-8100"],
    ["..1023", "0-1023"],
    ["-1023", "0-1023"],
    ["49152..", "49152-65535"],
    ["49152-", "49152-65535"],
    ["5..5", "5"],
    ["1..3, 5\t,  7 ", "1-3,5,7"],
    ["3,1,2", "1-3"],
    ["80,80,79-81", "79-81"],
    ["ssh", "22"],
    ["http-alt,443", "443,591,8080"],
    ["3com-tsmux", "106"],
    ["z39.50", "210"],
    ["0,65535", "0,65535"],
    ["0-65535", "0-65535"],
    ["31,32,63,64", "31-32,63-64"],
  ])("%j is %s", (text, canonical) => {
    expect(PortSet.parse(text, resolveName).toString()).toBe(canonical);
  });

  test.each([
    ["", 1, "empty"],
    ["  ", 1, "empty"],
    ["22,,80", 4, "missing"],
    [",22", 1, "missing"],
    ["22,", 4, "missing"],
    ["22, ,80", 4, "missing"],
    ["80-22", 1, "write 22-80"],
    ["1,80..22", 3, "write 22-80"],
    ["65536", 1, "65535"],
    ["1,65536", 3, "65535"],
    ["1-65536", 3, "65535"],
    ["99999999999999999999", 1, "65535"],
    ["0x50", 1, "plain decimal digits"],
    ["1e3", 1, "plain decimal digits"],
    ["+80", 1, "plain decimal digits"],
    ["080", 1, "leading zeros"],
    ["1.5", 1, "character 2"],
    ["7,1.5", 3, "character 4"],
    ["８０", 1, "plain digits"],
    ["8０", 2, "plain digits"],
    ["22 80", 3, "comma"],
    ["22\n80", 3, "comma"],
    ["22\u00a080", 3, "comma"],
    ["22;80", 1, "plain decimal digits"],
    ["-", 1, "0-65535"],
    ["..", 1, "0-65535"],
    ["1-2-3", 3, "character 4"],
    ["1...3", 4, "character 4"],
    ["--1", 2, "not a port"],
    ["ssh..80", 1, "ends of a range"],
    ["22..ssh", 1, "ends of a range"],
    ["22,shh", 4, "not a service name"],
    ["\u{1F6A2}", 1, "plain digits"],
    ["a".repeat(65), 1, "more than 64"],
  ])("%j is refused at character %i", (text, position, reason) => {
    const error = refusalOf(text);
    expect(error.details["position"]).toBe(position);
    expect(error.message).toContain(reason);
  });

  test("without a resolver no name is accepted", () => {
    expect(refusalOf("ssh", null).message).toContain("only numbers are accepted here");
  });

  test("a name is resolved once, and one that stands for no port is not known", () => {
    let calls = 0;
    const set = PortSet.parse("ssh,ssh, ssh", (name) => {
      calls++;
      return names.get(name);
    });
    expect(set.toArray()).toEqual([22]);
    expect(calls).toBe(1);
    expect(() => PortSet.parse("ssh", () => [])).toThrow(PortolanError);
    expect(() => PortSet.parse("ssh", () => [70_000])).toThrow(PortolanError);
  });
});

describe("any input", () => {
  test("is read or refused with a position inside it", () => {
    const nearly = fc.stringMatching(/^[0-9,.a -]{0,40}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), nearly), (text) => {
        let set: PortSet;
        try {
          set = PortSet.parse(text, resolveName);
        } catch {
          const { position } = refusalOf(text).details;
          return typeof position === "number" && position >= 1 && position <= text.length + 1;
        }
        return set.size > 0 && PortSet.parse(set.toString()).equals(set);
      }),
      { numRuns: 5000 },
    );
  });

  test.each([",", "1,", "x", "1-", ".", " ", "\u{1F6A2}", "0-65535,"])(
    "ten million characters of %j are refused by their number",
    (unit) => {
      const error = refusalOf(unit.repeat(Math.ceil(1e7 / unit.length)));
      expect(error.message).toMatch(/it has \d{8} characters, and at most 400000/);
      expect(error.message.length).toBeLessThan(300);
    },
  );

  test("a million commas are refused", () => {
    expect(refusalOf(",".repeat(1_000_000)).message).toContain("1000000 characters");
    expect(refusalOf(",".repeat(longestPortSetText)).details["position"]).toBe(1);
  });

  test("no part makes more work than its length: each is at most 64 characters, and each name is asked for once", () => {
    const sizes: number[] = [];
    let asked = 0;
    const text = `${"0-65535,".repeat(40_000)}${"ssh,".repeat(10_000)}22`;
    const set = PortSet.parse(text, (name) => {
      sizes.push(name.length);
      asked++;
      return names.get(name);
    });
    expect(set.size).toBe(65_536);
    expect(asked).toBe(1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64);
    expect(refusalOf("9".repeat(longestPortSetText)).message).toContain("more than 64 characters");
  });

  test("every port written one by one is short enough", () => {
    const text = PortSet.all.toArray().join(",");
    expect(text.length).toBeLessThanOrEqual(longestPortSetText);
    expect(PortSet.parse(text).equals(PortSet.all)).toBe(true);
  });
});

describe("as a set", () => {
  test("does what a set of the language does", () => {
    fc.assert(
      fc.property(pair, pair, port, (left, right, probe) => {
        const expectSame = (set: PortSet, model: Iterable<number>): void => {
          const sorted = [...new Set(model)].sort((one, other) => one - other);
          expect(set.toArray()).toEqual(sorted);
          expect(set.size).toBe(sorted.length);
          expect(set.first).toBe(sorted[0]);
          expect(set.last).toBe(sorted.at(-1));
        };
        expectSame(left.set, left.model);
        expectSame(left.set.union(right.set), [...left.model, ...right.model]);
        expectSame(
          left.set.intersect(right.set),
          [...left.model].filter((one) => right.model.has(one)),
        );
        expectSame(
          left.set.difference(right.set),
          [...left.model].filter((one) => !right.model.has(one)),
        );
        expect(left.set.has(probe)).toBe(left.model.has(probe));
        expect(left.set.complement().has(probe)).toBe(!left.model.has(probe));
        expect(left.set.complement().size).toBe(65_536 - left.model.size);
        expect(left.set.complement().complement().equals(left.set)).toBe(true);
        expect(left.set.equals(right.set)).toBe(
          left.set.difference(right.set).size + right.set.difference(left.set).size === 0,
        );
      }),
      { numRuns: 25 },
    );
  });

  test("parsing what was printed gives the same set", () => {
    fc.assert(
      fc.property(pair, ({ set }) => {
        if (set.size === 0) return set.toString() === "";
        return PortSet.parse(set.toString()).equals(set);
      }),
      { numRuns: 200 },
    );
  });

  test("ranges are the longest runs", () => {
    fc.assert(
      fc.property(pair, ({ set }) => {
        let previous = -2;
        let size = 0;
        for (const [first, last] of set.ranges()) {
          expect(first).toBeGreaterThan(previous + 1);
          expect(last).toBeGreaterThanOrEqual(first);
          size += last - first + 1;
          previous = last;
        }
        expect(size).toBe(set.size);
      }),
      { numRuns: 100 },
    );
    expect([...PortSet.all.ranges()]).toEqual([[0, 65_535]]);
    expect([...PortSet.empty.ranges()]).toEqual([]);
  });

  test("the empty and the full set", () => {
    expect(PortSet.empty.size).toBe(0);
    expect(PortSet.empty.first).toBeUndefined();
    expect(PortSet.empty.last).toBeUndefined();
    expect(PortSet.all.size).toBe(65_536);
    expect(PortSet.all.toString()).toBe("0-65535");
    expect(PortSet.all.complement().equals(PortSet.empty)).toBe(true);
  });

  test("operations leave their operands alone", () => {
    const set = PortSet.of(22, 80);
    set.union(PortSet.of(1));
    set.complement();
    set.difference(PortSet.of(22));
    expect(set.toString()).toBe("22,80");
    expect(PortSet.empty.size).toBe(0);
  });

  test("what is no port is not in it, and cannot be put in", () => {
    for (const value of [-1, 65_536, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(PortSet.all.has(value)).toBe(false);
      expect(() => PortSet.of(value)).toThrow(PortolanError);
      expect(() => PortSet.range(0, value)).toThrow(PortolanError);
    }
    expect(() => PortSet.range(80, 22)).toThrow(/write 22-80/);
  });

  test("in JSON it is its text", () => {
    expect(JSON.stringify({ ports: PortSet.of(1, 2, 9) })).toBe('{"ports":"1-2,9"}');
  });

  test("iterates ascending with typed ports", () => {
    const ports: Port[] = [...PortSet.of(9, 1, 5)];
    expect(ports).toEqual([1, 5, 9]);
  });
});

describe("a bitmap", () => {
  test("has the lowest port in the lowest bit of the first byte", () => {
    const bytes = new Uint8Array(8192);
    bytes[0] = 0b1000_0001;
    bytes[10] = 0b1;
    bytes[8191] = 0b1000_0000;
    expect(PortSet.fromBitmap(bytes).toString()).toBe("0,7,80,65535");
    bytes[0] = 0;
    expect(PortSet.fromBitmap(bytes).first).toBe(80);
  });

  test("of another length is refused", () => {
    expect(() => PortSet.fromBitmap(new Uint8Array(8191))).toThrow("8192 bytes");
  });
});

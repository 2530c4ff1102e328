/**
 * @module Interpolation: what comes out, and where each of its pieces stands.
 */
import { expect, test } from "vitest";
import { readEnvironmentFile, resolveEnvironment } from "./environment-file.ts";
import { interpolate } from "./interpolate.ts";
import { LocatedText } from "./located-text.ts";

const source = (text: string) => ({ path: "/f", text });

function expand(text: string, variables: Record<string, string> = {}): string {
  return interpolate(LocatedText.of(source(text), 0, text), (name) => variables[name]).text;
}

test.each([
  ["plain", "plain"],
  ["$A-${A}", "1-1"],
  ["${EMPTY:-x}${EMPTY-x}${UNSET-x}", "xx"],
  ["${A:+x}${EMPTY:+x}${EMPTY+x}${UNSET+x}", "xx"],
  ["${UNSET:-${EMPTY:-${A}}}", "1"],
  ["$$A $${A}", "$A ${A}"],
  ["${A:?no}", "1"],
  ["$UNSET|", "|"],
])("%s is %s", (text, outcome) => {
  expect(expand(text, { A: "1", EMPTY: "" })).toBe(outcome);
});

test.each(["${", "${}", "$", "${A:?}", "${1}", "${A", "a $ b", "${A B}"])("%s is refused", (text) => {
  expect(() => expand(text)).toThrow();
});

test("each piece leads to where it stands", () => {
  const file = source(`B=300\nA="\${B}1"\n`);
  const values = resolveEnvironment([readEnvironmentFile(file)], () => undefined);
  const text = `\${A}:\${X:-80}`;
  const made = interpolate(LocatedText.of(source(text), 0, text), (name) => values.get(name));
  expect(made.text).toBe("3001:80");
  expect(made.placeOf(0, 3)).toMatchObject({ source: file, offset: 2, length: 3, exact: true });
  expect(made.placeOf(3, 4)).toMatchObject({ source: file, offset: 13, length: 1, exact: true });
  expect(made.placeOf(5, 7)).toMatchObject({ offset: text.indexOf("80"), length: 2, exact: true });
  // Digits from two places are written by neither.
  expect(made.placeOf(0, 4).exact).toBe(false);
});

test.each([
  ["A=1 # no", "1"],
  ["A='1 # yes'", "1 # yes"],
  ['export A="a\\nb"', "a\nb"],
  ["A=1#yes", "1#yes"],
  ["A = spaced  ", "spaced"],
  ["A=", ""],
  ['A="over\ntwo"', "over\ntwo"],
  ["A=first\r\nA=last\r\n", "last"],
  ["A=$B", ""],
  ["A='$B'", "$B"],
  ["A=pa$$word$", "pa$$word$"],
])("%j assigns %j", (text, value) => {
  expect(resolveEnvironment([readEnvironmentFile(source(text))], () => undefined).get("A")?.text).toBe(value);
});

import { array, constantFrom, sample } from "fast-check";
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { fillWord, readTemplate, splitCommand, variablesOf } from "./split-command.ts";

const environment = { PORT: "4000", EMPTY: "", SPACED: "a b" };

function wordsOf(text: string): string[] | string {
  const split = splitCommand(text);
  return "problem" in split ? split.problem : split.words.map((word) => fillWord(word, environment));
}

describe("a command without a shell", () => {
  test.each<[string, string[]]>([
    ["npm run dev", ["npm", "run", "dev"]],
    ["  node\tserver.js  ", ["node", "server.js"]],
    ['node -e "console.log(1)"', ["node", "-e", "console.log(1)"]],
    ["node -e 'a && b | c $X `d`'", ["node", "-e", "a && b | c $X `d`"]],
    ["serve --port=$PORT", ["serve", "--port=4000"]],
    ["serve ${PORT}1", ["serve", "40001"]],
    ['say "$SPACED" $SPACED', ["say", "a b", "a b"]],
    ["x \"\" '' $EMPTY", ["x", "", "", ""]],
    [String.raw`x "a\"b\\c\$PORT" "\n"`, ["x", 'a"b\\c$PORT', "\\n"]],
    ["x a'b'\"c\"d", ["x", "abcd"]],
    ["x a=b #no", []],
    ["x a#b ~", []],
    ["x a~b a#b --glob=!x", ["x", "a~b", "a#b", "--glob=!x"]],
  ])("%s", (text, words) => {
    if (words.length === 0) expect(wordsOf(text)).toMatch(/takes a shell/);
    else expect(wordsOf(text)).toEqual(words);
  });

  test.each([
    ["a && b", "& and && takes a shell"],
    ["a; b", "a second command behind ; takes a shell"],
    ["a | b", "a pipe takes a shell"],
    ["a > b", "a redirection takes a shell"],
    ["a $(b)", "$ without a plain name behind it takes a shell"],
    ["a ${B:-c}", "$ without a plain name behind it takes a shell"],
    ["a `b`", "a command in backticks takes a shell"],
    ['a "`b`"', "a command in backticks takes a shell"],
    ["a *.js", "the wildcard * takes a shell"],
    ["NODE_ENV=x a", "a variable before the program takes a shell"],
    ["a 'b", "a quote ' is not closed"],
    ['a "b', 'a quote " is not closed'],
    ["a\nb", "a second line takes a shell"],
    ["   ", "it is empty"],
  ])("%s: %s", (text, problem) => {
    expect(wordsOf(text)).toBe(problem);
  });

  test("what is accepted means to a shell the same, but that no value is split", () => {
    const piece = constantFrom("a", "'b c'", '"d e"', "$PORT", '"$PORT"', "-x=1", "'$'", '"\\\\"', '"\\$"', "é", "=");
    const texts = sample(
      array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => `w ${pieces.join(" ")}`),
      40,
    );
    const script = texts.map((text) => `show ${text}`).join("\n");
    const told = execFileSync("sh", ["-c", `show() { printf '%s\\n' "$#" "$@"; }\n${script}`], {
      env: { PORT: "4000" },
      encoding: "utf8",
    });
    const expected = texts.flatMap((text) => {
      const split = splitCommand(text);
      const words = "problem" in split ? [split.problem] : split.words.map((word) => fillWord(word, environment));
      return [String(words.length), ...words];
    });
    expect(told.trimEnd().split("\n")).toEqual(expected);
  });
});

test("a text with variables", () => {
  const word = readTemplate("postgres://localhost:${PORT}/$x$${PORT}");
  expect(variablesOf([word])).toEqual(["PORT"]);
  expect(fillWord(word, environment)).toBe("postgres://localhost:4000/$x${PORT}");
  expect(fillWord(readTemplate(""), {})).toBe("");
});

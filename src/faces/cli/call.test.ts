import { expect, test } from "vitest";
import { completeWords, readBareCall, runValueOptions } from "./call.ts";
import { manifest } from "./manifest.generated.ts";
import { parseWords } from "./parse-words.ts";

test.each(manifest.commands.flatMap(({ name }) => [[[name]], [[name, "--json"]]]))(
  "%j is read the same with the parser and without",
  (words) => {
    const bare = readBareCall(manifest, words);
    if (bare === undefined) expect(() => parseWords(manifest, words)).toThrow(/missing required argument/i);
    else expect(parseWords(manifest, words)).toEqual(bare);
  },
);

test("everything else is left to the parser", () => {
  for (const words of [
    ["list", "3000"],
    ["list", "--help"],
    ["lst"],
    ["who"],
    ["--help"],
    [],
    ["list", "--json", "--json"],
  ]) {
    expect(readBareCall(manifest, words)).toBeUndefined();
  }
});

test.each([
  [[], ["list"]],
  [["--all"], ["list", "--all"]],
  [["3000"], ["who", "3000"]],
  [[":3000"], ["who", ":3000"]],
  [["8000-8100"], ["who", "8000-8100"]],
  [["-h"], ["-h"]],
  [["--version"], ["--version"]],
  [
    ["who", "3000"],
    ["who", "3000"],
  ],
  [["127.0.0.1"], ["127.0.0.1"]],
  [["route"], ["routes"]],
  [
    ["route", "hosts", "--all"],
    ["hosts", "--all"],
  ],
  [
    ["gateway", "install", "--print"],
    ["gateway-service", "install", "--print"],
  ],
  [
    ["gateway", "uninstall"],
    ["gateway-service", "uninstall"],
  ],
  [
    ["gateway", "trust", "--yes"],
    ["trust", "--yes"],
  ],
  [["gateway", "untrust"], ["untrust"]],
  [
    ["gateway", "export", "--format", "nginx"],
    ["gateway-export", "--format", "nginx"],
  ],
  [
    ["gateway", "status"],
    ["gateway", "status"],
  ],
  [
    ["route", "list", "--json"],
    ["routes", "--json"],
  ],
  [
    ["route", "add", "shop", "3000"],
    ["route", "add", "shop", "3000"],
  ],
  [
    ["run", "shop", "--", "npm", "run", "dev"],
    ["run", "--app", "shop", "--", "npm", "run", "dev"],
  ],
  [
    ["run", "--open", "--prefer", "3000", "shop", "--force", "--", "vite"],
    ["run", "--open", "--prefer", "3000", "--app", "shop", "--force", "--", "vite"],
  ],
  [
    ["run", "--prefer", "3000", "--", "vite"],
    ["run", "--prefer", "3000", "--", "vite"],
  ],
  [
    ["run", "node", "x.js", "--", "y"],
    ["run", "node", "x.js", "--", "y"],
  ],
  [
    ["run", "sh", "-c", "x"],
    ["run", "sh", "-c", "x"],
  ],
])("%j stands for %j", (words, completed) => {
  expect(completeWords(words)).toEqual(completed);
});

test("which options of run take a value is known without the manifest", () => {
  const { options } = manifest.commands.find(({ name }) => name === "run")!;
  const valued = options.filter(({ kind }) => kind !== "switch").map(({ key }) => `--${key}`);
  // Every command has the last three.
  expect([...runValueOptions].toSorted()).toEqual([...valued, "--color", "--reader", "--root"].toSorted());
});

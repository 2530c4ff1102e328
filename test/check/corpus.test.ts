/**
 * @module Project folders as they are found in the wild, each with what is wrong listed by hand beside it: all of that is found, and nothing
 * else. The numbers stand where they are said to stand.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { check } from "../../src/index.ts";
import { checkView } from "../../src/faces/cli/views/check.ts";

const corpus = fileURLToPath(new URL("corpus", import.meta.url));

/** What a folder's expected.json lists. */
interface Expected {
  readonly about: string;
  readonly arguments: readonly string[];
  readonly exitStatus: number;
  /** Ports that somebody is to listen on: `file:line:column port/transport`. */
  readonly wishes: readonly string[];
  /** `severity kind file:line:column port/transport`. */
  readonly findings: readonly string[];
  /** `severity file:line:column`. */
  readonly problems: readonly string[];
}

const folders = readdirSync(corpus);

test("the corpus is large", () => {
  expect(folders.length).toBeGreaterThanOrEqual(40);
});

test.each(folders)("%s", async (name) => {
  const folder = join(corpus, name);
  const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Expected;
  const [first, second] = expected.arguments;
  const result = await check(
    {
      machine: false,
      ...(first === "--profile" ? { profile: second } : first === undefined ? {} : { paths: [...expected.arguments] }),
    },
    { workingDirectory: folder, environment: {} },
  );
  const { wishes, findings, problems } = result;
  const placeOf = (place: { file: string; line: number | null; column: number | null }): string =>
    `${place.file}:${place.line}:${place.column}`;
  const active = wishes.filter(({ role, inactive }) => role === "listens" && inactive === null);
  expect(active.map((wish) => `${placeOf(wish)} ${wish.port}/${wish.transport}`).sort()).toEqual(expected.wishes);
  expect(
    findings
      .map(
        ({ severity, kind, wish, port, transport }) =>
          `${severity} ${kind} ${placeOf(wishes[wish]!)} ${port}/${transport}`,
      )
      .sort(),
  ).toEqual(expected.findings);
  expect(problems.map((problem) => `${problem.severity} ${placeOf(problem)}`).sort()).toEqual(expected.problems);
  expect(checkView.exitStatus?.(result)).toBe(expected.exitStatus);
  for (const { origin, file, line, column, endColumn, port, lastPort } of wishes) {
    if (origin !== "written") continue;
    const lines = readFileSync(join(folder, file), "utf8").split("\n");
    const text = lines[line - 1]!.slice(column - 1, endColumn - 1);
    expect(text).toBe(port === lastPort ? String(port) : `${port}-${lastPort}`);
  }
});

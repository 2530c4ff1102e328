/**
 * @module The ports of compose files as Debian's docker-compose reads them: it is the old one, of version 1.29, and refuses what is new. What it
 * accepts must come out the same here, port by port.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { constantFrom, integer, option, record, sample } from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadComposeProject } from "../../src/wishes/compose/compose-project.ts";
import { ProjectFiles } from "../../src/wishes/project-files.ts";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";

const corpus = fileURLToPath(new URL("corpus", import.meta.url));
const driver = fileURLToPath(new URL("compose-config.py", import.meta.url));

/** One run of the command. */
interface Run {
  readonly folder: string;
  /** Files that are named, from the folder; empty for those that it finds itself. */
  readonly files: readonly string[];
}

/** `service address:published:target/protocol` of each port. `null`: the file was refused. */
type Ports = readonly string[] | null;

/** Files of the corpus, as the command would take them. */
function corpusRuns(): Run[] {
  const isCompose = (name: string): boolean => /^(?:docker-)?compose\.ya?ml$/.test(name);
  return readdirSync(corpus, { recursive: true, encoding: "utf8" })
    .filter((path) => isCompose(basename(path)))
    .sort()
    .map((path) => {
      const folder = join(corpus, dirname(path));
      const expected = join(folder, "expected.json");
      const named = readdirSync(folder).includes("expected.json")
        ? (JSON.parse(readFileSync(expected, "utf8")) as { arguments: string[] }).arguments
        : [];
      return { folder, files: named[0]?.startsWith("--") === false ? named : [] };
    });
}

/** The command by the interpreter that it is installed for. */
async function askDockerCompose(runs: readonly Run[]): Promise<Ports[]> {
  const program = execFileSync("sh", ["-c", "command -v docker-compose"], { encoding: "utf8" }).trim();
  const interpreter = /^#!(\S+)/.exec(readFileSync(program, "utf8"))![1]!;
  const child = spawn(interpreter, [driver], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
  });
  child.stdin.end(
    runs.map(({ folder, files }) => `${JSON.stringify([folder, files.flatMap((file) => ["-f", file])])}\n`).join(""),
  );
  let output = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) output += chunk as string;
  return output
    .trimEnd()
    .split("\n")
    .map((line) => {
      const ports = JSON.parse(line) as (string | null)[][] | null;
      return ports === null
        ? null
        : [
            ...new Set(
              ports.map(
                ([service, address, published, target, protocol]) =>
                  `${service} ${address ?? ""}:${published ?? ""}:${target}/${protocol}`,
              ),
            ),
          ].sort();
    });
}

/** What is read here, in the same words. */
function readHere({ folder, files }: Run): readonly string[] {
  const names =
    files.length > 0
      ? files
      : [
          ...readdirSync(folder).filter((name) => /^(?:docker-)?compose\.ya?ml$/.test(name)),
          ...readdirSync(folder).filter((name) => /^(?:docker-)?compose\.override\.ya?ml$/.test(name)),
        ];
  const project = loadComposeProject(
    { paths: names.map((name) => join(folder, name)), folder, environment: {} },
    new ProjectFiles(),
  );
  const found = [...project.services].flatMap(([name, service]) =>
    service.ports.items.flatMap(({ address, published, count, anyOf, target, transport }) =>
      Array.from({ length: anyOf ? 1 : count }, (_, step) => {
        const outside = published === null ? "" : anyOf ? `${published}-${published + count - 1}` : published + step;
        return `${name} ${address ?? ""}:${outside}:${target + step}/${transport}`;
      }),
    ),
  );
  return [...new Set(found)].sort();
}

/** What is of later versions of Compose, or wrong. */
const refused = [
  "compose-broken",
  "compose-env-file-missing",
  "compose-include",
  "compose-interpolation",
  "compose-required",
  "compose-reset",
  "compose-wrong-port",
  "mongo-express",
  "mongo-express-profile",
];

describe.skipIf(requireOrSkip("docker-compose", whyNoProgram("docker-compose", "docker-compose")))(
  "docker-compose",
  () => {
    const runs = corpusRuns();
    let folder: string;
    let answers: Ports[];
    let generated: Run;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "portolan-compose-"));
      mkdirSync(join(folder, "generated"));
      generated = { folder: join(folder, "generated"), files: [] };
      writeFileSync(join(generated.folder, "docker-compose.yml"), generateFile());
      answers = await askDockerCompose([...runs, generated]);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test("refuses what is listed here, and nothing else", () => {
      const names = runs
        .filter((_, index) => answers[index] === null)
        .map((run) => basename(run.folder))
        .sort();
      expect(names).toEqual(refused);
      expect(runs.length - refused.length).toBeGreaterThan(20);
    });

    test("publishes the ports that are read here, of every file that it accepts", () => {
      for (const [index, run] of runs.entries()) {
        const answer = answers[index]!;
        if (answer !== null) expect(readHere(run), run.folder).toEqual(answer);
      }
    });

    test("reads five hundred ports in every form of the short syntax as they are read here", () => {
      expect(answers.at(-1)).not.toBeNull();
      expect(answers.at(-1)!.length).toBeGreaterThan(500);
      expect(readHere(generated)).toEqual(answers.at(-1));
    });
  },
);

/** Services with ports of every form. */
function generateFile(): string {
  const port = integer({ min: 1, max: 65_000 });
  const size = integer({ min: 1, max: 5 });
  const range = (first: number, count: number): string => (count === 1 ? `${first}` : `${first}-${first + count - 1}`);
  const entry = record({
    address: constantFrom("", "", "", "127.0.0.1", "0.0.0.0", "192.168.1.8", "[::1]", "[::]"),
    outside: option(port),
    inside: port,
    count: size,
    protocol: constantFrom("", "", "/tcp", "/udp", "/sctp"),
  }).map(({ address, outside, inside, count, protocol }) => {
    const target = range(inside, count);
    if (outside === null) return address === "" ? `${target}${protocol}` : `${address}::${inside}${protocol}`;
    return `${address === "" ? "" : `${address}:`}${range(outside, count)}:${target}${protocol}`;
  });
  const entries = sample(entry, { numRuns: 500, seed: 20_261 });
  const services = entries.map((text, index) => `  s${index}:\n    image: nginx\n    ports:\n      - "${text}"\n`);
  return `version: "3.9"\nservices:\n${services.join("")}`;
}

/**
 * @module How fast connections are told, beside `ss -tnp`. Markdown on standard output, progress on standard error.
 *
 * Usage: node bench/connections.mjs [--pairs N] [--rounds N] [--hold]
 *
 * The sockets stand in a network namespace of its own (by `unshare`), which ends with the benchmark. `--hold` measures nothing: it
 * prints the pid of a process in that namespace and waits for the end of its input, for a look by hand.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadPopulation, populationProgram } from "./load-population.mjs";
import { cleanEnvironment, medianOf } from "./measure.mjs";

const repository = fileURLToPath(new URL("..", import.meta.url));
const command = join(repository, "dist/bin/portolan.cjs");
/** At most so much of `ss -tnp`'s time. */
const targetRatio = 0.5;

const { values: options } = parseArgs({
  options: {
    pairs: { type: "string", default: "55000" },
    rounds: { type: "string", default: "11" },
    hold: { type: "boolean", default: false },
    inside: { type: "boolean", default: false },
  },
});
const pairs = Number(options.pairs);
const rounds = Number(options.rounds);
if (!Number.isInteger(pairs) || pairs < 1 || pairs > 60_000) fail("--pairs takes a whole number from 1 to 60000");
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1000) fail("--rounds takes a whole number from 1 to 1000");
if (options.inside) await measureInside();
else await enterNamespace();

/** Starts this program again in a network namespace of its own. */
async function enterNamespace() {
  if (!existsSync(command)) fail("dist/ is missing: run `npm run build` first");
  if (process.getuid() !== 0) fail("run it as root: a network namespace and every process's descriptors take that");
  const words = ["--net", process.execPath, fileURLToPath(import.meta.url), "--inside", ...process.argv.slice(2)];
  const child = spawn("unshare", words, { stdio: "inherit", env: cleanEnvironment() });
  const [status] = await once(child, "exit");
  process.exitCode = status ?? 1;
}

async function measureInside() {
  const up = spawnSync("ip", ["link", "set", "lo", "up"], { stdio: ["ignore", 2, 2] });
  if (up.status !== 0) fail("the loopback interface could not be brought up");
  const { startPopulation } = await loadPopulation();
  say(`opening ${pairs} connections`);
  const population = await startPopulation({ listeners: 100, processes: 50, pairs, programPath: populationProgram });
  const folder = mkdtempSync(join(tmpdir(), "portolan-bench-"));
  try {
    if (options.hold) await hold();
    else measure(folder);
  } finally {
    rmSync(folder, { recursive: true });
    await population.stop();
  }
}

async function hold() {
  print(String(process.pid));
  process.stdin.resume();
  await once(process.stdin, "end");
}

function measure(folder) {
  const node = process.execPath;
  const contestants = [
    { name: "ss -tnp", program: "ss", words: ["-tnp"] },
    { name: "portolan connections", program: node, words: [command, "connections"] },
    { name: "ss -tnip", program: "ss", words: ["-tnip"] },
    { name: "portolan connections --json", program: node, words: [command, "connections", "--json"] },
    { name: "portolan connections --group process", program: node, words: [command, "connections", "-g", "process"] },
  ];
  for (const { name, program, words } of contestants) check(name, program, words, folder);
  const times = contestants.map(() => []);
  // In turns, so that a change of the machine's mood meets all; the first turn only warms up.
  for (let round = 0; round <= rounds; round++) {
    say(round === 0 ? "  warming up" : `  round ${round} of ${rounds}`);
    contestants.forEach(({ name, program, words }, index) => {
      const elapsedMs = time(name, program, words, folder);
      if (round > 0) times[index].push(elapsedMs);
    });
  }
  print("# Telling connections\n");
  print(
    `Node ${process.versions.node}, kernel ${release()}, ${cpus().length} processors (${cpus()[0]?.model.trim()}).`,
  );
  print(`${pairs} connections with both ends here, ${pairs * 2} sockets in 50 processes. Whole processes, output to a`);
  print("file, in turns; the ratio is the median of the ratios of each turn.\n");
  print("| whole process | median ms | × ss -tnp | runs |\n|---|--:|--:|--:|");
  contestants.forEach(({ name }, index) => {
    print(`| ${name} | ${medianOf(times[index]).toFixed(0)} | ${ratioOf(times, index).toFixed(2)} | ${rounds} |`);
  });
  const ratio = ratioOf(times, 1);
  print(
    `\n- ${ratio <= targetRatio ? "reached" : "NOT reached"}: connections ≤ ${targetRatio} × \`ss -tnp\`: ${ratio.toFixed(3)}`,
  );
}

function ratioOf(times, index) {
  return medianOf(times[index].map((elapsedMs, round) => elapsedMs / times[0][round]));
}

/** What is measured must have told every connection. */
function check(name, program, words, folder) {
  time(name, program, words, folder);
  const text = readFileSync(join(folder, "output"), "utf8");
  if (name === "portolan connections" && text.split("\n").filter((line) => line.startsWith("local")).length < pairs) {
    fail(`${name} told too few connections`);
  }
  if (name === "ss -tnp" && text.split("\n").length < pairs * 2) fail(`${name} told too few sockets`);
}

function time(name, program, words, folder) {
  const output = openSync(join(folder, "output"), "w");
  try {
    const start = performance.now();
    const outcome = spawnSync(program, words, {
      stdio: ["ignore", output, "ignore"],
      env: cleanEnvironment(),
      timeout: 120_000,
    });
    const elapsedMs = performance.now() - start;
    if (outcome.error !== undefined || outcome.status !== 0) fail(`${name} failed`);
    return elapsedMs;
  } finally {
    closeSync(output);
  }
}

function print(line) {
  process.stdout.write(`${line}\n`);
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

function fail(message) {
  say(message);
  process.exit(1);
}

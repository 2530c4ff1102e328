/**
 * @module How fast the listening ports are listed, beside the programs that people use for it. Markdown on standard output,
 * progress on standard error.
 *
 * Usage: node bench/list.mjs [--load idle|42k|112k]... [--quick]
 *
 * The sockets stand in a network namespace of its own (by `unshare`), which ends with the benchmark.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadPopulation, populationProgram } from "./load-population.mjs";
import { cleanEnvironment, memoryMethod, race } from "./measure.mjs";

const repository = fileURLToPath(new URL("..", import.meta.url));
const command = join(repository, "dist/bin/portolan.cjs");
const peers = join(repository, "bench/peers");
const npmPeers = ["systeminformation", "pid-port"];

const loads = {
  idle: { title: "idle: 20 listeners", listeners: 20, processes: 10, pairs: 0, timeWait: 0, rounds: 21 },
  "42k": {
    title: "42k sockets: 2,000 listeners in 50 processes, 20,000 connections",
    listeners: 2000,
    processes: 50,
    pairs: 20_000,
    timeWait: 0,
    rounds: 9,
  },
  "112k": {
    title: "112k sockets: 2,000 listeners in 50 processes, 55,000 connections, and 20,000 in TIME_WAIT",
    listeners: 2000,
    processes: 50,
    pairs: 55_000,
    timeWait: 20_000,
    rounds: 5,
  },
};

const { values: options } = parseArgs({
  options: {
    load: { type: "string", multiple: true, default: Object.keys(loads) },
    quick: { type: "boolean", default: false },
    inside: { type: "boolean", default: false },
  },
});
for (const load of options.load) {
  if (!Object.hasOwn(loads, load)) fail(`--load takes ${Object.keys(loads).join(", ")}, not ${JSON.stringify(load)}`);
}
if (options.inside) await measureInside();
else await enterNamespace();

/** Starts this program again in a network namespace of its own. */
async function enterNamespace() {
  if (!existsSync(command)) fail("dist/ is missing: run `npm run build` first");
  if (!existsSync(join(peers, "node_modules"))) {
    say("installing the npm peers: npm ci in bench/peers");
    const installed = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: peers, stdio: ["ignore", 2, 2] });
    if (installed.status !== 0) fail("npm ci in bench/peers failed");
  }
  if (process.getuid() !== 0) fail("run it as root: a network namespace and every process's descriptors take that");
  printHead();
  // A namespace for each load: what one leaves in TIME_WAIT would be in the next one's way.
  for (const load of options.load) {
    const words = ["--net", process.execPath, fileURLToPath(import.meta.url), "--inside", "--load", load];
    if (options.quick) words.push("--quick");
    const child = spawn("unshare", words, { stdio: "inherit", env: cleanEnvironment() });
    const [status] = await once(child, "exit");
    if (status !== 0) process.exitCode = status ?? 1;
  }
}

function printHead() {
  print("# Listing listening ports\n");
  print(
    `Node ${process.versions.node}, kernel ${release()}, ${cpus().length} processors (${cpus()[0]?.model.trim()}).`,
  );
  print(
    "Whole processes: wall time from spawn to exit, output to /dev/null, in turns, medians. NODE_EXTRA_CA_CERTS and",
  );
  print("NODE_OPTIONS are removed from every program's environment (the first adds some 48 ms to Node 20's start).");
  print(`Peak memory by ${memoryMethod}. Compare figures of one table only.`);
}

async function measureInside() {
  const up = spawnSync("ip", ["link", "set", "lo", "up"], { stdio: ["ignore", 2, 2] });
  if (up.status !== 0) fail("the loopback interface could not be brought up");
  const { startPopulation } = await loadPopulation();
  for (const name of options.load) {
    const load = loads[name];
    say(`${name}: opening ${load.listeners} listeners and ${load.pairs} connections`);
    const population = await startPopulation({
      ...load,
      programPath: populationProgram,
    });
    try {
      await measureLoad(name, load, population);
    } finally {
      await population.stop();
    }
  }
}

async function measureLoad(name, load, population) {
  const rounds = options.quick ? Math.min(3, load.rounds) : load.rounds;
  const outcomes = await race(contestants(), rounds, async () => {
    // What waits is gone after 60 s.
    if (load.timeWait > 0) await population.topUpTimeWait();
  });
  const looks = measureLooks(options.quick ? 3 : 10);
  const medianOf = (title) => outcomes.find((outcome) => outcome.name === title)?.medianMs ?? Number.NaN;
  const ss = medianOf("ss -tulpn");
  const node = medianOf("node -e 0");

  print(`\n## ${load.title}\n`);
  print("| whole process | median ms | × ss | × node -e 0 | peak MiB | runs |");
  print("|---|--:|--:|--:|--:|--:|");
  for (const { name: title, medianMs, runs, ended, peakKib } of outcomes) {
    const time = `${ended ? "ended at " : ""}${round(medianMs)}`;
    const peak = peakKib === null ? "–" : round(peakKib / 1024);
    print(`| ${title} | ${time} | ${round(medianMs / ss)} | ${round(medianMs / node)} | ${peak} | ${runs} |`);
  }
  print("\n| in process | median ms |\n|---|--:|");
  for (const { name: title, medianMs } of looks) print(`| ${title} | ${round(medianMs)} |`);

  const own = medianOf("portolan list");
  const table = looks[0].medianMs;
  print("");
  if (name === "idle") target("whole process ≤ 2 × `node -e 0` (aim 1.6)", own / node, own / node <= 2);
  if (name === "112k") {
    target("whole process with all holders ≤ 0.55 × `ss -tulpn`", own / ss, own / ss <= 0.55);
    target("listening table in process ≤ 2 ms", table, table <= 2);
  }
  if (name === "42k") {
    target("listening table in process, to be the same at 112k, ms", table, table <= 2);
    const snapshot = looks.find((look) => look.name === "listening with all holders, netlink").medianMs;
    for (const peer of npmPeers) {
      const whole = medianOf(peer) / own;
      const called = looks.find((look) => look.name.startsWith(`npm ${peer},`)).medianMs / snapshot;
      target(`npm ${peer} slower by 5 × as a whole process`, whole, whole >= 5);
      target(`npm ${peer} slower by 5 × in process than a snapshot with all holders`, called, called >= 5);
    }
  }
}

function contestants() {
  const node = process.execPath;
  const all = [
    { name: "node -e 0", command: node, words: ["-e", "0"] },
    { name: "portolan list", command: node, words: [command, "list"] },
    { name: "portolan list --fast", command: node, words: [command, "list", "--fast"] },
    { name: "portolan list --json", command: node, words: [command, "list", "--json"] },
    { name: "ss -tulpn", command: "ss", words: ["-tulpn"] },
    { name: "lsof -nP -i", command: "lsof", words: ["-nP", "-i"] },
    { name: "netstat -tulpn", command: "netstat", words: ["-tulpn"] },
    ...npmPeers.map((peer) => ({ name: peer, command: node, words: [join(peers, `${peer}.mjs`)] })),
  ];
  return all.filter(({ name, command: program }) => {
    if (spawnSync(program, ["-V"], { stdio: "ignore" }).error === undefined) return true;
    print(`\nWithout ${name}, which is not installed.`);
    return false;
  });
}

/** In a process of its own, so that its warm state is that of a program which only looks. */
function measureLooks(iterations) {
  say("  in process");
  const outcome = spawnSync(process.execPath, [join(repository, "bench/list-in-process.mjs"), String(iterations)], {
    stdio: ["ignore", "pipe", 2],
    encoding: "utf8",
    env: cleanEnvironment(),
    timeout: 300_000,
  });
  if (outcome.status !== 0) fail("the looks in process failed");
  return JSON.parse(outcome.stdout);
}

function target(statement, value, reached) {
  print(`- ${reached ? "reached" : "NOT reached"}: ${statement}: ${round(value)}`);
}

function round(value) {
  if (!Number.isFinite(value)) return "–";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
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

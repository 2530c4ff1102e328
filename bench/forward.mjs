/**
 * @module How fast `portolan forward` and `portolan share` pass bytes on, beside socat, HAProxy, nginx and sslh. Markdown on standard output, progress
 * on standard error.
 *
 * Usage: node bench/forward.mjs [--case stream|streams|message|messages|connections|share-stream|share-connections]... [--only NAME]... [--rounds 3] [--seconds 1]
 *
 * Everything stands in namespaces of its own, which end with the benchmark. Every relay has the first processor for itself; the load, and the servers
 * behind all of them, have the others.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { contestants } from "./forward-contestants.mjs";
import { forwardCases, startServers } from "./forward-load.mjs";
import { endProcesses, processorUs } from "./gateway-processes.mjs";
import { cleanEnvironment, medianOf } from "./measure.mjs";

const command = fileURLToPath(new URL("../dist/bin/portolan.cjs", import.meta.url));
const needed = [
  ["wrk", "wrk"],
  ["nginx", "nginx-light"],
  ["python3", "python3"],
  ["ip", "iproute2"],
  ["taskset", "util-linux"],
];
const processors = {
  contestant: "0",
  load:
    cpus()
      .slice(1)
      .map((_, index) => index + 1)
      .join(",") || "0",
};
/** How long the look lasts whether a relay gives the right bytes, seconds. */
const lookSeconds = 0.2;
const settleMs = 100;

const { values: options } = parseArgs({
  options: {
    case: { type: "string", multiple: true, default: Object.keys(forwardCases) },
    only: { type: "string", multiple: true },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "1" },
    inside: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
refuseUnknown("--case", options.case, Object.keys(forwardCases));
refuseUnknown(
  "--only",
  options.only ?? [],
  contestants.map(({ name }) => name),
);
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seconds) || seconds < 1)
  fail("--rounds and --seconds take whole numbers from 1 on");
if (options.inside) await measureInside();
else await enterNamespaces();

/** Starts this program again where no port is anybody else's, and where every process ends with it: those that relays fork, too. */
async function enterNamespaces() {
  if (!existsSync(command)) fail("dist/ is missing: run `npm run build` first");
  for (const [program, debianPackage] of needed)
    if (spawnSync(program, ["-v"], { stdio: "ignore" }).error !== undefined)
      fail(`${program} is not installed (Debian: ${debianPackage})`);
  const words = ["--net", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child"];
  if (process.getuid() !== 0) words.push("--user", "--map-root-user");
  const again = [process.execPath, fileURLToPath(import.meta.url), "--inside", ...process.argv.slice(2)];
  const child = spawn("unshare", [...words, "taskset", "--cpu-list", processors.load, ...again], {
    stdio: "inherit",
    env: cleanEnvironment(),
  });
  const [status] = await once(child, "exit");
  process.exitCode = status ?? 1;
}

async function measureInside() {
  const folder = mkdtempSync(join(tmpdir(), "portolan-forward-"));
  try {
    const { status, stderr } = spawnSync("ip", ["link", "set", "lo", "up"], { encoding: "utf8" });
    if (status !== 0) fail(`ip: ${stderr}`);
    // Thousands of connections a second are closed by one side or the other; their ports may be used again after a second.
    writeFileSync("/proc/sys/net/ipv4/ip_local_port_range", "10000 65000");
    writeFileSync("/proc/sys/net/ipv4/tcp_tw_reuse", "1");
    await startServers(folder, processors.load);
    printHead();
    const taking = chooseContestants();
    for (const [index, name] of options.case.entries()) await measureCase(name, taking, folder, 10 * (index + 1));
  } finally {
    await endProcesses();
    rmSync(folder, { recursive: true });
  }
}

/** Who is asked for and is installed. */
function chooseContestants() {
  print("| relay | version |\n|---|---|");
  const taking = contestants.filter(({ name, version }) => {
    if (options.only !== undefined && !options.only.includes(name)) return false;
    try {
      print(`| ${name} | ${version()} |`);
      return true;
    } catch (error) {
      print(`| ${name} | takes no part: ${error.message} |`);
      return false;
    }
  });
  return taking;
}

async function measureCase(name, taking, folder, offset) {
  const what = forwardCases[name];
  print(`\n### ${what.title}\n`);
  const runners = await startRelays(what, taking, folder, offset);
  for (let round = 0; round <= rounds; round++) {
    process.stderr.write(`  ${name}: ${round === 0 ? "warming up" : `round ${round} of ${rounds}`}\n`);
    // Each round begins with another one, so that nobody is always measured behind the same neighbour.
    const turn = (round * 3) % runners.length;
    for (const { pid, counted, port, outcomes } of [...runners.slice(turn), ...runners.slice(0, turn)]) {
      const before = counted ? processorUs(pid) : 0;
      const outcome = await what.load(port, seconds, folder);
      // Processes of connections that are over are counted when all of them have ended.
      await pause(settleMs);
      const usEach = counted ? (processorUs(pid) - before) / outcome.count : Number.NaN;
      if (round > 0) outcomes.push({ ...outcome, usEach });
    }
  }
  printCase(what, runners);
  await endProcesses(runners.map(({ pid }) => pid).filter((pid) => pid !== 0));
}

/** Starts each relay of a case. Who does not start, or does not give the right bytes, says so and takes no part. */
async function startRelays({ target, speaks, first, load }, taking, folder, offset) {
  const runners = [{ name: "direct", pid: 0, counted: false, port: target, outcomes: [] }];
  for (const [index, contestant] of taking.entries()) {
    if (first ? !contestant.tells : !contestant.passes) continue;
    const port = 8000 + offset + index;
    try {
      const pid = await contestant.start({ folder, processor: processors.contestant, target, listen: port, speaks });
      const { count, errors } = await load(port, lookSeconds, folder);
      if (!(count > errors)) throw new Error("what it was given did not come back right");
      runners.push({ name: contestant.name, pid, counted: contestant.uncounted !== true, port, outcomes: [] });
    } catch (error) {
      print(`- ${contestant.name} takes no part: ${error.message.replaceAll(/\s+/g, " ")}\n`);
    }
  }
  return runners;
}

function printCase({ unit, each, aims }, runners) {
  const ours = runners.find(({ name }) => name.startsWith("portolan"));
  const middle = (outcomes, of) => medianOf(outcomes.map(of));
  // Each round's own ratio: what slowed the machine slowed both.
  const ratioOf = (outcomes, of) =>
    ours === undefined
      ? Number.NaN
      : medianOf(outcomes.map((outcome, round) => of(ours.outcomes[round]) / of(outcome)));
  const timed = runners[0].outcomes[0].p99Ms !== undefined;
  const rows = runners.map(({ name, outcomes }) => [
    name,
    figure(middle(outcomes, ({ rate }) => rate)),
    figure(ratioOf(outcomes, ({ rate }) => rate)),
    ...(timed ? [figure(middle(outcomes, ({ p50Ms }) => p50Ms)), figure(middle(outcomes, ({ p99Ms }) => p99Ms))] : []),
    figure(middle(outcomes, ({ usEach }) => (unit === "GB/s" ? usEach / 1000 : usEach))),
    figure(ratioOf(outcomes, ({ usEach }) => usEach)),
    outcomes.reduce((sum, { errors }) => sum + errors, 0),
  ]);
  const heads = ["relay", unit, "portolan / this"];
  if (timed) heads.push("p50 ms", "p99 ms");
  heads.push(`processor ${each}`, "portolan / this", "errors");
  print(`| ${heads.join(" | ")} |\n|---|${"--:|".repeat(heads.length - 1)}`);
  for (const row of rows) print(`| ${row.join(" | ")} |`);
  for (const { peer, factor } of aims) {
    const other = runners.find(({ name }) => name === peer);
    const aim = `${unit}, at least ${factor} × ${peer}`;
    if (ours === undefined || other === undefined) {
      print(`\n- NOT compared: ${aim}: ${ours === undefined ? "portolan" : peer} takes no part`);
      process.exitCode = 1;
    } else {
      const ratio = ratioOf(other.outcomes, ({ rate }) => rate);
      print(`\n- ${ratio >= factor ? "reached" : "NOT reached"}: ${aim}: ${ratio.toFixed(2)}`);
    }
  }
}

function refuseUnknown(word, given, known) {
  for (const name of given)
    if (!known.includes(name)) fail(`${word} takes ${known.join(" | ")}, not ${JSON.stringify(name)}`);
}

function printHead() {
  print("# Forwarding\n");
  print(
    `Node ${process.versions.node}, kernel ${release()}, ${cpus().length} processors (${cpus()[0]?.model.trim()}).\n` +
      `Every relay runs on processor ${processors.contestant}, the load and the servers behind it on ${processors.load}. In turns, ${rounds} rounds of ${seconds} s;\n` +
      "medians, ratios of the same round. Compare figures of one table only. Processor time is the relay's own.\n",
  );
}

function figure(value) {
  if (value === undefined || Number.isNaN(value)) return "–";
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value
    .toPrecision(3)
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}

function print(text) {
  process.stdout.write(`${text}\n`);
}

function fail(message) {
  process.stderr.write(`bench/forward.mjs: ${message}\n`);
  process.exit(2);
}

/**
 * @module How fast ports are scanned and services identified, beside nmap. Markdown on standard output, progress on standard
 * error.
 *
 * Usage: node bench/scan.mjs [--case loopback|filtered|network|harbour|harbour-udp]... [--quick]
 *
 * Each case has network namespaces of its own, which end with it.
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cleanEnvironment, medianOf } from "./measure.mjs";
import { scanCases } from "./scan-cases.mjs";
import { loadSupport } from "./scan-support.mjs";

const repository = fileURLToPath(new URL("..", import.meta.url));
const command = join(repository, "dist/bin/portolan.cjs");
const raceProgram = join(repository, "bench/scan-race.mjs");
const needed = [
  ["nmap", "nmap"],
  ["nft", "nftables"],
  ["ip", "iproute2"],
  ["python3", "python3"],
  ["/usr/bin/time", "time"],
];

const { values: options } = parseArgs({
  options: {
    case: { type: "string", multiple: true, default: Object.keys(scanCases) },
    quick: { type: "boolean", default: false },
  },
});
for (const name of options.case) {
  if (!Object.hasOwn(scanCases, name)) {
    fail(`--case takes ${Object.keys(scanCases).join(", ")}, not ${JSON.stringify(name)}`);
  }
}
if (process.getuid() !== 0) fail("run it as root: network namespaces take that");
if (!existsSync(command)) fail("dist/ is missing: run `npm run build` first");
for (const [program, debianPackage] of needed) {
  if (spawnSync(program, ["--version"], { stdio: "ignore" }).error !== undefined) {
    fail(`${program} is not installed (Debian: ${debianPackage})`);
  }
}

// What the tests' servers say while they start is not part of the report.
console.log = console.error;
printHead();
const support = await loadSupport();
for (const name of options.case) await measureCase(name, scanCases[name]);

function printHead() {
  const nmap = spawnSync("nmap", ["--version"], { encoding: "utf8" }).stdout.split("\n")[0];
  print("# Scanning\n");
  print(
    `Node ${process.versions.node}, kernel ${release()}, ${cpus().length} processors (${cpus()[0]?.model.trim()}).`,
  );
  print(`${nmap}.`);
  print(
    "Whole processes: wall time from spawn to exit, in turns, medians; processor time in user mode and in the kernel and peak memory",
  );
  print(
    "by `/usr/bin/time` (memory of the largest single process). Packets are those that the scanner's interface sent; on loopback",
  );
  print("answers are among them. NODE_EXTRA_CA_CERTS and NODE_OPTIONS are removed. Each run waits until the");
  print("processors are nearly idle. Compare figures of one table only.");
}

async function measureCase(name, { title, rounds, quickRounds, prepare }) {
  say(`${name}: preparing`);
  const folder = mkdtempSync(join(tmpdir(), "portolan-bench-scan-"));
  // For programs that run as an ordinary user.
  chmodSync(folder, 0o777);
  const prepared = await prepare(support, { command, node: process.execPath, quick: options.quick });
  try {
    const runs = await race(prepared, options.quick ? quickRounds : rounds, folder);
    print(`\n## ${title}\n`);
    for (const line of prepared.notes) print(line);
    if (prepared.notes.length > 0) print("");
    printTable(prepared, runs);
  } finally {
    await prepared.end();
    rmSync(folder, { recursive: true });
  }
}

/** Runs the race inside the scanner's namespace. */
async function race({ namespace, contestants, link }, rounds, folder) {
  const words = [raceProgram, JSON.stringify({ contestants, rounds, interface: link, folder })];
  const child = namespace.spawnIn(process.execPath, words, {
    stdio: ["ignore", "pipe", "inherit"],
    env: cleanEnvironment(),
  });
  const exited = once(child, "exit");
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part) => {
    text += part;
  });
  const [status] = await exited;
  if (status !== 0) throw new Error(`The race ended with status ${status}.`);
  return JSON.parse(text);
}

function printTable({ contestants, judge, targets }, measured) {
  const medians = new Map();
  print("| program | median ms | × portolan | CPU ms | peak MiB | packets sent | found | runs |");
  print("|---|--:|--:|--:|--:|--:|---|--:|");
  const base = medianOf(measured[0].runs.map(({ wallMs }) => wallMs));
  const verdicts = new Map();
  measured.forEach(({ name, runs }, index) => {
    const wallMs = medianOf(runs.map((run) => run.wallMs));
    medians.set(name, wallMs);
    const ended = runs.some((run) => run.ended);
    const judged = ended ? [] : runs.map((run) => judge(run, contestants[index]));
    verdicts.set(name, judged);
    const column = (read) => round(medianOf(runs.map(read)));
    const cells = [
      name,
      `${ended ? "ended at " : ""}${round(wallMs)}`,
      round(wallMs / base),
      column(({ cpuMs }) => cpuMs),
      column(({ peakKib }) => peakKib / 1024),
      String(Math.round(medianOf(runs.map(({ packets }) => packets)))),
      ended ? "–" : countAlike(judged.map(({ text }) => text)),
      String(runs.length),
    ];
    print(`| ${cells.join(" | ")} |`);
  });
  print("");
  for (const { statement, own, peer, most } of targets) {
    const ratio = medians.get(own) / medians.get(peer);
    print(`- ${ratio <= most ? "reached" : "NOT reached"}: ${statement}: ≤ ${most} ×: ${round(ratio)}`);
  }
  const runs = measured.flatMap((one) => one.runs);
  const busy = runs.filter((run) => run.busy).length;
  if (busy > 0) print(`- other programs were busy before ${busy} of the ${runs.length} runs`);
  for (const line of judge.conclude?.(verdicts) ?? []) print(line);
}

/** Equal texts once, with their number where they differ. */
function countAlike(texts) {
  const counts = new Map();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  if (counts.size === 1) return texts[0];
  return [...counts].map(([text, count]) => `${count} ×: ${text}`).join("; ");
}

function round(value) {
  if (!Number.isFinite(value)) return "–";
  if (value < 0.1) return value.toPrecision(2);
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

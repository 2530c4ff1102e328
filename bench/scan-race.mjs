/**
 * @module Runs scanners in turns, from wherever it is started: `bench/scan.mjs` starts it inside a network namespace.
 *
 * Usage: node bench/scan-race.mjs JSON, where JSON is `{ contestants, rounds, interface, folder }`. Prints a JSON list with the
 * runs of each contestant; what a run wrote stands in the file that it names.
 */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cleanEnvironment } from "./measure.mjs";

/** What takes longer than this is run once, milliseconds. */
const onceOnlyMs = 20_000;
/** Before each run the processors shall be less busy than this, but are not waited for any longer, milliseconds. */
const quietShare = 0.1;
const longestWaitMs = 10_000;

/**
 * @typedef {{
 *   name: string, command: string, words: readonly string[], output: "stdout" | "xml", user: number | null, mostMs: number
 * }} ScanContestant `output`: where its findings are; `xml` is written to a file by `-oX`. `user`: whom to run it as, `null`: root.
 * @typedef {{
 *   wallMs: number, cpuMs: number, peakKib: number, packets: number, ended: boolean, path: string,
 *   busy: boolean
 * }} ScanRun `busy`: others kept the machine from being quiet before it.
 */

/** @returns {Promise<{ name: string, runs: ScanRun[] }[]>} */
async function race({ contestants, rounds, interface: link, folder }) {
  const entries = contestants.map((contestant, number) => ({ contestant, number, runs: [], once: false }));
  for (let round = 0; round <= rounds; round++) {
    process.stderr.write(round === 0 ? "  warming up\n" : `  round ${round} of ${rounds}\n`);
    for (const entry of entries) {
      if (entry.once) continue;
      const busy = !(await waitForQuiet());
      const run = runOnce(entry.contestant, link, join(folder, `${entry.number}-${round}`));
      entry.once = run.wallMs > onceOnlyMs;
      // The first turn only warms up, except for what is so slow that it is all it gets.
      if (round > 0 || entry.once) entry.runs.push({ ...run, busy });
    }
  }
  return entries.map(({ contestant, runs }) => ({ name: contestant.name, runs }));
}

function runOnce({ name, command, words, output, user, mostMs }, link, stem) {
  const path = `${stem}.${output === "xml" ? "xml" : "json"}`;
  const timesPath = `${stem}.times`;
  const findings = openSync(output === "xml" ? "/dev/null" : path, "w");
  // GNU time's own line on a program that failed comes before the one that was asked for.
  const timed = ["-o", timesPath, "-f", "%U %S %M", command, ...words, ...(output === "xml" ? ["-oX", path] : [])];
  // An interrupt for the whole group: GNU time itself does not heed it, and still writes what it measured.
  const bounded = ["--signal=INT", "--kill-after=5", String(mostMs / 1000), "/usr/bin/time", ...timed];
  const packetsBefore = countSentPackets(link);
  const start = performance.now();
  const outcome = spawnSync("timeout", bounded, {
    stdio: ["ignore", findings, "pipe"],
    encoding: "utf8",
    env: cleanEnvironment(),
    ...(user === null ? {} : { uid: user, gid: user }),
  });
  const wallMs = performance.now() - start;
  closeSync(findings);
  const ended = outcome.status === 124;
  if (!ended && (outcome.error !== undefined || outcome.status !== 0)) {
    const reason = outcome.error?.message ?? `status ${outcome.status}, ${outcome.stderr.slice(0, 500)}`;
    throw new Error(`${name} failed: ${reason}`);
  }
  const packets = countSentPackets(link) - packetsBefore;
  const [user_, system, peakKib] = readTimes(timesPath);
  return { wallMs, cpuMs: (user_ + system) * 1000, peakKib, packets, ended, path };
}

/** Waits until the processors are nearly idle; false when they were not within `longestWaitMs`. */
async function waitForQuiet() {
  const deadline = performance.now() + longestWaitMs;
  for (;;) {
    const before = readProcessorTicks();
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
    const after = readProcessorTicks();
    const total = after.total - before.total;
    if (total > 0 && (after.idle - before.idle) / total >= 1 - quietShare) return true;
    if (performance.now() > deadline) return false;
  }
}

/** Ticks of all processors since the machine started (proc_stat(5)); waiting for a disk counts as idle. */
function readProcessorTicks() {
  const numbers = readFileSync("/proc/stat", "utf8").split("\n")[0].trim().split(/\s+/).slice(1, 9).map(Number);
  return { idle: numbers[3] + numbers[4], total: numbers.reduce((sum, number) => sum + number, 0) };
}

/** Seconds in user mode and in the kernel, and the largest resident memory, KiB. */
function readTimes(path) {
  return readFileSync(path, "utf8").trimEnd().split("\n").at(-1).split(" ").map(Number);
}

/** Packets that an interface of this namespace has sent (proc_net(5)); on loopback answers are among them. */
function countSentPackets(link) {
  const line = readFileSync("/proc/net/dev", "utf8")
    .split("\n")
    .find((one) => one.trimStart().startsWith(`${link}:`));
  return Number(line?.split(":")[1]?.trim().split(/\s+/)[9] ?? Number.NaN);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(JSON.stringify(await race(JSON.parse(process.argv[2]))));
}

/**
 * @module Times and memory of whole processes, for the benchmarks.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** One run may take this long, milliseconds; then it is ended and counts as that long. */
const longestRunMs = 120_000;
/** What takes longer than this is run once, milliseconds. */
const onceOnlyMs = 20_000;

/**
 * @typedef {{ name: string, command: string, words: readonly string[] }} Contestant
 * @typedef {{ name: string, medianMs: number, runs: number, ended: boolean, peakKib: number | null }} Outcome
 */

/** The environment without what slows Node's start and is none of ours. */
export function cleanEnvironment() {
  const { NODE_EXTRA_CA_CERTS: _certificates, NODE_OPTIONS: _options, ...environment } = process.env;
  return environment;
}

/** Middle value of numbers, or the mean of the two in the middle. */
export function medianOf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs every contestant the same number of times, in turns, so that a change of the machine's mood meets them all. The first
 * turn only warms up, except for what is so slow that it is all it gets.
 * @param {readonly Contestant[]} contestants
 * @param {number} rounds
 * @param {() => Promise<void>} beforeRound
 * @returns {Promise<Outcome[]>}
 */
export async function race(contestants, rounds, beforeRound) {
  const entries = contestants.map((contestant) => ({ contestant, times: [], once: false, ended: false }));
  for (let round = 0; round <= rounds; round++) {
    await beforeRound();
    process.stderr.write(round === 0 ? "  warming up\n" : `  round ${round} of ${rounds}\n`);
    for (const entry of entries) {
      if (entry.once) continue;
      const { elapsedMs, ended } = runOnce(entry.contestant);
      entry.once = elapsedMs > onceOnlyMs;
      entry.ended ||= ended;
      if (round > 0 || entry.once) entry.times.push(elapsedMs);
    }
  }
  return entries.map(({ contestant, times, ended }) => ({
    name: contestant.name,
    medianMs: medianOf(times),
    runs: times.length,
    ended,
    peakKib: ended ? null : measurePeak(contestant),
  }));
}

function runOnce({ name, command, words }) {
  const start = performance.now();
  const outcome = spawnSync(command, words, {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    env: cleanEnvironment(),
    timeout: longestRunMs,
    killSignal: "SIGKILL",
  });
  const elapsedMs = performance.now() - start;
  const ended = outcome.signal === "SIGKILL";
  if (!ended && (outcome.error !== undefined || outcome.status !== 0)) {
    const reason = outcome.error?.message ?? `status ${outcome.status}, ${outcome.stderr.slice(0, 500)}`;
    throw new Error(`${name} failed: ${reason}`);
  }
  return { elapsedMs, ended };
}

const gnuTime = "/usr/bin/time";
/** The fallback's child starts as a copy of Python, which no figure of it can fall below. */
const pythonSource = `
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
`;

/** How peak memory is measured, for the report. */
export const memoryMethod = existsSync(gnuTime)
  ? "`/usr/bin/time -f %M` (of the largest single process)"
  : "`getrusage` in Python (of the largest single process; not below Python's own 10 MiB)";

/** Largest resident memory of one more run, KiB; `null` when it could not be measured. */
function measurePeak({ command, words }) {
  const [program, prefix] = existsSync(gnuTime) ? [gnuTime, ["-f", "%M"]] : ["/usr/bin/python3", ["-c", pythonSource]];
  const outcome = spawnSync(program, [...prefix, command, ...words], {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    env: cleanEnvironment(),
    timeout: longestRunMs,
    killSignal: "SIGKILL",
    maxBuffer: 1 << 28,
  });
  const last = outcome.stderr.trimEnd().split("\n").at(-1) ?? "";
  return /^\d+$/.test(last) ? Number(last) : null;
}

/**
 * @module What a program that runs on costs at rest: processor time with its children over some seconds, one contestant after the other.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { cleanEnvironment } from "./measure.mjs";

const startUpMs = 5000;

/** A hundred listeners on ports that the kernel picks. */
const holder = `
  const { createServer } = require("node:net");
  let open = 0;
  for (let count = 0; count < 100; count++) {
    createServer().listen(0, "127.0.0.1", () => { if (++open === 100) console.log("ready"); });
  }
`;

const children = [];

/** Starts a program at the head of a process group of its own. */
export function start(program, words, stdio) {
  const child = spawn(program, words, {
    stdio,
    env: { ...cleanEnvironment(), TERM: "xterm-256color" },
    detached: true,
  });
  children.push(child);
  return child;
}

/** So many hundreds of listeners, each hundred in a process. */
export async function startListeners(hundreds) {
  const holders = Array.from({ length: hundreds }, () =>
    start(process.execPath, ["-e", holder], ["ignore", "pipe", "inherit"]),
  );
  await Promise.all(holders.map((child) => once(child.stdout, "data")));
}

/** Ends whatever still runs. */
export function endAll() {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    process.kill(-Number(child.pid), "SIGKILL");
  }
}

/** Processor time of a process, and of its children that have ended, milliseconds: fields 14 to 17 of its stat, 10 ms each. */
function ownCpuMs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) * 10;
}

/** The same with the descendants that run. */
export function cpuMs(pid) {
  const descendants = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  const below = descendants === "" ? [] : descendants.split(" ");
  return below.reduce((sum, child) => sum + cpuMs(Number(child)), ownCpuMs(pid));
}

/**
 * Share of one processor that each contestant takes at rest, without its first seconds.
 * @param contestants `{ name, program, words }`
 */
export async function measureShares(contestants, seconds) {
  const results = [];
  // One after the other: side by side each would pay for the others' caches.
  for (const { name, program, words } of contestants) {
    const child = start(program, words, ["pipe", "ignore", "inherit"]);
    await pause(startUpMs);
    if (child.exitCode !== null) {
      results.push({ name, share: null });
      continue;
    }
    const before = cpuMs(child.pid);
    const startedMs = performance.now();
    await pause(seconds * 1000);
    const share = (cpuMs(child.pid) - before) / (performance.now() - startedMs);
    process.kill(-Number(child.pid), "SIGTERM");
    await once(child, "exit");
    results.push({ name, share });
  }
  return results;
}

/** The table: shares, and the first contestant's in relation to each. */
export function printShares(results) {
  const [own] = results;
  console.log("| | processor | portolan / this |\n|---|---:|---:|");
  for (const { name, share } of results) {
    if (share === null) console.log(`| ${name} | did not run | |`);
    else
      console.log(
        `| ${name} | ${(share * 100).toFixed(2)} % | ${share === 0 ? "–" : (own.share / share).toFixed(2)} |`,
      );
  }
}

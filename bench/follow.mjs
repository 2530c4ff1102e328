/**
 * @module What watching costs at rest: `list --follow` beside loops that run `ss` at the same interval, all at once on the same machine.
 *
 * Usage: npm run bench:follow [-- SECONDS]. A thousand listeners in ten processes that do nothing; processor time of each contestant with
 * its children, from /proc/PID/stat, without its first seconds.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { cleanEnvironment } from "./measure.mjs";

const seconds = Number(process.argv[2] ?? 30);
const startUpMs = 5000;
const intervalSeconds = 0.5;
const command = fileURLToPath(new URL("../dist/bin/portolan.cjs", import.meta.url));

/** A hundred listeners on ports that the kernel picks. */
const holder = `
  const { createServer } = require("node:net");
  let open = 0;
  for (let count = 0; count < 100; count++) {
    createServer().listen(0, "127.0.0.1", () => { if (++open === 100) console.log("ready"); });
  }
`;

const loop = (words) => ["sh", ["-c", `while :; do ${words} >/dev/null; sleep ${intervalSeconds}; done`]];
const contestants = [
  { name: "portolan list --follow", spawn: [process.execPath, [command, "list", "--follow", "--ndjson"]] },
  {
    name: "portolan list --follow --reader proc",
    spawn: [process.execPath, [command, "follow", "--ndjson", "--reader", "proc"]],
  },
  { name: "ss -tuln, every 0.5 s", spawn: loop("ss -tuln") },
  { name: "ss -tulnp, every 0.5 s", spawn: loop("ss -tulnp") },
];

const children = [];
function start(program, words, stdio) {
  const child = spawn(program, words, { stdio, env: cleanEnvironment(), detached: true });
  children.push(child);
  return child;
}

/** Processor time of a process and of its children that have ended, milliseconds: fields 14 to 17, 10 ms each. */
function cpuMs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) * 10;
}

try {
  const holders = Array.from({ length: 10 }, () =>
    start(process.execPath, ["-e", holder], ["ignore", "pipe", "inherit"]),
  );
  await Promise.all(holders.map((child) => once(child.stdout, "data")));
  const results = [];
  // One after the other: side by side each would pay for the others' caches.
  for (const {
    name,
    spawn: [program, words],
  } of contestants) {
    const child = start(program, words, ["ignore", "ignore", "inherit"]);
    await pause(startUpMs);
    const before = cpuMs(child.pid);
    const startedMs = performance.now();
    await pause(seconds * 1000);
    const share = (cpuMs(child.pid) - before) / (performance.now() - startedMs);
    process.kill(-Number(child.pid), "SIGTERM");
    await once(child, "exit");
    results.push({ name, share });
  }
  const [own] = results;
  console.log(`Watching 1,000 listeners at rest for ${seconds} s each, share of one processor:\n`);
  console.log("| | processor | portolan / this |\n|---|---:|---:|");
  for (const { name, share } of results) {
    console.log(`| ${name} | ${(share * 100).toFixed(2)} % | ${(own.share / share).toFixed(2)} |`);
  }
} finally {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    process.kill(-Number(child.pid), "SIGKILL");
  }
}

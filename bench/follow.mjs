/**
 * @module What watching costs at rest: `list --follow` beside loops that run `ss` at the same interval, all at once on the same machine.
 *
 * Usage: npm run bench:follow [-- SECONDS]. A thousand listeners in ten processes that do nothing; processor time of each contestant with
 * its children, from /proc/PID/stat, without its first seconds.
 */
import { fileURLToPath } from "node:url";
import { endAll, measureShares, printShares, startListeners } from "./idle-cost.mjs";

const seconds = Number(process.argv[2] ?? 30);
const intervalSeconds = 0.5;
const command = fileURLToPath(new URL("../dist/bin/portolan.cjs", import.meta.url));

const loop = (words) => ({
  program: "sh",
  words: ["-c", `while :; do ${words} >/dev/null; sleep ${intervalSeconds}; done`],
});
const contestants = [
  { name: "portolan list --follow", program: process.execPath, words: [command, "list", "--follow", "--ndjson"] },
  {
    name: "portolan list --follow --reader proc",
    program: process.execPath,
    words: [command, "follow", "--ndjson", "--reader", "proc"],
  },
  { name: "ss -tuln, every 0.5 s", ...loop("ss -tuln") },
  { name: "ss -tulnp, every 0.5 s", ...loop("ss -tulnp") },
];

try {
  await startListeners(10);
  const results = await measureShares(contestants, seconds);
  console.log(`Watching 1,000 listeners at rest for ${seconds} s each, share of one processor:\n`);
  printShares(results);
} finally {
  endAll();
}

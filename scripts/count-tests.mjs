// Turns the test runner's closing lines into one: `N passed, N failed` (`, N skipped` when there are).
// Usage: node scripts/count-tests.mjs LOG STATUS. Exit status 1 when something failed or no test ran.
import { readFileSync } from "node:fs";

const [logPath, statusText] = process.argv.slice(2);
const log = readFileSync(logPath, "utf8").replaceAll(/\u001b\[[0-9;]*m/g, "");
const line = log.match(/^\s*Tests\s+(.*)$/m)?.[1] ?? "";

function count(word) {
  return Number(line.match(new RegExp(`(\\d+) ${word}`))?.[1] ?? 0);
}

const passed = count("passed");
const skipped = count("skipped") + count("todo");
let failed = count("failed");
// A file that does not even load, or a runner that dies, counts as one failure: it must not pass unseen.
if (Number(statusText) !== 0 && failed === 0) failed = 1;
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

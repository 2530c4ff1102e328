/**
 * @module Free ports, beside get-port, get-port-please, portfinder and detect-port: how long, and how many callers get the same one.
 *
 * Usage: npm run bench:pick [-- ROUNDS]. Every contestant runs in a fresh process, in turns.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { cleanEnvironment, medianOf } from "./measure.mjs";

const rounds = Number(process.argv[2] ?? 11);
const program = fileURLToPath(new URL("pick-contestant.mjs", import.meta.url));
const names = ["portolan", "get-port", "get-port-please", "portfinder", "detect-port"];
const tasks = [
  { task: "one", title: "one port, the first of a process" },
  { task: "thousand", title: "1,000 unique ports", goal: 0.5 },
  { task: "row", title: "100 in a row, where listeners leave gaps of 89 ports and a single one of 199" },
];
const env = cleanEnvironment();
const stormCallers = 8;

function runOnce(name, task) {
  const { stdout, status, stderr } = spawnSync(process.execPath, [program, name, task], {
    env,
    encoding: "utf8",
    timeout: 120_000,
  });
  if (status !== 0) throw new Error(`${name} ${task}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Listeners that leave gaps of 90 ports, and one of 200 near the end. */
async function crowd() {
  const servers = [];
  for (let port = 20_000; port <= 31_999; port += port > 31_000 && port < 31_091 ? 200 : 90) {
    const server = createServer();
    server.listen(port, "127.0.0.1");
    await Promise.race([once(server, "listening"), once(server, "error")]);
    servers.push(server);
  }
  return servers;
}

/** Callers at once over one range; what each bound and was refused. */
async function storm(name) {
  const callers = Array.from({ length: stormCallers }, () =>
    spawn(process.execPath, [program, name, "storm"], { env, stdio: ["pipe", "pipe", "inherit"] }),
  );
  const outputs = callers.map((caller) => {
    let text = "";
    caller.stdout.setEncoding("utf8").on("data", (piece) => (text += piece));
    return () => text;
  });
  for (const [index, caller] of callers.entries())
    while (!outputs[index]().includes("ready")) await once(caller.stdout, "data");
  for (const caller of callers) caller.stdin.write("go\n");
  for (const [index, caller] of callers.entries())
    while (!outputs[index]().includes("}")) await once(caller.stdout, "data");
  const told = outputs.map((output) => JSON.parse(output().split("\n")[1]));
  const exits = callers.map((caller) => once(caller, "exit"));
  for (const caller of callers) caller.stdin.end();
  await Promise.all(exits);
  return {
    asked: told.flatMap(({ bound, refused }) => [...bound, ...refused]).length,
    refused: told.flatMap(({ refused }) => refused).length,
  };
}

const crowded = await crowd();
try {
  for (const { task, title, goal } of tasks) {
    const times = new Map(names.map((name) => [name, []]));
    const last = new Map();
    for (let round = 0; round <= rounds; round++) {
      process.stderr.write(`  ${title}: ${round === 0 ? "warming up" : `round ${round} of ${rounds}`}\n`);
      for (const name of names) {
        const outcome = runOnce(name, task);
        last.set(name, outcome);
        if (round > 0) times.get(name).push(outcome.elapsedMs);
      }
    }
    const ours = medianOf(times.get("portolan"));
    console.log(`\n${title} (median of ${rounds}, ms; import apart)`);
    for (const name of names) {
      const median = medianOf(times.get(name));
      const { count, unique, importMs } = last.get(name);
      const ratio = name === "portolan" ? "" : `  portolan is ${(ours / median).toFixed(2)} of it`;
      const faults = unique === count && count > 0 ? "" : `  only ${unique} different of ${count}`;
      console.log(
        `  ${name.padEnd(16)} ${median.toFixed(2).padStart(9)}  import ${importMs.toFixed(1).padStart(5)}${ratio}${faults}`,
      );
    }
    if (goal === undefined) continue;
    const reached = ours / medianOf(times.get("get-port"));
    console.log(`  ${reached <= goal ? "reached" : "missed"}: at most ${goal} of get-port: ${reached.toFixed(2)}`);
  }
} finally {
  for (const server of crowded) server.close();
}
console.log(`\n${stormCallers} processes at once, one range, 5 ports each, bound 50 ms after they were given`);
for (const name of names) {
  const { asked, refused } = await storm(name);
  console.log(`  ${name.padEnd(16)} ${String(refused).padStart(3)} of ${asked} were somebody else's by then`);
}

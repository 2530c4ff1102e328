/**
 * @module How soon a wait ends after somebody listens, beside wait-on and wait-port: as a library and as a command.
 *
 * Usage: npm run bench:wait [-- ROUNDS]. Each contestant waits first; then a server begins to listen, at another moment each time.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { pickPort, releasePorts } from "../dist/ports/ports.js";
import { waitFor } from "../dist/index.js";
import { cleanEnvironment, medianOf } from "./measure.mjs";

const rounds = Number(process.argv[2] ?? 15);
const peers = createRequire(new URL("peers/package.json", import.meta.url));
const waitOn = peers("wait-on");
const waitPort = peers("wait-port");
const fileOf = (path) => fileURLToPath(new URL(path, import.meta.url));

const libraries = [
  { name: "portolan", wait: (port) => waitFor({ endpoints: [`127.0.0.1:${port}`] }) },
  { name: "wait-on", wait: (port) => waitOn({ resources: [`tcp:127.0.0.1:${port}`] }) },
  { name: "wait-port", wait: (port) => waitPort({ host: "127.0.0.1", port, output: "silent" }) },
];
const commands = [
  { name: "portolan wait", words: (port) => [fileOf("../dist/bin/portolan.cjs"), "wait", `127.0.0.1:${port}`] },
  { name: "wait-on", words: (port) => [fileOf("peers/node_modules/wait-on/bin/wait-on"), `tcp:127.0.0.1:${port}`] },
  {
    name: "wait-port",
    words: (port) => [
      fileOf("peers/node_modules/wait-port/bin/wait-port.js"),
      "--output",
      "silent",
      `127.0.0.1:${port}`,
    ],
  },
];

/** Milliseconds from the listener's being there to the end of the wait. */
async function react(begin, leadMs) {
  const port = await pickPort({ within: "20000-29999" });
  const server = createServer((socket) => socket.on("error", () => undefined));
  const ended = begin(port);
  // Long enough for a command to have started; the fraction falls anywhere between two looks.
  await pause(leadMs + Math.random() * 300);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const startMs = performance.now();
  await ended;
  const elapsedMs = performance.now() - startMs;
  server.close();
  releasePorts();
  return elapsedMs;
}

async function race(title, contestants, leadMs) {
  const times = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    process.stderr.write(`  ${title}: ${round === 0 ? "warming up" : `round ${round} of ${rounds}`}\n`);
    for (const { name, begin } of contestants) {
      const elapsedMs = await react(begin, leadMs);
      if (round > 0) times.get(name).push(elapsedMs);
    }
  }
  console.log(`\n${title} (median of ${rounds}, ms)`);
  const ours = medianOf(times.get(contestants[0].name));
  for (const { name } of contestants) {
    const median = medianOf(times.get(name));
    const ratio = name === contestants[0].name ? "" : `  portolan is ${(ours / median).toFixed(3)} of it`;
    console.log(`  ${name.padEnd(14)} ${median.toFixed(1).padStart(8)}${ratio}`);
  }
}

await race(
  "from the listener to the promise, in one process",
  libraries.map(({ name, wait }) => ({ name, begin: wait })),
  100,
);
const env = cleanEnvironment();
await race(
  "from the listener to the command's end",
  commands.map(({ name, words }) => ({
    name,
    begin: (port) =>
      once(spawn(process.execPath, words(port), { env, stdio: ["ignore", "ignore", "inherit"] }), "exit"),
  })),
  700,
);

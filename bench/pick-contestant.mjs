/**
 * @module One way to take ports, in a process of its own.
 *
 * Usage: pick-contestant.mjs NAME TASK. Tasks `one`, `thousand`, `row` print how long they took, without the import, as JSON. Task `storm` waits
 * for a line of input, takes ports one by one as an application would, binds each 50 ms later, tells what came of it, and holds them to
 * the end of its input.
 */
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { pathToFileURL } from "node:url";
import { setTimeout as pause } from "node:timers/promises";

const [name, task] = process.argv.slice(2);
const peers = createRequire(new URL("peers/package.json", import.meta.url));
const load = (module) => import(pathToFileURL(peers.resolve(module)).href);

const rowRange = { first: 20_000, last: 31_999, size: 100 };
const stormRange = { first: 18_000, last: 18_999 };

/** Ports one after the other with a function that answers whether a port is free: the loop that one writes on top of such a library. */
async function findRow(isFree) {
  let run = 0;
  for (let port = rowRange.first; port <= rowRange.last; port++) {
    run = (await isFree(port)) ? run + 1 : 0;
    if (run === rowRange.size) return Array.from({ length: run }, (_, step) => port - run + 1 + step);
  }
  return [];
}

const loaders = {
  portolan: async () => {
    const { pickPort, pickPorts } = await import("../dist/ports/ports.js");
    return {
      one: async () => [await pickPort()],
      thousand: () => pickPorts(1000),
      row: () => pickPorts(rowRange.size, { contiguous: true, within: `${rowRange.first}-${rowRange.last}` }),
      storm: () => pickPort({ within: `${stormRange.first}-${stormRange.last}` }),
    };
  },
  "get-port": async () => {
    const { default: getPort, portNumbers } = await load("get-port");
    return {
      one: async () => [await getPort()],
      thousand: () => Promise.all(Array.from({ length: 1000 }, () => getPort())),
      row: () => findRow(async (port) => (await getPort({ port })) === port),
      storm: () => getPort({ port: portNumbers(stormRange.first, stormRange.last) }),
    };
  },
  "get-port-please": async () => {
    const { getPort, getRandomPort, checkPort } = await load("get-port-please");
    return {
      one: async () => [await getRandomPort()],
      thousand: () => Promise.all(Array.from({ length: 1000 }, () => getRandomPort())),
      row: () => findRow(async (port) => (await checkPort(port)) === port),
      storm: () => getPort({ portRange: [stormRange.first, stormRange.last], port: stormRange.first }),
    };
  },
  portfinder: async () => {
    const portfinder = peers("portfinder");
    return {
      one: async () => [await portfinder.getPortPromise()],
      thousand: () => portfinder.getPortsPromise(1000, { port: 20_000 }),
      row: () =>
        findRow(async (port) => (await portfinder.getPortPromise({ port, stopPort: port }).catch(() => 0)) === port),
      storm: () => portfinder.getPortPromise({ port: stormRange.first, stopPort: stormRange.last }),
    };
  },
  "detect-port": async () => {
    const { detectPort } = await load("detect-port");
    return {
      one: async () => [await detectPort()],
      thousand: () => Promise.all(Array.from({ length: 1000 }, () => detectPort())),
      row: () => findRow(async (port) => (await detectPort(port)) === port),
      storm: () => detectPort(stormRange.first),
    };
  },
};

async function measure(run) {
  const startMs = performance.now();
  const ports = await run();
  return { elapsedMs: performance.now() - startMs, count: ports.length, unique: new Set(ports).size };
}

/** Takes and binds so many ports, as an application that needs them would. */
async function takePart(pick) {
  const servers = [];
  const told = { bound: [], refused: [] };
  process.stdout.write("ready\n");
  await once(process.stdin, "data");
  for (let turn = 0; turn < 5; turn++) {
    const port = await pick();
    await pause(50);
    const server = createServer();
    servers.push(server);
    const outcome = await new Promise((resolve) => {
      server.once("error", () => resolve("refused"));
      server.listen(port, () => resolve("bound"));
    });
    told[outcome].push(port);
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
  await once(process.stdin, "end");
  for (const server of servers) server.close();
}

const startMs = performance.now();
const ways = await loaders[name]();
const importMs = performance.now() - startMs;
if (task === "storm") await takePart(ways.storm);
else process.stdout.write(`${JSON.stringify({ ...(await measure(ways[task])), importMs })}\n`);
process.exit(0);

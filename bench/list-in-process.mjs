/**
 * @module The library's looks at the machine, timed in one process that stays: medians as one line of JSON on standard output.
 *
 * Usage: list-in-process.mjs ITERATIONS, the least number of times that each look is taken
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Bench } from "tinybench";
import { createHost, list } from "../dist/index.js";

const iterations = Number(process.argv[2] ?? 10);
const looks = [
  ["listening table, netlink", "netlink", { holders: "none" }],
  ["listening table, /proc", "proc", { holders: "none" }],
  ["every state, netlink", "netlink", { holders: "none", states: "all" }],
  ["every state, /proc", "proc", { holders: "none", states: "all" }],
  ["listening with all holders, netlink", "netlink", { holders: "all" }],
  ["listening with all holders, /proc", "proc", { holders: "all" }],
  ["listening with the first holders, netlink", "netlink", { holders: "first" }],
  ["listening with the first holders, /proc", "proc", { holders: "first" }],
];

const bench = new Bench({ iterations, time: 300, warmupIterations: 2, warmupTime: 0, throws: true });
for (const [name, reader, request] of looks) {
  const host = createHost({ reader });
  bench.add(name, async () => {
    await host.snapshot(request);
  });
}
bench.add("list(), with processes, projects and reach", async () => {
  await list();
});
// The npm peers as libraries. They start programs of their own: `ss` both.
const peers = createRequire(new URL("peers/package.json", import.meta.url));
const { networkConnections } = peers("systeminformation");
const { allPortsWithPid } = await import(pathToFileURL(peers.resolve("pid-port")).href);
bench.add("npm systeminformation, networkConnections()", async () => {
  await networkConnections();
});
bench.add("npm pid-port, allPortsWithPid()", async () => {
  await allPortsWithPid();
});
await bench.run();
console.log(
  JSON.stringify(
    bench.tasks.map(({ name, result }) => ({
      name,
      medianMs: result.latency.p50,
      runs: result.latency.samplesCount ?? null,
    })),
  ),
);

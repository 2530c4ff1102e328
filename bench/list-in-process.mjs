/**
 * @module The library's looks at the machine, timed in one process that stays: medians as one line of JSON on standard output.
 *
 * Usage: list-in-process.mjs ITERATIONS, the least number of times that each look is taken
 */
import { Bench } from "tinybench";
import { createHost } from "../dist/index.js";

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

const bench = new Bench({ iterations, time: 300, warmupIterations: 3, warmupTime: 50, throws: true });
for (const [name, reader, request] of looks) {
  const host = createHost({ reader });
  bench.add(name, async () => {
    await host.snapshot(request);
  });
}
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

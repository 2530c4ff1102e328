/**
 * @module Looks at the machine with the built library and prints what it saw as one JSON text: for tests that look from
 * another network namespace or as another user.
 *
 * Usage: dump-host.mjs '{"reader": "netlink", "states": "all", "holders": "all", "times": 1}'
 */
import { writeSync } from "node:fs";
import { createHost } from "../../dist/index.js";

const { reader = "auto", times = 1, ...request } = JSON.parse(process.argv[2] ?? "{}");
const host = createHost({ reader });
for (let round = 0; round < times; round++) {
  const snapshot = await host.snapshot(request);
  const pids = new Set();
  const sockets = snapshot.sockets.map((socket) => {
    const holders = snapshot.holdersOf(socket);
    for (const holder of holders.known ? holders.value : []) pids.add(holder.pid);
    return { ...socket, holders };
  });
  const processes = [...pids].map((pid) => snapshot.processOf(pid));
  const { complete, holdersComplete, blindSpots } = snapshot;
  print(JSON.stringify({ reader: snapshot.reader, complete, holdersComplete, blindSpots, sockets, processes }));
}

/** Writes a line to the end, since a pipe takes only part of a large one. */
function print(text) {
  const bytes = Buffer.from(`${text}\n`);
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(1, bytes, done);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

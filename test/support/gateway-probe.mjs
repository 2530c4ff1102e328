/**
 * @module Loaded into a gateway's process by `NODE_OPTIONS=--import=…`: collects garbage and tells what the process holds, whenever somebody
 * connects to `probe-PID.sock` in the folder GATEWAY_PROBE names. Its own socket keeps the process alive no longer.
 */
import { createServer } from "node:net";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
const folder = process.env.GATEWAY_PROBE;

/** How often each kind of thing is open: sockets, servers, timers. */
function countResources() {
  const counts = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

async function tell(socket) {
  // What a finalizer lets go of is collected the next time.
  for (let round = 0; round < 3; round += 1) {
    collect();
    await new Promise((resolve) => void setImmediate(resolve));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  socket.end(`${JSON.stringify({ heapUsed, external, rss, resources: countResources() })}\n`);
}

if (folder !== undefined) {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    void tell(socket);
  });
  server.listen(join(folder, `probe-${process.pid}.sock`));
  server.unref();
}

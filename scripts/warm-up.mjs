// Runs each reading command once over a few real listeners, so that the code cache beside the bundle holds what they use
// (docs/decisions/003-code-cache.md). Whatever fails here only makes the first start slower.
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Opens listeners of three kinds on loopback, runs the commands, closes the listeners. */
export async function warmUp() {
  const servers = [createServer(), createServer()];
  const datagrams = createSocket("udp4");
  try {
    for (const server of servers) {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    }
    datagrams.bind(0, "127.0.0.1");
    await once(datagrams, "listening");
    const port = String(servers[0].address().port);
    for (const words of [["list"], ["who", port], ["explain", "5432"], ["services"], ["ranges"], ["interfaces"]]) {
      await run(process.execPath, ["dist/bin/portolan.cjs", ...words], { timeout: 10_000 });
    }
  } catch (error) {
    process.stderr.write(`The code cache was not made: ${error instanceof Error ? error.message : String(error)}\n`);
  } finally {
    for (const server of servers) server.close();
    datagrams.close();
  }
}

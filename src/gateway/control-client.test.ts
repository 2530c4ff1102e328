import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { controlPath, followGateway } from "./control-client.ts";

test.skipIf(process.platform === "win32")("who follows the gateway stops at once when that is wished", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pgf-"));
  mkdirSync(join(folder, "gateway"));
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.write('{"number":1}\n');
  });
  server.listen(controlPath(folder));
  await once(server, "listening");
  const abort = new AbortController();
  const told: unknown[] = [];
  for await (const line of followGateway(folder, { do: "trace" }, abort.signal)) {
    told.push(line);
    setImmediate(() => abort.abort());
  }
  expect(told).toEqual([{ number: 1 }]);
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

test.skipIf(process.platform === "win32")("an older gateway that does not know what is asked refuses", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pgf-"));
  mkdirSync(join(folder, "gateway"));
  const server = createServer((socket) => socket.end('{"error":"nobody knows that"}\n'));
  server.listen(controlPath(folder));
  await once(server, "listening");
  const following = followGateway(folder, { do: "trace" }, new AbortController().signal);
  await expect(following.next()).rejects.toThrow(
    expect.objectContaining({ code: "GATEWAY_FAILED", message: "The gateway refused: nobody knows that." }),
  );
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * @module A relay where a listening socket cannot rest: not Linux, or without koffi. Here the calls are taken away, which is what such a
 * machine looks like from inside.
 */
import { afterEach, expect, test, vi } from "vitest";
import { closeAll, serve, startForward, talk } from "../../../test/support/relays.ts";

vi.mock("../../host/index.ts", async (original) => ({
  ...(await original<object>()),
  loadSocketCalls: () => null,
}));

afterEach(closeAll);

test("who is too many is refused, and told; room that there is again is given", async () => {
  const port = await serve((socket) => void socket.pipe(socket));
  const { port: listen, relay, traces } = await startForward({ port }, { mostConnections: 1 });
  const first = talk(listen, "1");
  await expect.poll(() => first.heard, { timeout: 5000 }).toBe("1");
  expect(await talk(listen, "2").over).toBe("ECONNRESET");
  expect(relay.counts()).toMatchObject({ open: 1, total: 2, refused: 1 });
  expect(traces).toMatchObject([{ failure: "too many connections", target: null }]);
  first.socket.end();
  expect(await first.over).toBe("");
  await expect.poll(() => relay.counts().open, { timeout: 5000 }).toBe(0);
  const third = talk(listen, "3");
  third.socket.end();
  expect(await third.over).toBe("");
  expect(third.heard).toBe("3");
});

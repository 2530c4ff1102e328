/**
 * @module The command with each reader of this machine: the same answer, by the reader that was named.
 */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";
import { runCommand } from "../support/run-command.ts";

const skip = requireOrSkip("the reader lsof", whyNoProgram("lsof", "lsof"));

interface Listed {
  readonly reader: string;
  readonly services: readonly { readonly port: number }[];
}

test.skipIf(process.platform !== "linux")("a named reader is the one that answers", async (context) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    for (const reader of ["proc", "lsof"]) {
      if (reader === "lsof" && skip) context.skip("lsof is not installed");
      const { status, stdout } = await runCommand(["list", String(port), "--reader", reader, "--json"]);
      const listed = JSON.parse(stdout) as Listed;
      expect([status, listed.reader]).toEqual([0, reader]);
      expect(listed.services.map((service) => service.port)).toEqual([port]);
    }
  } finally {
    server.close();
  }
});

test.skipIf(process.platform !== "linux" || skip)(
  "what lsof cannot see is said, and can-bind is not sure without it",
  async () => {
    const list = await runCommand(["list", "--reader", "lsof"]);
    expect(list.stderr).toContain("lsof finds sockets by the processes that hold them");
    const { stdout } = await runCommand(["can-bind", "127.0.0.1:21599", "--reader", "lsof", "--json"]);
    expect(stdout).toContain("unseen");
  },
);

test("a reader that does not exist, or not for a saved machine, is refused with the words to say instead", async () => {
  const odd = await runCommand(["list", "--reader", "nope"]);
  expect([odd.status, odd.stderr]).toEqual([2, expect.stringContaining("auto, netlink, proc, lsof")]);
  const saved = await runCommand(["list", "--reader", "lsof", "--root", "/tmp"]);
  expect([saved.status, saved.stderr]).toEqual([3, expect.stringContaining("READER_UNAVAILABLE")]);
});

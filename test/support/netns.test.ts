/**
 * @module The namespaces of tests are separate, wired as asked, and gone afterwards.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { createNetworkNamespace, requireOrSkip, whyNoNetworkNamespaces } from "./netns.ts";

const skip = requireOrSkip("network namespaces of tests", whyNoNetworkNamespaces());

describe.skipIf(skip)("network namespace", () => {
  test("has a loopback and the addresses asked for, which can be bound at once", async () => {
    const namespace = await createNetworkNamespace({
      addresses: ["10.77.0.2/24", "fd00:77::2/64"],
      gateways: ["10.77.0.1"],
    });
    try {
      const { stdout } = await namespace.execIn("ip", ["-brief", "address"]);
      expect(stdout).toMatch(/^lo .*127\.0\.0\.1\/8 ::1\/128/m);
      expect(stdout).toMatch(/^lan0@wire0 +UP .*10\.77\.0\.2\/24 .*fd00:77::2\/64/m);
      const bind = `const s = require("node:net").createServer().listen(0, "fd00:77::2", () => { console.log("bound"); s.close(); });`;
      expect((await namespace.execIn(process.execPath, ["-e", bind])).stdout).toBe("bound\n");
    } finally {
      await namespace.destroy();
    }
  });

  test("two of them are wired to each other", async () => {
    const first = await createNetworkNamespace();
    const second = await createNetworkNamespace({
      addresses: ["10.77.1.2/24"],
      peer: first,
      peerAddresses: ["10.77.1.1/24"],
    });
    try {
      const serve = `const s = require("node:net").createServer((c) => { c.end("hello"); s.close(); }).listen(7000, "10.77.1.1", () => console.log("up"));`;
      const server = first.spawnIn(process.execPath, ["-e", serve], { stdio: ["ignore", "pipe", "inherit"] });
      await once(server.stdout!, "data");
      const ask = `require("node:net").connect(7000, "10.77.1.1").pipe(process.stdout)`;
      expect((await second.execIn(process.execPath, ["-e", ask])).stdout).toBe("hello");
    } finally {
      await second.destroy();
      await first.destroy();
    }
  });

  test("is removed with what still runs in it", async () => {
    const namespace = await createNetworkNamespace();
    const child = namespace.spawnIn(process.execPath, ["-e", "setInterval(() => {}, 1e6); console.log('up')"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout!, "data");
    const ended = once(child, "exit");
    await namespace.destroy();
    await namespace.destroy();
    expect((await ended)[1]).toBe("SIGKILL");
    expect(execFileSync("ip", ["netns", "list"], { encoding: "utf8" })).not.toContain(namespace.name);
  });
});

/**
 * @module Ports for programs, on this machine's real sockets.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { isPortolanError } from "../core/index.ts";
import { createHost } from "../host/index.ts";
import { allConventions, assignmentsOf, browserBlockedPorts } from "../registry/index.ts";
import { lockPort, pickPort, pickPorts, portNumbers, releasePort, releasePorts } from "./index.ts";

const stateHome = mkdtempSync(join(tmpdir(), "portolan-state-"));
const before = process.env["PORTOLAN_STATE_HOME"];
const servers: Server[] = [];

beforeAll(() => {
  process.env["PORTOLAN_STATE_HOME"] = stateHome;
});

afterAll(() => {
  if (before === undefined) delete process.env["PORTOLAN_STATE_HOME"];
  else process.env["PORTOLAN_STATE_HOME"] = before;
  rmSync(stateHome, { recursive: true, force: true });
});

afterEach(async () => {
  releasePorts();
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, "close");
  }
});

async function occupy(port: number, host: string): Promise<void> {
  const server = createServer();
  servers.push(server);
  server.listen({ port, host, ipv6Only: true });
  await once(server, "listening");
}

function codeOf(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => "none",
    (error: unknown) => (isPortolanError(error) ? error.code : String(error)),
  );
}

describe("pickPort", () => {
  test("gives a port that is safe to hand out, and keeps it for this process", async () => {
    const { ephemeralRange } = createHost().readLimits();
    const conventions = new Set(allConventions().map(({ port }) => port as number));
    for (let round = 0; round < 200; round++) {
      const port = await pickPort();
      expect(port).toBeGreaterThanOrEqual(1024);
      if (ephemeralRange.known) {
        expect(port < ephemeralRange.value.first || port > ephemeralRange.value.last).toBe(true);
      }
      expect(browserBlockedPorts).not.toContain(port);
      expect(conventions.has(port)).toBe(false);
      expect(assignmentsOf(port)).toEqual([]);
      expect(await lockPort(port)).toBeNull();
    }
  });

  test("takes the first preferred port that is free, and another when none is", async () => {
    const [first, second] = await pickPorts(2, { within: "20000-20999", contiguous: true });
    releasePorts();
    expect(await pickPort({ port: [first!, second!] })).toBe(first);
    expect(await pickPort({ port: [first!, second!] })).toBe(second);
    expect([first, second]).not.toContain(await pickPort({ port: [first!, second!] }));
    releasePort(first!);
    expect(await pickPort({ port: first! })).toBe(first);
  });

  test("a port of portNumbers comes in their order", async () => {
    const start = await pickPort({ within: "21000-21900" });
    releasePorts();
    expect(await pickPort({ port: portNumbers(start, start + 50) })).toBe(start);
  });

  test.each(["0.0.0.0", "127.0.0.1", "127.0.0.9", "::1", "::"])("sees a listener at %s", async (host) => {
    const port = await pickPort({ within: "22000-22999" });
    releasePort(port);
    await occupy(port, host);
    expect(await codeOf(pickPort({ within: `${port}` }))).toBe("PORTS_EXHAUSTED");
  });

  test("asks only about the given address, and both families of localhost", async () => {
    const port = await pickPort({ within: "23000-23999" });
    releasePort(port);
    await occupy(port, "127.0.0.1");
    expect(await pickPort({ within: `${port}`, host: "127.0.0.2" })).toBe(port);
    releasePort(port);
    expect(await pickPort({ within: `${port}`, host: "::1" })).toBe(port);
    releasePort(port);
    expect(await codeOf(pickPort({ within: `${port}`, host: "localhost" }))).toBe("PORTS_EXHAUSTED");
    expect(await codeOf(pickPort({ within: `${port}`, host: "0.0.0.0" }))).toBe("PORTS_EXHAUSTED");
  });

  test("UDP and TCP are asked for apart and together", async () => {
    const port = await pickPort({ within: "24000-24999" });
    releasePort(port);
    const socket = createSocket("udp4");
    socket.bind(port, "127.0.0.1");
    await once(socket, "listening");
    try {
      expect(await pickPort({ within: `${port}` })).toBe(port);
      releasePort(port);
      expect(await codeOf(pickPort({ within: `${port}`, transport: "udp" }))).toBe("PORTS_EXHAUSTED");
      expect(await codeOf(pickPort({ within: `${port}`, transport: "both" }))).toBe("PORTS_EXHAUSTED");
    } finally {
      socket.close();
      await once(socket, "close");
    }
  });

  test("never gives one that browsers refuse, asked for or not", async () => {
    expect(await pickPort({ port: 6000 })).not.toBe(6000);
    const failure = await pickPort({ within: "6665-6669" }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "PORTS_EXHAUSTED", details: { blocked: 5 } });
  });

  test("a name means one port in one project, and another in the next", async () => {
    const shop = join(stateHome, "shop");
    const blog = join(stateHome, "blog");
    for (const folder of [shop, blog]) mkdirSync(folder, { recursive: true });
    const first = await pickPort({ name: "web", workingDirectory: shop });
    expect(await codeOf(pickPort({ name: "web", workingDirectory: shop }))).toBe("PORT_TAKEN");
    releasePort(first);
    expect(await pickPort({ name: "web", workingDirectory: shop })).toBe(first);
    releasePort(first);
    const other = await pickPort({ name: "web", workingDirectory: blog });
    expect(other).not.toBe(first);
    expect(await pickPort({ name: "api", workingDirectory: shop })).not.toBe(first);
    // What is kept for a name goes to nobody else.
    expect(await codeOf(pickPort({ within: `${first}` }))).toBe("PORTS_EXHAUSTED");
    await occupy(first, "127.0.0.1");
    expect(await codeOf(pickPort({ name: "web", workingDirectory: shop }))).toBe("PORT_TAKEN");
  });

  test("bad wishes are refused by name", async () => {
    expect(await codeOf(pickPort({ port: 65_536 }))).toBe("PORT_INVALID");
    expect(await codeOf(pickPort({ port: [3000, 1.5] }))).toBe("PORT_INVALID");
    expect(await codeOf(pickPort({ within: "9-1" }))).toBe("PORT_SET_INVALID");
    expect(await codeOf(pickPort({ host: "nowhere" }))).toBe("ADDRESS_INVALID");
    expect(await codeOf(pickPort({ host: "192.0.2.1" }))).toBe("ARGUMENT_INVALID");
    expect(await codeOf(pickPort({ name: "a/b" }))).toBe("ARGUMENT_INVALID");
    expect(await codeOf(pickPorts(0))).toBe("ARGUMENT_INVALID");
    expect(() => [...portNumbers(10, 1)]).toThrow("no range");
    expect(await codeOf(pickPort({ signal: AbortSignal.abort() }))).toBe("ABORTED");
  });
});

describe("pickPorts", () => {
  test("gives unique ports, all or none", async () => {
    const ports = await pickPorts(500);
    expect(new Set(ports).size).toBe(500);
    const more = await pickPorts(500);
    expect(new Set([...ports, ...more]).size).toBe(1000);
    releasePorts();
    const few = await pickPorts(3, { within: "25000-25002" });
    expect(few).toEqual([25_000, 25_001, 25_002]);
    releasePort(25_001);
    const failure = await pickPorts(2, { within: "25000-25002" }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "PORTS_EXHAUSTED", details: { wanted: 2, found: 1, leased: 2 } });
    // The one that was found was let go again.
    expect(await pickPort({ within: "25000-25002" })).toBe(25_001);
  });

  test("neighbours skip what is in use, promised or excluded", async () => {
    await occupy(26_005, "127.0.0.1");
    const promised = await pickPort({ within: "26011" });
    const run = await pickPorts(5, { within: "26000-26030", exclude: [26_018], contiguous: true });
    expect(promised).toBe(26_011);
    expect(run).toEqual([26_000, 26_001, 26_002, 26_003, 26_004]);
    expect(await pickPorts(5, { within: "26000-26030", exclude: [26_018], contiguous: true })).toEqual([
      26_006, 26_007, 26_008, 26_009, 26_010,
    ]);
    expect(await pickPorts(5, { within: "26000-26030", exclude: [26_018], contiguous: true })).toEqual([
      26_012, 26_013, 26_014, 26_015, 26_016,
    ]);
    const failure = await pickPorts(13, { within: "26000-26030", exclude: [26_018], contiguous: true }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "PORTS_EXHAUSTED" });
  });
});

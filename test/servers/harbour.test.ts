/**
 * @module Every server of the harbour listens where it should, tells its version, and is gone when the harbour ends.
 */
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireOrSkip, whyNoNetworkNamespaces } from "../support/netns.ts";
import { findMissingPackages, readVersion, startHarbour, type Harbour } from "./harbour.ts";
import { findSocketTables, isListening, listListeningPorts } from "./listening-sockets.ts";
import { harbourServers } from "./servers.ts";

const skip = requireOrSkip("harbour of real servers", whyNoNetworkNamespaces());

test("no two servers share an id or an unusual port", () => {
  expect(new Set(harbourServers.map(({ id }) => id)).size).toBe(harbourServers.length);
  const unusual = harbourServers.flatMap((server) => [
    server.unusualPort,
    ...(server.otherPorts?.(server.unusualPort) ?? []),
  ]);
  expect(new Set(unusual).size).toBe(unusual.length);
  for (const port of unusual) expect(port).toBeGreaterThan(1024);
});

test("packages.txt, from which machines are furnished, names what the servers need", async () => {
  const listed = readFileSync(new URL("packages.txt", import.meta.url), "utf8")
    .trimEnd()
    .split("\n");
  expect(listed).toEqual([...new Set(harbourServers.flatMap(({ packages }) => packages))].toSorted());
  if (process.env["PORTOLAN_REQUIRE_SERVERS"] === "1") expect(await findMissingPackages(listed)).toEqual(new Set());
});

describe.skipIf(skip).each(["usual", "unusual"] as const)("harbour at its %s ports", (ports) => {
  let harbour: Harbour;

  beforeAll(async () => {
    harbour = await startHarbour(undefined, { ports });
    const slowest = harbour.berths.toSorted((one, other) => other.startMs - one.startMs).slice(0, 3);
    const times = slowest.map(({ server, startMs }) => `${server.id} ${(startMs / 1000).toFixed(1)} s`);
    console.log(
      `${harbour.berths.length} servers at ${ports} ports in ${(harbour.startMs / 1000).toFixed(1)} s, slowest: ${times.join(", ")}`,
    );
    for (const { id, reason } of harbour.missing) console.log(`not running: ${id}: ${reason}`);
  });
  afterAll(() => harbour?.end());

  test("each server listens at all its transports, by a process of its own", async () => {
    expect(harbour.berths.length + harbour.missing.length).toBeGreaterThan(0);
    for (const { server, namespace, address, port, pid } of harbour.berths) {
      const tables = await findSocketTables(namespace);
      expect(port).toBe(ports === "usual" ? server.usualPort : server.unusualPort);
      for (const transport of server.transports) {
        expect([server.id, transport, isListening(tables, transport, address, port)]).toEqual([
          server.id,
          transport,
          true,
        ]);
      }
      expect(readlinkSync(`/proc/${pid}/ns/net`)).not.toBe(readlinkSync("/proc/self/ns/net"));
    }
    expect(new Set(harbour.berths.map(({ pid }) => pid)).size).toBe(harbour.berths.length);
  });

  test("nothing else listens", async () => {
    const { berths, namespace } = harbour;
    const there = berths.filter((berth) => berth.namespace === namespace && berth.server.transports.includes("tcp"));
    const expected = there.flatMap(({ server, port }) => [port, ...(server.otherPorts?.(port) ?? [])]);
    const found = listListeningPorts(await findSocketTables(namespace));
    expect([...found].toSorted((one, other) => one - other)).toEqual(
      [...new Set(expected)].toSorted((one, other) => one - other),
    );
  });

  test.each(ports === "usual" ? ["usual"] : [])("each server's program tells its version", async () => {
    for (const { server } of harbour.berths) {
      expect([server.id, await readVersion(server)]).toEqual([server.id, expect.stringMatching(/^\d+\.\d+/)]);
    }
  });

  test("nothing is left when it has ended", async () => {
    const namespaces = new Set(harbour.berths.map(({ namespace }) => namespace!));
    const running: [pid: string, since: string | null][] = [];
    for (const namespace of namespaces) {
      const { stdout } = await namespace.execIn("ip", ["netns", "pids", namespace.name]);
      for (const pid of stdout.split("\n").filter(Boolean)) running.push([pid, readStartTime(pid)]);
    }
    expect(running.length).toBeGreaterThanOrEqual(harbour.berths.length);
    await harbour.end();
    for (const [pid, since] of running) {
      if (since !== null) expect([pid, readStartTime(pid)]).not.toEqual([pid, since]);
    }
    for (const namespace of namespaces) expect(existsSync(`/run/netns/${namespace.name}`)).toBe(false);
    expect(existsSync(harbour.folder)).toBe(false);
  });
});

/** When a process was started (proc(5), stat, field 22), `null` when it is no more, or only waits for its parent to notice. */
function readStartTime(pid: string): string | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

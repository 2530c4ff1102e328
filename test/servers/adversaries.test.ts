/**
 * @module Servers that misbehave: each costs bounded time, connections and memory, and delays nobody else.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PortSet } from "../../src/core/index.ts";
import { mostAtOnceOfOneDevice, mostSilentDoors } from "../../src/scan/identify/doorkeeper.ts";
import { identifyEndpoint, runScan, type EndpointAnswer, type FoundDoor } from "../../src/scan/index.ts";
import { adversaries, hostileText, startAdversary, type Adversary } from "../support/adversaries.ts";

/** The bounds that docs/scanning.md states for one door. */
const mostMs = 31_500;
const mostConnections = 16;
/** Bytes of memory for all of them together: 256 KiB a connection, and what the engine has not yet given back. */
const mostBytes = 64 * 1024 * 1024;

const target = { family: "ipv4", address: "127.0.0.1", scopeId: 0, name: null } as const;
const options = { signal: new AbortController().signal, nowMs: () => performance.now() };

let running: Adversary[] = [];
const answers = new Map<string, EndpointAnswer>();
let grownBytes = 0;
let crowd: { readonly ports: number[]; readonly doors: readonly FoundDoor[]; readonly connections: readonly number[] };

/** Scans a device with 120 doors behind which nobody says anything, and one that is a server. */
async function scanCrowd(): Promise<typeof crowd> {
  const silent = await Promise.all(Array.from({ length: 120 }, () => startAdversary("says nothing")));
  const good = createServer((_, response) => response.end("<title>good</title>"));
  await new Promise<void>((resolve) => good.listen(0, "127.0.0.1", resolve));
  const { port } = good.address() as AddressInfo;
  const ports = silent.map((one) => one.port);
  const outcome = await runScan(
    {
      targets: [target],
      targetCount: 1,
      tcpPorts: PortSet.of(port, ...ports),
      udpPorts: PortSet.empty,
      namedPorts: PortSet.empty,
      identify: true,
      retries: null,
      packetsPerSecond: null,
      engine: null,
    },
    { signal: new AbortController().signal, nowMs: () => performance.now() },
  );
  const connections = silent.map((one) => one.connections());
  await Promise.all(silent.map((one) => one.close()));
  good.close();
  return { ports, doors: outcome.hosts[0]!.doors, connections };
}

beforeAll(async () => {
  // Both take half a minute of waiting.
  const scanned = scanCrowd();
  running = await Promise.all(Object.keys(adversaries).map((name) => startAdversary(name)));
  const before = process.memoryUsage();
  let most = 0;
  const watch = setInterval(() => {
    const now = process.memoryUsage();
    most = Math.max(most, now.heapUsed + now.external - before.heapUsed - before.external);
  }, 100);
  await Promise.all(
    running.map(async (adversary) => {
      answers.set(adversary.name, await identifyEndpoint(target, "tcp", adversary.port, options));
    }),
  );
  clearInterval(watch);
  grownBytes = most;
  crowd = await scanned;
}, 90_000);

afterAll(async () => {
  await Promise.all(running.map((adversary) => adversary.close()));
});

test.each(Object.keys(adversaries))("%s: bounded time and connections", (name) => {
  const answer = answers.get(name)!;
  expect(answer.state).toBe("open");
  expect(answer.identification!.elapsedMs).toBeLessThan(mostMs);
  expect(answer.identification!.connections).toBeLessThanOrEqual(mostConnections);
  const adversary = running.find((one) => one.name === name)!;
  expect(adversary.connections()).toBeLessThanOrEqual(mostConnections);
});

test("memory stays bounded while all of them are asked at once", () => {
  expect(grownBytes).toBeLessThan(mostBytes);
});

test("nothing is proved by who proves nothing", () => {
  const impostors = new Set([
    // These do send what proves the protocol; what they wish to be taken for is their own affair.
    "names itself with escapes in HTTP",
    "redirects to itself for ever",
    "sends headers for ever",
    "sends a body for ever",
  ]);
  for (const [name, { identification }] of answers) {
    if (impostors.has(name)) continue;
    expect(
      identification!.layers.filter(({ strength }) => strength === "strong"),
      name,
    ).toEqual([]);
  }
});

test("a redirect is told and not followed", () => {
  const { identification } = answers.get("redirects to itself for ever")!;
  expect(identification!.layers[0]).toMatchObject({ protocol: "http" });
  expect(identification!.layers[0]!.facts).toContainEqual(expect.objectContaining({ name: "location", value: "/" }));
  const adversary = running.find(({ name }) => name === "redirects to itself for ever")!;
  expect(adversary.connections()).toBeLessThanOrEqual(4);
});

test("who greets in no known way is shown with its first bytes and asked nothing", () => {
  const { identification } = answers.get("greets with escapes, HTML, NUL and invalid UTF-8")!;
  expect(identification!.connections).toBeLessThanOrEqual(4);
  const random = answers.get("greets with random bytes")!.identification!;
  expect(random.layers).toEqual([]);
  expect(random.unexplained).toHaveLength(256);
  expect(random.asked).toEqual([]);
  expect(random.connections).toBe(1);
});

test("a certificate full of escapes is read, kept raw and bounded", async () => {
  const folder = mkdtempSync(join(tmpdir(), "portolan-certificate-"));
  try {
    const name = `\u001b[31m<script>${"x".repeat(20)}`;
    const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-utf8"];
    words.push("-keyout", join(folder, "key"), "-out", join(folder, "certificate"));
    words.push("-subj", `/CN=${name}/O=${hostileText.subarray(0, 20).toString("latin1").replaceAll(/[\0/]/g, "")}`);
    execFileSync("openssl", words, { stdio: "pipe" });
    const server = createTlsServer(
      { key: readFileSync(join(folder, "key")), cert: readFileSync(join(folder, "certificate")) },
      (socket) => socket.on("error", () => undefined).on("data", () => socket.end("HTTP/1.1 200 OK\r\n\r\n")),
    );
    server.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const { identification } = await identifyEndpoint(target, "tcp", port, options);
    server.close();
    expect(identification!.layers.map(({ protocol }) => protocol)).toEqual(["tls", "http"]);
    expect(identification!.tls!.certificate!.subject).toContain("\u001b[31m<script>");
    expect(identification!.tls!.certificate!.subject.length).toBeLessThanOrEqual(256);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a device that accepts everything is soon asked no more than is usual", () => {
  const { ports, doors, connections } = crowd;
  expect(doors).toHaveLength(121);
  for (const door of doors) {
    const index = ports.indexOf(door.port);
    if (index !== -1) expect(door.identification!.connections).toBe(connections[index]);
  }
  // Those that were being asked when the thirty-second fell silent were asked to the end; the others not.
  const few = connections.filter((count) => count === 1).length;
  expect(few).toBeGreaterThanOrEqual(120 - mostSilentDoors - mostAtOnceOfOneDevice);
  expect(few).toBeLessThan(120);
});

test("nobody delays another port's answer", async () => {
  const good = createServer((_, response) => response.end("<title>good</title>"));
  await new Promise<void>((resolve) => good.listen(0, "127.0.0.1", resolve));
  const { port } = good.address() as AddressInfo;
  const silent = running.find(({ name }) => name === "says nothing")!;
  const endless = running.find(({ name }) => name === "sends for ever")!;
  const told: FoundDoor[] = [];
  const abort = new AbortController();
  const startedMs = performance.now();
  let goodMs = Infinity;
  const outcome = await runScan(
    {
      targets: [target],
      targetCount: 1,
      tcpPorts: PortSet.of(port, silent.port, endless.port),
      udpPorts: PortSet.empty,
      namedPorts: PortSet.empty,
      identify: true,
      retries: null,
      packetsPerSecond: null,
      engine: null,
    },
    {
      signal: abort.signal,
      nowMs: () => performance.now(),
      onDoor: (door) => {
        told.push(door);
        if (door.port !== port) return;
        goodMs = performance.now() - startedMs;
        abort.abort();
      },
    },
  );
  good.close();
  expect(goodMs).toBeLessThan(5000);
  expect(told.find((door) => door.port === port)?.identification?.layers[0]?.protocol).toBe("http");
  // The abort cut the others short; they are told all the same.
  expect(outcome.complete).toBe(false);
  expect(outcome.hosts[0]!.doors.map((door) => door.port).toSorted((a, b) => a - b)).toEqual(
    [port, silent.port, endless.port].toSorted((a, b) => a - b),
  );
});

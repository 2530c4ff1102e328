/**
 * @module `connections` as a user calls it, over real connections that carried known bytes, beside `ss -tni`.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConnectionsResult, ListedConnection } from "../../src/operations/connections.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  whyNoProgram,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath, runCommand } from "../support/run-command.ts";

const program = fileURLToPath(new URL("../support/connected.py", import.meta.url));
const schema = JSON.parse(
  readFileSync(new URL("../../dist/schema/connections.json", import.meta.url), "utf8"),
) as object;
const skipped = requireOrSkip("connections", whyNoNetworkNamespaces(), whyNoProgram("ss", "iproute2"));

/** A program of connected.py that runs. */
interface Connected {
  /** The next line that it says. */
  said(): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

function startConnected(namespace: NetworkNamespace, words: readonly string[]): Connected {
  const child = namespace.spawnIn("/usr/bin/python3", [program, ...words], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    async said() {
      const line = await lines.next();
      if (line.done === true) throw new Error("connected.py ended early");
      return JSON.parse(line.value) as Record<string, number>;
    },
    async stop() {
      child.stdin!.end();
      await ended;
    },
  };
}

async function portolan(namespace: NetworkNamespace, words: readonly string[], prefix: readonly string[] = []) {
  const [command = "", ...rest] = [
    ...prefix,
    process.execPath,
    commandPath,
    "connections",
    "--namespace",
    "own",
    ...words,
  ];
  return namespace.execIn(command, rest, { environment: { COLUMNS: "" } });
}

async function read(namespace: NetworkNamespace, ...words: string[]): Promise<ConnectionsResult> {
  const { stdout } = await portolan(namespace, [...words, "--json"]);
  const result: unknown = JSON.parse(stdout);
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
  expect(validate(result), JSON.stringify(validate.errors)).toBe(true);
  return result as ConnectionsResult;
}

/** Connections of which one end is in `there`, as seen from `here`. */
async function everywhere(here: NetworkNamespace, there: NetworkNamespace, ...words: string[]) {
  const all = [commandPath, "connections", ...words, "--namespace", there.name, "--json"];
  const { stdout } = await here.execIn(process.execPath, all);
  return (JSON.parse(stdout) as ConnectionsResult).connections;
}

function only<T>(items: readonly T[]): T {
  expect(items).toHaveLength(1);
  return items[0]!;
}

function pidsOf({ holders }: Pick<ListedConnection, "holders">): number[] {
  return holders.known ? holders.value.map(({ pid }) => pid) : [];
}

describe.skipIf(skipped)("both ends on this machine", () => {
  let namespace: NetworkNamespace;
  let connected: Connected;
  let server = 0;
  let client = 0;

  beforeAll(async () => {
    namespace = await createNetworkNamespace();
    connected = startConnected(namespace, ["inside"]);
    ({ server = 0, client = 0 } = await connected.said());
  });
  afterAll(async () => {
    await connected?.stop();
    await namespace?.destroy();
  });

  test.each([
    ["IPv4", 7001, "ipv4", "ipv4"],
    ["IPv6", 7002, "ipv6", "ipv6"],
    ["IPv4 to a dual-stack server", 7003, "ipv4", "ipv6"],
  ])("%s: one row from the calling process to the called one, with its bytes", async (_, port, near, far) => {
    const row = only((await read(namespace, String(port))).connections);
    expect(row).toMatchObject({
      direction: "local",
      family: near,
      state: "ESTABLISHED",
      remote: { port },
      servicePort: port,
      sent: 123_456,
      received: 7_890,
      peer: { family: far, state: "ESTABLISHED" },
      since: { known: false, why: "unsupported" },
    });
    expect(pidsOf(row)).toEqual([client]);
    expect(pidsOf(row.peer!)).toEqual([server]);
    expect(row.peer!.traffic).toMatchObject({ known: true, value: { bytesSent: 7_890 } });
    expect(row.roundTripMicroseconds).toBeGreaterThan(0);
    expect(row.idleMs).toBeGreaterThanOrEqual(0);
  });

  test("connected UDP sockets meet, and nothing is made up of what they carried", async () => {
    const row = only((await read(namespace, "-t", "udp")).connections);
    expect([row.local.port, row.remote.port].sort()).toEqual([7006, 7007]);
    expect(row).toMatchObject({ direction: "local", sent: null, received: null, roundTripMicroseconds: null });
    expect([pidsOf(row), pidsOf(row.peer!)]).toEqual([[server], [server]]);
  });

  test("an end that its process has closed is held by nobody, and its other end still told", async () => {
    const row = only((await read(namespace, "7004")).connections);
    // What went over it is told by the end that is left, whose kernel counts the FIN as a byte.
    expect(row).toMatchObject({ state: "FIN_WAIT_2", inode: 0, holders: { known: true, value: [] } });
    expect(row).toMatchObject({ sent: 123_456, received: 7_890, traffic: { known: false } });
    expect(row.peer).toMatchObject({ state: "CLOSE_WAIT", traffic: { value: { bytesReceived: 123_457 } } });
    expect(pidsOf(row.peer!)).toEqual([server]);
    const { stdout } = await portolan(namespace, ["7004"]);
    expect(stdout).toMatch(new RegExp(`nobody → python3 ${server}\\b.*FIN_WAIT_2/CLOSE_WAIT`));
  });

  test("what waits in TIME_WAIT keeps its service though nobody holds it", async () => {
    const row = only((await read(namespace, "7005", "--state", "time-wait")).connections);
    expect(row).toMatchObject({
      direction: "local",
      state: "TIME_WAIT",
      inode: 0,
      servicePort: 7005,
      peer: null,
      sent: null,
      traffic: { known: false },
    });
  });

  test("bytes and round trip are those of `ss -tni`, at both ends of every connection", async () => {
    const mine = new Map<string, ListedConnection["traffic"]>();
    for (const row of (await read(namespace, "-t", "tcp")).connections) {
      mine.set(keyOf(row.local, row.remote, row.family), row.traffic);
      if (row.peer !== null) mine.set(keyOf(row.remote, row.local, row.peer.family), row.peer.traffic);
    }
    const theirs = readSs((await namespace.execIn("ss", ["-tniH"])).stdout);
    expect(theirs.size).toBe(7);
    for (const [key, counters] of theirs) {
      const traffic = mine.get(key);
      if (traffic?.known !== true) throw new Error(`no traffic of ${key}`);
      const { value } = traffic;
      expect({ key, ...counters }).toEqual({
        key,
        bytes_sent: value.bytesSent,
        bytes_acked: value.bytesAcknowledged,
        bytes_received: value.bytesReceived,
        // ss prints milliseconds of at most six digits.
        rtt: Number((value.roundTripMicroseconds! / 1000).toPrecision(6)),
        rttvar: Number((value.roundTripDeviationMicroseconds! / 1000).toPrecision(6)),
      });
    }
  });

  test("groups count and sum", async () => {
    const byProcess = await read(namespace, "--group", "process", "--state", "established", "-t", "tcp");
    expect(byProcess.connections).toEqual([]);
    const sums = byProcess.groups!.map(({ process, connections, sent, received }) => ({
      pid: process?.pid,
      connections,
      sent,
      received,
    }));
    expect(sums).toContainEqual({ pid: client, connections: 3, sent: 370_368, received: 23_670 });
    expect(sums).toContainEqual({ pid: server, connections: 3, sent: 23_670, received: 370_368 });
    const byPort = await read(namespace, "--group", "port", "-t", "tcp");
    expect(byPort.groups!.map(({ port }) => port).sort()).toEqual([7001, 7002, 7003, 7004, 7005]);
    const byRemote = await read(namespace, "--group", "remote", "--limit", "1");
    expect(byRemote.groups).toMatchObject([{ remote: "127.0.0.1", connections: 5 }]);
    expect(byRemote.totals).toMatchObject({ groups: 2, matching: 6 });
    const byName = await read(namespace, "--group", "remote", "--sort", "remote", "--reverse");
    expect(byName.groups!.map(({ remote }) => remote)).toEqual(["::1", "127.0.0.1"]);
  });

  test("filters by process, address, state and direction; orders by bytes", async () => {
    const ports = async (...words: string[]) =>
      (await read(namespace, ...words)).connections.map(({ servicePort }) => servicePort);
    expect(await ports("--pid", String(client))).toEqual([7001, 7002, 7003]);
    expect(await ports("--remote", "::1")).toEqual([7002]);
    expect(await ports("--remote", "127.0.0.0/8", "--state", "established", "-t", "tcp")).toEqual([7001, 7003]);
    expect(await ports("--direction", "in")).toEqual([]);
    expect(await ports("--process", "connected.py", "-t", "tcp")).toEqual([7001, 7002, 7003, 7004]);
    expect((await ports("--sort", "bytes", "-t", "tcp")).at(-1)).toBe(7005);
    expect(await ports("7001", "7002", "--reverse")).toEqual([7002, 7001]);
  });

  test("on 40 columns the ends and their processes are left", async () => {
    const [command, ...rest] = [process.execPath, commandPath, "connections", "--namespace", "own", "7001"] as const;
    const { stdout } = await namespace.execIn(command, rest, { environment: { COLUMNS: "40" } });
    const lines = stdout.split("\n");
    expect(Math.max(...lines.slice(0, 2).map(({ length }) => length))).toBeLessThanOrEqual(40);
    expect(lines[0]).toMatch(/^DIR +REMOTE +HELD BY$/);
    expect(lines[1]).toContain("127.0.0.1:7001");
    expect(lines[1]).toContain(`python3 ${client}`.slice(0, 10));
  });

  test("on any width no number is cut off", async () => {
    for (let columns = 40; columns <= 130; columns += 5) {
      const words = [commandPath, "connections", "--namespace", "own", "7001", "7002"];
      const { stdout } = await namespace.execIn(process.execPath, words, { environment: { COLUMNS: String(columns) } });
      const [head = "", row = ""] = stdout.split("\n");
      if (head.includes("SENT")) expect(row).toContain("121 KiB");
      if (head.includes("RECEIVED")) expect(row).toContain("7.7 KiB");
      expect(row.length).toBeLessThanOrEqual(columns);
    }
  });

  test("who may not see the holders is told so, and sees everything else", async () => {
    const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const { stdout } = await portolan(namespace, ["7001", "--json"], asNobody);
    const result = JSON.parse(stdout) as ConnectionsResult;
    const row = only(result.connections);
    expect(row).toMatchObject({
      sent: 123_456,
      received: 7_890,
      holders: { known: false, why: "permission" },
      peer: { holders: { known: false, why: "permission" } },
    });
    expect(result.blindSpots).toContainEqual(expect.objectContaining({ what: "holders", why: "permission" }));
    const text = await portolan(namespace, ["7001"], asNobody);
    expect(text.stdout).toContain("hidden (uid 0) → hidden (uid 0)");
    expect(text.stderr).toContain("keep their file descriptors private");
    expect(text.stderr).toContain("To see everything:");
  });

  test("the /proc reader joins the same, and says that it does not know what was carried", async () => {
    const proc = await read(namespace, "7001", "7003", "--reader", "proc");
    expect(proc.connections.map(({ servicePort }) => servicePort)).toEqual([7001, 7003]);
    for (const row of proc.connections) {
      expect(row).toMatchObject({ direction: "local", sent: null, traffic: { known: false, why: "unsupported" } });
      expect([pidsOf(row), pidsOf(row.peer!)]).toEqual([[client], [server]]);
    }
    expect(proc.blindSpots.map(({ message }) => message).join(" ")).toContain("what connections carried");
  });
});

describe.skipIf(skipped)("with another machine", () => {
  test("direction by who listens, and each end's own point of view", async () => {
    const here = await createNetworkNamespace();
    const there = await createNetworkNamespace({
      addresses: ["10.77.0.2/24"],
      peer: here,
      peerAddresses: ["10.77.0.1/24"],
    });
    const running: Connected[] = [];
    const start = (namespace: NetworkNamespace, ...words: string[]): Connected => {
      const connected = startConnected(namespace, words);
      running.push(connected);
      return connected;
    };
    try {
      for (const [home, address, away] of [
        [here, "10.77.0.1", there],
        [there, "10.77.0.2", here],
      ] as const) {
        const listener = start(home, "listen", address, "7100");
        await listener.said();
        await start(away, "call", address, "7100").said();
        await listener.said();
      }
      const { connections, totals } = await read(here);
      expect(totals.directions).toEqual({ in: 1, out: 1, local: 0, unknown: 0 });
      const incoming = only(connections.filter(({ direction }) => direction === "in"));
      expect(incoming).toMatchObject({
        local: { address: "10.77.0.1", port: 7100 },
        remote: { address: "10.77.0.2" },
        servicePort: 7100,
        sent: 300,
        received: 700,
        peer: null,
      });
      const outgoing = only(connections.filter(({ direction }) => direction === "out"));
      expect(outgoing).toMatchObject({
        remote: { address: "10.77.0.2", port: 7100 },
        servicePort: 7100,
        sent: 700,
        received: 300,
        peer: null,
      });
      // Seen from both sides at once, the two ends of each are one connection.
      const both = await everywhere(here, there, "7100");
      expect(
        both.map(({ direction, servicePort, sent, received }) => ({ direction, servicePort, sent, received })),
      ).toEqual(Array.from({ length: 2 }, () => ({ direction: "local", servicePort: 7100, sent: 700, received: 300 })));
      const called = only(both.filter(({ local }) => local.address === "10.77.0.1"));
      expect(called).toMatchObject({ networkNamespace: null, peer: { networkNamespace: { names: [there.name] } } });
      const calling = only(both.filter(({ local }) => local.address === "10.77.0.2"));
      expect(calling).toMatchObject({ networkNamespace: { names: [there.name] }, peer: { networkNamespace: null } });
      const words = [commandPath, "connections", "7100", "--namespace", there.name];
      const { stdout } = await here.execIn(process.execPath, words);
      expect(stdout).toContain(`here → netns ${there.name}`);
      expect(stdout).toContain(`netns ${there.name} → here`);
      // The port of the call alone does not hide that a listener was called.
      const [byCaller] = (await read(here, String(incoming.remote.port))).connections;
      expect(byCaller?.direction).toBe("in");
    } finally {
      for (const connected of running) await connected.stop();
      await there.destroy();
      await here.destroy();
    }
  });
});

describe("errors", () => {
  test.each([
    [["nosuch"], "PORT_SET_INVALID"],
    [["--remote", "10.0.0.0/40"], "ADDRESS_INVALID"],
    [["--state", "listen"], "ARGUMENT_INVALID"],
    [["--process", ""], "ARGUMENT_INVALID"],
    [["--limit", "0"], "ARGUMENT_INVALID"],
    [["--group", "user"], "ARGUMENT_INVALID"],
    [["--sort", "age"], "ARGUMENT_INVALID"],
    [["--group", "port", "--sort", "rtt"], "ARGUMENT_INVALID"],
  ])("%j: %s", async (words, code) => {
    const outcome = await runCommand(["connections", ...words]);
    expect(outcome.status).toBe(2);
    expect(outcome.stdout).toBe("");
    expect(outcome.stderr).toContain(code);
  });
});

type Counters = Record<"bytes_sent" | "bytes_acked" | "bytes_received" | "rtt" | "rttvar", number>;

function keyOf(local: ListedConnection["local"], remote: ListedConnection["local"], family: string): string {
  // The socket of a dual-stack server shows both addresses in their mapped form, which `ss` puts in brackets.
  const write = ({ address, port }: ListedConnection["local"]): string => {
    const mapped = family === "ipv6" && !address.includes(":") ? `::ffff:${address}` : address;
    return mapped.includes(":") ? `[${mapped}]:${port}` : `${mapped}:${port}`;
  };
  return `${write(local)} ${write(remote)}`;
}

/** What `ss -tniH` says: a line of the socket, then one that begins with white space. Counters of 0 are left out there. */
function readSs(text: string): Map<string, Counters> {
  const sockets = new Map<string, Counters>();
  const lines = text.split("\n");
  lines.forEach((line, index) => {
    const details = lines[index + 1] ?? "";
    if (/^\s/.test(line) || !/^\s/.test(details)) return;
    const [, , , local, remote] = line.trim().split(/\s+/);
    const count = (name: string): number => Number(new RegExp(`\\b${name}:(\\d+)`).exec(details)?.[1] ?? 0);
    const [, rtt, rttvar] = /\brtt:([\d.]+)\/([\d.]+)/.exec(details) ?? [];
    // What has no socket any more (TIME_WAIT, an orphan in FIN_WAIT_2) has a timer there, and no counters.
    if (rtt === undefined) return;
    sockets.set(`${local} ${remote}`, {
      bytes_sent: count("bytes_sent"),
      bytes_acked: count("bytes_acked"),
      bytes_received: count("bytes_received"),
      rtt: Number(rtt),
      rttvar: Number(rttvar),
    });
  });
  return sockets;
}

/**
 * @module One port for every protocol: real clients reach their own real servers through `portolan share`, however their bytes are cut.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listRelays, type RelayCounts } from "../../src/gateway/index.ts";
import type { ConnectionEvent } from "../../src/operations/trace.ts";
import { requireOrSkip } from "../support/netns.ts";
import { commandPath, runCommand } from "../support/run-command.ts";
import { startShareProcess, type ShareProcess } from "../support/share-process.ts";
import { startSplitter } from "../support/splitter.ts";
import {
  askedName,
  shareClients,
  startShareServers,
  whyNoShareCases,
  type ShareClient,
  type ShareServers,
} from "./share-cases.ts";

const skip = requireOrSkip("one port for every protocol", whyNoShareCases());

/** More than any hello has here, so that all of them come byte by byte. */
const oneByOne = 700;
/** A header that says that a client is 192.0.2.7 (the PROXY protocol, sections 2.1 and 2.2). */
const headers = {
  1: Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n", "latin1"),
  2: Buffer.from("0d0a0d0a000d0a515549540a2111000cc0000207c63364019c4001bb", "hex"),
} as const;

describe.skipIf(skip)("one port for every protocol", () => {
  let servers: ShareServers;
  const shares: ShareProcess[] = [];
  let nextPort = 4443;

  beforeAll(async () => {
    servers = await startShareServers();
  });

  afterAll(async () => {
    for (const { child } of shares) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await servers?.stop();
  });

  /** Every server at a port of its own there. */
  async function startShare(...words: string[]): Promise<ShareProcess & { readonly port: number }> {
    const { address, places, folder } = servers;
    const port = (nextPort += 1);
    const flags = {
      ssh: [places.ssh],
      http: [places.http],
      http2: [places.http2],
      tls: [places.tls, `${askedName}=${places.namedTls}`],
      postgres: [places.postgresql],
      redis: [places.redis],
      mqtt: [places.mqtt],
      smtp: [places.smtp],
      name: [`${askedName}=${places.named}`, `told.localhost=${places.told},proxy=2`],
      alpn: [`h2=${places.offered}`],
    };
    const given = Object.entries(flags).flatMap(([flag, values]) => values.flatMap((value) => [`--${flag}`, value]));
    const share = await startShareProcess([`${address}:${port}`, ...given, ...words], { stateFolder: folder });
    shares.push(share);
    return { ...share, port };
  }

  /** Each client's words, or that it reached its own server. */
  async function runAll(port: number, clients: readonly ShareClient[] = shareClients): Promise<[string, string][]> {
    const place = { address: servers.address, port, folder: servers.folder };
    return Promise.all(
      clients.map(async ({ title, run, expected }): Promise<[string, string]> => {
        const said = await run(place);
        return [title, expected.test(said) ? "its own server" : said];
      }),
    );
  }
  const countsOf = async ({ child }: ShareProcess): Promise<RelayCounts> =>
    (await listRelays(servers.folder)).find(({ pid }) => pid === child.pid)!.relays[0]!.counts;
  const openAt = async (share: ShareProcess): Promise<number> => (await countsOf(share)).open;
  const allReached = (clients: readonly ShareClient[] = shareClients): [string, string][] =>
    clients.map(({ title }) => [title, "its own server"]);

  test("real clients reach their own servers; trace says what each was and why; Ctrl-C ends it with counts", async () => {
    const share = await startShare("--wait", "1500ms");
    expect(share.ready.notes).toEqual([]);
    const trace = await followTrace(servers.folder, servers.address, share.port);
    expect(await runAll(share.port)).toEqual(allReached());
    const events = await trace.take(shareClients.length);
    const shown = events.map(({ protocol, name, rule, target }) => [protocol, name, rule, target] as const);
    const { places, address } = servers;
    expect(shown).toEqual(
      expect.arrayContaining([
        ["ssh", null, expect.stringMatching(/^rule \d+: ssh$/), places.ssh],
        ["http", address, expect.stringMatching(/^rule \d+: http$/), places.http],
        ["http", askedName, expect.stringMatching(/^rule \d+: name app\.localhost$/), places.named],
        ["http2", null, expect.stringMatching(/^rule \d+: http2$/), places.http2],
        ["tls", null, expect.stringMatching(/^rule \d+: tls$/), places.tls],
        ["tls", askedName, expect.stringMatching(/^rule \d+: tls, name app\.localhost$/), places.namedTls],
        ["tls", null, expect.stringMatching(/^rule \d+: tls, alpn h2$/), places.offered],
        ["postgresql", null, expect.stringMatching(/^rule \d+: postgresql$/), places.postgresql],
        ["redis", null, expect.stringMatching(/^rule \d+: redis$/), places.redis],
        ["mqtt", null, expect.stringMatching(/^rule \d+: mqtt$/), places.mqtt],
        [null, null, "silent: said nothing for 1.5 s", places.smtp],
      ]),
    );
    const { result, status } = await share.interrupt();
    expect(status).toBe(0);
    expect(result.complete).toBe(true);
    const [{ counts }] = result.shares as [ShareResultShare];
    // Beside them, whoever came to see whether trace tells everybody was closed.
    expect(counts.total - counts.refused).toBe(shareClients.length);
    expect(counts.open).toBe(0);
    expect(counts.targets.find(({ target }) => target === places.redis)).toMatchObject({ total: 3 });
  });

  test("byte by byte, too, and behind headers of the PROXY protocol of both versions", async () => {
    const plain = await startShare("--wait", "1500ms");
    const behind = await startShare("--wait", "1500ms", "--accept-proxy");
    const through = async ({ port }: { readonly port: number }, version: 1 | 2 | null): Promise<void> => {
      const header = version === null ? {} : { header: headers[version] };
      const splitter = await startSplitter({ address: servers.address, port, oneByOne, ...header });
      try {
        const place = { address: servers.address, port: splitter.port, folder: servers.folder };
        const asks = shareClients[1]!.run({ ...place, name: "told.localhost" });
        expect(await runAll(splitter.port)).toEqual(allReached());
        // The server that is told who the client is learns whom the header named.
        expect(await asks).toBe(version === null ? "told 127.0.0.1\n" : "told 192.0.2.7\n");
        // A client that waits says nothing until its server has spoken, and is cut up then.
        expect(splitter.cut()).toBe(shareClients.length + 1);
      } finally {
        splitter.close();
      }
    };
    await Promise.all([through(plain, null), through(behind, 1), through(behind, 2)]);
    const [refused] = await runAll(behind.port, [shareClients[1]!]);
    expect(refused![1]).toMatch(/^curl: \(\d+\)/);
  });

  test("under 1,000 connections that say nothing", { timeout: 60_000 }, async () => {
    // Nobody's time is over before all others have been served.
    const share = await startShare("--wait", "10m");
    const others = shareClients.filter(({ server }) => server !== "smtp");
    const beforeBytes = share.residentBytes();
    const silent = await openSilent(servers.address, share.port, 1000);
    try {
      await expect.poll(() => openAt(share)).toBe(1000);
      const heldBytes = share.residentBytes() - beforeBytes;
      const startedMs = performance.now();
      expect(await runAll(share.port, others)).toEqual(allReached(others));
      const elapsedMs = performance.now() - startedMs;
      await expect.poll(() => openAt(share)).toBe(1000);
      console.log(
        `1,000 silent connections: ${(heldBytes / 1024 / 1000).toFixed(1)} KiB each; ${others.length} clients at once took ${Math.round(elapsedMs)} ms beside them`,
      );
    } finally {
      for (const socket of silent) socket.destroy();
    }
    await expect.poll(() => openAt(share)).toBe(0);
  });

  test("a client that waits, and 1,000 that say nothing behind it: its server gets as many as it takes", async () => {
    const share = await startShare("--wait", "2s", "--max-per-target", "25");
    const waits = shareClients.filter(({ server }) => server === "smtp");
    const waiting = runAll(share.port, waits);
    await expect.poll(() => openAt(share)).toBe(1);
    const silent = await openSilent(servers.address, share.port, 1000);
    try {
      expect(await waiting).toEqual(allReached(waits));
      await expect.poll(async () => (await countsOf(share)).refused).toBeGreaterThanOrEqual(900);
      expect((await countsOf(share)).targets[0]!.open).toBeLessThanOrEqual(25);
    } finally {
      for (const socket of silent) socket.destroy();
    }
    await expect.poll(() => openAt(share)).toBe(0);
  });

  test("what nobody knows goes to the fallback or is closed, and trace says so", async () => {
    const closing = await startShare();
    const trace = await followTrace(servers.folder, servers.address, closing.port);
    expect(await say(servers.address, closing.port, "\u0001\u0002\u0003")).toBe("");
    expect(await say(servers.address, closing.port, "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\nPING\r\n")).toBe("");
    expect((await trace.take(2)).map(({ protocol, rule, target }) => [protocol, rule, target])).toEqual([
      [null, "closed: no rule fits", null],
      ["proxy-protocol", "closed: no rule fits", null],
    ]);
    const falling = await startShare("--fallback", servers.places.redis);
    expect(await say(servers.address, falling.port, "WHAT\r\nQUIT\r\n")).toMatch(/^-ERR unknown command/);
  });

  test("a project's file says what to share and to forward", async () => {
    const { address, places, folder } = servers;
    const [sharePort, forwardPort] = [(nextPort += 1), (nextPort += 1)];
    const content = {
      shares: [
        {
          listen: `${address}:${sharePort}`,
          wait: "1500ms",
          silent: places.smtp,
          rules: [
            { protocol: "redis", to: places.redis },
            { name: askedName, to: places.named },
          ],
        },
      ],
      forwards: [{ listen: `${address}:${forwardPort}`, to: places.redis }],
    };
    writeFileSync(join(folder, "portolan.config.json"), JSON.stringify(content));
    const share = await startShareProcess([], { stateFolder: folder, cwd: folder });
    shares.push(share);
    const few = shareClients.filter(({ server }) => ["redis", "named", "smtp"].includes(server));
    expect(await runAll(sharePort, few)).toEqual(allReached(few));
    const forward = spawn(process.execPath, [commandPath, "forward", "--json"], {
      cwd: folder,
      env: { PATH: process.env["PATH"], PORTOLAN_STATE_HOME: folder },
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(forward.stdout, "data");
      const redis = shareClients.filter(({ server }) => server === "redis");
      expect(await runAll(forwardPort, redis)).toEqual(allReached(redis));
    } finally {
      forward.kill("SIGINT");
      await once(forward, "exit");
    }
  });

  test("what is wrong in the file is told at its place", async () => {
    const { folder } = servers;
    const text = '{ "shares": [\n  { "listen": 443, "rules": [{ "protocol": "shs", "to": 22 }] }\n] }';
    writeFileSync(join(folder, "portolan.config.json"), text);
    const outcome = await runCommand(["share"], { cwd: folder, environment: { PORTOLAN_STATE_HOME: folder } });
    expect([outcome.status, outcome.stderr]).toEqual([
      2,
      expect.stringContaining('portolan.config.json:2:44: "shs" is no protocol that first bytes tell.'),
    ]);
  });
});

type ShareResultShare = Awaited<ReturnType<ShareProcess["interrupt"]>>["result"]["shares"][number];

/** Connections as `portolan trace` tells them. */
interface Followed {
  /** So many, when they have ended. */
  take(count: number): Promise<readonly ConnectionEvent[]>;
}

/** Follows every relay of the state folder; settles when what comes to this port is told. */
async function followTrace(stateFolder: string, host: string, port: number): Promise<Followed> {
  const child = spawn(process.execPath, [commandPath, "trace", "--ndjson"], {
    env: { PATH: process.env["PATH"], PORTOLAN_STATE_HOME: stateFolder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const events: ConnectionEvent[] = [];
  let wake: () => void = () => undefined;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const told = JSON.parse(line) as ConnectionEvent | { readonly kind?: undefined };
    if (told.kind === "connection") events.push(told);
    wake();
  });
  // Somebody comes until one of those is told: then everybody is.
  const marks = new Set<string>();
  await expect
    .poll(async () => {
      await say(host, port, "\u007f", (socket) => marks.add(`${socket.localAddress}:${socket.localPort}`));
      return events.length;
    })
    .toBeGreaterThan(0);
  const own = (): readonly ConnectionEvent[] => events.filter(({ client }) => !marks.has(client));
  return {
    take: async (count) => {
      while (own().length < count) await new Promise<void>((resolve) => (wake = resolve));
      child.kill("SIGINT");
      await once(child, "exit");
      return own();
    },
  };
}

/** Connections on which nothing is ever said. */
async function openSilent(host: string, port: number, count: number): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ host, port });
      // Whoever is refused later is reset.
      socket.on("error", () => undefined);
      await once(socket, "connect");
      return socket;
    }),
  );
}

/** What comes back until the connection ends. */
async function say(
  host: string,
  port: number,
  words: string,
  onOpen: (socket: Socket) => void = () => undefined,
): Promise<string> {
  const socket = connect({ host, port }, () => onOpen(socket));
  let text = "";
  socket.setEncoding("latin1").on("data", (part: string) => (text += part));
  // Closed with bytes unread it is reset.
  socket.on("error", () => undefined);
  socket.write(words, "latin1");
  await new Promise((resolve) => socket.once("close", resolve));
  return text;
}

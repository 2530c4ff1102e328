/**
 * @module What a scan does to its target, by the built command from another device: connections counted, servers' own counters and logs
 * read.
 */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { PortSet } from "../../src/core/index.ts";
import { runScan, type ScanEngine, type ScanRequest } from "../../src/scan/index.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  whyNoProgram,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath } from "../support/run-command.ts";
import { findMissingPackages, startHarbour, type Harbour } from "./harbour.ts";

const packages = ["mariadb-server", "tigervnc-standalone-server", "openssh-server"];
const missing = process.platform === "linux" ? [...(await findMissingPackages(packages))] : packages;
const skip = requireOrSkip(
  "gentleness to real servers",
  whyNoNetworkNamespaces(),
  whyNoProgram("nft", "nftables"),
  missing.length > 0 ? `not installed (Debian): ${missing.join(", ")}` : null,
);

interface ScanJson {
  readonly hosts: readonly {
    readonly doors: readonly {
      readonly port: number;
      readonly identification: {
        readonly connections: number;
        readonly layers: readonly { readonly protocol: string; readonly evidence: string }[];
      } | null;
    }[];
  }[];
}

describe.skipIf(skip)("from another device", () => {
  let device: NetworkNamespace;
  let scanner: NetworkNamespace;
  let harbour: Harbour;
  let hosts = "";

  beforeAll(async () => {
    scanner = await createNetworkNamespace();
    device = await createNetworkNamespace({
      addresses: ["10.78.1.2/24"],
      peer: scanner,
      peerAddresses: ["10.78.1.1/24"],
    });
    // `ip netns exec` lays this folder over /etc: the scanner's address has a name there, which is when MariaDB counts errors.
    hosts = join("/etc/netns", device.name);
    mkdirSync(hosts, { recursive: true });
    writeFileSync(join(hosts, "hosts"), "127.0.0.1 localhost\n10.78.1.1 scanner.test\n");
    harbour = await startHarbour(["mariadb", "tigervnc", "openssh"], { namespace: device, address: "10.78.1.2" });
    expect(harbour.missing).toEqual([]);
    const rules = `table inet count {
      chain input {
        type filter hook input priority 0
        ${harbour.berths.map(({ port }) => `tcp dport ${port} tcp flags & (syn | ack) == syn counter`).join("\n")}
      }
    }`;
    writeFileSync(join(harbour.folder, "rules"), rules);
    await device.execIn("nft", ["-f", join(harbour.folder, "rules")]);
  }, 120_000);
  afterAll(async () => {
    await harbour?.end();
    await device?.destroy();
    await scanner?.destroy();
    if (hosts !== "") rmSync(hosts, { recursive: true, force: true });
  });

  /** Connections begun at a port so far. */
  async function countConnections(port: number): Promise<number> {
    const { stdout } = await device.execIn("nft", ["list", "table", "inet", "count"]);
    return Number(new RegExp(`dport ${port} .*counter packets (\\d+)`).exec(stdout)?.[1] ?? Number.NaN);
  }

  async function scan(port: number, engine: string): Promise<ScanJson["hosts"][number]["doors"][number]> {
    const words = ["scan", "10.78.1.2", "--port", `${port - 20}-${port + 20}`, "--engine", engine, "--json"];
    const { stdout } = await scanner.execIn(process.execPath, [commandPath, ...words], { environment: {} });
    const door = (JSON.parse(stdout) as ScanJson).hosts[0]!.doors.find((one) => one.port === port);
    expect(door).toBeDefined();
    return door!;
  }

  function berthOf(id: string): Harbour["berths"][number] {
    return harbour.berths.find(({ server }) => server.id === id)!;
  }

  test("MariaDB, which knows the scanner by name: one connection, one warning, one error counted", async () => {
    const berth = berthOf("mariadb");
    const ask = async (statement: string): Promise<string> => {
      const words = ["--no-defaults", `--socket=${join(harbour.folder, "mariadb", "socket")}`, "-uroot", "-N", "-B"];
      return (await promisify(execFile)("mariadb", [...words, "-e", statement])).stdout;
    };
    // The server itself tells how many errors it counts: with a limit of three the first three visits are let in.
    await ask("FLUSH HOSTS; SET GLOBAL max_connect_errors = 3");
    const aborted = async (): Promise<number> =>
      Number((await ask("SHOW GLOBAL STATUS LIKE 'Aborted_connects'")).split("\t")[1]);
    const before = { connections: await countConnections(3306), aborted: await aborted(), log: berth.logText().length };
    const evidence: string[] = [];
    for (const engine of ["epoll", "node", "epoll"]) {
      const { identification } = await scan(3306, engine);
      expect(identification!.connections).toBe(1);
      evidence.push(identification!.layers[0]!.evidence);
    }
    expect(evidence).toEqual(Array.from({ length: 3 }, () => "handshake of protocol version 10"));
    expect((await countConnections(3306)) - before.connections).toBe(3);
    await expect.poll(async () => (await aborted()) - before.aborted).toBe(3);
    const warnings = berth
      .logText()
      .slice(before.log)
      .split("\n")
      .filter((line) => berth.server.logKinds.test(line));
    expect(warnings).toHaveLength(3);
    for (const line of warnings) expect(line).toContain("host: 'scanner.test'");
    // The fourth finds the address blocked, so each of the three counted as exactly one error.
    const blocked = await scan(3306, "epoll");
    expect(blocked.identification!.layers[0]!.evidence).toContain("1129");
    await ask("FLUSH HOSTS; SET GLOBAL max_connect_errors = 100");
  });

  test("TigerVNC: scan after scan, its blacklist does not trip", async () => {
    const before = await countConnections(5900);
    // Five unfinished connections in a row would block the address.
    for (let round = 0; round < 4; round++) {
      const { identification } = await scan(5900, round % 2 === 0 ? "epoll" : "node");
      expect(identification!.layers.map(({ protocol }) => protocol)).toEqual(["vnc"]);
    }
    expect((await countConnections(5900)) - before).toBe(4);
    expect(berthOf("tigervnc").logText()).not.toMatch(/blacklist/i);
  });

  test("OpenSSH: one connection, and no line of error", async () => {
    const berth = berthOf("openssh");
    const before = { connections: await countConnections(22), log: berth.logText().length };
    const { identification } = await scan(22, "epoll");
    expect(identification!.layers.map(({ protocol }) => protocol)).toEqual(["ssh"]);
    expect((await countConnections(22)) - before.connections).toBe(1);
    const lines = berth.logText().slice(before.log).split("\n");
    expect(lines.filter((line) => berth.server.logKinds.test(line))).toEqual([]);
  });
});

describe("on loopback", () => {
  const servers: Server[] = [];
  const engines = ["blocking-reuse", "epoll", "node"] as const;

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function listen(port: number, onConnection: (socket: Socket) => void): Promise<number> {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      onConnection(socket);
    });
    servers.push(server);
    server.listen(port, "127.0.0.99");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  function scanAll(changes: Partial<ScanRequest>): ReturnType<typeof runScan> {
    const request: ScanRequest = {
      targets: [{ family: "ipv4", address: "127.0.0.99", scopeId: 0, name: null }],
      targetCount: 1,
      tcpPorts: PortSet.empty,
      udpPorts: PortSet.empty,
      namedPorts: PortSet.empty,
      identify: true,
      retries: null,
      packetsPerSecond: null,
      engine: null,
      ...changes,
    };
    return runScan(request, { signal: new AbortController().signal, nowMs: () => performance.now() });
  }

  test.each(engines)(
    "%s: the request comes on the connection that found the port",
    async (engine: ScanEngine["name"]) => {
      const requests: string[] = [];
      let connections = 0;
      const port = await listen(8080, (socket) => {
        connections += 1;
        socket.once("data", (bytes) => {
          requests.push(bytes.toString("latin1").split("\r\n")[0]!);
          socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        });
      });
      const outcome = await scanAll({ tcpPorts: PortSet.of(port), engine });
      expect(outcome.hosts[0]!.doors[0]!.identification!.layers[0]!.protocol).toBe("http");
      expect(requests).toEqual(["GET / HTTP/1.1"]);
      expect(connections).toBe(1);
    },
  );

  test("a server that speaks first is listened to, however unknown its port", async () => {
    const received: string[] = [];
    const port = await listen(0, (socket) => {
      socket.on("data", (bytes) => received.push(bytes.toString("latin1")));
      setTimeout(() => {
        received.push("— greeted —");
        socket.write("SSH-2.0-Quiet_1.0\r\n");
      }, 200);
    });
    const outcome = await scanAll({ tcpPorts: PortSet.of(port) });
    expect(outcome.hosts[0]!.doors[0]!.identification!.layers[0]!.protocol).toBe("ssh");
    await expect.poll(() => received.join("")).toBe("— greeted —SSH-2.0-portolan\r\n");
  });

  test("a printer is left alone unless its port is named", async () => {
    let connections = 0;
    await listen(9102, () => {
      connections += 1;
    });
    const around = PortSet.range(9098, 9108);
    const outcome = await scanAll({ tcpPorts: around });
    expect(connections).toBe(0);
    expect(outcome.hosts[0]!.states).toContainEqual(
      expect.objectContaining({ state: "unscanned", reason: "skipped", ports: "9100-9107" }),
    );
    await scanAll({ tcpPorts: around, namedPorts: PortSet.of(9102), identify: false });
    await expect.poll(() => connections).toBe(1);
  });
});

/**
 * @module The operations as library functions, on real sockets of this machine.
 */
import { afterEach, describe, expect, test } from "vitest";
import {
  PortolanError,
  demo,
  explain,
  identify,
  interfaces,
  learn,
  list,
  ranges,
  scan,
  services,
  who,
  type ScanEvent,
} from "../src/index.ts";
import { createUnsupportedHost } from "../src/host/unsupported.ts";
import { bindUdp, closeServer, connectTo, listenTcp, portOf } from "./support/listeners.ts";

const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.();
});

async function open(options: Parameters<typeof listenTcp>[0]) {
  const server = await listenTcp(options);
  cleanups.push(() => closeServer(server));
  return server;
}

describe("list", () => {
  test("0.0.0.0 and [::] of one server are one row", async () => {
    const first = await open({ port: 0, host: "0.0.0.0" });
    await open({ port: portOf(first), host: "::", ipv6Only: true });
    const { services: rows } = await list({ port: String(portOf(first)) });
    expect(rows).toHaveLength(1);
    expect(rows[0]?.addresses.toSorted()).toEqual(["0.0.0.0", "[::]"]);
    expect(rows[0]?.reach).toMatchObject({ scope: "everywhere", ipv4: "yes", ipv6: "yes" });
  });

  test("filters narrow, and their kinds combine", async () => {
    const server = await open({ port: 0, host: "127.0.0.1" });
    const port = portOf(server);
    const own = { pid: process.pid };
    const ports = async (input: Parameters<typeof list>[0]) => (await list(input)).services.map((row) => row.port);
    expect(await ports({ filter: [String(port)] })).toEqual([port]);
    expect(await ports({ ...own, filter: [`${port}-${port}`, "1"] })).toEqual([port]);
    expect(await ports({ ...own, filter: ["node"], port: `${port}` })).toEqual([port]);
    expect(await ports({ ...own, filter: ["no such thing"], port: `${port}` })).toEqual([]);
    expect(await ports({ ...own, reach: "machine", port: `${port}` })).toEqual([port]);
    expect(await ports({ ...own, reach: "everywhere", port: `${port}` })).toEqual([]);
    expect(await ports({ ...own, address: "127.0.0.1", port: `${port}` })).toEqual([port]);
    expect(await ports({ ...own, address: "127.0.0.2", port: `${port}` })).toEqual([]);
    expect(await ports({ ...own, transport: "udp", port: `${port}` })).toEqual([]);
    expect(await ports({ ...own, user: "me", port: `${port}` })).toEqual([port]);
    expect(await ports({ ...own, user: "no-such-user", port: `${port}` })).toEqual([]);
    expect(await ports({ pid: 4_194_304 })).toEqual([]);
  });

  test("every order is an order", async () => {
    await open({ port: 0, host: "127.0.0.1" });
    await open({ port: 0, host: "127.0.0.1" });
    const rows = (await list({ sort: "port" })).services.map((row) => row.port);
    expect(rows).toEqual(rows.toSorted((left, right) => left - right));
    const reversed = (await list({ sort: "port", reverse: true })).services.map((row) => row.port);
    expect(reversed).toEqual(reversed.toSorted((left, right) => right - left));
    // Of this process alone: others come and go between two looks.
    const { pid } = process;
    const ownRows = (await list({ sort: "port", pid })).services.map((row) => row.port);
    expect(ownRows.length).toBeGreaterThanOrEqual(2);
    for (const sort of ["process", "project", "user", "reach", "started", "memory"] as const) {
      const sorted = (await list({ sort, pid })).services.map((row) => row.port);
      expect(
        sorted.toSorted((left, right) => left - right),
        sort,
      ).toEqual(ownRows);
    }
  });

  test("--all shows both ends of a connection", async () => {
    const server = await open({ port: 0, host: "127.0.0.1" });
    const { client, accepted } = await connectTo(server, "127.0.0.1");
    cleanups.push(
      () => void client.destroy(),
      () => void accepted.destroy(),
    );
    const { connections } = await list({ all: true, pid: process.pid, port: String(portOf(server)) });
    expect(connections.map((one) => [one.state, one.local.port, one.remote?.port])).toEqual([
      ["ESTABLISHED", portOf(server), client.localPort],
    ]);
  });

  test("a signal that has fired gives an incomplete answer, not an error", async () => {
    const result = await list({}, { signal: AbortSignal.abort() });
    expect(result.complete).toBe(false);
  });

  test("wrong arguments are refused by name", async () => {
    await expect(list({ sort: "colour" as "port" })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    await expect(list({ port: "80-22" })).rejects.toMatchObject({ code: "PORT_SET_INVALID" });
    await expect(list({ address: "localhost" })).rejects.toBeInstanceOf(PortolanError);
  });
});

describe("who", () => {
  test("names clients with the process at the other end, over a dual-stack socket too", async () => {
    const server = await open({ port: 0, host: "::" });
    const { client, accepted } = await connectTo(server, "127.0.0.1");
    cleanups.push(
      () => void client.destroy(),
      () => void accepted.destroy(),
    );
    const result = await who({ ports: [`:${portOf(server)}`] });
    const service = result.ports[0]?.services[0];
    expect(service?.holders).toMatchObject({ known: true, value: [{ pid: process.pid, role: "leader" }] });
    expect(service?.clients).toEqual([
      {
        remote: { address: "127.0.0.1", port: client.localPort },
        local: { address: "127.0.0.1", port: portOf(server) },
        state: "ESTABLISHED",
        process: { pid: process.pid, name: expect.objectContaining({ known: true }) },
      },
    ]);
    expect(service?.parents[0]?.pid).toBe(process.ppid);
  });

  test("UDP is a building of its own: the same number is free by TCP", async () => {
    const socket = await bindUdp("udp4", "127.0.0.1");
    cleanups.push(() => void socket.close());
    const result = await who({ ports: [String(socket.address().port)] });
    expect(result.ports[0]?.free).toEqual({ tcp: true, udp: false });
  });

  test("of a large set only what is held is told", async () => {
    const server = await open({ port: 0, host: "127.0.0.1" });
    const result = await who({ ports: ["1024-65535"], namespace: "own" });
    expect(result.asked).toBe(64_512);
    expect(result.ports.map((port) => port.port)).toContain(portOf(server));
    expect(result.ports.length).toBe(result.held);
  });
});

describe("explain", () => {
  test("takes an endpoint apart", async () => {
    const result = await explain({ what: "192.168.1.8:5500" });
    expect(result).toMatchObject({
      kind: "endpoint",
      address: { text: "192.168.1.8", family: "ipv4", audience: "private-network" },
      ports: [{ port: 5500, range: { id: "registered" } }],
    });
  });

  test("a name leads to its ports, and a wrong one to its neighbours", async () => {
    const rdp = await explain({ what: "rdp" });
    expect(rdp.service).toMatchObject({ name: "ms-wbt-server", alias: "rdp" });
    expect(rdp.ports.map((port) => port.port)).toEqual([3389]);
    await expect(explain({ what: "postgress" })).rejects.toMatchObject({
      code: "SERVICE_UNKNOWN",
      details: { suggestions: expect.arrayContaining(["postgresql"]) },
    });
  });

  test("says what is on it here now", async () => {
    const server = await open({ port: 0, host: "127.0.0.1" });
    const result = await explain({ what: String(portOf(server)) });
    expect(result.ports[0]?.here).toMatchObject({ known: true, value: [{ port: portOf(server) }] });
  });
});

describe("services, ranges, interfaces", () => {
  test("the doors everybody meets, in their order", async () => {
    const { doors } = await services({});
    expect(doors.flatMap((door) => door.ports)).toEqual([
      20, 21, 22, 25, 53, 67, 68, 80, 110, 123, 143, 443, 445, 3306, 3389, 5432, 8080,
    ]);
    for (const door of doors) expect(door.alive.known).toBe(true);
  });

  test("the ranges cover every port once", async () => {
    const result = await ranges({});
    expect(result.ranges.map(({ first, last, count }) => [first, last, count])).toEqual([
      [0, 1023, 1024],
      [1024, 49_151, 48_128],
      [49_152, 65_535, 16_384],
    ]);
    expect(result.limits.unprivilegedPortStart.known).toBe(true);
  });

  test("the loopback interface is for this machine only", async () => {
    const { interfaces: all } = await interfaces({});
    const loopback = all.find((one) => one.loopback);
    expect(loopback?.reachableFromOutside).toBe(false);
    expect(loopback?.addresses.map((own) => own.address)).toContain("127.0.0.1");
    expect(loopback?.addresses.every((own) => own.audience === "this-machine")).toBe(true);
  });
});

describe("asking what it is", () => {
  /** A server that greets as OpenSSH does. */
  async function greet(host: string): Promise<number> {
    const server = await open({ port: 0, host });
    server.on("connection", (socket) =>
      socket
        .resume()
        .on("error", () => undefined)
        .end("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    );
    return portOf(server);
  }

  test("scan yields each open door as it is found, and ends in the whole result", async () => {
    const port = await greet("127.0.0.1");
    const messages: string[] = [];
    const stream = scan(
      { targets: ["127.0.0.1"], port: `${port},1` },
      { onProgress: (message) => void messages.push(message) },
    );
    const events: ScanEvent[] = [];
    let step = await stream.next();
    for (; step.done !== true; step = await stream.next()) events.push(step.value);
    expect(events).toMatchObject([{ kind: "door", port, title: { value: "SSH", basis: "proved" }, version: "9.2p1" }]);
    expect(step.value).toMatchObject({
      complete: true,
      asked: 2,
      devices: 1,
      ports: { tcp: `1,${port}`, udp: "" },
      hosts: [{ address: "127.0.0.1", answered: true, doors: [{ port }] }],
    });
    expect(messages.at(-1)).toBe("2 of 2 ports asked, 1 open, 1 identified");
  });

  test("a signal that has fired gives an incomplete scan, nothing asked", async () => {
    const stream = scan({ targets: ["127.0.0.1"], port: "1-100" }, { signal: AbortSignal.abort() });
    const step = await stream.next();
    expect(step).toMatchObject({
      done: true,
      value: {
        complete: false,
        asked: 0,
        hosts: [{ states: [{ state: "unscanned", reason: "not-asked", count: 100 }] }],
      },
    });
  });

  test("a library reads files as it is told to", async () => {
    const readText = (path: string): Promise<string> => Promise.resolve(path === "hosts" ? "127.0.0.5 # five\n" : "");
    const step = await scan({ file: "hosts", port: "1" }, { readText }).next();
    expect(step.value).toMatchObject({ hosts: [{ address: "127.0.0.5" }] });
    await expect(scan({ file: "other", port: "1" }, { readText }).next()).rejects.toMatchObject({
      code: "TARGET_INVALID",
      message: '"other" names no target.',
    });
  });

  test("names are looked up, and one without address is passed over and told", async () => {
    const step = await scan({ targets: ["localhost", "nobody.invalid"], port: "1" }).next();
    expect(step.value).toMatchObject({
      unresolved: [{ name: "nobody.invalid", where: null }],
      hosts: [{ address: "127.0.0.1", host: "localhost" }, { address: "::1" }],
    });
    await expect(scan({ targets: ["nobody.invalid"], port: "1" }).next()).rejects.toMatchObject({
      code: "TARGET_UNRESOLVED",
    });
  });

  test("identify tells layers and facts with the bytes they come from", async () => {
    const port = await greet("127.0.0.1");
    expect(await identify({ endpoint: `127.0.0.1:${port}` })).toMatchObject({
      complete: true,
      state: "open",
      product: "OpenSSH",
      identification: {
        connections: 1,
        layers: [
          {
            protocol: "ssh",
            strength: "strong",
            facts: expect.arrayContaining([
              { name: "version", value: "9.2p1", from: "identification line" },
            ]) as unknown,
          },
        ],
      },
    });
    expect(await identify({ endpoint: "127.0.0.1:1" })).toMatchObject({ state: "closed", identification: null });
  });

  test("list and who ask only when told to, and what is proved comes first", async () => {
    const port = await greet("127.0.0.1");
    const [quiet] = (await list({ port: String(port) })).services;
    expect(quiet).not.toHaveProperty("identification");
    expect(quiet?.title?.basis).not.toBe("proved");
    const [asked] = (await list({ port: String(port), identify: true })).services;
    expect(asked).toMatchObject({
      title: { value: "SSH", basis: "proved" },
      scheme: null,
      identification: { layers: [{ protocol: "ssh" }] },
    });
    const held = (await who({ ports: [String(port)], identify: true })).ports[0]?.services[0];
    expect(held?.names[0]).toMatchObject({ value: "SSH", basis: "proved" });
  });

  test("a server that is found to speak HTTP gets its URLs from that", async () => {
    const server = await open({ port: 0, host: "0.0.0.0" });
    server.on("connection", (socket) =>
      socket
        .on("error", () => undefined)
        .once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")),
    );
    const [service] = (await list({ port: String(portOf(server)), identify: true })).services;
    expect(service?.scheme).toMatchObject({ value: "http", basis: "proved" });
    expect(service?.localUrl).toBe(`http://127.0.0.1:${portOf(server)}/`);
  });

  test("explain tells how a protocol proves itself, and what is never asked", async () => {
    const ssh = await explain({ what: "ssh" });
    expect(ssh.protocols).toMatchObject([{ id: "ssh", speaksFirst: "server", asked: true }]);
    expect(ssh.protocols[0]?.sources.length).toBeGreaterThan(0);
    expect((await explain({ what: "22" })).protocols.map(({ id }) => id)).toContain("ssh");
    for (const port of ["20", "68"]) {
      expect((await explain({ what: port })).protocols[0]).toMatchObject({ asked: false });
    }
  });
});

describe("operations that tell as they go", () => {
  test("demo yields its servers and their answers, and ends in a result", async () => {
    const kinds: string[] = [];
    for await (const event of demo({ once: true })) kinds.push(event.kind);
    expect(kinds).toEqual(["started", "chart", "answer", "answer", "answer"]);
  });

  test("learn tells the chapter that was asked", async () => {
    const lesson = learn({ chapter: 2 });
    expect((await lesson.next()).value).toMatchObject({ kind: "chapter", number: 2, last: true });
    expect(await lesson.next()).toEqual({ done: true, value: { complete: true, chapters: [2] } });
    expect(() => learn({ chapter: 8 })).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  });
});

describe("on a system without a reader", () => {
  const host = createUnsupportedHost("plan9");

  test("what needs the kernel's tables fails and never answers with an empty list", async () => {
    await expect(list({}, { host })).rejects.toMatchObject({ code: "HOST_UNSUPPORTED", exitStatus: 3 });
    await expect(who({ ports: ["80"] }, { host })).rejects.toMatchObject({ code: "HOST_UNSUPPORTED" });
    await expect(interfaces({}, { host })).rejects.toMatchObject({ code: "HOST_UNSUPPORTED" });
  });

  test("what the registry knows is told, and the rest said to be unknown", async () => {
    const unsupported = { known: false, why: "unsupported" };
    expect(await explain({ what: "192.168.1.8:5432" }, { host })).toMatchObject({
      address: { interfaceName: unsupported },
      ports: [{ here: unsupported, mayBind: unsupported }],
    });
    expect((await services({}, { host })).doors.map((door) => door.alive)).toContainEqual(unsupported);
    expect((await ranges({}, { host })).ranges.map((range) => range.listeningHere)).toContainEqual(unsupported);
  });
});

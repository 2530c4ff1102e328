import { describe, expect, test } from "vitest";
import { known, unknown, type Port, type Socket } from "../core/index.ts";
import type { NetworkInterface, Process, Snapshot } from "../host/index.ts";
import { readContainers } from "./containers.ts";

// Docker cannot run here: its processes are written by hand after what Docker 27 starts (docker-proxy's arguments, systemd's control groups).
const id = "745c86c667da35c59a47cff380f88de5f233e49500310b9c1562ffb4c3119b58";
const otherId = "c0a4baf7864e4c1b359886ccd3372ccff05bc4f3488e4e7c7c04a77f9bb38979";

function process(pid: number, name: string, words: readonly string[], controlGroup = "0::/"): Process {
  const out = unknown("permission");
  return {
    pid,
    parentPid: known(1),
    name: known(name),
    arguments: known(words),
    uid: known(0),
    userName: known("root"),
    startTimeMs: known(0),
    workingDirectory: out,
    executable: out,
    executableDeleted: false,
    memoryBytes: out,
    controlGroup: known(controlGroup),
  };
}

function listener(port: number, inode: number): Socket {
  return {
    transport: "tcp",
    family: "ipv4",
    state: "LISTEN",
    local: { address: "0.0.0.0", port: port as Port },
    remote: null,
    v6only: null,
    boundInterface: known(null),
    inode,
    uid: 0,
    receiveQueue: 0,
    sendQueue: known(0),
  };
}

function device(address: string): NetworkInterface {
  const fact = known(true);
  return {
    name: "eth0",
    index: known(2),
    up: fact,
    loopback: false,
    hardwareAddress: known(null),
    mtuBytes: known(1500),
    addresses: [{ address, family: "ipv4", prefixLength: 16 }],
    defaultRoute: { ipv4: fact, ipv6: known(false) },
  };
}

const scope = (container: string): string => `0::/system.slice/docker-${container}.scope`;
const processes = new Map(
  [
    process(
      10,
      "docker-proxy",
      "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80".split(
        " ",
      ),
    ),
    process(20, "nginx", ["nginx"], scope(id)),
    process(21, "sidecar", ["sidecar"], scope(otherId)),
    process(30, "rootlessport", ["rootlessport"]),
    process(40, "bash", ["bash"]),
  ].map((one) => [one.pid, one]),
);

function snapshotOf(holders: Readonly<Record<number, number>>, more: Partial<Snapshot> = {}): Snapshot {
  return {
    takenAtMs: 0,
    complete: true,
    live: false,
    platform: "linux",
    reader: "proc",
    networkNamespace: known("net:[1]"),
    sockets: Object.keys(holders).map((inode) => listener(Number(inode), Number(inode))),
    holderSearch: "all",
    holdersOf: ({ inode }) =>
      known(holders[inode] === undefined ? [] : [{ pid: holders[inode], fileDescriptors: [3] }]),
    holdersComplete: true,
    processOf: (pid) => processes.get(pid) ?? process(pid, "?", []),
    interfaces: [],
    limits: {} as Snapshot["limits"],
    blindSpots: [],
    ...more,
  };
}

const never = new AbortController().signal;

describe("containers", () => {
  const inside = snapshotOf({ 80: 20 }, { interfaces: [device("172.17.0.2")], namespaceMembers: [20] });

  test("docker-proxy leads to the container that has the address in its arguments", async () => {
    const machine = snapshotOf({ 8080: 10 }, { others: [inside] });
    const containers = await readContainers(machine, {}, never);
    const target = containers.targetOf(machine.sockets[0]!, 10);
    expect(target?.container.value).toMatchObject({ engine: "docker", id: id.slice(0, 12), name: null });
    expect([target?.port, target?.namespace]).toEqual([80, inside]);
    expect(containers.ofNamespace(inside)?.value.id).toBe(id.slice(0, 12));
    expect(containers.ofProcess(20)?.value.engine).toBe("docker");
    expect(containers.ofProcess(40)).toBeNull();
  });

  test("rootlessport leads to the container whose engine publishes the port", async () => {
    const engines = [
      {
        engine: "docker",
        id,
        name: "web",
        image: "nginx:1.27",
        composeProject: "shop",
        composeService: "web",
        pod: null,
        owner: null,
        published: [{ transport: "tcp", hostAddress: "", hostPort: 9090, containerPort: 80 }],
      },
    ];
    const machine = snapshotOf({ 9090: 30, 9091: 30 }, { others: [inside], facts: { engines } });
    const containers = await readContainers(machine, {}, never);
    expect(containers.targetOf(machine.sockets[0]!, 30)).toMatchObject({
      port: 80,
      container: { value: { name: "web" } },
    });
    expect(containers.targetOf(machine.sockets[1]!, 30)).toBeNull();
    expect(containers.ofNamespace(inside)?.value).toMatchObject({
      name: "web",
      image: "nginx:1.27",
      composeService: "web",
    });
  });

  test("a user's engine speaks for the user's own processes alone, and never over the system's", async () => {
    const described = {
      engine: "docker",
      image: null,
      composeProject: null,
      composeService: null,
      pod: null,
      published: [],
    };
    const named = async (...engines: object[]): Promise<string | null | undefined> => {
      const machine = snapshotOf({ 80: 20 }, { facts: { engines } });
      return (await readContainers(machine, {}, never)).ofProcess(20)?.value.name;
    };
    // Process 20 is root's.
    expect(await named({ ...described, id, name: "forged", owner: 1000 })).toBeNull();
    expect(
      await named({ ...described, id, name: "real", owner: null }, { ...described, id, name: "forged", owner: 0 }),
    ).toBe("real");
    expect(await named({ ...described, id, name: "own", owner: 0 })).toBe("own");
  });

  test("of a namespace that several containers share, no single one is claimed", async () => {
    const shared = snapshotOf({ 80: 20 }, { namespaceMembers: [20, 21] });
    const containers = await readContainers(snapshotOf({}, { others: [shared] }), {}, never);
    expect(containers.ofNamespace(shared)?.value.name).toBe(`${id.slice(0, 12)} or ${otherId.slice(0, 12)}`);
  });

  test("a machine without containers has none", async () => {
    const machine = snapshotOf({ 8080: 40 });
    const containers = await readContainers(machine, {}, never);
    expect(containers.ofProcess(40)).toBeNull();
    expect(containers.targetOf(machine.sockets[0]!, 40)).toBeNull();
  });
});

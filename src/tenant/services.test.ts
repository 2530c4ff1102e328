import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { known, toPort, unknown } from "../core/index.ts";
import type { Known, Socket, Transport } from "../core/index.ts";
import type { Process, Snapshot, SocketHolder } from "../host/index.ts";
import { parentChain } from "./parents.ts";
import { groupServices } from "./services.ts";
import type { Service } from "./services.ts";

/** `tcp 80: 0.0.0.0 [::] held by leader 7 (3,4), worker 8 (3)`. */
function say(service: Service): string {
  const addresses = service.sockets.map(({ local }) => local.address).join(" ");
  const holders = service.holders.known
    ? service.holders.value.map(({ pid, role, fileDescriptors }) => `${role} ${pid} (${fileDescriptors.join(",")})`)
    : [service.holders.why];
  return `${service.transport} ${service.port}: ${addresses} held by ${holders.join(", ") || "nobody"}`;
}

function group(processes: readonly ProcessWords[], sockets: readonly SocketWords[]): string[] {
  return groupServices(makeSnapshot(processes, sockets)).map(say);
}

const shell: ProcessWords = { pid: 2, parent: 1, executable: "/bin/bash" };
const init: ProcessWords = { pid: 1, parent: 0, executable: "/usr/lib/systemd/systemd" };

describe("groupServices", () => {
  test("one server on both wildcards is one row, whatever the order of its sockets", () => {
    const processes = [{ pid: 7, parent: 2, executable: "/usr/bin/node" }, shell];
    expect(
      group(processes, [
        { port: 80, address: "::", holders: { 7: [4] } },
        { port: 80, address: "0.0.0.0", holders: { 7: [3] } },
      ]),
    ).toEqual(["tcp 80: 0.0.0.0 :: held by leader 7 (3,4)"]);
  });

  test("one server on ten addresses is one row per transport", () => {
    const addresses = Array.from({ length: 10 }, (_, index) => `10.0.0.${index}`);
    const sockets = addresses.flatMap((address): SocketWords[] => [
      { port: 53, address, holders: { 7: [3] } },
      { port: 53, address, transport: "udp", holders: { 7: [4] } },
    ]);
    const services = groupServices(makeSnapshot([{ pid: 7, parent: 1, executable: "/usr/sbin/named" }], sockets));
    expect(services.map(({ transport, sockets: found }) => [transport, found.length])).toEqual([
      ["tcp", 10],
      ["udp", 10],
    ]);
  });

  test("nginx's master leads its workers, who share its sockets by fork", () => {
    const executable = "/usr/sbin/nginx";
    const processes = [
      { pid: 500, parent: 1, executable },
      { pid: 20, parent: 500, executable },
      { pid: 30, parent: 500, executable },
      init,
    ];
    const holders = { 20: [6, 7], 30: [6], 500: [6] };
    expect(
      group(processes, [
        { port: 80, holders },
        { port: 80, address: "::", holders },
      ]),
    ).toEqual(["tcp 80: 0.0.0.0 :: held by leader 500 (6), worker 20 (6,7), worker 30 (6)"]);
  });

  test("siblings of one executable on one address share it by SO_REUSEPORT", () => {
    const processes = [
      { pid: 7, parent: 2, executable: "/opt/app" },
      { pid: 8, parent: 2, executable: "/opt/app" },
      shell,
    ];
    expect(
      group(processes, [
        { port: 80, holders: { 7: [3] } },
        { port: 80, holders: { 8: [3] } },
      ]),
    ).toEqual(["tcp 80: 0.0.0.0 0.0.0.0 held by leader 7 (3), leader 8 (3)"]);
  });

  test("a descendant of the same executable belongs to its ancestor, with anything between", () => {
    const processes = [
      { pid: 7, parent: 1, executable: "/opt/app" },
      { pid: 8, parent: 7, executable: "/bin/sh" },
      { pid: 9, parent: 8, executable: "/opt/app" },
      init,
    ];
    expect(
      group(processes, [
        { port: 80, holders: { 9: [3] } },
        { port: 80, address: "127.0.0.2", holders: { 7: [3] } },
      ]),
    ).toEqual(["tcp 80: 0.0.0.0 127.0.0.2 held by leader 7 (3), worker 9 (3)"]);
  });

  test("unrelated processes on different addresses are two rows, also of one interpreter from one shell", () => {
    const processes = [
      { pid: 7, parent: 2, executable: "/usr/bin/node" },
      { pid: 8, parent: 2, executable: "/usr/bin/node" },
      shell,
    ];
    expect(
      group(processes, [
        { port: 3000, address: "::1", holders: { 8: [3] } },
        { port: 3000, address: "127.0.0.1", holders: { 7: [3] } },
      ]),
    ).toEqual(["tcp 3000: 127.0.0.1 held by leader 7 (3)", "tcp 3000: ::1 held by leader 8 (3)"]);
  });

  test("Docker's proxies of one published port are one row, though each has its own address", () => {
    const executable = "/usr/bin/docker-proxy";
    const processes = [
      { pid: 7, parent: 5, executable },
      { pid: 8, parent: 5, executable },
      { pid: 5, parent: 1, executable: "/usr/bin/dockerd" },
    ];
    expect(
      group(processes, [
        { port: 8080, holders: { 7: [4] } },
        { port: 8080, address: "::", holders: { 8: [4] } },
      ]),
    ).toEqual(["tcp 8080: 0.0.0.0 :: held by leader 7 (4), leader 8 (4)"]);
  });

  test("the service leads a socket that systemd keeps open for it", () => {
    const processes = [init, { pid: 9, parent: 1, executable: "/usr/sbin/cupsd" }];
    expect(group(processes, [{ port: 631, holders: { 1: [50], 9: [3] } }])).toEqual([
      "tcp 631: 0.0.0.0 held by leader 9 (3), worker 1 (50)",
    ]);
  });

  test("systemd leads while the service has not been started", () => {
    expect(
      group(
        [init],
        [
          { port: 22, holders: { 1: [50] } },
          { port: 22, address: "::", holders: { 1: [51] } },
        ],
      ),
    ).toEqual(["tcp 22: 0.0.0.0 :: held by leader 1 (50,51)"]);
  });

  test("systemd does not tie two of its services on one port together", () => {
    const processes = [
      init,
      { pid: 8, parent: 1, executable: "/usr/bin/a" },
      { pid: 9, parent: 1, executable: "/usr/bin/b" },
    ];
    expect(
      group(processes, [
        { port: 80, address: "127.0.0.1", holders: { 1: [50], 8: [3] } },
        { port: 80, address: "127.0.0.2", holders: { 1: [51], 9: [3] } },
      ]),
    ).toEqual([
      "tcp 80: 127.0.0.1 held by leader 8 (3), worker 1 (50)",
      "tcp 80: 127.0.0.2 held by leader 9 (3), worker 1 (51)",
    ]);
  });

  test("pid 1 of a container leads like any other program", () => {
    const executable = "/usr/sbin/nginx";
    const processes = [
      { pid: 1, parent: 0, executable },
      { pid: 9, parent: 1, executable },
    ];
    expect(group(processes, [{ port: 80, holders: { 1: [6], 9: [6] } }])).toEqual([
      "tcp 80: 0.0.0.0 held by leader 1 (6), worker 9 (6)",
    ]);
  });

  test("unrelated holders of one socket, passed over a Unix socket, are one row", () => {
    const processes = [
      { pid: 8, parent: 1, executable: "/usr/bin/a" },
      { pid: 9, parent: 1, executable: "/usr/bin/b" },
    ];
    expect(group(processes, [{ port: 80, holders: { 8: [3], 9: [4] } }])).toEqual([
      "tcp 80: 0.0.0.0 held by leader 8 (3), leader 9 (4)",
    ]);
  });

  test("sockets without a holder to name are grouped by user, unknown and nobody's apart", () => {
    expect(
      group(
        [],
        [
          { port: 80, uid: 0, holders: "permission" },
          { port: 80, uid: 0, address: "::", holders: "permission" },
          { port: 80, uid: 33, address: "10.0.0.1", holders: "permission" },
          { port: 80, uid: 0, address: "10.0.0.2", holders: {} },
          { port: 80, uid: 0, address: "10.0.0.3", holders: {} },
        ],
      ),
    ).toEqual([
      "tcp 80: 0.0.0.0 :: held by permission",
      "tcp 80: 10.0.0.1 held by permission",
      "tcp 80: 10.0.0.2 10.0.0.3 held by nobody",
    ]);
  });

  test("rows are sorted by port, then transport", () => {
    const holders = { 7: [3] };
    expect(
      groupServices(
        makeSnapshot(
          [],
          [
            { port: 443, transport: "udp", holders },
            { port: 9, holders },
            { port: 443, holders },
            { port: 65535, holders },
          ],
        ),
      ).map(({ port, transport }) => `${port} ${transport}`),
    ).toEqual(["9 tcp", "443 tcp", "443 udp", "65535 tcp"]);
  });

  test("every listening socket is in exactly one row, and the order of sockets does not matter", () => {
    const world = fc.record({
      parents: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 9, maxLength: 9 }),
      programs: fc.array(fc.constantFrom("/a", "/b", "/usr/lib/systemd/systemd", undefined), {
        minLength: 9,
        maxLength: 9,
      }),
      sockets: fc.array(
        fc.record({
          port: fc.constantFrom(1, 2),
          address: fc.constantFrom("0.0.0.0", "::", "127.0.0.1"),
          uid: fc.constantFrom(0, 1),
          holders: fc.oneof(
            fc.constant("permission" as const),
            fc.dictionary(fc.constantFrom("1", "2", "3", "4", "5", "6"), fc.array(fc.nat(9), { maxLength: 3 })),
          ),
        }),
        { maxLength: 12 },
      ),
    });
    fc.assert(
      fc.property(world, ({ parents, programs, sockets }) => {
        const processes = parents.map((parent, index) => {
          const executable = programs[index];
          return { pid: index + 1, parent, ...(executable === undefined ? {} : { executable }) };
        });
        const words = sockets.map((socket, index) => ({ ...socket, inode: index + 1 }));
        const services = groupServices(makeSnapshot(processes, words));
        const inodes = services.flatMap((service) => service.sockets.map(({ inode }) => inode));
        expect(inodes.sort((left, right) => left - right)).toEqual(words.map(({ inode }) => inode));
        for (const { holders } of services) {
          if (holders.known && holders.value.length > 0) expect(holders.value[0]!.role).toBe("leader");
        }
        expect(groupServices(makeSnapshot(processes, words.toReversed()))).toEqual(services);
      }),
      { numRuns: 500 },
    );
  });

  test("2,000 listeners in 50 processes take some milliseconds", () => {
    const processes = Array.from({ length: 50 }, (_, index) => ({
      pid: 100 + index,
      parent: 2,
      executable: "/usr/bin/node",
    }));
    const sockets = Array.from({ length: 2000 }, (_, index): SocketWords => {
      return {
        port: 1024 + (index >> 1),
        address: index % 2 ? "::" : "0.0.0.0",
        holders: { [100 + (index % 50)]: [index] },
      };
    });
    const snapshot = makeSnapshot([...processes, shell], sockets);
    const times = Array.from({ length: 20 }, () => {
      const started = performance.now();
      groupServices(snapshot);
      return performance.now() - started;
    });
    // Measured: 1 to 2 ms. The bound leaves room for a busy machine, not for a quadratic step.
    expect(Math.min(...times)).toBeLessThan(20);
  });
});

describe("parentChain", () => {
  test("goes from the nearest parent up to the first process", () => {
    const snapshot = makeSnapshot(
      [
        { pid: 9, parent: 5 },
        { pid: 5, parent: 1 },
        { pid: 1, parent: 0 },
      ],
      [],
    );
    expect(parentChain(snapshot, 9).map(({ pid }) => pid)).toEqual([5, 1]);
  });

  test("ends at a cycle and after 64 parents", () => {
    const cycle = makeSnapshot(
      [
        { pid: 1, parent: 2 },
        { pid: 2, parent: 3 },
        { pid: 3, parent: 1 },
      ],
      [],
    );
    expect(parentChain(cycle, 1).map(({ pid }) => pid)).toEqual([2, 3]);
    const line = makeSnapshot(
      Array.from({ length: 100 }, (_, index) => ({ pid: index + 1, parent: index + 2 })),
      [],
    );
    expect(parentChain(line, 1)).toHaveLength(64);
  });
});

/** A process in the words of a test; what is left out is out of sight. */
interface ProcessWords {
  readonly pid: number;
  readonly parent?: number;
  readonly executable?: string;
}

/** A listening socket in the words of a test. */
interface SocketWords {
  readonly port: number;
  readonly address?: string;
  readonly transport?: Transport;
  readonly uid?: number;
  readonly inode?: number;
  /** Pid and descriptors of each holder, or why they are not known. */
  readonly holders: Readonly<Record<number, readonly number[]>> | "permission";
}

function fact<T>(value: T | undefined): Known<T> {
  return value === undefined ? unknown("permission") : known(value);
}

/** A process as the host room tells it. */
function makeProcess(words: ProcessWords): Process {
  return {
    pid: words.pid,
    parentPid: fact(words.parent),
    name: unknown("permission"),
    arguments: unknown("permission"),
    uid: known(1000),
    userName: known("me"),
    startTimeMs: known(0),
    workingDirectory: unknown("permission"),
    executable: fact(words.executable),
    executableDeleted: false,
    memoryBytes: known(0),
    controlGroup: unknown("permission"),
  };
}

/** A snapshot of a machine with these processes and sockets. Inodes count from 1 where none is given. */
function makeSnapshot(
  processes: readonly ProcessWords[],
  sockets: readonly SocketWords[],
): Pick<Snapshot, "sockets" | "holdersOf" | "processOf"> {
  const byPid = new Map(processes.map((words) => [words.pid, makeProcess(words)]));
  const holders = new Map<Socket, Known<readonly SocketHolder[]>>();
  const made = sockets.map((words, index): Socket => {
    const address = words.address ?? "0.0.0.0";
    const family = address.includes(":") ? "ipv6" : "ipv4";
    const transport = words.transport ?? "tcp";
    const socket: Socket = {
      transport,
      family,
      state: transport === "tcp" ? "LISTEN" : "UNCONNECTED",
      local: { address, port: toPort(words.port) },
      remote: null,
      v6only: family === "ipv6" ? known(true) : null,
      boundInterface: known(null),
      inode: words.inode ?? index + 1,
      uid: words.uid ?? 1000,
      receiveQueue: 0,
      sendQueue: known(128),
    };
    holders.set(
      socket,
      words.holders === "permission"
        ? unknown("permission")
        : known(Object.entries(words.holders).map(([pid, fileDescriptors]) => ({ pid: Number(pid), fileDescriptors }))),
    );
    return socket;
  });
  return {
    sockets: made,
    holdersOf: (socket) => holders.get(socket) ?? unknown("gone"),
    processOf: (pid) => {
      let process = byPid.get(pid);
      if (process === undefined) {
        process = makeProcess({ pid });
        byPid.set(pid, process);
      }
      return process;
    },
  };
}

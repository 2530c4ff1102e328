/**
 * @module lsof on this machine, in what sets it apart from the other readers: each shortcoming that it states is shown, and no other.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { createServer, type AddressInfo } from "node:net";
import { release } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { known, unknown } from "../../src/core/index.ts";
import { createHost, type Snapshot } from "../../src/host/index.ts";
import { createBsdSystem } from "../../src/host/lsof/bsd-system.ts";
import { takeLsofSnapshot } from "../../src/host/lsof/snapshot.ts";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";

const skip = requireOrSkip("lsof", whyNoProgram("lsof", "lsof"), whyNoProgram("python3", "python3"));

/** Opens what lsof has its difficulties with, prints the ports, and ends with its standard input. */
const source = `
import os, resource, socket, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
def tcp(address, family=socket.AF_INET):
    s = socket.socket(family); s.bind((address, 0)); s.listen(); return s
def port(s): return s.getsockname()[1]
high = tcp("127.0.0.1"); os.dup2(high.fileno(), 12345)
mapped = tcp("::ffff:127.0.0.1", socket.AF_INET6)
wild = tcp("::ffff:0.0.0.0", socket.AF_INET6)
bound = socket.socket(); bound.bind(("127.0.0.1", 0))
print(port(high), high.fileno(), port(mapped), port(wild), port(bound), flush=True)
sys.stdin.read()
`;

describe.skipIf(skip || process.platform !== "linux")("lsof", () => {
  let child: ChildProcess;
  let ports: { high: number; descriptor: number; mapped: number; wild: number; bound: number };

  beforeAll(async () => {
    // Debian's own Python, not one that a version manager puts first in PATH.
    child = spawn("/usr/bin/python3", ["-c", source], { stdio: ["pipe", "pipe", "inherit"], cwd: "/usr" });
    const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
    const [high = 0, descriptor = 0, mapped = 0, wild = 0, bound = 0] = line.split(" ").map(Number);
    ports = { high, descriptor, mapped, wild, bound };
  });
  afterAll(async () => {
    child.stdin!.end();
    if (child.exitCode === null) await once(child, "exit");
  });

  const socketAt = (snapshot: Snapshot, port: number) =>
    snapshot.sockets.find(({ inode, local }) => local.port === port && isOf(snapshot, inode));
  function isOf(snapshot: Snapshot, inode: number): boolean {
    const socket = snapshot.sockets.find((each) => each.inode === inode)!;
    const holders = snapshot.holdersOf(socket);
    return holders.known && holders.value.some(({ pid }) => pid === child.pid);
  }

  test("names a holder without the descriptors that it cannot print", async () => {
    const snapshot = await createHost({ reader: "lsof" }).snapshot();
    expect(snapshot.holdersOf(socketAt(snapshot, ports.high)!)).toEqual(
      known([{ pid: child.pid, fileDescriptors: [ports.descriptor] }]),
    );
    const proc = await createHost({ reader: "proc" }).snapshot();
    expect(proc.holdersOf(socketAt(proc, ports.high)!)).toEqual(
      known([{ pid: child.pid, fileDescriptors: [ports.descriptor, 12_345] }]),
    );
  });

  test("tells a mapped address, and the mapped wildcard as the wildcard", async () => {
    const lsof = await createHost({ reader: "lsof" }).snapshot();
    const proc = await createHost({ reader: "proc" }).snapshot();
    expect(socketAt(lsof, ports.mapped)?.local.address).toBe("::ffff:127.0.0.1");
    expect(socketAt(proc, ports.mapped)?.local.address).toBe("::ffff:127.0.0.1");
    expect(socketAt(lsof, ports.wild)?.local.address).toBe("::");
    expect(socketAt(proc, ports.wild)?.local.address).toBe("::ffff:0.0.0.0");
  });

  test("does not tell a socket that is bound without listening, and says so", async () => {
    const snapshot = await createHost({ reader: "lsof" }).snapshot({ states: "all" });
    expect(socketAt(snapshot, ports.bound)).toBeUndefined();
    expect(snapshot.blindSpots.map(({ message }) => message).join(" ")).toContain("without listening");
    const [major = 0, minor = 0] = release().split(".").map(Number);
    if (major < 6 || (major === 6 && minor < 8)) return;
    const netlink = await createHost().snapshot({ states: "all" });
    if (netlink.reader === "netlink") expect(socketAt(netlink, ports.bound)?.state).toBe("BOUND");
  });

  test("does not tell other network namespaces, and says so when they are asked for", async () => {
    const spotsOf = async (namespaces: "own" | "all") =>
      (await createHost({ reader: "lsof" }).snapshot({ namespaces })).blindSpots
        .map(({ message }) => message)
        .join(" ");
    expect(await spotsOf("all")).toContain("Other network namespaces");
    expect(await spotsOf("own")).not.toContain("Other network namespaces");
  });

  test("looks no further than was asked", async () => {
    const host = createHost({ reader: "lsof" });
    const none = await host.snapshot({ holders: "none", traffic: true, ports: [ports.high] });
    expect(none.sockets.every(({ local }) => local.port === ports.high)).toBe(true);
    expect(none.holdersOf(none.sockets[0]!)).toEqual(unknown("unsupported"));
    expect(none.sockets[0]?.traffic).toEqual(unknown("unsupported"));
    expect(none.holdersComplete).toBe(false);
  });

  test("the way that macOS and the BSDs take finds processes and folders here as well", async () => {
    const snapshot = await takeLsofSnapshot(createBsdSystem("freebsd"), {});
    expect(snapshot).toMatchObject({ platform: "freebsd", reader: "lsof", complete: true });
    expect(socketAt(snapshot, ports.high)).toBeDefined();
    const process = snapshot.processOf(child.pid!);
    const live = (await createHost().snapshot()).processOf(child.pid!);
    expect(process).toMatchObject({
      parentPid: live.parentPid,
      uid: live.uid,
      userName: live.userName,
      name: live.name,
      workingDirectory: known("/usr"),
    });
    expect(process.arguments.known && process.arguments.value.slice(0, 2)).toEqual(["/usr/bin/python3", "-c"]);
    const startMs = (told: typeof process): number => (told.startTimeMs.known ? told.startTimeMs.value : NaN);
    expect(Math.abs(startMs(process) - startMs(live))).toBeLessThan(2000);
  });

  test("a listener of this program is there as long as it listens", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const look = async () => {
      const snapshot = await createHost({ reader: "lsof" }).snapshot({ ports: [port] });
      return snapshot.sockets.filter((socket) => {
        const holders = snapshot.holdersOf(socket);
        return holders.known && holders.value.some(({ pid }) => pid === process.pid);
      });
    };
    expect(await look()).toHaveLength(1);
    server.close();
    await once(server, "close");
    expect(await look()).toHaveLength(0);
  });
});

/**
 * @module One suite for every reader of sockets: each says the truth about real sockets, within what it can know, and they
 * agree with each other and with `ss`.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { known, unknown, type Socket } from "../../src/core/index.ts";
import { createHost, readerCapabilities, type ReaderFact, type Snapshot } from "../../src/host/index.ts";
import { loadNativeAccess } from "../../src/host/linux/libc.ts";
import { bundleSource, type SourceBundle } from "../support/bundle.ts";
import { openSocketsOfEveryKind, type OpenedSockets } from "./listeners.ts";

const run = promisify(execFile);
const onLinux = process.platform === "linux";
const asRoot = process.getuid?.() === 0;
const nativeMissing = loadNativeAccess() === null;
const ssMissing = !onLinux || spawnFails("ss", ["-V"]);
const lsofMissing = !onLinux || spawnFails("lsof", ["-v"]);
const readers = ["netlink", "proc", "lsof"] as const;
type Reader = (typeof readers)[number];

/** Whether a reader's stated capability is that it tells this; a "sometimes" is Linux's, which the argument says. */
function tells(reader: Reader, fact: ReaderFact, onThisSystem = false): boolean {
  const capability = readerCapabilities[reader][fact].tells;
  return capability === "yes" || (capability === "sometimes" && onThisSystem);
}

function isMissing(reader: Reader): boolean {
  return reader === "netlink" ? nativeMissing : reader === "lsof" && lsofMissing;
}

if (!onLinux) console.log("skipped: these readers are Linux's");
if (onLinux && nativeMissing) console.log("skipped: reader netlink, because koffi is not installed");
if (onLinux && lsofMissing) console.log("skipped: reader lsof, because it is not installed");
if (onLinux && ssMissing) console.log("skipped: comparison with ss, because it is not installed");
if (onLinux && !asRoot) console.log("skipped: looking as another user, because that takes root to start");

function spawnFails(program: string, words: readonly string[]): boolean {
  try {
    execFileSync(program, words, { stdio: "ignore" });
    return false;
  } catch {
    return true;
  }
}

describe.skipIf(!onLinux)("readers of Linux", () => {
  let opened: OpenedSockets;
  let bundle: SourceBundle;
  let bundleWithoutPackages: SourceBundle;

  beforeAll(async () => {
    opened = await openSocketsOfEveryKind();
    bundle = await bundleSource({ host: "src/host/index.ts" });
    bundleWithoutPackages = await bundleSource({ host: "src/host/index.ts" }, { packages: false });
  }, 60_000);
  afterAll(async () => {
    await opened.close();
    bundle.remove();
    bundleWithoutPackages.remove();
  });

  const isOurs = (socket: Socket): boolean => Object.values(opened.ports).includes(socket.local.port);
  const portOf = (kind: string): number => opened.ports[kind]!;
  function socketsOf(snapshot: Snapshot, kind: string, transport = "tcp"): Socket[] {
    return snapshot.sockets.filter((socket) => socket.local.port === portOf(kind) && socket.transport === transport);
  }

  describe.each(readers)("%s", (reader) => {
    const host = createHost({ reader });
    const skip = isMissing(reader);

    test.skipIf(skip)("sees a listener of every kind with its address, user and inode", async () => {
      const snapshot = await host.snapshot();
      expect(snapshot).toMatchObject({ reader, complete: true, platform: "linux", holderSearch: "all" });
      const seen = (kind: string, transport?: string) =>
        socketsOf(snapshot, kind, transport).map(({ family, state, local }) => `${family} ${state} ${local.address}`);
      expect(seen("tcp on 127.0.0.1")).toEqual(["ipv4 LISTEN 127.0.0.1"]);
      expect(seen("tcp on 127.1.2.3")).toEqual(["ipv4 LISTEN 127.1.2.3"]);
      expect(seen("tcp on 0.0.0.0")).toEqual(["ipv4 LISTEN 0.0.0.0"]);
      expect(seen("tcp on ::1")).toEqual(["ipv6 LISTEN ::1"]);
      expect(seen("tcp dual-stack")).toEqual(["ipv6 LISTEN ::"]);
      expect(seen("tcp v6only")).toEqual(["ipv6 LISTEN ::"]);
      expect(seen("udp on 127.0.0.1", "udp")).toEqual(["ipv4 UNCONNECTED 127.0.0.1"]);
      expect(seen("udp on 0.0.0.0", "udp")).toEqual(["ipv4 UNCONNECTED 0.0.0.0"]);
      expect(seen("udp on ::1", "udp")).toEqual(["ipv6 UNCONNECTED ::1"]);
      expect(seen("udp connected", "udp")).toEqual([]);
      for (const socket of snapshot.sockets.filter(isOurs)) {
        expect(socket.uid).toBe(process.getuid!());
        expect(socket.inode).toBeGreaterThan(0);
        expect(socket.remote).toBeNull();
      }
      expect(snapshot.networkNamespace).toEqual(known(readlinkSync("/proc/self/ns/net")));
    });

    test.skipIf(skip)("tells v6only, backlog and bound interface, or that it cannot", async () => {
      const snapshot = await host.snapshot({ holders: "none" });
      const can = (fact: ReaderFact): boolean => tells(reader, fact);
      const [dual] = socketsOf(snapshot, "tcp dual-stack");
      const [sole] = socketsOf(snapshot, "tcp v6only");
      const [soleUdp] = socketsOf(snapshot, "udp v6only", "udp");
      const [wildcard] = socketsOf(snapshot, "tcp on 0.0.0.0");
      const cannot = unknown("unsupported");
      expect(dual?.v6only).toEqual(can("v6only") ? known(false) : cannot);
      expect(sole?.v6only).toEqual(can("v6only") ? known(true) : cannot);
      expect(soleUdp?.v6only).toEqual(can("v6only") ? known(true) : cannot);
      expect(wildcard?.v6only).toBeNull();
      expect(wildcard?.sendQueue).toEqual(can("backlog") ? known(7) : cannot);
      expect(wildcard?.boundInterface).toEqual(can("boundInterface") ? known(null) : cannot);
      expect(snapshot.holdersOf(wildcard!)).toEqual(cannot);
    });

    test.skipIf(skip)("names every holder, with descriptors", async () => {
      const snapshot = await host.snapshot();
      for (const socket of snapshot.sockets.filter(isOurs)) {
        const holders = snapshot.holdersOf(socket);
        expect(holders.known && holders.value.map((holder) => holder.pid)).toContain(process.pid);
        for (const holder of holders.known ? holders.value : []) {
          for (const descriptor of holder.fileDescriptors) {
            expect(readlinkSync(`/proc/${holder.pid}/fd/${descriptor}`)).toBe(`socket:[${socket.inode}]`);
          }
        }
      }
      const [shared] = socketsOf(snapshot, "shared by fork");
      const holders = snapshot.holdersOf(shared!);
      expect(holders.known && holders.value.map((holder) => holder.pid)).toEqual(
        [process.pid, opened.sharer.pid!].sort((a, b) => a - b),
      );
      const [high] = socketsOf(snapshot, "high descriptor");
      const highHolders = snapshot.holdersOf(high!);
      expect(highHolders.known && highHolders.value[0]!.fileDescriptors[0]).toBeGreaterThan(7000);
    });

    test.skipIf(skip || nativeMissing)("keeps the members of a SO_REUSEPORT group apart", async () => {
      const group = socketsOf(await host.snapshot(), "reuse group");
      expect(group).toHaveLength(2);
      expect(new Set(group.map((socket) => socket.inode)).size).toBe(2);
    });

    test.skipIf(skip)("sees every state when asked", async () => {
      const snapshot = await host.snapshot({ states: "all" });
      const states = (kind: string, transport?: string) =>
        socketsOf(snapshot, kind, transport)
          .map((socket) => socket.state)
          .sort();
      expect(states("connected")).toEqual(["ESTABLISHED", "LISTEN"]);
      expect(states("udp connected", "udp")).toEqual(["ESTABLISHED"]);
      expect(states("time wait")).toEqual(tells(reader, "timeWait") ? ["LISTEN", "TIME_WAIT"] : ["LISTEN"]);
      const waiting = socketsOf(snapshot, "time wait").find((socket) => socket.state === "TIME_WAIT");
      if (waiting !== undefined) {
        expect(waiting.inode).toBe(0);
        expect(snapshot.holdersOf(waiting)).toEqual(known([]));
      }
      const connection = socketsOf(snapshot, "connected").find((socket) => socket.state === "ESTABLISHED")!;
      const other = snapshot.sockets.find(
        (socket) => socket.local.port === connection.remote!.port && socket.remote?.port === connection.local.port,
      );
      expect(other).toMatchObject({ state: "ESTABLISHED", local: connection.remote, remote: connection.local });
    });

    test.skipIf(skip || nativeMissing)("sees a bound socket that does not listen, or says that it cannot", async () => {
      const snapshot = await host.snapshot({ states: "all", holders: "none" });
      const bound = socketsOf(snapshot, "bound only").map((socket) => [socket.state, socket.remote]);
      const spot = snapshot.blindSpots.find(({ message }) => message.includes("without listening"));
      expect(spot === undefined ? bound : []).toEqual(spot === undefined ? [["BOUND", null]] : []);
      if (!tells(reader, "boundSockets", reader === "netlink")) expect(spot).toBeDefined();
    });

    test.skipIf(skip)("filters by ports on either end", async () => {
      const port = portOf("connected");
      const snapshot = await host.snapshot({ states: "all", ports: [port], holders: "none" });
      expect(snapshot.sockets.map((socket) => socket.state).sort()).toEqual(["ESTABLISHED", "ESTABLISHED", "LISTEN"]);
      expect((await host.snapshot({ ports: [], holders: "none" })).sockets).toEqual([]);
      const scattered = [port, ...Array.from({ length: 200 }, (_, index) => index * 2 + 1)];
      const wide = await host.snapshot({ ports: scattered, holders: "none" });
      expect(wide.sockets.every((socket) => scattered.includes(socket.local.port))).toBe(true);
      expect(wide.sockets.some((socket) => socket.local.port === port)).toBe(true);
    });

    test.skipIf(skip)("finds one holder at least of each socket when the first is enough", async () => {
      const snapshot = await host.snapshot({ holders: "first" });
      expect(snapshot.holderSearch).toBe("first");
      for (const socket of snapshot.sockets.filter(isOurs)) {
        const holders = snapshot.holdersOf(socket);
        expect(holders.known && holders.value.length).toBeGreaterThan(0);
      }
    });

    test.skipIf(skip)("an abort ends in what was found, marked incomplete", async () => {
      const snapshot = await host.snapshot({ signal: AbortSignal.abort() });
      expect(snapshot).toMatchObject({ complete: false, holdersComplete: false });
      for (const socket of snapshot.sockets) expect(snapshot.holdersOf(socket)).toEqual(unknown("unsupported"));
    });

    test.skipIf(skip)(
      "processes that end during the walk change nothing else",
      async () => {
        const stop = new AbortController();
        const churned = { count: 0 };
        const churn = (async () => {
          while (!stop.signal.aborted) {
            await Promise.all(Array.from({ length: 8 }, () => run("true")));
            churned.count += 8;
          }
        })();
        for (let look = 0; look < 20 || churned.count < 40; look++) {
          const snapshot = await host.snapshot();
          expect(snapshot.complete).toBe(true);
          const [shared] = socketsOf(snapshot, "shared by fork");
          const holders = snapshot.holdersOf(shared!);
          expect(holders.known && holders.value).toHaveLength(2);
          await new Promise((resolve) => setImmediate(resolve));
        }
        stop.abort();
        await churn;
      },
      30_000,
    );

    test.skipIf(skip || !asRoot)("an ordinary user sees all sockets, and that holders are private", async (context) => {
      if (!tells(reader, "otherUsersSockets")) context.skip("this reader does not claim to: see the next test");
      const told = await lookAs({ uid: 65534, gid: 65534 }, bundle, reader, opened.ports["tcp dual-stack"]!);
      expect(told).toMatchObject({
        reader,
        complete: true,
        holdersComplete: false,
        holders: unknown("permission"),
        mayBindPrivileged: known(false),
        processName: known("node"),
        workingDirectory: unknown("permission"),
      });
      expect(told.ports).toEqual(expect.arrayContaining([portOf("tcp v6only"), portOf("udp on ::1")]));
      expect(told.blindSpots).toContainEqual(expect.objectContaining({ what: "holders", why: "permission" }));
    });
  });

  test.skipIf(lsofMissing || !asRoot)("an ordinary user's lsof sees no socket of others, and says so", async () => {
    const told = await lookAs({ uid: 65534, gid: 65534 }, bundle, "lsof", opened.ports["tcp dual-stack"]!);
    expect(told).toMatchObject({ reader: "lsof", complete: true, holdersComplete: false });
    expect(told.ports.filter((port) => Object.values(opened.ports).includes(port))).toEqual([]);
    expect(told.blindSpots).toContainEqual(expect.objectContaining({ what: "sockets", why: "permission" }));
  });

  test("all readers tell the same of the same sockets, but for what they say they cannot", async () => {
    const present = readers.filter((reader) => !isMissing(reader));
    const snapshots = await Promise.all(
      present.map((reader) => createHost({ reader }).snapshot({ states: "all", ports: Object.values(opened.ports) })),
    );
    // What one of them cannot tell is left out of all.
    const allTell = (fact: ReaderFact): boolean => present.every((reader) => tells(reader, fact));
    const describeShared = (snapshot: Snapshot) =>
      snapshot.sockets
        .filter((socket) => socket.state !== "BOUND")
        .filter((socket) => socket.state !== "TIME_WAIT" || allTell("timeWait"))
        .map(({ v6only: _v6only, boundInterface: _interface, sendQueue, ...shared }) => ({
          ...shared,
          sendQueue: shared.state === "LISTEN" ? null : sendQueue,
          holders: snapshot.holdersOf({ ...shared, v6only: null, boundInterface: known(null), sendQueue }),
        }))
        .map((socket) => JSON.stringify(socket))
        .sort();
    const [first, ...others] = snapshots.map(describeShared);
    expect(first!.length).toBeGreaterThan(15);
    for (const other of others) expect(other).toEqual(first);
    expect(present).toContain("proc");
  });

  test.skipIf(ssMissing).each(readers)("%s agrees with ss", async (reader) => {
    if (isMissing(reader)) return;
    const snapshot = await createHost({ reader }).snapshot({ states: "all" });
    const { stdout } = await run("ss", ["-Htuanpe"], { maxBuffer: 1 << 26 });
    const theirs = stdout
      .split("\n")
      .flatMap((line) => {
        const [netid, , receive, send, local] = line.trim().split(/\s+/);
        const port = Number(local?.slice(local.lastIndexOf(":") + 1));
        const inode = Number(/ino:(\d+)/.exec(line)?.[1] ?? 0);
        if (netid === undefined || inode === 0 || !Object.values(opened.ports).includes(port)) return [];
        const holders = [...line.matchAll(/pid=(\d+),fd=(\d+)/g)].map((match) => `${match[1]}:${match[2]}`).sort();
        const v6only = / v6only:1/.test(line);
        return [{ netid, port, inode, receive: Number(receive), send: Number(send), v6only, holders }];
      })
      .sort((a, b) => a.inode - b.inode);
    const ours = snapshot.sockets
      .filter((socket) => isOurs(socket) && socket.inode !== 0)
      .map((socket) => {
        const holders = snapshot.holdersOf(socket);
        const pairs = holders.known
          ? holders.value.flatMap(({ pid, fileDescriptors }) =>
              fileDescriptors.map((descriptor) => `${pid}:${descriptor}`),
            )
          : [];
        return {
          netid: socket.transport as string,
          port: socket.local.port as number,
          inode: socket.inode,
          receive: socket.receiveQueue,
          send: socket.sendQueue.known ? socket.sendQueue.value : NaN,
          v6only: socket.v6only?.known === true && socket.v6only.value,
          holders: pairs.sort(),
        };
      })
      .sort((a, b) => a.inode - b.inode);
    // What /proc and lsof do not tell is not compared.
    const comparable = (row: (typeof ours)[number]) =>
      reader === "netlink" ? row : { ...row, v6only: null, send: null };
    const theirInodes = new Set(theirs.map((row) => row.inode));
    const ourInodes = new Set(ours.map((row) => row.inode));
    expect(theirs.length).toBeGreaterThan(10);
    expect(ours.filter((row) => theirInodes.has(row.inode)).map(comparable)).toEqual(
      theirs.filter((row) => ourInodes.has(row.inode)).map(comparable),
    );
    // ss of older releases does not ask for bound sockets; every other row stands on both sides.
    const bound = portOf("bound only");
    expect(ours.filter((row) => row.port !== bound).map((row) => row.inode)).toEqual(
      theirs.filter((row) => row.port !== bound).map((row) => row.inode),
    );
  });

  test("a process with an odd name disturbs no other row", async () => {
    const source = `
      require("fs").writeFileSync("/proc/self/comm", "x) S 1 (\\n\\u001b[31m");
      require("net").createServer().listen(0, "127.0.0.1", function () { console.log(this.address().port); });`;
    const child = spawn(process.execPath, ["-e", source, "--", "z".repeat(100_000)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [data] = (await once(child.stdout, "data")) as [Buffer];
      const snapshot = await createHost().snapshot();
      const socket = snapshot.sockets.find((each) => each.local.port === Number(data.toString()))!;
      const holders = snapshot.holdersOf(socket);
      expect(holders.known && holders.value.map((holder) => holder.pid)).toEqual([child.pid]);
      expect(snapshot.processOf(child.pid!).name).toEqual(known("x) S 1 (\n\u001b[31m"));
      expect(snapshot.sockets.filter((each) => isOurs(each)).length).toBeGreaterThan(12);
    } finally {
      child.kill();
      await once(child, "exit");
    }
  });

  test("a process whose first thread has ended still holds its sockets", async ({ skip }) => {
    if (spawnFails("python3", ["-c", ""])) skip("python3 is not installed");
    const source = `
import ctypes, socket, threading, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
def serve():
    time.sleep(0.05)
    while "Z" not in open("/proc/self/stat").read().rpartition(")")[2]: time.sleep(0.01)
    print(s.getsockname()[1], flush=True)
    time.sleep(1000)
threading.Thread(target=serve).start()
ctypes.CDLL(None).syscall(${process.arch === "x64" ? 60 : 93}, 0)`;
    const child = spawn("python3", ["-c", source], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const [data] = (await once(child.stdout, "data")) as [Buffer];
      for (const reader of readers.filter((each) => !isMissing(each))) {
        const snapshot = await createHost({ reader }).snapshot();
        const socket = snapshot.sockets.find((each) => each.local.port === Number(data.toString()));
        const holders = socket === undefined ? unknown("gone") : snapshot.holdersOf(socket);
        expect([reader, holders.known && holders.value.length]).toEqual([
          reader,
          tells(reader, "headlessProcesses") ? 1 : false,
        ]);
      }
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });

  test("without koffi everything is read from /proc, and netlink is refused when insisted on", async () => {
    const told = await lookAs({}, bundleWithoutPackages, "auto", portOf("tcp dual-stack"));
    expect(told).toMatchObject({ reader: "proc", complete: true });
    expect(told.holders.known && told.holders.value.map((holder) => holder.pid)).toEqual([process.pid]);
    await expect(lookAs({}, bundleWithoutPackages, "netlink", 1)).rejects.toThrow(/READER_UNAVAILABLE/);
  });

  test.skipIf(nativeMissing)("the bundled command's threads find what one thread finds", async ({ skip }) => {
    const limit = Number(/Max open files\s+\d+\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? 0);
    if (limit < 19_000) skip(`a process may open ${limit} files only, too few for the walk to start a thread`);
    if (availableParallelism() < 2) skip("there is one processor, on which the walk starts no thread");
    // With these rights the kernel's own iterator would be asked instead.
    const walkOnly = asRoot ? ["setpriv", "--bounding-set", "-sys_admin,-bpf,-perfmon"] : [];
    const port = portOf("shared by fork");
    const told = await lookAs({}, bundle, "netlink", port, { PORTOLAN_MANY: "1" }, walkOnly);
    expect(told.holders.known && told.holders.value.map((holder) => holder.pid)).toEqual(
      [process.pid, opened.sharer.pid!].sort((a, b) => a - b),
    );
    expect(told.workerStarted).toBe(true);
    expect(told.own).toBe(true);
  });

  test.skipIf(!asRoot || spawnFails("unshare", ["-m", "true"]))("hidden processes are said to be hidden", async () => {
    const script = `mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0" "$@"`;
    const words = [
      "-m",
      "--propagation",
      "private",
      "sh",
      "-c",
      script,
      process.execPath,
      "-e",
      lookSource,
      bundle.pathOf("host"),
      "auto",
      "1",
    ];
    if (spawnFails("unshare", ["-m", "sh", "-c", "mount -t proc -o hidepid=2 proc /proc"])) return;
    const { stdout } = await run("unshare", words);
    const told = JSON.parse(stdout) as Look;
    expect(told.blindSpots).toContainEqual(expect.objectContaining({ what: "processes", why: "permission" }));
    expect(told.holdersComplete).toBe(false);
  });

  test("a saved machine answers as the live one did", async () => {
    const root = mkdtempSync(join(tmpdir(), "portolan-saved-"));
    try {
      saveMachine(root, [process.pid, opened.sharer.pid!]);
      const ports = Object.values(opened.ports);
      const live = await createHost({ reader: "proc" }).snapshot({ ports });
      const saved = await createHost({ root }).snapshot({ ports });
      expect(saved.reader).toBe("proc");
      expect(saved.sockets).toEqual(live.sockets);
      for (const socket of saved.sockets) expect(saved.holdersOf(socket)).toEqual(live.holdersOf(socket));
      expect(saved.processOf(process.pid)).toMatchObject({
        name: live.processOf(process.pid).name,
        arguments: live.processOf(process.pid).arguments,
        workingDirectory: known(process.cwd()),
      });
      const names = live.interfaces.map((device) => device.name);
      expect(saved.interfaces.map((device) => device.name)).toEqual(names);
      for (const device of live.interfaces) {
        const copy = saved.interfaces.find((each) => each.name === device.name)!;
        expect(copy.index).toEqual(device.index);
        expect([...copy.addresses].sort(byAddress)).toEqual([...device.addresses].sort(byAddress));
        expect(copy.defaultRoute).toEqual(device.defaultRoute);
      }
      expect(saved.limits.ephemeralRange).toEqual(live.limits.ephemeralRange);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test("a saved machine that is none is refused", async () => {
    await expect(createHost({ root: join(tmpdir(), "portolan-no-such-folder") }).snapshot()).rejects.toMatchObject({
      code: "SNAPSHOT_ROOT_INVALID",
    });
    expect(() => createHost({ root: "/tmp", reader: "netlink" })).toThrow(
      expect.objectContaining({ code: "READER_UNAVAILABLE" }),
    );
  });

  test("every server of a moment is listed, however many snapshots run at once", async () => {
    const servers = Array.from({ length: 20 }, () => createServer().listen(0, "127.0.0.1"));
    await Promise.all(servers.map((server) => once(server, "listening")));
    const wanted = servers.map((server) => (server.address() as AddressInfo).port).sort((a, b) => a - b);
    const snapshots = await Promise.all(Array.from({ length: 5 }, () => createHost().snapshot({ ports: wanted })));
    for (const snapshot of snapshots) {
      expect(snapshot.sockets.map((socket) => socket.local.port as number).sort((a, b) => a - b)).toEqual(wanted);
    }
    for (const server of servers) server.close();
  });
});

/** What the other program tells. */
interface Look extends Pick<Snapshot, "reader" | "complete" | "holdersComplete" | "blindSpots"> {
  readonly ports: number[];
  readonly holders: ReturnType<Snapshot["holdersOf"]>;
  readonly mayBindPrivileged: Snapshot["limits"]["mayBindPrivileged"];
  readonly processName: ReturnType<Snapshot["processOf"]>["name"];
  readonly workingDirectory: ReturnType<Snapshot["processOf"]>["workingDirectory"];
  readonly workerStarted: boolean;
  /** Whether the program's own listener, opened behind thousands of descriptors, was found with its holder. */
  readonly own: boolean;
}

const lookSource = `
const [path, reader, port] = process.argv.slice(1);
const { createHost } = require(path);
const many = process.env.PORTOLAN_MANY === "1";
if (many) for (let count = 0; count < 18000; count++) require("fs").openSync("/dev/null", "r");
let workerStarted = false;
process.on("worker", () => { workerStarted = true; });
const server = require("net").createServer().listen(0, "127.0.0.1", async () => {
  try {
    // Several looks: a machine that is busy may finish one before its thread has begun.
    let snapshot, own, holders, socket;
    for (let look = 0; look < (many ? 3 : 1); look++) {
      snapshot = await createHost({ reader }).snapshot();
      socket = snapshot.sockets.find((each) => each.local.port === Number(port));
      const mine = snapshot.sockets.find((each) => each.local.port === server.address().port);
      holders = snapshot.holdersOf(mine);
      own = holders.known && holders.value.length === 1 && holders.value[0].pid === process.pid;
      if (!own) break;
    }
    const parent = snapshot.processOf(process.ppid);
    console.log(JSON.stringify({
      reader: snapshot.reader, complete: snapshot.complete, holdersComplete: snapshot.holdersComplete,
      blindSpots: snapshot.blindSpots, ports: snapshot.sockets.map((each) => each.local.port),
      holders: socket === undefined ? { known: true, value: [] } : snapshot.holdersOf(socket),
      mayBindPrivileged: snapshot.limits.mayBindPrivileged,
      processName: parent.name.known && parent.name.value.startsWith("node") ? { known: true, value: "node" } : parent.name,
      workingDirectory: parent.workingDirectory, workerStarted, own,
    }));
  } catch (error) {
    console.error(error.code + " " + error.message);
    process.exitCode = 1;
  }
  server.close();
});
`;

async function lookAs(
  identity: { uid?: number; gid?: number },
  bundle: SourceBundle,
  reader: string,
  port: number,
  environment: Record<string, string> = {},
  prefix: readonly string[] = [],
): Promise<Look> {
  const [program = process.execPath, ...words] = [...prefix, process.execPath];
  const { stdout } = await run(program, [...words, "-e", lookSource, bundle.pathOf("host"), reader, String(port)], {
    ...identity,
    cwd: "/",
    env: { ...process.env, NODE_OPTIONS: "", ...environment },
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout) as Look;
}

function byAddress(a: { address: string }, b: { address: string }): number {
  return a.address < b.address ? -1 : 1;
}

/** Copies what the reader of saved machines reads. */
function saveMachine(root: string, pids: readonly number[]): void {
  const copy = (path: string): void => {
    if (!existsSync(path)) return;
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), readFileSync(path));
  };
  for (const name of ["tcp", "tcp6", "udp", "udp6", "dev", "route", "ipv6_route", "if_inet6", "fib_trie"])
    copy(`/proc/net/${name}`);
  copy("/proc/sys/net/ipv4/ip_local_port_range");
  copy("/proc/stat");
  for (const name of readdirSync("/sys/class/net")) {
    for (const file of ["flags", "ifindex", "mtu", "address", "operstate"]) copy(`/sys/class/net/${name}/${file}`);
  }
  for (const pid of pids) {
    for (const file of ["stat", "status", "cmdline", "cgroup"]) copy(`/proc/${pid}/${file}`);
    mkdirSync(join(root, `proc/${pid}/fd`));
    for (const name of ["cwd", "exe", ...readdirSync(`/proc/${pid}/fd`).map((descriptor) => `fd/${descriptor}`)]) {
      try {
        symlinkSync(readlinkSync(`/proc/${pid}/${name}`), join(root, `proc/${pid}/${name}`));
      } catch {
        // The descriptor by which the folder was listed is closed by now.
      }
    }
  }
  chmodSync(root, 0o755);
  cpSync("/etc/passwd", join(root, "etc/passwd"));
}

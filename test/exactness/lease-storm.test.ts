/**
 * @module No two callers get the same port: many processes at once, killed at random, of two users, without koffi, without a place to
 * write promises, with a full disk, with the clock set back.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  lockPort,
  monotonicMs,
  readLeaseRecords,
  removeLeaseRecords,
  writeLeaseRecords,
} from "../../src/lease/index.ts";
import { bundleSource, type SourceBundle } from "../support/bundle.ts";
import { createNetworkNamespace, requireOrSkip, whyNoNetworkNamespaces } from "../support/netns.ts";

const run = promisify(execFile);
const callerCount = Number(process.env["PORTOLAN_STORM_CALLERS"] ?? 64);
const portsEach = Number(process.env["PORTOLAN_STORM_PORTS"] ?? 200);
const nobody = 65_534;

let bundle: SourceBundle;
let plainBundle: SourceBundle;
const stateHome = mkdtempSync(join(tmpdir(), "portolan-storm-"));
const callers: Caller[] = [];

beforeAll(async () => {
  chmodSync(stateHome, 0o755);
  const input = { lease: "test/exactness/lease-child.ts", portolan: "src/command.ts" };
  bundle = await bundleSource(input);
  plainBundle = await bundleSource(input, { packages: false });
});

afterAll(() => {
  bundle.remove();
  plainBundle.remove();
  rmSync(stateHome, { recursive: true, force: true });
});

afterEach(async () => {
  for (const caller of callers.splice(0)) await caller.end();
});

interface Caller {
  readonly process: ChildProcess;
  readonly ports: number[];
  readonly errors: string[];
  /** Who it is, how far it came and why it stopped: what a failure needs to be understood. */
  tell(): string;
  /** When all its calls are done, or it was killed. */
  readonly done: Promise<void>;
  end(): Promise<void>;
}

interface CallerOptions {
  readonly uid?: number;
  readonly koffi?: boolean;
  readonly batch?: number;
  readonly count?: number;
  readonly within?: string;
}

function call({ uid, koffi = true, batch = 1, count = portsEach, within }: CallerOptions = {}): Caller {
  const program = (koffi ? bundle : plainBundle).pathOf("lease");
  const words = [program, String(count), String(batch), ...(within === undefined ? [] : [within])];
  const child = spawn(process.execPath, words, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env["PATH"], PORTOLAN_STATE_HOME: join(stateHome, String(uid ?? 0)) },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const ports: number[] = [];
  const errors: string[] = [];
  let last = "";
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const done = new Promise<void>((resolve) => {
    lines.on("line", (line) => {
      const told = JSON.parse(line) as { ports?: number[]; error?: string; why?: string; done?: boolean };
      ports.push(...(told.ports ?? []));
      if (told.error !== undefined) errors.push(told.error);
      if (told.why !== undefined) last = told.why;
      if (told.done !== true) return;
      last = last === "" ? "done" : last;
      resolve();
    });
    lines.once("close", resolve);
  });
  const caller: Caller = {
    process: child,
    ports,
    errors,
    tell() {
      const { pid, exitCode, signalCode } = child;
      const who = `${pid}, user ${uid ?? "own"}, ${koffi ? "with" : "without"} koffi`;
      const end = exitCode === null && signalCode === null ? "runs" : `ended with ${exitCode ?? signalCode}`;
      return `${who}: ${ports.length} of ${count} ports, ${end}, ${last === "" ? "said no more" : last}`;
    },
    done,
    async end() {
      child.stdin.end();
      const [code, signal] = (await exited) as [number | null, string | null];
      expect([0, null]).toContain(code);
      expect([null, "SIGKILL"]).toContain(signal);
    },
  };
  callers.push(caller);
  return caller;
}

/** Every caller of a storm, and what of the machine it met. */
function tellStorm(storm: readonly Caller[]): string {
  const twice = findDuplicates(storm.map(({ ports }) => ports)).map((port) => {
    const holders = storm.filter(({ ports }) => ports.includes(port)).map(({ process: { pid } }) => pid);
    return `port ${port} of ${holders.join(" and ")}`;
  });
  const records = readLeaseRecords().map(
    ({ port, uid, endMs }) => `${port} of user ${uid}${endMs === null ? ", reserved" : ""}`,
  );
  return [
    ...storm.map((caller) => caller.tell()),
    `twice: ${twice.join("; ")}`,
    `promised: ${records.join("; ")}`,
  ].join("\n");
}

function findDuplicates(lists: readonly (readonly number[])[]): number[] {
  const seen = new Set<number>();
  return lists.flat().filter((port) => seen.size === seen.add(port).size);
}

describe.skipIf(process.platform !== "linux")("a storm of callers", () => {
  test(`${callerCount} processes take ${portsEach} ports each, one by one and in batches: no port twice`, async () => {
    const storm = Array.from({ length: callerCount }, (_, index) => call({ batch: [1, 7, 200][index % 3]! }));
    await Promise.all(storm.map(({ done }) => done));
    for (const { ports, errors } of storm) {
      expect(errors).toEqual([]);
      expect(ports).toHaveLength(portsEach);
    }
    expect(findDuplicates(storm.map(({ ports }) => ports))).toEqual([]);
  }, 120_000);

  test("of a small set every port is given exactly once, to whoever comes first", async () => {
    const storm = Array.from({ length: 8 }, () => call({ count: 100, within: "12000-12299" }));
    await Promise.all(storm.map(({ done }) => done));
    const ports = storm.flatMap((caller) => caller.ports);
    expect(findDuplicates([ports])).toEqual([]);
    expect(new Set(ports).size).toBe(300);
    expect(storm.some(({ errors }) => errors.includes("PORTS_EXHAUSTED"))).toBe(true);
  }, 60_000);

  test("half are killed at random moments: what they held is free at once, what the others hold stays theirs", async () => {
    const doomed = Array.from({ length: callerCount / 2 }, () => call());
    const staying = Array.from({ length: callerCount / 2 }, () => call());
    for (const [index, { process: child, ports }] of doomed.entries()) {
      // Each at another moment of its life: after so many ports.
      while (ports.length < (index * portsEach) / doomed.length && child.exitCode === null)
        await once(child.stdout!, "data");
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await Promise.all([...doomed, ...staying].map(({ done }) => done));
    expect(findDuplicates(staying.map(({ ports }) => ports))).toEqual([]);
    const held = new Set(staying.flatMap(({ ports }) => ports));
    let freed = 0;
    for (const port of new Set(doomed.flatMap(({ ports }) => ports))) {
      const lock = await lockPort(port);
      expect(lock === null, `port ${port}`).toBe(held.has(port));
      if (lock !== null) freed += 1;
      lock?.release();
    }
    expect(freed).toBeGreaterThan(0);
  }, 120_000);

  test("callers without koffi and callers of another user respect the same locks", async () => {
    const users = process.getuid?.() === 0 ? [undefined, nobody] : [undefined];
    const storm = users.flatMap((uid) =>
      [true, false].flatMap((koffi) =>
        Array.from({ length: 3 }, () =>
          call({ count: 60, within: "13000-13999", koffi, ...(uid === undefined ? {} : { uid }) }),
        ),
      ),
    );
    await Promise.all(storm.map(({ done }) => done));
    const told = tellStorm(storm);
    expect(
      storm.flatMap(({ errors }) => errors),
      told,
    ).toEqual([]);
    expect(findDuplicates(storm.map(({ ports }) => ports)), told).toEqual([]);
    expect(new Set(storm.flatMap(({ ports }) => ports)).size, told).toBe(60 * storm.length);
  }, 120_000);
});

describe.skipIf(process.platform !== "linux")("promises of the command line", () => {
  const environment = { PATH: process.env["PATH"], PORTOLAN_STATE_HOME: join(stateHome, "cli") };
  const portolan = (words: readonly string[]) =>
    run(process.execPath, [bundle.pathOf("portolan"), ...words], { env: environment });

  test("many calls at once get different ports, and so does everybody else until their time is over", async () => {
    // What others on this machine keep there is theirs.
    const kept = readLeaseRecords().filter(({ port }) => port >= 14_000 && port <= 14_099).length;
    const calls = await Promise.all(
      Array.from({ length: 16 }, () => portolan(["pick", "3", "--in", "14000-14099", "--ttl", "20s"])),
    );
    const ports = calls.flatMap(({ stdout }) => stdout.trim().split("\n").map(Number));
    expect(findDuplicates([ports])).toEqual([]);
    expect(new Set(ports).size).toBe(48);
    const caller = call({ count: 100, within: "14000-14099" });
    await caller.done;
    expect(caller.ports.filter((port) => ports.includes(port))).toEqual([]);
    expect(caller.ports.length).toBe(52 - kept);
    for (const port of ports) removeLeaseRecords(port);
    expect(readLeaseRecords().filter(({ port }) => ports.includes(port))).toEqual([]);
  }, 60_000);

  test("a promise ends with its time, by a clock that nobody can set", async () => {
    const { stdout } = await portolan(["pick", "--in", "14200", "--ttl", "400ms"]);
    expect(stdout).toBe("14200\n");
    const record = readLeaseRecords().find(({ port }) => port === 14_200);
    // The end is told by the monotonic clock, of which Date and clock_settime(2) know nothing.
    if (record !== undefined) expect(record.endMs! - monotonicMs()).toBeLessThanOrEqual(400);
    while (readLeaseRecords().some(({ port }) => port === 14_200))
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await portolan(["pick", "--in", "14200", "--ttl", "1ms"])).stdout).toBe("14200\n");
  });

  test("a clock that is set back moves no promise", async () => {
    const now = Date.now;
    writeLeaseRecords([14_201], monotonicMs() + 60_000);
    try {
      Date.now = () => now() - 86_400_000;
      expect(readLeaseRecords().some(({ port }) => port === 14_201)).toBe(true);
      Date.now = () => now() + 86_400_000;
      expect(readLeaseRecords().some(({ port }) => port === 14_201)).toBe(true);
    } finally {
      Date.now = now;
      removeLeaseRecords(14_201);
    }
  });
});

describe.skipIf(requireOrSkip("lease store in a namespace", whyNoNetworkNamespaces()))("the place of promises", () => {
  /** Runs shell in a mount namespace of its own, so that /dev/shm there is what the test wants. */
  const inside = (script: string) =>
    run("unshare", ["--mount", "sh", "-c", script, "sh", process.execPath, bundle.pathOf("portolan")], {
      env: { PATH: process.env["PATH"], PORTOLAN_STATE_HOME: join(stateHome, "mount") },
    }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );

  test("read-only: nothing is given out", async () => {
    const outcome = await inside('mount -t tmpfs -o ro,mode=1777 tmpfs /dev/shm && "$1" "$2" pick --in 14300-14399');
    expect(outcome.stdout).toBe("");
    expect(outcome.stderr).toContain("LEASE_STORE_FAILED");
    expect(outcome.stderr).toContain("EROFS");
    expect(outcome.code).toBe(3);
  });

  test("full: nothing is given out, and what was given before stays", async () => {
    const outcome = await inside(
      'mount -t tmpfs -o nr_inodes=5,mode=1777 tmpfs /dev/shm && "$1" "$2" pick --in 14300-14399 && "$1" "$2" pick 8 --in 14300-14399; code=$?; "$1" "$2" pick --in 14300-14399; "$1" "$2" reservations --json; exit $code',
    );
    const [first, second, told] = outcome.stdout.split("\n");
    expect(outcome.stderr).toContain("ENOSPC");
    expect(outcome.code).toBe(3);
    // All or none: the eight left nothing behind, so one more fits.
    expect([first, second]).toEqual(["14300", "14301"]);
    expect(JSON.parse(told!).leases.map(({ port }: { port: number }) => port)).toEqual([14_300, 14_301]);
  });

  test("a folder that somebody else has laid in the way is not written to", async () => {
    const outcome = await inside(
      'mount -t tmpfs -o mode=1777 tmpfs /dev/shm && "$1" "$2" pick --in 14300 --ttl 1ms >/dev/null && f=$(echo /dev/shm/portolan-leases.*) && rm -r "$f" && mkdir /tmp/portolan-elsewhere.$$ && ln -s /tmp/portolan-elsewhere.$$ "$f" && "$1" "$2" pick --in 14301; code=$?; ls -A /tmp/portolan-elsewhere.$$ | wc -l; rmdir /tmp/portolan-elsewhere.$$; exit $code',
    );
    // Another name serves: nobody can keep a user from promising, nor be written to.
    expect(outcome.stdout.split("\n").slice(0, 2)).toEqual(["14301", "0"]);
    expect(outcome.code).toBe(0);
  });

  test("another network namespace has its own ports", async () => {
    const namespace = await createNetworkNamespace();
    const lock = await lockPort(14_400);
    try {
      expect(lock).not.toBeNull();
      const { stdout } = await namespace.execIn(
        process.execPath,
        [bundle.pathOf("portolan"), "pick", "--in", "14400", "--ttl", "1ms"],
        {
          environment: { PORTOLAN_STATE_HOME: join(stateHome, "namespace") },
        },
      );
      expect(stdout).toBe("14400\n");
    } finally {
      lock?.release();
      await namespace.destroy();
    }
  });
});

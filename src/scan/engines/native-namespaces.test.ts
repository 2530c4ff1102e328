/**
 * What both native engines do in networks that the test makes: exact states, filters, lost packets, few files. They run in a program
 * of their own, from a minified bundle, as they are shipped.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleSource, type SourceBundle } from "../../../test/support/bundle.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  whyNoProgram,
  type NetworkNamespace,
} from "../../../test/support/netns.ts";
import { portOutcomes, type ScanTally } from "../engine.ts";
import { nativeFitness } from "./native-thread.ts";

const fitness = nativeFitness();
const skip = requireOrSkip(
  "native engines in namespaces",
  fitness.able ? null : fitness.why,
  whyNoNetworkNamespaces(),
  whyNoProgram("nft", "nftables"),
  whyNoProgram("prlimit", "util-linux"),
);

/** Scans once and prints what was found as JSON. */
const scanProgram = `"use strict";
const { readdirSync } = require("node:fs");
const { monitorEventLoopDelay } = require("node:perf_hooks");
const { engine, batch, abortAfterMs } = JSON.parse(process.argv[2]);
const engines = { ...require("./blocking-reuse.cjs"), ...require("./epoll.cjs") };
const ports = Uint16Array.from({ length: batch.lastPort - batch.firstPort + 1 }, (_, index) => batch.firstPort + index);
const addresses = batch.addresses.map((address) => ({ family: address.includes(":") ? "ipv6" : "ipv4", address, scopeId: 0 }));
const outcomes = new Uint8Array(new SharedArrayBuffer(ports.length * addresses.length));
const full = { transport: "tcp", retries: null, packetsPerSecond: null, window: null, keepConnections: false, datagramFor: null, ...batch, addresses, ports };
const doors = [];
const controller = new AbortController();
const delay = monitorEventLoopDelay({ resolution: 1 });
const count = () => readdirSync("/proc/self/fd").length;
engines[engine].fitness(full);
(async () => {
  const before = count();
  // The first thread that a process starts makes descriptors of its own that stay.
  const sink = { outcomes, onOpen: (door) => doors.push([door.cell, door.answer === null ? null : Buffer.from(door.answer).toString()]), onProgress() {} };
  delay.enable();
  if (abortAfterMs !== undefined) setTimeout(() => controller.abort(), abortAfterMs);
  const start = performance.now();
  const tally = await engines[engine].run(full, sink, controller.signal);
  const elapsedMs = performance.now() - start;
  delay.disable();
  await new Promise((resolve) => setTimeout(resolve, 100));
  console.log(JSON.stringify({ tally, doors, elapsedMs, delayMs: delay.max / 1e6, leaked: count() - before, outcomes: Buffer.from(outcomes).toString("base64") }));
})();
`;

/** Listens on the ports of its argument, TCP and UDP, on all addresses; the last UDP port says nothing. */
const listenProgram = `"use strict";
const { tcp, udp } = JSON.parse(process.argv[2]);
const { createServer } = require("node:net");
const { createSocket } = require("node:dgram");
const listening = tcp.map((port) => new Promise((resolve) => createServer((socket) => { socket.on("error", () => {}); socket.resume(); }).listen(port, "::", resolve)));
const bound = udp.map((port, index) => new Promise((resolve) => {
  const socket = createSocket("udp6");
  if (index < udp.length - 1) socket.on("message", (message, peer) => socket.send("answer", peer.port, peer.address));
  socket.bind(port, "::", resolve);
}));
Promise.all([...listening, ...bound]).then(() => console.log("ready"));
`;

interface Findings {
  readonly tally: ScanTally;
  readonly doors: readonly (readonly [number, string | null])[];
  readonly elapsedMs: number;
  readonly delayMs: number;
  readonly leaked: number;
  readonly outcomes: Uint8Array;
}

interface Question {
  readonly engine: "blockingReuseEngine" | "epollEngine";
  readonly abortAfterMs?: number;
  readonly batch: {
    readonly addresses: readonly string[];
    readonly firstPort: number;
    readonly lastPort: number;
    readonly transport?: "tcp" | "udp";
    readonly retries?: number | null;
    readonly window?: number;
    readonly keepConnections?: boolean;
  };
}

const tcpPorts = Array.from({ length: 30 }, (_, index) => 20_000 + index);
const udpPorts = [5353, 30_000, 40_000, 50_000];

describe.skipIf(skip)("native engines in namespaces", () => {
  let bundle: SourceBundle | undefined;
  let folder = "";
  let near: NetworkNamespace;
  let far: NetworkNamespace;
  let listener: ChildProcess | undefined;

  beforeAll(async () => {
    bundle = await bundleSource({
      "blocking-reuse": "src/scan/engines/blocking-reuse.ts",
      epoll: "src/scan/engines/epoll.ts",
    });
    ({ folder } = bundle);
    writeFileSync(join(folder, "scan.cjs"), scanProgram);
    writeFileSync(join(folder, "listen.cjs"), listenProgram);
    far = await createNetworkNamespace();
    near = await createNetworkNamespace({
      addresses: ["10.77.3.1/24", "fd00:77:3::1/64"],
      peer: far,
      peerAddresses: ["10.77.3.2/24", "fd00:77:3::2/64"],
    });
    // ICMP at the rate it is asked for: the limits are for another test. Not every kernel has each of these in a namespace.
    // The bucket for all messages takes 0 to 2 of its 50 at random for each: forty at once would sometimes be too many.
    const settings = ["net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0", "net.ipv4.icmp_msgs_per_sec=100000"];
    for (const setting of [...settings, "net.ipv4.icmp_msgs_burst=100000"]) {
      await far.execIn("sysctl", ["-q", "-w", setting]);
    }
    listener = far.spawnIn(
      process.execPath,
      [join(folder, "listen.cjs"), JSON.stringify({ tcp: tcpPorts, udp: udpPorts })],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    await once(listener.stdout!, "data");
  });

  afterAll(async () => {
    listener?.kill("SIGKILL");
    await near?.destroy();
    await far?.destroy();
    bundle?.remove();
  });

  async function scan(
    namespace: NetworkNamespace,
    question: Question,
    before: readonly string[] = [],
  ): Promise<Findings> {
    const words = [...before, process.execPath, join(folder, "scan.cjs"), JSON.stringify(question)];
    const { stdout } = await namespace.execIn(words[0]!, words.slice(1), { timeoutMs: 60_000 });
    const findings = JSON.parse(stdout) as Omit<Findings, "outcomes"> & { outcomes: string };
    return { ...findings, outcomes: Buffer.from(findings.outcomes, "base64") };
  }

  /** Replaces the far side's packet filter. */
  async function filter(rules: string): Promise<void> {
    const file = join(folder, "rules.nft");
    writeFileSync(file, `flush ruleset\n${rules}`);
    await far.execIn("nft", ["-f", file]);
  }

  /** Ranges of ports with the same outcome, as "20000-20029 open syn-ack". */
  function rangesOf({ outcomes }: Findings, firstPort: number): string[] {
    const ranges: string[] = [];
    for (let from = 0; from < outcomes.length;) {
      let to = from;
      while (to + 1 < outcomes.length && outcomes[to + 1] === outcomes[from]) to++;
      const { state, reason } = portOutcomes[outcomes[from]!]!;
      ranges.push(`${from + firstPort}-${to + firstPort} ${state} ${reason}`);
      from = to + 1;
    }
    return ranges;
  }

  const openRanges = [
    "1-19999 closed connection-refused",
    "20000-20029 open syn-ack",
    "20030-65535 closed connection-refused",
  ];

  test.each([
    ["blockingReuseEngine", "127.0.0.1"],
    ["blockingReuseEngine", "::1"],
    ["epollEngine", "127.0.0.1"],
    ["epollEngine", "::1"],
    ["epollEngine", "10.77.3.2"],
    ["epollEngine", "fd00:77:3::2"],
  ] as const)("%s meets no port of its own at %s", async (engine, address) => {
    // Source ports are chosen anew in each run, from the ports that are asked.
    const delaysMs: number[] = [];
    for (let run = 0; run < 5; run++) {
      const found = await scan(far, { engine, batch: { addresses: [address], firstPort: 1, lastPort: 65_535 } });
      expect(rangesOf(found, 1)).toEqual(openRanges);
      expect(found.doors).toHaveLength(30);
      expect(found.leaked).toBeLessThanOrEqual(0);
      delaysMs.push(found.delayMs);
    }
    // A busy machine makes the event loop late now and then; what the engine itself does there would do so in each run.
    console.log(`greatest delays of the event loop: ${delaysMs.map((delay) => delay.toFixed(1)).join(", ")} ms`);
    expect(Math.min(...delaysMs)).toBeLessThan(10);
  });

  test.each(["127.0.0.1", "10.77.3.2"])("no datagram meets its own socket at %s", async (address) => {
    const found = await scan(far, {
      engine: "epollEngine",
      batch: { addresses: [address], firstPort: 1, lastPort: 65_535, transport: "udp" },
    });
    expect(rangesOf(found, 1)).toEqual([
      "1-5352 closed port-unreachable",
      "5353-5353 open udp-answer",
      "5354-29999 closed port-unreachable",
      "30000-30000 open udp-answer",
      "30001-39999 closed port-unreachable",
      "40000-40000 open udp-answer",
      "40001-49999 closed port-unreachable",
      "50000-50000 open|filtered no-answer",
      "50001-65535 closed port-unreachable",
    ]);
    expect(found.doors.map(([, answer]) => answer)).toEqual(["answer", "answer", "answer"]);
    // None was taken for a lost answer, which would have slowed the rest down.
    expect(found.tally.measuredLoss).toBe(0);
  });

  const filtered = `table inet filter {
    chain input {
      type filter hook input priority 0; policy accept;
      tcp dport { 1000-1594, 20000-20029 } accept
      tcp dport 30000-30009 reject with icmpx admin-prohibited
      tcp dport 30010-30019 reject with icmpx host-unreachable
      tcp dport 30020-30029 reject with icmpx no-route
      tcp dport 30030-30039 reject with tcp reset
      tcp dport 30040-30049 reject with icmpx port-unreachable
      meta l4proto tcp drop
    }
  }`;

  test.each([
    ["10.77.3.2", 0],
    ["10.77.3.2", null],
    ["fd00:77:3::2", 0],
    ["fd00:77:3::2", 1],
  ])("states and reasons of a filtered %s with %s retries", async (address, retries) => {
    await filter(filtered);
    const found = await scan(near, {
      engine: "epollEngine",
      batch: { addresses: [address], firstPort: 1, lastPort: 65_535, retries },
    });
    // ICMPv6 has one message for what nft calls admin-prohibited, and host-unreachable is its address-unreachable.
    expect(rangesOf(found, 1)).toEqual([
      "1-999 filtered no-answer",
      "1000-1594 closed connection-refused",
      "1595-19999 filtered no-answer",
      "20000-20029 open syn-ack",
      "20030-29999 filtered no-answer",
      "30000-30009 filtered prohibited",
      "30010-30019 filtered host-unreachable",
      "30020-30029 filtered network-unreachable",
      "30030-30039 closed connection-refused",
      "30040-30049 filtered prohibited",
      "30050-65535 filtered no-answer",
    ]);
    expect(found.tally.measuredLoss).toBe(0);
    expect(found.tally.repeated).toBe(retries === 0 ? 0 : 64_860);
    expect(found.leaked).toBeLessThanOrEqual(0);
  });

  test("the blocking engine leaves a filtered loopback to the other one", async () => {
    await filter(
      filtered
        .replaceAll("tcp dport", "iif lo tcp dport")
        .replace("meta l4proto tcp drop", "iif lo tcp dport 2000-2999 drop"),
    );
    const found = await scan(far, {
      engine: "blockingReuseEngine",
      batch: { addresses: ["127.0.0.1"], firstPort: 1000, lastPort: 20_100 },
    });
    expect(rangesOf(found, 1000)).toEqual([
      "1000-1999 closed connection-refused",
      "2000-2999 filtered no-answer",
      "3000-19999 closed connection-refused",
      "20000-20029 open syn-ack",
      "20030-20100 closed connection-refused",
    ]);
    expect(found.doors).toHaveLength(30);
  });

  test("derives repetitions from the loss that it measures", { timeout: 120_000 }, async () => {
    await filter(`table inet filter {
      chain input {
        type filter hook input priority 0; policy accept;
        meta l4proto tcp numgen random mod 100 < 5 drop
        tcp dport 40000-44999 drop
      }
      chain output {
        type filter hook output priority 0; policy accept;
        meta l4proto tcp numgen random mod 100 < 5 drop
      }
    }`);
    let wrong = 0;
    const runs = 5;
    for (let run = 0; run < runs; run++) {
      const found = await scan(near, {
        engine: "epollEngine",
        batch: { addresses: ["10.77.3.2"], firstPort: 1, lastPort: 65_535 },
      });
      found.outcomes.forEach((outcome, cell) => {
        const port = cell + 1;
        const { state } = portOutcomes[outcome]!;
        const isOpen = port >= 20_000 && port < 20_030;
        const right = isOpen ? "open" : port >= 40_000 && port < 45_000 ? "filtered" : "closed";
        if (state !== right) wrong++;
        // None may be open that is not.
        if (state === "open") expect(isOpen).toBe(true);
      });
      // 5 % each way are 9.75 % of the tries.
      expect(found.tally.measuredLoss).toBeGreaterThan(0.08);
      expect(found.tally.measuredLoss).toBeLessThan(0.115);
    }
    // One in 10,000.
    expect(wrong).toBeLessThanOrEqual((runs * 65_535) / 10_000);
  });

  test("stops within 200 ms of an abort, with nothing left open", async () => {
    await filter(filtered);
    const found = await scan(near, {
      engine: "epollEngine",
      abortAfterMs: 300,
      batch: { addresses: ["10.77.3.2"], firstPort: 1, lastPort: 65_535 },
    });
    expect(found.elapsedMs).toBeGreaterThan(290);
    expect(found.elapsedMs).toBeLessThan(500);
    expect(found.leaked).toBeLessThanOrEqual(0);
    expect(found.outcomes.indexOf(0)).toBeGreaterThan(-1);
  });

  test.each([
    ["epollEngine", "10.77.3.2", 500],
    ["epollEngine", "10.77.3.2", undefined],
    ["blockingReuseEngine", "127.0.0.1", undefined],
  ] as const)("%s loses no port of %s when files run out, window %s", async (engine, address, window) => {
    await filter(
      "table inet filter { chain input { type filter hook input priority 0; tcp dport 20100-20199 drop; }; }",
    );
    const found = await scan(
      address === "127.0.0.1" ? far : near,
      { engine, batch: { addresses: [address], firstPort: 19_000, lastPort: 21_000, ...(window && { window }) } },
      ["prlimit", "--nofile=64:64"],
    );
    expect(rangesOf(found, 19_000)).toEqual([
      "19000-19999 closed connection-refused",
      "20000-20029 open syn-ack",
      "20030-20099 closed connection-refused",
      "20100-20199 filtered no-answer",
      "20200-21000 closed connection-refused",
    ]);
    // Only a window that was asked for meets the limit.
    if (window === undefined) expect(found.tally.exhausted).toBe(0);
    else expect(found.tally.exhausted).toBeGreaterThan(0);
    expect(found.tally.widestWindow).toBeLessThan(64);
  });

  test("a network without a route, and a device that is not there", async () => {
    await filter("");
    const found = await scan(near, {
      engine: "epollEngine",
      batch: { addresses: ["192.0.2.1", "10.77.3.99", "10.77.3.2"], firstPort: 20_029, lastPort: 20_030, retries: 1 },
    });
    const states = [...found.outcomes].map((outcome) => portOutcomes[outcome]!);
    expect(states.map(({ state, reason }) => `${state} ${reason}`)).toEqual([
      "filtered network-unreachable",
      "filtered network-unreachable",
      "filtered no-answer",
      "filtered no-answer",
      "open syn-ack",
      "closed connection-refused",
    ]);
  });
});

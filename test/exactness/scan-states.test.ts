/**
 * @module Exact states: a device that is open, closed, dropped and rejected in parts, scanned with and without loss, and by nmap.
 *
 * The lossy scan is repeated three times; PORTOLAN_STATES_RUNS=20 in the environment repeats it twenty times.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PortSet } from "../../src/core/index.ts";
import type { StateSummary } from "../../src/scan/index.ts";
import { requireOrSkip, whyNoNetworkNamespaces, whyNoProgram } from "../support/netns.ts";
import { readNmapXml } from "../support/nmap-xml.ts";
import { createMixedHost, verdicts, verdictsByErrorNumber, type Fate, type MixedHost } from "./mixed-host.ts";
import { buildStatesBundle, type StatesBundle } from "./states-bundle.ts";
import type { StatesReport, StatesRequest } from "./states-child.ts";

const skip = requireOrSkip(
  "exact states in namespaces",
  whyNoNetworkNamespaces(),
  whyNoProgram("nft", "nftables"),
  whyNoProgram("python3", "python3"),
);
const skipNmap = requireOrSkip("states beside nmap's", whyNoProgram("nmap", "nmap"));

const lossyRuns = Number(process.env["PORTOLAN_STATES_RUNS"] ?? 3);
/** With loss nmap needs half a minute for a thousand ports. */
const lossyPeerPorts = lossyRuns > 3 ? 4096 : 512;
/** How long one scan may take, milliseconds. */
const deadlineMs = 180_000;
const lossPercent = 5;
const lastPort = 65_535;
const openCount = 30;

/** Every port's fate: 30 open and the others mixed at random, the same at each run. */
const fates: readonly Fate[] = Array.from({ length: lastPort + 1 }, (_, port) => chooseFate(port));

function chooseFate(port: number): Fate {
  if (port > 0 && port % Math.floor(lastPort / openCount) === 100) return "open";
  // The mixing steps of MurmurHash3: the fates of neighbours have nothing to do with each other.
  let mixed = Math.imul(port ^ (port >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  const share = ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  if (share < 0.5) return "closed";
  if (share < 0.75) return "dropped";
  if (share < 0.85) return "reset";
  if (share < 0.9) return "port-unreachable";
  return share < 0.95 ? "admin-prohibited" : "host-unreachable";
}

/** A port that a scan is wrong about. */
interface Mistake {
  readonly port: number;
  readonly fate: Fate;
  readonly said: string;
}

/** State and reason of each port as a scan told them. */
function verdictsByPort(states: readonly StateSummary[]): Map<number, string> {
  const said = new Map<number, string>();
  for (const { state, reason, ports } of states) {
    for (const port of PortSet.parse(ports)) {
      if (said.has(port)) throw new Error(`Port ${port} is in two states.`);
      said.set(port, `${state} ${reason}`);
    }
  }
  return said;
}

function mistakesOf(request: StatesRequest, report: StatesReport): Mistake[] {
  const said = verdictsByPort(report.states);
  expect(said.size).toBe(request.lastPort - request.firstPort + 1);
  const mistakes: Mistake[] = [];
  for (const [port, verdict] of said) {
    const fate = fates[port]!;
    const seen = request.engine === "node" ? verdictsByErrorNumber[fate] : undefined;
    const { state, reason } = seen ?? verdicts[request.transport][fate];
    if (verdict !== `${state} ${reason}`) mistakes.push({ port, fate, said: verdict });
  }
  const openPorts = [...said].filter(([, verdict]) => verdict.startsWith("open ")).map(([port]) => port);
  expect(report.doors.map(({ port }) => port)).toEqual(openPorts.toSorted((left, right) => left - right));
  expect(report.complete).toBe(true);
  return mistakes;
}

function describeRun(report: StatesReport): string {
  const engines = report.engines.map(({ name, tally }) => {
    const loss = tally.measuredLoss === null ? "unknown" : `${(tally.measuredLoss * 100).toFixed(1)} %`;
    return `${name}: ${tally.attempts} tries, loss ${loss}, window ${tally.widestWindow}`;
  });
  return `${report.elapsedMs} ms, event loop blocked at most ${report.longestBlockMs.toFixed(0)} ms; ${engines.join("; ")}`;
}

describe.skipIf(skip)("states of a device that is open, closed, dropped and rejected in parts", () => {
  let bundle: StatesBundle;

  beforeAll(async () => {
    bundle = await buildStatesBundle();
  });
  afterAll(() => {
    bundle.remove();
  });

  describe("without loss", () => {
    let host: MixedHost;

    beforeAll(async () => {
      host = await createMixedHost({ fates, lossPercent: 0 });
    });
    afterAll(async () => {
      await host.destroy();
    });

    const whole = { transport: "tcp", firstPort: 1, lastPort, engine: null, retries: null } as const;

    test.each([
      { title: "65,535 TCP ports over IPv4", version: 4, wish: whole },
      { title: "8,192 TCP ports over IPv6", version: 6, wish: { ...whole, lastPort: 8192 } },
      { title: "4,096 TCP ports without repetition", version: 4, wish: { ...whole, lastPort: 4096, retries: 0 } },
      { title: "4,096 TCP ports by node:net", version: 4, wish: { ...whole, lastPort: 4096, engine: "node" } },
      { title: "4,096 UDP ports over IPv4", version: 4, wish: { ...whole, transport: "udp", lastPort: 4096 } },
      { title: "one UDP port", version: 4, wish: { ...whole, transport: "udp", firstPort: 53, lastPort: 53 } },
      { title: "one UDP port more", version: 4, wish: { ...whole, transport: "udp", firstPort: 123, lastPort: 124 } },
      { title: "4,096 UDP ports over IPv6", version: 6, wish: { ...whole, transport: "udp", lastPort: 4096 } },
    ] as const)(
      "$title are exact, with their reasons",
      async ({ title, version, wish }) => {
        const request: StatesRequest = { ...wish, address: version === 4 ? host.ipv4 : host.ipv6 };
        const report = await bundle.scan(host.scanner, request, deadlineMs);
        console.log(`${title}: ${describeRun(report)}`);
        expect(mistakesOf(request, report)).toEqual([]);
      },
      deadlineMs + 10_000,
    );

    test.skipIf(skipNmap)(
      "nmap says the same of 4,096 ports, but where a filter answers by port-unreachable, which connect() hides from it",
      async () => {
        const request: StatesRequest = { ...whole, address: host.ipv4, lastPort: 4096 };
        expect(mistakesOf(request, await bundle.scan(host.scanner, request, deadlineMs))).toEqual([]);
        const startMs = performance.now();
        const peer = await scanByNmap(host, ["-T4"], 4096);
        console.log(`nmap -sT -T4: ${Math.round(performance.now() - startMs)} ms; ${countStates(peer)}`);
        expect(peer.size).toBe(4096);
        const differing = [...peer].filter(([port, state]) => state !== verdicts.tcp[fates[port]!].state);
        const refusals = fates.flatMap((fate, port) => (fate === "port-unreachable" && port <= 4096 ? [port] : []));
        expect(differing).toEqual(refusals.map((port) => [port, "closed"]));
      },
      2 * deadlineMs,
    );
  });

  describe(`with ${lossPercent} % loss each way`, () => {
    let host: MixedHost;

    beforeAll(async () => {
      host = await createMixedHost({ fates, lossPercent });
    });
    afterAll(async () => {
      await host.destroy();
    });

    test(
      `of ${lossyRuns} scans of 65,535 ports at most 1 port in 10,000 is wrong, and none wrongly open`,
      async () => {
        const request: StatesRequest = {
          address: host.ipv4,
          transport: "tcp",
          firstPort: 1,
          lastPort,
          engine: null,
          retries: null,
        };
        const mistakes: Mistake[] = [];
        for (let run = 1; run <= lossyRuns; run++) {
          const report = await bundle.scan(host.scanner, request, deadlineMs);
          const own = mistakesOf(request, report);
          console.log(`run ${run} of ${lossyRuns}: ${own.length} wrong, ${describeRun(report)}`);
          mistakes.push(...own);
        }
        const asked = lossyRuns * lastPort;
        const answering = lossyRuns * fates.slice(1).filter((fate) => fate !== "dropped").length;
        console.log(
          `${mistakes.length} wrong of ${asked} ports, ${answering} of which answer; ${JSON.stringify(mistakes.slice(0, 20))}`,
        );
        expect(mistakes.filter(({ said }) => said.startsWith("open"))).toEqual([]);
        // Of those that answer, which is less than of all: a dropped port cannot be missed.
        expect(mistakes.length).toBeLessThanOrEqual(answering / 10_000);
      },
      lossyRuns * deadlineMs + 10_000,
    );

    test.skipIf(skipNmap)(
      `no more of ${lossyPeerPorts} ports are wrong than nmap gets wrong`,
      async () => {
        const request: StatesRequest = {
          address: host.ipv4,
          transport: "tcp",
          firstPort: 1,
          lastPort: lossyPeerPorts,
          engine: null,
          retries: null,
        };
        const own = mistakesOf(request, await bundle.scan(host.scanner, request, deadlineMs));
        const peer = await scanByNmap(host, ["-T4"], lossyPeerPorts);
        // What connect() hides from nmap is not counted against it.
        const peerWrong = [...peer].filter(
          ([port, state]) => fates[port] !== "port-unreachable" && state !== verdicts.tcp[fates[port]!].state,
        );
        console.log(`with loss: ${own.length} wrong; nmap -sT -T4: ${peerWrong.length} wrong, ${countStates(peer)}`);
        expect(own.length).toBeLessThanOrEqual(peerWrong.length);
      },
      2 * deadlineMs,
    );
  });
});

function countStates(states: ReadonlyMap<number, string>): string {
  const counts = new Map<string, number>();
  for (const state of states.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
}

/** State of each port by nmap's connect scan. */
async function scanByNmap(host: MixedHost, words: readonly string[], last: number): Promise<Map<number, string>> {
  const folder = mkdtempSync(join(tmpdir(), "portolan-nmap-"));
  try {
    const path = join(folder, "scan.xml");
    await host.scanner.execIn("nmap", ["-n", "-Pn", "-sT", ...words, "-p", `1-${last}`, "-oX", path, host.ipv4], {
      timeoutMs: deadlineMs,
    });
    const [only] = readNmapXml(readFileSync(path, "utf8"));
    return new Map(
      (only?.ports ?? []).toSorted((left, right) => left.port - right.port).map(({ port, state }) => [port, state]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

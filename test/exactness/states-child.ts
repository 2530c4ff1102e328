/**
 * @module Scans one device from wherever it is started: for tests that scan from inside a network namespace. Bundled and run as
 * a program.
 *
 * Usage: node states-child.cjs JSON, where JSON is a `StatesRequest`. Prints a `StatesReport`.
 */
import { writeFileSync } from "node:fs";
import { PortSet } from "../../src/core/index.ts";
import { runScan, type FoundDoor, type ScanEngine, type ScanOutcome, type StateSummary } from "../../src/scan/index.ts";

/** What to scan, without asking what open doors are. */
export interface StatesRequest {
  readonly address: string;
  readonly transport: "tcp" | "udp";
  readonly firstPort: number;
  readonly lastPort: number;
  /** `null`: as a scan chooses. */
  readonly engine: ScanEngine["name"] | null;
  /** `null`: as a scan chooses. */
  readonly retries: number | null;
}

/** What came of it. */
export interface StatesReport {
  readonly states: readonly StateSummary[];
  readonly doors: readonly Pick<FoundDoor, "port" | "state" | "reason">[];
  readonly engines: ScanOutcome["engines"];
  readonly elapsedMs: number;
  readonly complete: boolean;
  /** Longest time that the event loop of the scanning program stood still, milliseconds. */
  readonly longestBlockMs: number;
}

async function main(): Promise<void> {
  const request = JSON.parse(process.argv[2] ?? "null") as StatesRequest;
  const ports = PortSet.range(request.firstPort, request.lastPort);
  let longestBlockMs = 0;
  let beatMs = performance.now();
  const heart = setInterval(() => {
    const nowMs = performance.now();
    longestBlockMs = Math.max(longestBlockMs, nowMs - beatMs - 1);
    beatMs = nowMs;
  }, 1);

  const outcome = await runScan(
    {
      targets: [
        { family: request.address.includes(":") ? "ipv6" : "ipv4", address: request.address, scopeId: 0, name: null },
      ],
      targetCount: 1,
      tcpPorts: request.transport === "tcp" ? ports : PortSet.empty,
      udpPorts: request.transport === "udp" ? ports : PortSet.empty,
      // All are named, so that printers' ports are asked too: there are none here.
      namedPorts: ports,
      identify: false,
      retries: request.retries,
      packetsPerSecond: null,
      engine: request.engine,
    },
    { signal: new AbortController().signal, nowMs: () => performance.now() },
  );
  clearInterval(heart);
  const report: StatesReport = {
    states: outcome.hosts.flatMap((host) => host.states),
    doors: outcome.hosts.flatMap((host) => host.doors.map(({ port, state, reason }) => ({ port, state, reason }))),
    engines: outcome.engines,
    elapsedMs: outcome.elapsedMs,
    complete: outcome.complete,
    longestBlockMs,
  };
  writeFileSync(1, JSON.stringify(report));
}

void main();

/**
 * @module Every probe against every real server: none takes a stranger for its own, and the order in which unknown ports are asked spares
 * each server the hellos that make it write to its log.
 */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { protocols } from "../../src/protocols/index.ts";
import { requireOrSkip, whyNoNetworkNamespaces } from "../support/netns.ts";
import { buildScanBundle, type Asker, type ScanBundle } from "../support/scan-bundle.ts";
import type { DoorAnswer } from "../support/scan-child.ts";
import { groupByNamespace, startHarbour, type Berth, type Harbour } from "./harbour.ts";

const skip = requireOrSkip("every probe against every server", whyNoNetworkNamespaces());

/** How long a server may take to write down what it did not like, milliseconds. */
const writingMs = 120;

interface Meeting {
  readonly berth: Berth;
  readonly probe: string;
  readonly answer: DoorAnswer;
  /** Lines that its log gained and that report something bad. */
  readonly noise: readonly string[];
}

describe.skipIf(skip)("the cross matrix", () => {
  let harbour: Harbour;
  let bundle: ScanBundle;
  const meetings: Meeting[] = [];

  /** Tries every probe on one server, one after another, so that its log can be read in between. */
  async function meet(asker: Asker, berth: Berth): Promise<void> {
    const { server, address, port } = berth;
    for (const transport of server.transports) {
      for (const { id, over, probe, datagram } of protocols) {
        if (over !== "transport" || probe === undefined || (transport === "udp" && datagram === undefined)) continue;
        const before = berth.logText().length;
        const answer = await asker.ask({
          address,
          transport,
          port,
          force: id,
          tls: server.tls === true && id !== "tls",
        });
        await delay(writingMs);
        const lines = berth.logText().slice(before).split("\n");
        meetings.push({ berth, probe: id, answer, noise: lines.filter((line) => server.logKinds.test(line)) });
      }
    }
  }

  beforeAll(async () => {
    bundle = await buildScanBundle();
    harbour = await startHarbour(undefined, { ports: "unusual" });
    const startedMs = performance.now();
    await Promise.all(
      [...groupByNamespace(harbour)].map(async ([namespace, berths]) => {
        const asker = bundle.start(namespace);
        await Promise.all(berths.map((berth) => meet(asker, berth)));
        await asker.end();
      }),
    );
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(`${meetings.length} conversations with ${harbour.berths.length} servers in ${seconds} s`);
    if (process.env["PORTOLAN_SHOW_NOISE"] === "1") showNoise();
  }, 600_000);
  afterAll(async () => {
    await harbour?.end();
    bundle?.remove();
  });

  /** Who writes to its log at whose hello: what the order of candidates.ts was made from. */
  function showNoise(): void {
    const byServer = new Map<string, string[]>();
    for (const { berth, probe, noise } of meetings) {
      if (noise.length > 0) byServer.set(berth.server.id, [...(byServer.get(berth.server.id) ?? []), probe]);
    }
    for (const [id, probes] of byServer) console.log(`${id}: ${probes.join(" ")}`);
  }

  test("every pair was tried", () => {
    expect(meetings.length).toBeGreaterThan(harbour.berths.length * 15);
  });

  test("no probe proves what is not there", () => {
    const wrong = meetings.flatMap(({ berth, probe, answer }) => {
      if (answer.verdict?.outcome !== "proved") return [];
      const { server } = berth;
      const right = [server.protocol, ...(server.alsoSpeaks ?? []), ...(server.tls === true ? ["tls"] : [])];
      return right.includes(probe) ? [] : [`${server.id}: ${probe} claims ${answer.verdict.evidence}`];
    });
    expect(wrong).toEqual([]);
  });
});

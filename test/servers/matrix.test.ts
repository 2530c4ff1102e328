/**
 * @module Every probe against every real server: none takes a stranger for its own.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { protocols } from "../../src/protocols/index.ts";
import { requireOrSkip, whyNoNetworkNamespaces } from "../support/netns.ts";
import { buildScanBundle, type ScanBundle } from "../support/scan-bundle.ts";
import type { AskedDoor, DoorAnswer } from "../support/scan-child.ts";
import { groupByNamespace, startHarbour, type Harbour } from "./harbour.ts";

const skip = requireOrSkip("every probe against every server", whyNoNetworkNamespaces());

/** Who truly speaks a second protocol at the same port. */
const alsoSpoken: Readonly<Record<string, readonly string[]>> = {
  http: ["tls", "http2", "websocket"],
  tls: ["tls"],
};

describe.skipIf(skip)("the cross matrix", () => {
  let harbour: Harbour;
  let bundle: ScanBundle;
  let answers: DoorAnswer[];

  beforeAll(async () => {
    bundle = await buildScanBundle();
    harbour = await startHarbour(undefined, { ports: "unusual" });
    const byNamespace = groupByNamespace(harbour);
    const startedMs = performance.now();
    const parts = await Promise.all(
      [...byNamespace].map(([namespace, berths]) => {
        const doors = berths.flatMap(({ server, address, port }) =>
          server.transports.flatMap((transport) => probesFor(transport, { address, port, tls: server.tls === true })),
        );
        return bundle.ask(namespace, doors, { atOnce: 48, timeoutMs: 300_000 });
      }),
    );
    answers = parts.flat();
    console.log(
      `${answers.length} conversations of ${protocols.length} protocols with ${harbour.berths.length} servers in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`,
    );
  }, 400_000);
  afterAll(async () => {
    await harbour?.end();
    bundle?.remove();
  });

  function probesFor(
    transport: "tcp" | "udp",
    place: { readonly address: string; readonly port: number; readonly tls: boolean },
  ): AskedDoor[] {
    return protocols
      .filter(
        ({ probe, over, datagram }) =>
          probe !== undefined && over === "transport" && (transport === "tcp" || datagram !== undefined),
      )
      .map(({ id }) => ({ ...place, transport, force: id }));
  }

  test("every pair was tried", () => {
    expect(answers.length).toBeGreaterThan(harbour.berths.length * 15);
  });

  test("no probe proves what is not there", () => {
    const wrong = answers.flatMap(({ door, verdict }) => {
      if (verdict?.outcome !== "proved") return [];
      const berth = harbour.berths.find(
        ({ address, port, server }) =>
          address === door.address && port === door.port && server.transports.includes(door.transport),
      )!;
      const right = [berth.server.protocol, ...(alsoSpoken[berth.server.protocol] ?? [])];
      return right.includes(door.force!) ? [] : [`${berth.server.id}: ${door.force} claims ${verdict.evidence}`];
    });
    expect(wrong).toEqual([]);
  });
});

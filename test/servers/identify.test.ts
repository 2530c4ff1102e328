/**
 * @module Real servers, each at its usual and at an unusual port: identified, named by the version they have, in one connection where
 * the port is the usual one, and with nothing bad in their logs.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireOrSkip, whyNoNetworkNamespaces } from "../support/netns.ts";
import { buildScanBundle, type ScanBundle } from "../support/scan-bundle.ts";
import type { DoorAnswer } from "../support/scan-child.ts";
import { groupByNamespace, readVersion, startHarbour, type Berth, type Harbour } from "./harbour.ts";
import { harbourServers } from "./servers.ts";

const skip = requireOrSkip("identification of real servers", whyNoNetworkNamespaces());

let bundle: ScanBundle;

beforeAll(async () => {
  if (!skip) bundle = await buildScanBundle();
});
afterAll(() => {
  bundle?.remove();
});

/** Asks every berth, each from inside its own namespace; answers by id and transport. */
async function askAll(harbour: Harbour): Promise<Map<string, DoorAnswer>> {
  const answers = new Map<string, DoorAnswer>();
  await Promise.all(
    [...groupByNamespace(harbour)].map(async ([namespace, berths]) => {
      const asker = bundle.start(namespace);
      const asked = berths.flatMap(({ server, address, port }) =>
        server.transports.map(async (transport) => {
          answers.set(`${server.id}/${transport}`, await asker.ask({ address, transport, port }));
        }),
      );
      await Promise.all(asked);
      await asker.end();
    }),
  );
  return answers;
}

/** Who needs more than one connection at the usual port, and why. */
const mostConnectionsAtUsualPort: Readonly<Record<string, number>> = {};

/**
 * Lines that a visit cannot avoid: each is told on the protocol's page. xrdp reports errors even about a connection that is closed
 * without a word.
 */
const unavoidable: Readonly<Record<string, { readonly line: RegExp; readonly most: number }>> = {
  mariadb: { line: /\[Warning\] Aborted connection \d+ to db: 'unconnected' user: 'unauthenticated'/, most: 1 },
  // Eight lines for that, or nine when it notices late.
  xrdp: { line: /\[ERROR\] /, most: 9 },
  rabbitmq: { line: /\[warning\] .*(?:closing AMQP connection|client unexpectedly closed TCP connection)/, most: 2 },
};

describe.skipIf(skip).each(["usual", "unusual", "unknown"] as const)("servers at %s ports", (ports) => {
  let harbour: Harbour;
  let answers: Map<string, DoorAnswer>;
  const before = new Map<Berth, number>();
  const cases = harbourServers.flatMap((server) =>
    server.transports.map((transport) => ({ name: `${server.id}/${transport}`, id: server.id })),
  );

  beforeAll(async () => {
    harbour = await startHarbour(undefined, { ports });
    for (const { id, reason } of harbour.missing) console.log(`not running: ${id}: ${reason}`);
    for (const berth of harbour.berths) before.set(berth, berth.logText().length);
    const startedMs = performance.now();
    answers = await askAll(harbour);
    const slowest = [...answers].toSorted(([, one], [, other]) => other.elapsedMs - one.elapsedMs).slice(0, 3);
    const times = slowest.map(([name, { elapsedMs }]) => `${name} ${(elapsedMs / 1000).toFixed(1)} s`).join(", ");
    console.log(
      `${answers.size} doors identified in ${((performance.now() - startedMs) / 1000).toFixed(1)} s, slowest: ${times}`,
    );
  }, 240_000);
  afterAll(() => harbour?.end());

  /** The berth of a server, or a skip that says why it does not run. */
  function berthOf(id: string, skipTest: (why: string) => void): Berth {
    const berth = harbour.berths.find(({ server }) => server.id === id);
    if (berth === undefined) skipTest(harbour.missing.find((one) => one.id === id)?.reason ?? "not started");
    return berth!;
  }

  test.for(cases)("$name is proved to be what it is", ({ name, id }, { skip: skipTest }) => {
    const { server } = berthOf(id, skipTest);
    const { layers, evidence, asked } = answers.get(name)!.answer!.identification!;
    // A web server that prefers HTTP/2 inside TLS is asked in that.
    const right = server.tls === true && server.protocol === "http" ? "http2" : server.protocol;
    expect({ name, layers: layers.map(({ protocol }) => protocol), evidence, asked }).toMatchObject({
      layers: expect.arrayContaining([right]) as unknown,
    });
    expect(layers.find(({ protocol }) => protocol === right)!.strength).toBe("strong");
    expect(layers[0]!.protocol === "tls").toBe(server.tls === true);
  });

  test.for(cases)("$name: product and version are its own or absent", async ({ name, id }, { skip: skipTest }) => {
    const { server } = berthOf(id, skipTest);
    const facts = answers.get(name)!.answer!.identification!.layers.flatMap((layer) => layer.facts);
    const products = facts.filter((fact) => fact.name === "product");
    for (const { value } of products)
      expect([name, String(value)]).toEqual([name, expect.stringMatching(server.products.product)]);
    const versions = facts.filter((fact) => fact.name === "version");
    if (versions.length === 0) return;
    const version = await readVersion(server);
    for (const { value } of versions) expect([name, value]).toEqual([name, version]);
  });

  test.for(ports === "usual" ? cases : [])("$name: one connection is enough", ({ name, id }, { skip: skipTest }) => {
    berthOf(id, skipTest);
    const { connections, asked } = answers.get(name)!.answer!.identification!;
    expect({ name, connections, asked }).toMatchObject({ connections: mostConnectionsAtUsualPort[name] ?? 1 });
  });

  // At a port that tells nothing some servers cannot be spared other protocols' hellos: docs/scanning.md names them.
  test.each(ports === "unknown" ? [] : harbourServers.map(({ id }) => id))("%s: its log stays quiet", async (id) => {
    const berth = harbour.berths.find(({ server }) => server.id === id);
    if (berth === undefined) return;
    // What it has to say about the connection it says when that ends; the servers are ended here, and their last words count too.
    const lines = berth.logText().slice(before.get(berth)).split("\n");
    const bad = lines.filter((line) => berth.server.logKinds.test(line));
    const known = unavoidable[id];
    const unavoided = bad.filter((line) => known?.line.test(line) === true);
    expect(unavoided.length, unavoided.join("\n")).toBeLessThanOrEqual(known?.most ?? 0);
    expect(bad.filter((line) => !unavoided.includes(line))).toEqual([]);
  });
});

/**
 * @module One address, many applications: four real programs at once on a device with two addresses, and another device
 * on its network. The chart names each of them, and every URL on it leads to the right one.
 */
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ListResult } from "../../src/operations/list.ts";
import type { WhoResult } from "../../src/operations/who.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath } from "../support/run-command.ts";
import { installDeadlineMs, installPrograms, programs, rootOf, startPrograms, type Program } from "./programs.ts";
import type { RunningPrograms } from "./programs.ts";

const skip = requireOrSkip("one address, many applications", whyNoNetworkNamespaces());

const ipv4 = ["10.203.1.2", "10.204.1.2"];
const ipv6 = ["fd00:203::2"];

/** Asks for every URL at once and prints `{url: answer}`: a body, or the code of the failure after an exclamation mark. */
const fetchAll = `
  const ask = async (url) => {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(15000) });
      return [url, await response.text()];
    } catch (error) {
      return [url, "!" + (error.cause?.code ?? error.name)];
    }
  };
  Promise.all(process.argv.slice(1).map(ask)).then((all) => console.log(JSON.stringify(Object.fromEntries(all))));
`;

describe.skipIf(skip)("one address, many applications", () => {
  let device: NetworkNamespace;
  let other: NetworkNamespace;
  let running: RunningPrograms | undefined;

  beforeAll(async () => {
    await installPrograms();
    other = await createNetworkNamespace();
    device = await createNetworkNamespace({
      addresses: ["10.203.1.2/24", "10.204.1.2/24", "fd00:203::2/64"],
      peer: other,
      peerAddresses: ["10.203.1.1/24", "10.204.1.1/24", "fd00:203::1/64"],
    });
    running = await startPrograms(device);
  }, installDeadlineMs + 60_000);

  afterAll(async () => {
    await running?.end();
    await device?.destroy();
    await other?.destroy();
  });

  /** Runs the built command on the device. */
  async function portolan(words: readonly string[], environment: Record<string, string> = {}): Promise<string> {
    const { stdout, stderr } = await device.execIn(process.execPath, [commandPath, ...words], { environment });
    expect(stderr).toBe("");
    return stdout;
  }

  async function list(): Promise<ListResult> {
    return JSON.parse(await portolan(["list", "--namespace", "own", "--json"])) as ListResult;
  }

  async function fetchFrom(namespace: NetworkNamespace, urls: readonly string[]): Promise<Record<string, string>> {
    const { stdout } = await namespace.execIn(process.execPath, ["-e", fetchAll, ...urls]);
    return JSON.parse(stdout) as Record<string, string>;
  }

  test("the chart names each program's framework, project and holder", async () => {
    const { services, complete, blindSpots } = await list();
    expect({ complete, blindSpots }).toEqual({ complete: true, blindSpots: [] });
    const told = services.map(({ port, transport, title, framework, project, supervisor, holders }) => ({
      port,
      transport,
      title: title?.value,
      framework: framework?.value.id,
      project: project?.value.name,
      root: project?.value.root,
      supervisor: supervisor?.value,
      folders: holders.known ? holders.value.map(({ workingDirectory }) => workingDirectory) : holders.why,
    }));
    expect(told).toEqual(
      programs.map((program) => ({
        port: program.port,
        transport: "tcp",
        title: program.framework.title,
        framework: program.framework.id,
        project: program.project,
        root: rootOf(program),
        supervisor: { kind: "npm", name: "start" },
        folders: [{ known: true, value: rootOf(program) }],
      })),
    );
  });

  test("the chart has a URL at every address, and none at an address where nobody answers", async () => {
    const { services } = await list();
    for (const program of programs) {
      const urls = services.find(({ port }) => port === program.port)?.urls ?? [];
      expect([...urls].sort(), program.project).toEqual(urlsOf(program).sort());
    }
  });

  test("each URL is answered by the right application, here and on the other device", async () => {
    const { services } = await list();
    const urls = services.flatMap((service) => service.urls);
    const remote = services.flatMap(({ reach }) =>
      reach.addresses.flatMap(({ url, audience }) => (url === null || audience === "this-machine" ? [] : [url])),
    );
    expect(remote).toHaveLength(3 + 3 + 3 + 2);
    const here = await fetchFrom(device, urls);
    const there = await fetchFrom(other, remote);
    for (const program of programs) {
      const own = urlsOf(program);
      for (const url of own) expectAnswer(program, url, here[url]);
      for (const url of own.filter((url) => remote.includes(url))) expectAnswer(program, url, there[url]);
    }
  });

  test("where the chart shows no way, there is none", async () => {
    const { services } = await list();
    const inward = services.flatMap(({ reach }) =>
      reach.addresses.flatMap(({ url, audience }) => (url !== null && audience === "this-machine" ? [url] : [])),
    );
    expect(inward).toHaveLength(2 + 2 + 2 + 1);
    // A loopback address leads the other device to itself, and Live Server takes no IPv6.
    const closed = [...inward, ...ipv6.map((address) => `http://[${address}]:5500/`)];
    expect(await fetchFrom(other, closed)).toEqual(Object.fromEntries(closed.map((url) => [url, "!ECONNREFUSED"])));
  });

  test("who tells the whole story of one port, with the client that is connected now", async () => {
    const call = `const s = require("node:net").connect(5173, "10.204.1.2", () => console.log(s.localPort)); s.resume();`;
    const client = other.spawnIn(process.execPath, ["-e", call], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(client.stdout!.setEncoding("utf8"), "data")) as [string];
    const { ports } = JSON.parse(await portolan(["who", "5173", "--namespace", "own", "--json"])) as WhoResult;
    const closed = once(client, "close");
    client.kill("SIGKILL");
    await closed;
    expect(ports).toHaveLength(1);
    const [asked] = ports;
    const service = asked?.services[0];
    expect(asked).toMatchObject({ port: 5173, free: { tcp: false, udp: true } });
    expect(asked?.conventions.map(({ title }) => title)).toContain("Vite dev server");
    expect(service?.framework?.value.id).toBe("vite");
    expect(service?.project?.value.name).toBe("harbour-vite");
    expect(service?.parents.slice(0, 2).map(({ name }) => name)).toEqual([
      { known: true, value: "sh" },
      { known: true, value: "npm start" },
    ]);
    expect(service?.clients).toContainEqual(
      expect.objectContaining({
        remote: { address: "10.204.1.1", port: Number(line) },
        local: { address: "10.204.1.2", port: 5173 },
        state: "ESTABLISHED",
      }),
    );
  });

  test.each([40, 120])("the page fits a terminal of %i columns", async (columns) => {
    const page = await portolan(["list", "--namespace", "own"], { COLUMNS: String(columns) });
    const lines = page.split("\n");
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(columns);
    const rows = lines.filter((line) => /^\d+\//.test(line));
    expect(rows.map((row) => Number.parseInt(row, 10))).toEqual(programs.map(({ port }) => port));
    for (const [index, { framework, project, port }] of programs.entries()) {
      // A narrow page may cut a name short, but not so far that nobody knows it.
      expect(rows[index]).toContain(columns === 40 ? framework.title.slice(0, 6) : framework.title);
      if (columns === 40) continue;
      expect(rows[index]).toContain(project);
      expect(rows[index]).toContain(`http://10.203.1.2${port === 80 ? "" : `:${port}`}/`);
    }
  });
});

/** The URLs at which a program must be found, by hand. */
function urlsOf({ port, ipv6: takesIpv6 }: Program): string[] {
  const hosts = ["127.0.0.1", ...ipv4, ...(takesIpv6 ? ["::1", ...ipv6].map((address) => `[${address}]`) : [])];
  return hosts.map((host) => `http://${host}${port === 80 ? "" : `:${port}`}/`);
}

function expectAnswer({ project, marks }: Program, url: string, answer: string | undefined): void {
  for (const mark of marks) expect(answer, `${project} at ${url}`).toMatch(mark);
}

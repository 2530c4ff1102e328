/**
 * @module Every network namespace that the caller may see: by netlink as root, by the processes' tables as an ordinary user and without
 * FFI; each listener in its own, and none as more public than it is.
 */
import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ListResult } from "../../src/operations/list.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath } from "../support/run-command.ts";

/** Listens at each `address:port` and says so. */
const listenProgram = `
  const { createServer } = require("node:net");
  const doors = process.argv.slice(1);
  let open = 0;
  for (const door of doors) {
    const at = door.lastIndexOf(" ");
    createServer().listen({ host: door.slice(0, at), port: Number(door.slice(at + 1)) }, () => {
      if (++open === doors.length) console.log("ready");
    });
  }
`;

const port = 7321;
type Row = ListResult["services"][number];

describe.skipIf(requireOrSkip("other namespaces", whyNoNetworkNamespaces()))("other network namespaces", () => {
  let home: NetworkNamespace;
  let blue: NetworkNamespace;
  let red: NetworkNamespace;
  let empty: NetworkNamespace;
  const children: ChildProcess[] = [];

  async function listen(namespace: NetworkNamespace, ...doors: string[]): Promise<number> {
    const child = namespace.spawnIn(process.execPath, ["-e", listenProgram, ...doors], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    await once(child.stdout!, "data");
    return child.pid!;
  }

  beforeAll(async () => {
    home = await createNetworkNamespace();
    blue = await createNetworkNamespace({ addresses: ["10.92.1.2/24"], peer: home, peerAddresses: ["10.92.1.1/24"] });
    // Its other end is in the same namespace: nobody here can see where its network leads.
    red = await createNetworkNamespace({ addresses: ["10.92.2.2/24"] });
    empty = await createNetworkNamespace();
    await listen(home, `127.0.0.1 ${port}`);
    await listen(blue, `0.0.0.0 ${port}`, `127.0.0.1 ${port + 1}`);
    await listen(red, `:: ${port}`, `10.92.2.2 ${port + 1}`);
  });

  afterAll(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    for (const namespace of [home, blue, red, empty]) await namespace?.destroy();
  });

  async function list(words: readonly string[] = [], prefix: readonly string[] = []): Promise<ListResult> {
    const command = [...prefix, process.execPath, commandPath, "list", `${port}-${port + 1}`, "--json", ...words];
    return JSON.parse((await home.execIn(command[0]!, command.slice(1))).stdout) as ListResult;
  }

  const asNobody = ["setpriv", "--reuid=65534", "--clear-groups"];
  const doorsOf = (rows: readonly Row[]): unknown[] =>
    rows.map((row) => [row.networkNamespace?.names[0] ?? null, row.port, row.addresses.join(), row.reach.scope]).sort();

  test.each([
    ["netlink", []],
    ["proc", ["--reader", "proc"]],
  ])("as root by %s: two services on one port in two namespaces are two rows", async (reader, words) => {
    const result = await list(words);
    expect(doorsOf(result.services)).toEqual(
      [
        [null, port, "127.0.0.1", "machine"],
        [blue.name, port, "0.0.0.0", "machine"],
        [blue.name, port + 1, "127.0.0.1", "namespace"],
        [red.name, port, "[::]", "networks"],
        [red.name, port + 1, "10.92.2.2", "networks"],
      ].sort(),
    );
    expect(result.reader).toBe(reader);
    for (const { holders, networkNamespace } of result.services) {
      expect(holders.known && holders.value.length).toBe(1);
      if (networkNamespace !== null) expect(networkNamespace.id).toMatchObject({ known: true });
    }
    const rows = result.services.filter(({ networkNamespace }) => networkNamespace?.names[0] === red.name);
    // Nothing tells who is at the other end of that wire.
    for (const { reach } of rows) {
      const outside = reach.addresses.filter(({ address }) => address.startsWith("10."));
      expect(outside.map(({ certain }) => certain)).toEqual([false]);
    }
  });

  test("an ordinary user sees the same doors, though neither numbers nor names", async () => {
    const result = await list([], asNobody);
    expect(doorsOf(result.services)).toEqual(
      [
        [null, port, "127.0.0.1", "machine"],
        [null, port, "0.0.0.0", "machine"],
        [null, port + 1, "127.0.0.1", "namespace"],
        [null, port, "[::]", "networks"],
        [null, port + 1, "10.92.2.2", "networks"],
      ].sort(),
    );
    const others = result.services.filter(({ networkNamespace }) => networkNamespace !== null);
    expect(others.map(({ networkNamespace }) => networkNamespace?.id)).toEqual(
      others.map(() => ({ known: false, why: "permission" })),
    );
  });

  test("whatever else lies beside the names of namespaces is left alone", async () => {
    const script =
      "mount -t tmpfs none /run && mkdir /run/netns && mkfifo /run/netns/pipe && ln -s /nowhere /run/netns/dangling && " +
      'ln -s /proc/1/ns/net /run/netns/linked && touch /run/netns/plain && mkdir /run/netns/folder && exec "$@"';
    for (const prefix of [[], asNobody]) {
      const { stdout } = await home.execIn("unshare", [
        "-m",
        "sh",
        "-c",
        script,
        "sh",
        ...prefix,
        process.execPath,
        commandPath,
        "list",
        String(port),
        "--json",
      ]);
      expect((JSON.parse(stdout) as ListResult).services.length).toBeGreaterThanOrEqual(3);
    }
  });

  test("--namespace narrows", async () => {
    expect(doorsOf((await list(["--namespace", "own"])).services)).toEqual([[null, port, "127.0.0.1", "machine"]]);
    expect((await list(["--namespace", blue.name])).services).toHaveLength(2);
    expect((await list(["--namespace", "nowhere"])).services).toHaveLength(0);
  });

  test("loopback of another namespace has no URL, an address that this machine reaches has", async () => {
    const [inside] = (await list(["--namespace", blue.name])).services;
    expect(inside?.reach.addresses.map(({ address, url }) => [address, url !== null]).sort()).toEqual([
      ["10.92.1.2", false],
      ["127.0.0.1", false],
    ]);
    const page = await home.execIn(process.execPath, [commandPath, "who", String(port)], {
      environment: { COLUMNS: "100" },
    });
    expect(page.stdout).toContain(`another network namespace, ${blue.name} net:[`);
  });

  test("a namespace that ends meanwhile is left out, and the rest is told", async () => {
    const passing = await createNetworkNamespace();
    try {
      const pid = await listen(passing, `127.0.0.1 ${port}`);
      const child = children.find((candidate) => candidate.pid === pid)!;
      const looks = Array.from({ length: 6 }, () => list());
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      for (const { services, complete } of await Promise.all(looks)) {
        expect(complete).toBe(true);
        expect(services.length).toBeGreaterThanOrEqual(5);
      }
    } finally {
      await passing.destroy();
    }
  });
});

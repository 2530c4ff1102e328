/**
 * @module 2,000 listeners in 50 processes and 20,000 connections: all readers, `ss` and the truth say the same of every
 * socket and every holder, as root and as an ordinary user, but for what a reader states that it cannot tell.
 */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readerCapabilities, type ReaderFact } from "../../src/host/index.ts";
import type { SnapshotRequest } from "../../src/index.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  whyNoProgram,
  type NetworkNamespace,
} from "../support/netns.ts";
import { startPopulation, type Population } from "../support/population.ts";
import { differences, parseSs, rowsOfDump, rowsOfTruth, type Dump, type DumpedSocket } from "./socket-rows.ts";

const dumpProgram = fileURLToPath(new URL("../support/dump-host.mjs", import.meta.url));
const nobody = 65_534;
const asNobody = ["--reuid", String(nobody), "--regid", String(nobody), "--clear-groups", "--"];
/** An ordinary user's own listener, below the population's ports. */
const ownPort = 9001;
const readers = ["netlink", "proc", "lsof"] as const;
type Reader = (typeof readers)[number];
const skip = requireOrSkip(
  "exactness with 2,000 listeners",
  whyNoNetworkNamespaces(),
  whyNoProgram("ss", "iproute2"),
  whyNoProgram("lsof", "lsof"),
  whyNoProgram("setpriv", "util-linux"),
  whyNoProgram("python3", "python3"),
);

describe.skipIf(skip)("2,000 listeners and 20,000 connections", () => {
  let namespace: NetworkNamespace;
  let population: Population;
  let ownPid: number;

  beforeAll(async () => {
    namespace = await createNetworkNamespace();
    population = await startPopulation({ timeWait: 200, namespace });
    const listen = `require("node:net").createServer().listen(${ownPort}, "127.0.0.1", () => console.log("up"));`;
    const words = [...asNobody, process.execPath, "-e", listen];
    const own = namespace.spawnIn("setpriv", words, { stdio: ["ignore", "pipe", "inherit"], cwd: "/" });
    await once(own.stdout!, "data");
    ownPid = own.pid!;
  });
  afterAll(async () => {
    await population.stop();
    await namespace.destroy();
  });

  async function look(request: SnapshotRequest & { reader: Reader }, prefix: readonly string[] = []): Promise<Dump> {
    const [command = "", ...words] = [...prefix, process.execPath, dumpProgram, JSON.stringify(request)];
    return JSON.parse((await namespace.execIn(command, words)).stdout) as Dump;
  }
  const tells = (reader: Reader, fact: ReaderFact): boolean => readerCapabilities[reader][fact].tells === "yes";
  const listening = (sockets: readonly DumpedSocket[]): DumpedSocket[] =>
    sockets.filter((socket) => ["LISTEN", "UNCONNECTED"].includes(socket.state) && socket.local.port !== ownPort);

  test("all readers and ss agree on every socket and holder, and with the truth", async () => {
    const netlink = await look({ reader: "netlink", states: "all" });
    const proc = await look({ reader: "proc", states: "all" });
    const lsof = await look({ reader: "lsof", states: "all" });
    const ss = parseSs((await namespace.execIn("ss", ["-Htunape"])).stdout);
    for (const [place, dump] of [netlink, proc, lsof].entries()) {
      const reader = readers[place]!;
      expect(dump).toMatchObject({ reader, complete: true, holdersComplete: true });
      expect(dump.blindSpots.filter((spot) => spot.what === "holders")).toEqual([]);
      const timeWait = tells(reader, "timeWait");
      const comparable = ss.filter((row) => timeWait || row.state !== "TIME_WAIT");
      expect(dump.sockets, reader).toHaveLength(2000 + 40_000 + (timeWait ? 200 : 0) + 1);
      expect(differences(rowsOfDump(dump.sockets), comparable), reader).toEqual([]);
      expect(differences(rowsOfDump(listening(dump.sockets)), rowsOfTruth(population.listeners)), reader).toEqual([]);
    }

    const hubPids = new Map(population.hubs.map((hub) => [hub.port, hub.pid]));
    for (const socket of netlink.sockets.filter((one) => one.state === "ESTABLISHED")) {
      const pid = hubPids.get(socket.local.port) ?? hubPids.get(socket.remote!.port);
      expect(socket.holders).toEqual({ known: true, value: [{ pid, fileDescriptors: [expect.any(Number)] }] });
    }
    for (const socket of netlink.sockets.filter((one) => one.state === "TIME_WAIT")) {
      expect(socket).toMatchObject({ inode: 0, holders: { known: true, value: [] } });
    }
  });

  test("netlink knows v6only, backlog and queues as ss does; /proc and lsof say what they cannot know", async () => {
    const netlink = await look({ reader: "netlink", holders: "none" });
    const proc = await look({ reader: "proc", holders: "none" });
    const lsof = await look({ reader: "lsof", holders: "none" });
    const ss = new Map(parseSs((await namespace.execIn("ss", ["-Htunlpe"])).stdout).map((row) => [row.inode, row]));
    const truth = new Map(population.listeners.map((listener) => [listener.inode, listener]));
    for (const socket of listening(netlink.sockets)) {
      const row = ss.get(socket.inode)!;
      const v6only = socket.v6only === null ? null : socket.v6only.known && socket.v6only.value;
      expect([v6only, socket.uid, socket.receiveQueue], row.local).toEqual([row.v6only, row.uid, row.receiveQueue]);
      expect(v6only, row.local).toBe(truth.get(socket.inode)!.v6only);
      expect(socket.sendQueue, row.local).toEqual({ known: true, value: row.sendQueue });
      expect(socket.boundInterface).toEqual({ known: true, value: null });
    }
    for (const socket of [...listening(proc.sockets), ...listening(lsof.sockets)]) {
      const cannot = { known: false, why: "unsupported" };
      expect(socket.v6only).toEqual(socket.family === "ipv4" ? null : cannot);
      expect(socket.boundInterface).toEqual(cannot);
      if (socket.transport === "tcp") expect(socket.sendQueue).toEqual(cannot);
    }
    for (const dump of [netlink, proc, lsof]) expect(listening(dump.sockets)).toHaveLength(2000);
  });

  test.each(readers)("%s: the quick search finds a true holder of every socket", async (reader) => {
    const { sockets } = await look({ reader, holders: "first" });
    const truth = new Map(population.listeners.map((listener) => [listener.inode, listener.holders]));
    expect(listening(sockets)).toHaveLength(2000);
    for (const { inode, holders } of listening(sockets)) {
      const found = holders.known ? holders.value.map((holder) => holder.pid) : [];
      expect(found.length).toBeGreaterThan(0);
      const pids = new Set(truth.get(inode)!.map((holder) => holder.pid));
      expect(found.every((pid) => pids.has(pid))).toBe(true);
    }
  });

  test.each(readers)(
    "%s: an ordinary user sees every socket that its reader states, and its own holders only",
    async (reader) => {
      const all = await look({ reader, states: "all" });
      const seen = await look({ reader, states: "all" }, ["setpriv", ...asNobody]);
      expect(seen).toMatchObject({ complete: true, holdersComplete: false });
      const unseen = tells(reader, "otherUsersSockets") ? "holders" : "sockets";
      expect(seen.blindSpots).toContainEqual(expect.objectContaining({ what: unseen, why: "permission" }));
      const expected = rowsOfDump(all.sockets).flatMap((row) => {
        if (!tells(reader, "otherUsersSockets")) return row.local === `127.0.0.1 ${ownPort}` ? row : [];
        if (row.state === "TIME_WAIT" || row.local === `127.0.0.1 ${ownPort}`) return row;
        return { ...row, holders: "?permission" };
      });
      expect(differences(rowsOfDump(seen.sockets), expected)).toEqual([]);
      const own = seen.sockets.find((socket) => socket.local.port === ownPort);
      expect(own?.holders).toMatchObject({ known: true, value: [{ pid: ownPid }] });
      expect(own?.uid).toBe(nobody);
    },
  );
});

/**
 * @module Whether a server listens, as the kernel tells it: a connection would be the server's first visitor, and could be logged.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { NetworkNamespace } from "../support/netns.ts";
import type { Transport } from "./server.ts";

/** TCP_LISTEN, and what an unconnected UDP socket shows (Linux, include/net/tcp_states.h). */
const stateOf = { tcp: "0A", udp: "07" } as const;

const anchors = new WeakMap<NetworkNamespace, Promise<string>>();

/** Folder of `/proc` with the tables of a namespace's sockets. */
export async function findSocketTables(namespace: NetworkNamespace | undefined): Promise<string> {
  if (namespace === undefined) return "/proc/self/net";
  const known = anchors.get(namespace) ?? anchorIn(namespace);
  anchors.set(namespace, known);
  return await known;
}

/** The kernel shows a namespace's tables to whoever reads them through one of its processes. This one ends with the namespace. */
async function anchorIn(namespace: NetworkNamespace): Promise<string> {
  const anchor = namespace.spawnIn("cat", [], { stdio: ["pipe", "pipe", "ignore"] });
  anchor.unref();
  // Only once it answers is it `cat` in the namespace, and no longer `ip` on its way there.
  anchor.stdin?.write("ready\n");
  await Promise.race([once(anchor.stdout!, "data"), once(anchor, "error").then(([error]) => Promise.reject(error))]);
  return `/proc/${anchor.pid}/net`;
}

/** Whether a socket takes connections, or datagrams, to an address and port: bound to the address or to all of them. */
export function isListening(tables: string, transport: Transport, address: string, port: number): boolean {
  const ports = port.toString(16).toUpperCase().padStart(4, "0");
  const bytes = address.split(".").toReversed();
  const local = bytes.map((byte) => Number(byte).toString(16).toUpperCase().padStart(2, "0")).join("");
  return (
    new RegExp(`^ *\\d+: (?:${local}|0{8}):${ports} 0{8}:0000 ${stateOf[transport]} `, "m").test(
      readFileSync(`${tables}/${transport}`, "latin1"),
    ) ||
    new RegExp(`^ *\\d+: (?:0{32}|0{16}FFFF0000${local}):${ports} 0{32}:0000 ${stateOf[transport]} `, "m").test(
      readSixth(tables, transport),
    )
  );
}

/** Absent where IPv6 is switched off. */
function readSixth(tables: string, transport: Transport): string {
  try {
    return readFileSync(`${tables}/${transport}6`, "latin1");
  } catch {
    return "";
  }
}

/** Ports at which something takes connections, over IPv4. */
export function listListeningPorts(tables: string): ReadonlySet<number> {
  const rows = readFileSync(`${tables}/tcp`, "latin1").matchAll(/^ *\d+: [0-9A-F]{8}:([0-9A-F]{4}) 0{8}:0000 0A /gm);
  return new Set(Array.from(rows, ([, port = ""]) => Number.parseInt(port, 16)));
}

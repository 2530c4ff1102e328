import { expect, test } from "vitest";
import type { ListedConnection } from "../../../src/operations/connections.ts";
import type { InterfacesResult } from "../../../src/operations/interfaces.ts";
import { journeyOf, tripOf } from "./journey.ts";

const end = {
  networkNamespace: null,
  state: "ESTABLISHED",
  inode: 77,
  uid: 0,
  receiveQueue: 3,
  sendQueue: { known: true, value: 0 },
  holders: { known: true, value: [{ pid: 812, name: { known: true, value: "post\u001bgres" } }] },
  traffic: { known: false, why: "unsupported" },
} as const;

const incoming = {
  ...end,
  transport: "tcp",
  family: "ipv4",
  direction: "in",
  local: { address: "192.168.1.8", port: 5432 },
  remote: { address: "192.168.1.20", port: 51_000 },
  boundInterface: { known: true, value: null },
  peer: null,
  servicePort: 5432,
  service: null,
  sent: 1000,
  received: 20,
  roundTripMicroseconds: 1500,
  idleMs: 5,
  since: { known: false, why: "unsupported" },
} as unknown as ListedConnection;

const interfaces = [
  { name: "wlan0", loopback: false, addresses: [{ address: "192.168.1.8" }] },
  { name: "lo", loopback: true, addresses: [{ address: "127.0.0.1" }] },
] as unknown as InterfacesResult["interfaces"];

test("a client of the network is followed with its own numbers", () => {
  const stops = journeyOf(tripOf(incoming, 5432), interfaces);
  expect(stops.map(({ sign }) => sign)).toEqual([
    "192.168.1.20:51000",
    "wlan0",
    "192.168.1.8:5432",
    "4 numbers → socket",
    "inode 77",
    "pid 812",
    "5432 → 51000",
  ]);
  expect(stops[4]!.text).toMatch("20 B came from the client and 1 kB went back; there and back takes about 1.5 ms");
  expect(stops.map(({ text }) => text).join()).not.toContain("\u001b");
});

test("of a connection within the machine the called end is the service, wherever the row has it", () => {
  const local = {
    ...incoming,
    direction: "local",
    local: { address: "127.0.0.1", port: 51_000 },
    remote: { address: "127.0.0.1", port: 5432 },
    peer: { ...end, family: "ipv4", inode: 78 },
  } as unknown as ListedConnection;
  const trip = tripOf(local, 5432);
  expect([trip.caller.port, trip.called.port]).toEqual([51_000, 5432]);
  const stops = journeyOf(trip, interfaces);
  expect(stops[0]!.ports).toEqual([51_000]);
  expect(stops[1]!.text).toMatch("never leaves the house");
  expect(stops[4]!.sign).toBe("inode 78");
});

import { expect, test } from "vitest";
import type { InterfacesResult } from "../../../src/operations/interfaces.ts";
import type { ListedService } from "../../../src/operations/schemas.ts";
import { describeStreet, streetsOf } from "./doors-by-street.ts";

const networkInterface = (name: string, address: string, loopback = false): InterfacesResult["interfaces"][number] =>
  ({ name, loopback, addresses: [{ address, audience: loopback ? "this-machine" : "private-network" }] }) as never;
const service = (port: number, addresses: readonly [string, string][]): ListedService =>
  ({ port, reach: { addresses: addresses.map(([address, interfaceName]) => ({ address, interfaceName })) } }) as never;

test("each street has the doors that answer at its addresses", () => {
  const streets = streetsOf(
    [
      networkInterface("lo", "127.0.0.1", true),
      networkInterface("docker0", "172.17.0.1"),
      networkInterface("wlan0", "192.168.1.8"),
    ],
    [
      service(3000, [["127.0.0.1", "lo"]]),
      service(5500, [
        ["127.0.0.1", "lo"],
        ["192.168.1.8", "wlan0"],
      ]),
    ],
  );
  expect(streets.map(({ networkInterface: { name }, doors }) => [name, doors.map(({ port }) => port)])).toEqual([
    ["wlan0", [5500]],
    ["docker0", []],
    ["lo", [3000, 5500]],
  ]);
  expect(streets.map(describeStreet)).toEqual([
    "A phone or a computer on this network can knock at these doors.",
    "No door opens on to it.",
    "The inner yard: only programs on this machine come here.",
  ]);
});

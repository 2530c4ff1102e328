/**
 * @module Lines of the kernel's routing tables as Linux 6 wrote them.
 */
import { expect, test } from "vitest";
import { readIpv4Route, readIpv6Route } from "./routing-table.ts";

test("IPv4", () => {
  expect(readIpv4Route("eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0")).toEqual([
    { family: "ipv4", network: "0.0.0.0/0", interfaceName: "eth0", gateway: "172.17.0.1", rejects: false },
  ]);
  expect(readIpv4Route("lan0\t00045D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0")).toEqual([
    { family: "ipv4", network: "10.93.4.0/24", interfaceName: "lan0", gateway: null, rejects: false },
  ]);
  expect(readIpv4Route("*\t0000A8C0\t00000000\t0201\t0\t0\t0\t0000FFFF\t0\t0\t0")[0]).toMatchObject({
    network: "192.168.0.0/16",
    rejects: true,
  });
  for (const line of ["", "Iface Destination Gateway", "lan0\t00045D0A\t00000000\t0000\t0\t0\t0\t00FFFFFF"])
    expect(readIpv4Route(line)).toEqual([]);
});

test("IPv6", () => {
  const nothing = "0".repeat(32);
  const network = `fd000077${"0".repeat(24)}`;
  expect(readIpv6Route(`${network} 40 ${nothing} 00 ${nothing} 00000100 00000001 00000000 00000001     lan0`)).toEqual([
    { family: "ipv6", network: "fd00:77::/64", interfaceName: "lan0", gateway: null, rejects: false },
  ]);
  const gateway = `fe80${"0".repeat(27)}1`;
  expect(
    readIpv6Route(`${nothing} 00 ${nothing} 00 ${gateway} 00000400 00000001 00000000 00000003     eth0`)[0],
  ).toMatchObject({
    network: "::/0",
    gateway: "fe80::1",
  });
  // The end of the table, an own address, and nonsense.
  expect(readIpv6Route(`${nothing} 00 ${nothing} 00 ${nothing} ffffffff 00000001 00000000 00200200       lo`)).toEqual(
    [],
  );
  expect(readIpv6Route(`${network} 80 ${nothing} 00 ${nothing} 00000000 00000002 00000000 80200001     lan0`)).toEqual(
    [],
  );
  expect(readIpv6Route("nonsense")).toEqual([]);
});

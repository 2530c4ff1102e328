/** Texts after ifconfig(8) and netstat(1) of the systems: not run there. */
import { describe, expect, test } from "vitest";
import { known, unknown } from "../../core/index.ts";
import { parseDefaultRoutes, parseIfconfig } from "./ifconfig.ts";

const macos = `lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 16384
	options=1203<RXCSUM,TXCSUM,TXSTATUS,SW_TIMESTAMP>
	inet 127.0.0.1 netmask 0xff000000
	inet6 ::1 prefixlen 128 
	inet6 fe80::1%lo0 prefixlen 64 scopeid 0x1 
	nd6 options=201<PERFORMNUD,DAD>
gif0: flags=8010<POINTOPOINT,MULTICAST> mtu 1280
en0: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500
	options=6460<TSO4,TSO6,CHANNEL_IO,PARTIAL_CSUM,ZEROINVERT_CSUM>
	ether A4:83:e7:01:02:03
	inet6 fe80::1c2b:3ab1:b7e2:9c01%en0 prefixlen 64 secured scopeid 0xb 
	inet 192.168.1.23 netmask 0xffffff00 broadcast 192.168.1.255
	inet6 2001:db8::7 prefixlen 64 autoconf secured 
	inet6 2001:db8::8 prefixlen 64 duplicated 
	media: autoselect
	status: active
en5: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500
	ether ac:de:48:00:11:22
	media: autoselect (<unknown type>)
	status: inactive
utun0: flags=8051<UP,POINTOPOINT,RUNNING,MULTICAST> mtu 1380
	inet 10.8.0.2 --> 10.8.0.1 netmask 0xffffffff
	inet6 fe80::5d40:bc40:6dd1:9a11%utun0 prefixlen 64 scopeid 0xf 
`;

const macosRoutes = `Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            192.168.1.1        UGScg                 en0       
default            link#20            UCSIg           bridge100      !
127                127.0.0.1          UCS                   lo0       
`;

describe("macOS", () => {
  const routes = { ipv4: parseDefaultRoutes(macosRoutes), ipv6: undefined };
  const interfaces = parseIfconfig(macos, routes);
  const byName = new Map(interfaces.map((device) => [device.name, device]));

  test("interfaces with their addresses", () => {
    expect([...byName.keys()]).toEqual(["lo0", "gif0", "en0", "en5", "utun0"]);
    expect(byName.get("lo0")).toEqual({
      name: "lo0",
      index: known(1),
      up: known(true),
      loopback: true,
      hardwareAddress: known(null),
      mtuBytes: known(16_384),
      addresses: [
        { address: "127.0.0.1", family: "ipv4", prefixLength: 8 },
        { address: "::1", family: "ipv6", prefixLength: 128 },
        { address: "fe80::1", family: "ipv6", prefixLength: 64 },
      ],
      defaultRoute: { ipv4: known(false), ipv6: unknown("unsupported") },
    });
    expect(byName.get("en0")).toMatchObject({
      index: known(11),
      up: known(true),
      loopback: false,
      hardwareAddress: known("a4:83:e7:01:02:03"),
      addresses: [
        { address: "fe80::1c2b:3ab1:b7e2:9c01", prefixLength: 64 },
        { address: "192.168.1.23", prefixLength: 24 },
        { address: "2001:db8::7", prefixLength: 64 },
      ],
      defaultRoute: { ipv4: known(true) },
    });
    expect(byName.get("utun0")?.addresses[0]).toEqual({ address: "10.8.0.2", family: "ipv4", prefixLength: 32 });
  });

  test("down, or up without a signal, is not up", () => {
    expect(["gif0", "en5", "utun0"].map((name) => byName.get(name)?.up)).toEqual([
      known(false),
      known(false),
      known(true),
    ]);
    expect(byName.get("gif0")?.index).toEqual(unknown("unsupported"));
  });

  test("a default route that is scoped to its interface does not count", () => {
    expect(routes.ipv4).toEqual(new Set(["en0"]));
  });
});

test("FreeBSD and OpenBSD", () => {
  const freebsd = `em0: flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,LOWER_UP> metric 0 mtu 1500
	options=48505bb<RXCSUM,TXCSUM>
	ether 08:00:27:aa:bb:cc
	inet 10.0.2.15 netmask 0xffffff00 broadcast 10.0.2.255
	inet6 fe80::a00:27ff:feaa:bbcc%em0 prefixlen 64 tentative scopeid 0x2
	status: active
`;
  expect(parseIfconfig(freebsd, { ipv4: new Set(["em0"]), ipv6: new Set() })).toMatchObject([
    {
      index: known(2),
      up: known(true),
      addresses: [{ address: "10.0.2.15", prefixLength: 24 }],
      mtuBytes: known(1500),
      defaultRoute: { ipv4: known(true), ipv6: known(false) },
    },
  ]);
  const openbsd = `vio0: flags=8b43<UP,BROADCAST,RUNNING,PROMISC,ALLMULTI,SIMPLEX,MULTICAST> mtu 1500
	lladdr fe:e1:bb:d1:00:01
	index 1 priority 0 llprio 3
	status: active
	inet 10.0.0.4 netmask 0xfffffe00 broadcast 10.0.1.255
`;
  expect(parseIfconfig(openbsd, { ipv4: undefined, ipv6: undefined })).toMatchObject([
    { index: known(1), hardwareAddress: known("fe:e1:bb:d1:00:01"), addresses: [{ prefixLength: 23 }] },
  ]);
  const routes = `Routing tables

Internet:
Destination        Gateway            Flags   Refs      Use   Mtu  Prio Iface
default            10.0.0.1           UGS        8    22045     -     8 vio0
default            10.9.0.1           UGRS       8    22045     -     8 vio1
`;
  expect(parseDefaultRoutes(routes)).toEqual(new Set(["vio0"]));
});

test("text of another form gives nothing, and no line of it stops the others", () => {
  const none = { ipv4: undefined, ipv6: undefined };
  for (const text of ["", "ifconfig: not found", "\t\n\tinet 1.2.3.4\n", "x: flags=zz<UP> mtu 1"]) {
    expect(parseIfconfig(text, none)).toEqual([]);
  }
  const odd =
    "a0: flags=1<UP> mtu x\n\tinet 1.2.3.4 netmask 0xff00ff00\n\tinet 999.1.1.1\n\tinet6 ::1 prefixlen 129\n\tinet 1.2.3.5/24\n";
  expect(parseIfconfig(odd, none)).toMatchObject([
    { name: "a0", mtuBytes: unknown("unsupported"), addresses: [{ address: "1.2.3.5", prefixLength: 24 }] },
  ]);
});

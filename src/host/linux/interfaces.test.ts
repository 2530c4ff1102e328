import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bundleSource } from "../../../test/support/bundle.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  whyNoProgram,
} from "../../../test/support/netns.ts";
import { known, unknown } from "../../core/index.ts";
import type { NetworkInterface } from "../host.ts";
import { readNetworkInterfaces } from "./interfaces.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function saveTree(files: Readonly<Record<string, string>>): { root: string } {
  const root = mkdtempSync(join(tmpdir(), "portolan-interfaces-"));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return { root };
}

const tables = {
  "proc/net/dev": `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0
  eth0:  56842     401    0    0    0     0          0         0    33218     377    0    0    0     0       0          0
 wlan0: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
`,
  "proc/net/route": `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0101A8C0	0003	0	0	100	00000000	0	0	0
eth0	0001A8C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
`,
  "proc/net/ipv6_route": `00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0
`,
  "proc/net/if_inet6": `00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000505400fffeae9fb6 02 40 20 80     eth0
`,
  "proc/net/fib_trie": `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.168.1.0/24 2 0 2
        |-- 192.168.1.0
           /24 link UNICAST
        |-- 192.168.1.8
           /32 host LOCAL
        |-- 192.168.1.255
           /32 link BROADCAST
Local:
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 172.17.0.1
        /32 host LOCAL
     |-- 192.168.1.8
        /32 host LOCAL
`,
};
const properties = {
  "sys/class/net/lo/flags": "0x9\n",
  "sys/class/net/lo/ifindex": "1\n",
  "sys/class/net/lo/mtu": "65536\n",
  "sys/class/net/lo/address": "00:00:00:00:00:00\n",
  "sys/class/net/lo/operstate": "unknown\n",
  "sys/class/net/eth0/flags": "0x1003\n",
  "sys/class/net/eth0/ifindex": "2\n",
  "sys/class/net/eth0/mtu": "1500\n",
  "sys/class/net/eth0/address": "52:54:00:AE:9F:B6\n",
  "sys/class/net/eth0/operstate": "up\n",
  "sys/class/net/wlan0/flags": "0x1003\n",
  "sys/class/net/wlan0/ifindex": "3\n",
  "sys/class/net/wlan0/mtu": "1500\n",
  "sys/class/net/wlan0/address": "02:00:00:00:00:01\n",
  "sys/class/net/wlan0/operstate": "down\n",
};

describe("a saved machine", () => {
  test("interfaces are put together from its tables", () => {
    const { interfaces, blindSpots } = readNetworkInterfaces(saveTree({ ...tables, ...properties }));
    expect(blindSpots).toEqual([]);
    const [lo, eth0, wlan0, docker0] = interfaces;
    expect(lo).toEqual({
      name: "lo",
      index: known(1),
      up: known(true),
      loopback: true,
      hardwareAddress: known(null),
      mtuBytes: known(65536),
      addresses: [
        { address: "127.0.0.1", family: "ipv4", prefixLength: 8 },
        { address: "::1", family: "ipv6", prefixLength: 128 },
      ],
      defaultRoute: { ipv4: known(false), ipv6: known(false) },
    });
    expect(eth0).toMatchObject({
      name: "eth0",
      index: known(2),
      up: known(true),
      hardwareAddress: known("52:54:00:ae:9f:b6"),
      addresses: [
        { address: "192.168.1.8", family: "ipv4", prefixLength: 24 },
        { address: "fe80::5054:ff:feae:9fb6", family: "ipv6", prefixLength: 64 },
      ],
      defaultRoute: { ipv4: known(true), ipv6: known(false) },
    });
    expect(wlan0).toMatchObject({ name: "wlan0", up: known(false), addresses: [] });
    // Its addresses name it, though nothing else does.
    expect(docker0).toMatchObject({
      name: "docker0",
      index: unknown("unsupported"),
      addresses: [{ address: "172.17.0.1", family: "ipv4", prefixLength: 16 }],
    });
  });

  test("a /sys of another network namespace is not believed", () => {
    const { "sys/class/net/wlan0/flags": _flags, ...rest } = properties;
    const others = Object.fromEntries(Object.entries(rest).filter(([path]) => !path.includes("wlan0")));
    const { interfaces, blindSpots } = readNetworkInterfaces(saveTree({ ...tables, ...others }));
    expect(blindSpots).toEqual([expect.objectContaining({ what: "interfaces", why: "unsupported" })]);
    expect(interfaces.find((device) => device.name === "eth0")).toMatchObject({
      index: known(2),
      mtuBytes: unknown("unsupported"),
      hardwareAddress: unknown("unsupported"),
    });
  });

  test("without tables nothing is claimed", () => {
    expect(readNetworkInterfaces(saveTree({ "etc/passwd": "" })).interfaces).toEqual([]);
    const [device] = readNetworkInterfaces(saveTree({ "proc/net/dev": tables["proc/net/dev"] })).interfaces;
    expect(device).toMatchObject({
      up: unknown("unsupported"),
      defaultRoute: { ipv4: unknown("unsupported"), ipv6: unknown("unsupported") },
    });
  });
});

test.skipIf(process.platform !== "linux")(
  "the live machine has its loopback, and every address that Node knows",
  () => {
    const { interfaces } = readNetworkInterfaces({ root: "" });
    expect(interfaces.find((device) => device.name === "lo")).toMatchObject({ index: known(1), loopback: true });
    for (const [name, entries] of Object.entries(networkInterfaces())) {
      const device = interfaces.find((each) => each.name === name);
      expect(device?.addresses).toHaveLength(entries!.length);
      expect(device?.up).toEqual(known(true));
    }
    for (const name of readdirSync("/sys/class/net")) {
      expect(interfaces.some((device) => device.name === name) || name === "bonding_masters").toBe(true);
    }
  },
);

/** Prints which of its arguments can be bound. */
const bindEach = `
import socket, sys
for address in sys.argv[1:]:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as s:
        try: s.bind((address, 0))
        except OSError: continue
        print(address)
`;

describe.skipIf(
  requireOrSkip("addresses of silent interfaces", whyNoNetworkNamespaces(), whyNoProgram("python3", "python3")),
)("interfaces without a signal and interfaces that are switched off", () => {
  test("have exactly the addresses that the kernel lets be bound", async () => {
    const bundle = await bundleSource({ interfaces: "src/host/linux/interfaces.ts" });
    const namespace = await createNetworkNamespace();
    try {
      const link = (...words: string[]) => namespace.execIn("ip", ["link", ...words]);
      const give = (device: string, ...words: string[]) =>
        namespace.execIn("ip", ["address", "add", ...words, "dev", device]);
      await link("add", "silent0", "type", "veth", "peer", "name", "off0");
      // One that was on and is not any more; IPv6 takes its addresses away, IPv4 does not.
      await give("off0", "10.77.3.1/24");
      await give("off0", "fd00:77:3::1/64", "nodad");
      await link("set", "off0", "up");
      await link("set", "off0", "down");
      // One that is on and whose far end is off, so that it carries no signal, and no address is searched for a twin.
      await give("silent0", "10.77.2.1/24");
      await give("silent0", "10.77.9.1/32");
      await give("silent0", "fd00:77:2::1/64", "nodad");
      await give("silent0", "fd00:77:2::2/64");
      await link("set", "silent0", "up");
      const asked = [
        "127.0.0.1",
        "::1",
        "10.77.2.1",
        "10.77.9.1",
        "10.77.3.1",
        "10.77.3.2",
        "fd00:77:2::1",
        "fd00:77:2::2",
        "fd00:77:3::1",
      ];
      const bound = (await namespace.execIn("python3", ["-c", bindEach, ...asked])).stdout.trim().split("\n");
      const code = `console.log(JSON.stringify(require(${JSON.stringify(bundle.pathOf("interfaces"))}).readNetworkInterfaces({ root: "" }).interfaces))`;
      const seen = JSON.parse((await namespace.execIn(process.execPath, ["-e", code])).stdout) as NetworkInterface[];
      const listed = new Set(seen.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
      expect(bound).toEqual(asked.filter((address) => listed.has(address)));
      expect(bound).toEqual(expect.arrayContaining(["10.77.2.1", "10.77.9.1", "10.77.3.1", "fd00:77:2::1"]));
      expect(bound).not.toContain("fd00:77:2::2");
      const silent = seen.find(({ name }) => name === "silent0");
      expect(silent).toMatchObject({ up: known(false) });
      expect(silent?.addresses).toContainEqual({ address: "10.77.2.1", family: "ipv4", prefixLength: 24 });
      const off = seen.find(({ name }) => name === "off0");
      expect(off).toMatchObject({ up: known(false) });
      // No table tells the network of an interface that is off.
      expect(off?.addresses).toContainEqual({ address: "10.77.3.1", family: "ipv4", prefixLength: 32 });
    } finally {
      await namespace.destroy();
      bundle.remove();
    }
  });
});

import { describe, expect, test } from "vitest";
import { known, unknown, toPort, type Known, type Socket, type Transport } from "../core/index.ts";
import type { NetworkInterface, PortLimits } from "../host/host.ts";
import { isEphemeral, localUrlOf, longestSummary, mayBind, reachOf, summarizeReach, type ReachWorld } from "./index.ts";

const limits: PortLimits = {
  unprivilegedPortStart: known(1024),
  ephemeralRange: known({ first: 32768, last: 60999 }),
  reservedPorts: known("40000-40010"),
  mayBindPrivileged: known(false),
  v6onlyDefault: known(false),
};

function networkInterface(
  name: string,
  cidrs: readonly string[],
  options: Partial<NetworkInterface> = {},
): NetworkInterface {
  return {
    name,
    index: known(1),
    up: known(true),
    loopback: name === "lo",
    hardwareAddress: known(null),
    mtuBytes: known(1500),
    addresses: cidrs.map((cidr) => {
      const [address = "", prefixLength] = cidr.split("/");
      return { address, family: address.includes(":") ? "ipv6" : "ipv4", prefixLength: Number(prefixLength) };
    }),
    defaultRoute: { ipv4: known(false), ipv6: known(false) },
    ...options,
  };
}

const lo = networkInterface("lo", ["127.0.0.1/8", "::1/128"]);
const eth0 = networkInterface("eth0", ["192.168.1.8/24", "fe80::8/64", "fd00::8/64"]);
const docker0 = networkInterface("docker0", ["172.17.0.1/16"], { up: known(false) });
const interfaces = [lo, eth0, docker0];

let nextInode = 1000;
interface SocketOptions {
  readonly transport?: Transport;
  readonly v6only?: Known<boolean>;
  readonly device?: string | null;
  readonly port?: number;
}

function listener(address: string, options: SocketOptions = {}): Socket {
  const transport = options.transport ?? "tcp";
  const family = address.includes(":") ? "ipv6" : "ipv4";
  return {
    transport,
    family,
    state: transport === "tcp" ? "LISTEN" : "UNCONNECTED",
    local: { address, port: toPort(options.port ?? 5173) },
    remote: null,
    v6only: family === "ipv4" ? null : (options.v6only ?? known(false)),
    boundInterface: known(options.device ?? null),
    inode: nextInode++,
    uid: 1000,
    receiveQueue: 0,
    sendQueue: known(511),
  };
}

function world(listeners: readonly Socket[] = [], changes: Partial<ReachWorld> = {}): ReachWorld {
  return { interfaces, limits, listeners, ...changes };
}

const dual = (): Socket => listener("::");
const v6only = (): Socket => listener("::", { v6only: known(true) });
const undecided = (): Socket => listener("::", { v6only: unknown("unsupported") });

describe("one socket alone", () => {
  const everyIpv4 = ["127.0.0.1", "192.168.1.8", "172.17.0.1"];
  const everyIpv6 = ["::1", "fe80::8", "fd00::8"];
  const cases: readonly [string, Socket, string, string, string, readonly string[], string, string][] = [
    [
      "127.0.0.1",
      listener("127.0.0.1"),
      "machine",
      "yes",
      "no",
      ["127.0.0.1"],
      "this machine",
      "Bound to 127.0.0.1, an address that only this machine can use.",
    ],
    [
      "127.0.0.2, which lo does not list",
      listener("127.0.0.2"),
      "machine",
      "yes",
      "no",
      ["127.0.0.2"],
      "this machine",
      "Bound to 127.0.0.2, an address that only this machine can use.",
    ],
    [
      "::1",
      listener("::1"),
      "machine",
      "no",
      "yes",
      ["::1"],
      "this machine",
      "Bound to ::1, an address that only this machine can use.",
    ],
    [
      "mapped loopback",
      listener("::ffff:127.0.0.1"),
      "machine",
      "yes",
      "no",
      ["127.0.0.1"],
      "this machine",
      "Bound to 127.0.0.1, an address that only this machine can use.",
    ],
    [
      "0.0.0.0",
      listener("0.0.0.0"),
      "everywhere",
      "yes",
      "no",
      everyIpv4,
      "everywhere (IPv4)",
      "Bound to every IPv4 address and to no IPv6 address.",
    ],
    [
      ":: dual-stack",
      dual(),
      "everywhere",
      "yes",
      "yes",
      [...everyIpv4, ...everyIpv6],
      "everywhere",
      "Bound to every address, IPv4 and IPv6.",
    ],
    [
      ":: v6only",
      v6only(),
      "everywhere",
      "no",
      "yes",
      everyIpv6,
      "everywhere (IPv6)",
      "Bound to every IPv6 address and to no IPv4 address.",
    ],
    [
      ":: v6only unread",
      undecided(),
      "everywhere",
      "depends",
      "yes",
      [...everyIpv4, ...everyIpv6],
      "everywhere (IPv4?)",
      "Bound to every IPv6 address, and whether it takes IPv4 too depends on its v6only option, which could not be read; " +
        "by default this machine's sockets take it.",
    ],
    [
      "an address of eth0",
      listener("192.168.1.8"),
      "networks",
      "yes",
      "no",
      ["192.168.1.8"],
      "192.168.1.0/24",
      "Bound to 192.168.1.8, an address of eth0, whose network is 192.168.1.0/24.",
    ],
    [
      "link-local",
      listener("fe80::8", { device: "eth0" }),
      "networks",
      "no",
      "yes",
      ["fe80::8"],
      "eth0 only",
      "Bound to fe80::8, an address of eth0, whose network is fe80::/64.",
    ],
    [
      "an address of nobody",
      listener("192.168.9.9"),
      "nowhere",
      "no",
      "no",
      [],
      "nowhere",
      "Bound to 192.168.9.9, an address that no interface has now.",
    ],
    [
      "an address of an interface that is down",
      listener("172.17.0.1"),
      "machine",
      "yes",
      "no",
      ["172.17.0.1"],
      "this machine",
      "Bound to 172.17.0.1, an address of docker0, which is down, so that only this machine can use it.",
    ],
    [
      "every address, eth0 only",
      listener("0.0.0.0", { device: "eth0" }),
      "networks",
      "yes",
      "no",
      ["192.168.1.8"],
      "192.168.1.0/24",
      "Bound to every IPv4 address and to no IPv6 address, for traffic through eth0 only.",
    ],
    [
      "both families, eth0 only",
      listener("::", { device: "eth0" }),
      "networks",
      "yes",
      "yes",
      ["192.168.1.8", "fe80::8", "fd00::8"],
      "eth0 only",
      "Bound to every address, IPv4 and IPv6, for traffic through eth0 only.",
    ],
    [
      "every address, lo only",
      listener("0.0.0.0", { device: "lo" }),
      "machine",
      "yes",
      "no",
      ["127.0.0.1"],
      "this machine",
      "Bound to every IPv4 address and to no IPv6 address, for traffic through lo only.",
    ],
    [
      "every address of an interface that is gone",
      listener("0.0.0.0", { device: "eth9" }),
      "nowhere",
      "no",
      "no",
      [],
      "nowhere",
      "Bound to every IPv4 address and to no IPv6 address, for traffic through eth9 only, which this machine does not have now.",
    ],
    [
      "a multicast group",
      listener("224.0.0.251", { transport: "udp" }),
      "networks",
      "yes",
      "no",
      [],
      "multicast",
      "Bound to 224.0.0.251, and receives what is sent to that group.",
    ],
    [
      "a broadcast address",
      listener("192.168.1.255", { transport: "udp" }),
      "networks",
      "yes",
      "no",
      ["192.168.1.255"],
      "192.168.1.0/24",
      "Bound to 192.168.1.255, an address of eth0, whose network is 192.168.1.0/24.",
    ],
  ];

  test.each(cases)("%s", (_, socket, scope, ipv4, ipv6, addresses, summary, reason) => {
    const reach = reachOf([socket], world([socket]));
    expect(reach).toMatchObject({ scope, ipv4, ipv6, taken: [], reason });
    expect(reach.addresses.map(({ address }) => address).sort()).toEqual([...addresses].sort());
    expect(summarizeReach(reach)).toBe(summary);
    for (const address of reach.addresses) expect(address.certain).toBe(address.family !== "ipv4" || ipv4 === "yes");
  });

  test("says who can use each address", () => {
    const reach = reachOf([dual()], world());
    expect(Object.fromEntries(reach.addresses.map(({ address, audience }) => [address, audience]))).toEqual({
      "127.0.0.1": "this-machine",
      "::1": "this-machine",
      "192.168.1.8": "private-network",
      "fe80::8": "link",
      "fd00::8": "private-network",
      // An interface that is down carries no other device's traffic.
      "172.17.0.1": "this-machine",
    });
  });

  test("a future address counts for a wildcard where the family has none now", () => {
    const reach = reachOf([v6only()], world([], { interfaces: [networkInterface("lo", ["127.0.0.1/8"])] }));
    expect(reach).toMatchObject({ scope: "everywhere", ipv4: "no", ipv6: "yes", addresses: [] });
  });

  test("loopback without an address answers nobody", () => {
    const reach = reachOf([listener("127.0.0.1")], world([], { interfaces: [networkInterface("lo", [])] }));
    expect(reach.scope).toBe("nowhere");
  });

  test("takes the bound address at its word where the interfaces could not be read", () => {
    const unread = { interfaces: [] };
    expect(reachOf([listener("192.168.1.8")], world([], unread))).toMatchObject({
      scope: "networks",
      addresses: [{ address: "192.168.1.8", interfaceName: "", network: null }],
      reason: "Bound to 192.168.1.8; the interfaces of this machine could not be read.",
    });
    expect(reachOf([listener("127.0.0.1")], world([], unread)).scope).toBe("machine");
    expect(reachOf([dual()], world([], unread))).toMatchObject({ scope: "everywhere", ipv4: "yes", ipv6: "yes" });
  });

  test("lists a link-local address once for each interface that has it, with its zone", () => {
    const twins = [networkInterface("a", ["fe80::1/64"]), networkInterface("b", ["fe80::1/64"])];
    const reach = reachOf([v6only()], world([], { interfaces: twins }), { scheme: "http" });
    expect(reach.addresses.map(({ endpoint }) => endpoint)).toEqual(["[fe80::1%a]:5173", "[fe80::1%b]:5173"]);
    expect(reach.addresses.map(({ url }) => url)).toEqual([null, null]);
    expect(summarizeReach({ ...reach, scope: "networks" })).toBe("a, b");
  });
});

describe("a service of several sockets", () => {
  test("0.0.0.0 and [::] v6only together are everywhere", () => {
    const both = [listener("0.0.0.0"), v6only()];
    expect(reachOf(both, world(both))).toMatchObject({ scope: "everywhere", ipv4: "yes", ipv6: "yes", taken: [] });
  });

  test("its IPv4 wildcard answers what its undecided IPv6 one leaves open", () => {
    const both = [listener("0.0.0.0"), undecided()];
    const reach = reachOf(both, world(both));
    expect(reach.ipv4).toBe("yes");
    expect(reach.addresses.every(({ certain }) => certain)).toBe(true);
  });

  test("loopback and one network", () => {
    const both = [listener("127.0.0.1"), listener("192.168.1.8")];
    const reach = reachOf(both, world(both));
    expect(reach).toMatchObject({ scope: "networks", taken: [] });
    expect(reach.reason).toBe("Bound to 127.0.0.1 and 192.168.1.8, addresses of lo and eth0.");
  });

  test("its own more specific socket takes nothing from it, read once or twice", () => {
    const both = [listener("0.0.0.0"), listener("127.0.0.1")];
    const copies = both.map((socket) => ({ ...socket }));
    expect(reachOf(both, world(copies))).toMatchObject({ taken: [], scope: "everywhere" });
  });
});

describe("sockets of others on the same port", () => {
  function reachAgainst(own: Socket, ...others: readonly Socket[]) {
    return reachOf([own], world([own, ...others]), { scheme: "http" });
  }

  test("a specific address beats the wildcard", () => {
    const rival = listener("127.0.0.1");
    const reach = reachAgainst(listener("0.0.0.0"), rival);
    expect(reach.taken).toEqual([{ address: "127.0.0.1", family: "ipv4", inode: rival.inode }]);
    expect(reach.addresses.map(({ address }) => address)).toEqual(["192.168.1.8", "172.17.0.1"]);
    expect(reach.scope).toBe("everywhere");
    expect(reach.reason).toContain("but at 127.0.0.1 another, more specific socket answers this port");
  });

  test("a loopback address that no interface lists is taken too", () => {
    const rival = listener("127.0.0.9");
    expect(reachAgainst(listener("0.0.0.0"), rival).taken).toEqual([
      { address: "127.0.0.9", family: "ipv4", inode: rival.inode },
    ]);
    expect(reachAgainst(v6only(), rival).taken).toEqual([]);
  });

  test("IPv4 wildcard beats dual-stack for IPv4 only", () => {
    const reach = reachAgainst(dual(), listener("0.0.0.0"));
    expect(reach).toMatchObject({ scope: "everywhere", ipv4: "no", ipv6: "yes" });
    expect(reach.taken.map(({ address }) => address)).toEqual(["127.0.0.1", "192.168.1.8", "172.17.0.1"]);
    expect(reachAgainst(listener("0.0.0.0"), dual())).toMatchObject({ ipv4: "yes", taken: [] });
  });

  test("an IPv4 wildcard decides what an unread v6only leaves open, and takes nothing for certain", () => {
    const reach = reachAgainst(undecided(), listener("0.0.0.0"));
    expect(reach).toMatchObject({ scope: "everywhere", ipv4: "no", ipv6: "yes", taken: [] });
    expect(reach.addresses.every(({ family }) => family === "ipv6")).toBe(true);
  });

  test("sockets of the same address share it", () => {
    expect(reachAgainst(listener("0.0.0.0"), listener("0.0.0.0"))).toMatchObject({ taken: [], ipv4: "yes" });
    expect(reachAgainst(dual(), dual())).toMatchObject({ taken: [], ipv4: "yes", ipv6: "yes" });
  });

  test("an IPv4-mapped address beats the IPv4 wildcard and loses to the same IPv4 address", () => {
    expect(reachAgainst(listener("0.0.0.0"), listener("::ffff:127.0.0.1")).taken).toHaveLength(1);
    expect(reachAgainst(listener("::ffff:127.0.0.1"), listener("127.0.0.1"))).toMatchObject({
      scope: "nowhere",
      ipv4: "no",
    });
  });

  test("all addresses taken is nowhere", () => {
    const small = [networkInterface("lo", ["127.0.0.1/8"])];
    const own = listener("0.0.0.0");
    const reach = reachOf([own], world([own, listener("127.0.0.1")], { interfaces: small }));
    expect(reach).toMatchObject({ scope: "nowhere", addresses: [] });
    expect(reach.reason).toContain("other, more specific sockets answer this port at every address");
  });

  test("between wildcards, one of them bound to an interface, unseen options decide there and only there", () => {
    const reach = reachAgainst(listener("0.0.0.0"), listener("0.0.0.0", { device: "lo" }));
    expect(reach.taken).toEqual([]);
    expect(reach.addresses.map(({ address, certain }) => [address, certain])).toEqual([
      ["127.0.0.1", false],
      ["192.168.1.8", true],
      ["172.17.0.1", true],
    ]);
    expect(reach.reason).toContain("options that the kernel does not show");
  });

  test("an IPv4 socket bound to an interface beats the dual-stack one there", () => {
    const rival = listener("0.0.0.0", { device: "lo" });
    expect(reachAgainst(dual(), rival).taken).toEqual([{ address: "127.0.0.1", family: "ipv4", inode: rival.inode }]);
  });

  test("other ports and transports are other doors", () => {
    expect(
      reachAgainst(
        listener("0.0.0.0"),
        listener("127.0.0.1", { port: 80 }),
        listener("127.0.0.1", { transport: "udp" }),
      ).taken,
    ).toEqual([]);
  });

  test("2,000 services on one port, each at its own address, do not look at each other", () => {
    const many = Array.from({ length: 2000 }, (_, index) => listener(`127.1.${index >> 8}.${index & 255}`));
    const shared = world(many);
    for (const socket of many) expect(reachOf([socket], shared).addresses).toHaveLength(1);
  });
});

describe("URLs", () => {
  const urlsOf = (socket: Socket, scheme: "http" | "https"): (string | null)[] =>
    reachOf([socket], world([socket]), { scheme }).addresses.map(({ url }) => url);

  test("one for each address, none for link-local IPv6", () => {
    expect(urlsOf(dual(), "http")).toEqual([
      "http://127.0.0.1:5173/",
      "http://[::1]:5173/",
      "http://192.168.1.8:5173/",
      null,
      "http://[fd00::8]:5173/",
      "http://172.17.0.1:5173/",
    ]);
  });

  test("the scheme's own port is left out", () => {
    expect(urlsOf(listener("127.0.0.1", { port: 80 }), "http")).toEqual(["http://127.0.0.1/"]);
    expect(urlsOf(listener("127.0.0.1", { port: 443 }), "https")).toEqual(["https://127.0.0.1/"]);
    expect(urlsOf(listener("127.0.0.1", { port: 443 }), "http")).toEqual(["http://127.0.0.1:443/"]);
  });

  test("none without a scheme, none for UDP", () => {
    expect(reachOf([dual()], world()).addresses.every(({ url }) => url === null)).toBe(true);
    expect(urlsOf(listener("127.0.0.1", { transport: "udp" }), "http")).toEqual([null]);
  });

  test("localhost only where both of its addresses end at the service", () => {
    const local = (own: Socket, ...others: readonly Socket[]): string | null =>
      localUrlOf(reachOf([own], world([own, ...others])), 5173, "http");
    expect(local(dual())).toBe("http://localhost:5173/");
    expect(local(undecided())).toBe("http://localhost:5173/");
    expect(local(listener("0.0.0.0"))).toBe("http://127.0.0.1:5173/");
    expect(local(listener("127.0.0.1"))).toBe("http://127.0.0.1:5173/");
    expect(local(v6only())).toBe("http://[::1]:5173/");
    expect(local(dual(), listener("127.0.0.1"))).toBe("http://[::1]:5173/");
    expect(local(dual(), listener("::1"))).toBe("http://127.0.0.1:5173/");
    expect(local(listener("192.168.1.8"))).toBe("http://192.168.1.8:5173/");
    expect(local(listener("fe80::8"))).toBeNull();
    expect(local(listener("10.1.1.1"))).toBeNull();
  });
});

describe("summaries", () => {
  test("never exceed a table's cell", () => {
    const long = [networkInterface("enp0s31f6-longer-than-linux-allows", ["2001:db8:1111:2222:3333::1/80"])];
    const summary = summarizeReach(reachOf([listener("2001:db8:1111:2222:3333::1")], world([], { interfaces: long })));
    expect(summary).toBe("enp0s31f6-longer-than-l…");
    expect(summary.length).toBe(longestSummary);
  });

  test("many interfaces are counted", () => {
    const many = Array.from({ length: 9 }, (_, index) => networkInterface(`veth${index}`, [`10.0.${index}.1/24`]));
    const sockets = many.map(({ addresses }) => listener(addresses[0]!.address));
    const reach = reachOf(sockets, world(sockets, { interfaces: many }));
    expect(summarizeReach(reach)).toBe("9 interfaces");
    expect(reach.reason).toBe("Bound to 10.0.0.1, 10.0.1.1 and 7 more, addresses of veth0, veth1 and 7 more.");
  });
});

describe("limits", () => {
  test("privilege", () => {
    expect(mayBind(toPort(80), limits)).toEqual(known(false));
    expect(mayBind(toPort(1024), limits)).toEqual(known(true));
    expect(mayBind(toPort(0), limits)).toEqual(known(true));
    expect(mayBind(toPort(80), { ...limits, mayBindPrivileged: known(true) })).toEqual(known(true));
    expect(mayBind(toPort(80), { ...limits, unprivilegedPortStart: known(0) })).toEqual(known(true));
    expect(mayBind(toPort(80), { ...limits, mayBindPrivileged: unknown("unsupported") })).toEqual(
      unknown("unsupported"),
    );
    expect(mayBind(toPort(80), { ...limits, unprivilegedPortStart: unknown("permission") })).toEqual(
      unknown("permission"),
    );
  });

  test("automatic assignment", () => {
    expect(isEphemeral(toPort(32767), limits)).toEqual(known(false));
    expect(isEphemeral(toPort(32768), limits)).toEqual(known(true));
    expect(isEphemeral(toPort(60999), limits)).toEqual(known(true));
    expect(isEphemeral(toPort(61000), limits)).toEqual(known(false));
    expect(isEphemeral(toPort(40005), limits)).toEqual(known(false));
    expect(isEphemeral(toPort(40005), { ...limits, reservedPorts: known("") })).toEqual(known(true));
    expect(isEphemeral(toPort(40005), { ...limits, ephemeralRange: unknown("unsupported") })).toEqual(
      unknown("unsupported"),
    );
  });
});

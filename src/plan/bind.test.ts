import { describe, expect, test } from "vitest";
import { known, toPort, unknown, type Known, type Socket, type SocketState } from "../core/index.ts";
import type { NetworkInterface, PortLimits } from "../host/host.ts";
import {
  planBind,
  planListen,
  type BindVerdict,
  type BindWarningKind,
  type BindWish,
  type BindWorld,
  type SocketOptions,
} from "./index.ts";

const limits: PortLimits = {
  unprivilegedPortStart: known(1024),
  ephemeralRange: known({ first: 32_768, last: 60_999 }),
  reservedPorts: known("40000-40010"),
  mayBindPrivileged: known(false),
  v6onlyDefault: known(false),
};

function networkInterface(name: string, cidrs: readonly string[]): NetworkInterface {
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
  };
}

const interfaces = [
  networkInterface("lo", ["127.0.0.1/8", "::1/128"]),
  networkInterface("eth0", ["192.168.1.8/24", "fe80::8/64", "fd00::8/64"]),
];

/** Nobody has made this port a convention, and IANA has not assigned it. */
const port = 21_500;
const me = 1000;
const other = 1001;

interface SocketChanges {
  readonly transport?: "tcp" | "udp";
  readonly state?: SocketState;
  readonly v6only?: Known<boolean>;
  readonly device?: Known<string | null>;
  readonly port?: number;
  readonly uid?: number;
  readonly inode?: number;
}

let nextInode = 1000;

function socketAt(address: string, changes: SocketChanges = {}): Socket {
  const transport = changes.transport ?? "tcp";
  const family = address.includes(":") ? "ipv6" : "ipv4";
  const state = changes.state ?? (transport === "tcp" ? "LISTEN" : "UNCONNECTED");
  const alone = state === "LISTEN" || state === "UNCONNECTED" || state === "BOUND";
  const far = family === "ipv6" ? "fd00::9" : "192.168.1.9";
  return {
    transport,
    family,
    state,
    local: { address, port: toPort(changes.port ?? port) },
    remote: alone ? null : { address: far, port: toPort(51_000) },
    v6only: family === "ipv4" ? null : (changes.v6only ?? known(false)),
    boundInterface: changes.device ?? known(null),
    inode: changes.inode ?? (state === "TIME_WAIT" ? 0 : nextInode++),
    uid: changes.uid ?? me,
    receiveQueue: 0,
    sendQueue: known(0),
  };
}

function worldOf(sockets: readonly Socket[] = [], changes: Partial<BindWorld> = {}): BindWorld {
  return { sockets, interfaces, limits, ...changes };
}

function wishFor(address: string, changes: Partial<BindWish> = {}): BindWish {
  return { transport: "tcp", address, port: toPort(port), uid: me, ...changes };
}

function plan(
  address: string,
  sockets: readonly Socket[] = [],
  wish: Partial<BindWish> = {},
  world: Partial<BindWorld> = {},
): BindVerdict {
  return planBind(wishFor(address, wish), worldOf(sockets, world));
}

/** The same options for every socket of the world. */
function optionsOf(reuseAddress: boolean, reusePort = false): { optionsOf: () => SocketOptions } {
  return { optionsOf: () => ({ reuseAddress: known(reuseAddress), reusePort: known(reusePort) }) };
}

const unseen = unknown("unsupported");

describe("how addresses meet", () => {
  test.each([
    ["0.0.0.0", socketAt("0.0.0.0"), "same-address"],
    ["::", socketAt("::"), "same-address"],
    ["::", socketAt("::", { v6only: known(true) }), "same-address"],
    ["127.0.0.1", socketAt("127.0.0.1"), "same-address"],
    ["127.0.0.1", socketAt("0.0.0.0"), "it-has-all"],
    ["::1", socketAt("::"), "it-has-all"],
    ["0.0.0.0", socketAt("192.168.1.8"), "you-want-all"],
    ["::", socketAt("::1"), "you-want-all"],
    ["0.0.0.0", socketAt("::"), "dual-stack"],
    ["127.0.0.1", socketAt("::"), "dual-stack"],
    ["::", socketAt("0.0.0.0"), "dual-stack"],
    ["::", socketAt("127.0.0.1"), "dual-stack"],
    ["::ffff:127.0.0.1", socketAt("127.0.0.1"), "same-address"],
    ["127.0.0.1", socketAt("::ffff:127.0.0.1"), "same-address"],
  ] as const)("%s meets %o", (address, socket, meeting) => {
    const verdict = plan(address, [socket]);
    expect(verdict).toMatchObject({ bind: "no", listen: "no", error: "EADDRINUSE", warnings: [] });
    expect(verdict.obstacles).toEqual([expect.objectContaining({ socket, meeting, certain: "yes", hidden: [] })]);
    expect(verdict.reason).toBe("It listens, and a listening socket shares its port by SO_REUSEPORT alone.");
  });

  test.each([
    ["127.0.0.1", socketAt("127.0.0.2")],
    ["127.0.0.1", socketAt("::1")],
    ["127.0.0.1", socketAt("::", { v6only: known(true) })],
    ["0.0.0.0", socketAt("::", { v6only: known(true) })],
    ["0.0.0.0", socketAt("::1")],
    ["::1", socketAt("0.0.0.0")],
    ["::1", socketAt("127.0.0.1")],
    ["127.0.0.1", socketAt("127.0.0.1", { port: port + 1 })],
    ["127.0.0.1", socketAt("127.0.0.1", { transport: "udp" })],
  ] as const)("%s does not meet %o", (address, socket) => {
    expect(plan(address, [socket])).toMatchObject({ bind: "yes", listen: "yes", error: null, obstacles: [] });
  });

  test("an IPv6 wildcard that is IPv6-only leaves IPv4 alone", () => {
    expect(plan("::", [socketAt("0.0.0.0")], { v6only: true }).bind).toBe("yes");
    const byDefault = { limits: { ...limits, v6onlyDefault: known(true) } };
    expect(plan("::", [socketAt("0.0.0.0")], {}, byDefault).bind).toBe("yes");
    expect(plan("::", [socketAt("0.0.0.0")], { v6only: false }, byDefault).bind).toBe("no");
  });

  test("an IPV6_V6ONLY that no reader shows decides", () => {
    const verdict = plan("0.0.0.0", [socketAt("::", { v6only: unseen })]);
    expect(verdict).toMatchObject({ bind: "depends", listen: "depends", error: "EADDRINUSE" });
    expect(verdict.obstacles).toEqual([
      expect.objectContaining({ meeting: "dual-stack", certain: "depends", hidden: ["IPV6_V6ONLY"] }),
    ]);
  });

  test("a socket of an interface is in the way of that interface alone", () => {
    const throughEth0 = [socketAt("0.0.0.0", { device: known("eth0") })];
    expect(plan("0.0.0.0", throughEth0, { interfaceName: "lo" }).bind).toBe("yes");
    expect(plan("0.0.0.0", throughEth0, { interfaceName: "eth0" }).bind).toBe("no");
    expect(plan("0.0.0.0", throughEth0).bind).toBe("no");
    const hidden = plan("0.0.0.0", [socketAt("0.0.0.0", { device: unseen })], { interfaceName: "lo" });
    expect(hidden).toMatchObject({ bind: "depends", obstacles: [{ hidden: ["SO_BINDTODEVICE"] }] });
  });
});

describe("sharing by TCP", () => {
  const timeWait = socketAt("127.0.0.1", { state: "TIME_WAIT" });

  test("TIME_WAIT is in the way without SO_REUSEADDR, and hangs on its socket's option with it", () => {
    const without = plan("127.0.0.1", [timeWait], { reuseAddress: false });
    expect(without).toMatchObject({ bind: "no", error: "EADDRINUSE" });
    expect(without.reason).toContain("SO_REUSEADDR would pass over it");
    const withIt = plan("127.0.0.1", [timeWait]);
    expect(withIt).toMatchObject({ bind: "depends", obstacles: [{ certain: "depends", hidden: ["SO_REUSEADDR"] }] });
    expect(withIt.reason).toContain("unless its socket had set SO_REUSEADDR");
    expect(plan("127.0.0.1", [timeWait], {}, optionsOf(true)).bind).toBe("yes");
    expect(plan("127.0.0.1", [timeWait], {}, optionsOf(false)).bind).toBe("no");
  });

  test.each(["ESTABLISHED", "CLOSE_WAIT", "BOUND"] as const)("%s shares when both have SO_REUSEADDR", (state) => {
    const sockets = [socketAt("192.168.1.8", { state })];
    expect(plan("0.0.0.0", sockets).bind).toBe("depends");
    expect(plan("0.0.0.0", sockets, {}, optionsOf(true)).bind).toBe("yes");
    expect(plan("0.0.0.0", sockets, {}, optionsOf(false)).bind).toBe("no");
    expect(plan("0.0.0.0", sockets, { reuseAddress: false }).bind).toBe("no");
  });

  test("a listener shares by SO_REUSEPORT alone, which no file shows, and the past can have opened the port", () => {
    const sockets = [socketAt("0.0.0.0")];
    expect(plan("0.0.0.0", sockets, {}, optionsOf(true)).bind).toBe("no");
    const wished = plan("0.0.0.0", sockets, { reusePort: true });
    expect(wished).toMatchObject({ bind: "depends", error: "EADDRINUSE" });
    expect(wished.obstacles[0]?.hidden).toEqual(expect.arrayContaining(["SO_REUSEPORT", "history"]));
    expect(plan("0.0.0.0", sockets, { reusePort: true }, optionsOf(false, true)).bind).toBe("yes");
  });

  test("another user's SO_REUSEPORT group is told as such", () => {
    const verdict = plan("0.0.0.0", [socketAt("0.0.0.0", { uid: other })], { reusePort: true }, optionsOf(true, true));
    expect(verdict.bind).toBe("depends");
    expect(verdict.obstacles).toEqual([expect.objectContaining({ hidden: ["history"] })]);
    expect(verdict.reason).toContain("another user's");
    expect(plan("0.0.0.0", [socketAt("0.0.0.0", { uid: other })]).bind).toBe("no");
  });

  test("a half-open connection without a socket holds nothing", () => {
    const halfOpen = socketAt("127.0.0.1", { state: "SYN_RECEIVED", inode: 0 });
    expect(plan("127.0.0.1", [halfOpen], { reuseAddress: false }).bind).toBe("yes");
  });

  test("sockets that are surely in the way come first, listeners before connections", () => {
    const connection = socketAt("192.168.1.8", { state: "ESTABLISHED" });
    const listening = socketAt("0.0.0.0");
    const verdict = plan("0.0.0.0", [connection, listening]);
    expect(verdict.bind).toBe("no");
    expect(verdict.obstacles.map(({ socket }) => socket)).toEqual([listening, connection]);
  });

  test("listen asks the same of the others", () => {
    const own = socketAt("127.0.0.1", { state: "BOUND" });
    const neighbour = socketAt("127.0.0.1", { state: "BOUND" });
    const rival = socketAt("0.0.0.0");
    const wish = { uid: me };
    expect(planListen(own, wish, worldOf([own])).listen).toBe("yes");
    expect(planListen(own, wish, worldOf([own, neighbour], optionsOf(true))).listen).toBe("yes");
    const refused = planListen(own, wish, worldOf([own, neighbour, rival], optionsOf(true)));
    expect(refused).toMatchObject({ listen: "no", obstacles: [{ socket: rival }] });
  });
});

describe("sharing by UDP", () => {
  const udp = { transport: "udp" } as const;

  test("nothing is shared unless both ask for it", () => {
    const sockets = [socketAt("0.0.0.0", udp)];
    expect(plan("127.0.0.1", sockets, udp)).toMatchObject({ bind: "no", listen: null, error: "EADDRINUSE" });
    expect(plan("127.0.0.1", sockets, { ...udp, reuseAddress: true }).bind).toBe("depends");
    expect(plan("127.0.0.1", sockets, { ...udp, reuseAddress: true }, optionsOf(true)).bind).toBe("yes");
    expect(plan("127.0.0.1", sockets, { ...udp, reuseAddress: true }, optionsOf(false)).bind).toBe("no");
  });

  test("another user's SO_REUSEPORT is not shared", () => {
    const theirs = [socketAt("0.0.0.0", { ...udp, uid: other })];
    const verdict = plan("0.0.0.0", theirs, { ...udp, reusePort: true }, optionsOf(false, true));
    expect(verdict).toMatchObject({ bind: "no", error: "EADDRINUSE" });
    expect(verdict.reason).toContain("another user's");
  });

  test("in a crowded slot the kernel may overlook an IPv6 wildcard", () => {
    const rival = socketAt("::", udp);
    const crowd = Array.from({ length: 11 }, (_, index) =>
      socketAt("127.0.0.1", { ...udp, port: (port % 256) + 256 * (index + 5) }),
    );
    expect(plan("0.0.0.0", [rival], udp).bind).toBe("no");
    const verdict = plan("0.0.0.0", [rival, ...crowd], udp);
    expect(verdict).toMatchObject({ bind: "depends", obstacles: [{ hidden: ["order"] }] });
  });
});

describe("addresses that are not there", () => {
  test("IPv4 with those that are", () => {
    const verdict = plan("192.168.1.9");
    expect(verdict).toMatchObject({ bind: "no", listen: "no", error: "EADDRNOTAVAIL", obstacles: [], warnings: [] });
    expect(verdict.availableAddresses).toEqual(["127.0.0.1", "192.168.1.8"]);
    expect(verdict.reason).toBe("This machine has no address 192.168.1.9; it has 127.0.0.1, 192.168.1.8.");
  });

  test("IPv6, link-local ones with their zone", () => {
    expect(plan("fd00::9").availableAddresses).toEqual(["::1", "fe80::8%eth0", "fd00::8"]);
    expect(plan("fe80::8", [], { interfaceName: "eth0" }).bind).toBe("yes");
    expect(plan("fe80::8", [], { interfaceName: "lo" })).toMatchObject({ bind: "no", error: "EADDRNOTAVAIL" });
    expect(plan("fe80::8")).toMatchObject({ bind: "no", error: "EINVAL" });
  });

  test.each(["127.0.0.9", "192.168.1.255", "255.255.255.255", "224.0.0.1", "::ffff:192.168.1.8"])(
    "%s can be bound though no interface lists it",
    (address) => {
      expect(plan(address)).toMatchObject({ bind: "yes", error: null });
    },
  );

  test("where the administrator allows them, any can be bound", () => {
    const nonlocalBind = { ipv4: known(true), ipv6: known(false) };
    const allowed = { limits: { ...limits, nonlocalBind } };
    expect(plan("203.0.113.1", [], {}, allowed).bind).toBe("yes");
    expect(plan("2001:db8::1", [], {}, allowed).bind).toBe("no");
  });

  test("interfaces that could not be read leave it open", () => {
    const verdict = plan("203.0.113.1", [], {}, { interfaces: [] });
    expect(verdict).toMatchObject({ bind: "depends", listen: "depends", error: "EADDRNOTAVAIL" });
    expect(plan("0.0.0.0", [], {}, { interfaces: [] }).bind).toBe("yes");
  });

  test("calls that are wrong in themselves", () => {
    expect(plan("ff02::1", [], { interfaceName: "eth0" })).toMatchObject({ bind: "no", error: "EINVAL" });
    expect(plan("::ffff:127.0.0.1", [], { v6only: true })).toMatchObject({ bind: "no", error: "EINVAL" });
    expect(plan("ff02::1", [], { interfaceName: "eth0", transport: "udp" }).bind).toBe("yes");
  });
});

describe("privileged ports", () => {
  const low = { port: toPort(80) };

  test("the limit is told", () => {
    const verdict = plan("0.0.0.0", [], low);
    expect(verdict).toMatchObject({ bind: "no", listen: "no", error: "EACCES", obstacles: [] });
    expect(verdict.reason).toContain("Ports below 1024");
    expect(plan("0.0.0.0", [], { port: toPort(1024) }).bind).toBe("yes");
    const lowered = { limits: { ...limits, unprivilegedPortStart: known(80) } };
    expect(plan("0.0.0.0", [], low, lowered).bind).toBe("yes");
    expect(plan("0.0.0.0", [], { port: toPort(79) }, lowered).reason).toContain("Ports below 80");
    const privileged = { limits: { ...limits, mayBindPrivileged: known(true) } };
    expect(plan("0.0.0.0", [], low, privileged).bind).toBe("yes");
  });

  test("before what holds the port; for IPv4 after the address, for IPv6 before it", () => {
    expect(plan("0.0.0.0", [socketAt("0.0.0.0", { port: 80 })], low).error).toBe("EACCES");
    expect(plan("192.168.1.9", [], low).error).toBe("EADDRNOTAVAIL");
    expect(plan("fd00::9", [], low).error).toBe("EACCES");
  });

  test("a privilege that could not be read leaves it open", () => {
    const hidden = { limits: { ...limits, mayBindPrivileged: unseen } };
    expect(plan("0.0.0.0", [], low, hidden)).toMatchObject({ bind: "depends", error: "EACCES" });
    expect(plan("0.0.0.0", [], {}, hidden).bind).toBe("yes");
  });

  test("port 0 is any free port: always", () => {
    const verdict = plan("0.0.0.0", [socketAt("0.0.0.0")], { port: toPort(0) });
    expect(verdict).toMatchObject({ bind: "yes", listen: "yes", warnings: [] });
  });
});

describe("what to beware of", () => {
  function warningsOf(verdict: BindVerdict): BindWarningKind[] {
    expect(verdict.bind).not.toBe("no");
    return verdict.warnings.map(({ kind }) => kind);
  }
  const at = (number: number): Partial<BindWish> => ({ port: toPort(number) });

  test("nothing on a port that nobody cares about", () => {
    expect(warningsOf(plan("::"))).toEqual([]);
  });

  test("ports that the kernel hands out, but not those that it keeps back", () => {
    expect(warningsOf(plan("::", [], at(50_123)))).toEqual(["ephemeral"]);
    expect(plan("::", [], at(50_123)).warnings[0]?.message).toContain("32768 to 60999");
    expect(warningsOf(plan("::", [], at(32_767)))).not.toContain("ephemeral");
    expect(warningsOf(plan("::", [], at(61_000)))).not.toContain("ephemeral");
    expect(warningsOf(plan("::", [], at(40_005)))).toEqual(["reserved"]);
  });

  test("ports that browsers refuse, for TCP", () => {
    expect(warningsOf(plan("::", [], at(6666)))).toContain("browser-blocked");
    expect(warningsOf(plan("::", [], { ...at(6666), transport: "udp" }))).not.toContain("browser-blocked");
    expect(warningsOf(plan("::", [], at(6664)))).not.toContain("browser-blocked");
  });

  test("ports that are known for something", () => {
    const verdict = plan("::", [], at(5432));
    expect(warningsOf(verdict)).toEqual(["convention", "assigned"]);
    expect(verdict.warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining("PostgreSQL"),
      expect.stringContaining("IANA has assigned it to postgresql"),
    ]);
  });

  test("a stranger at the other loopback address", () => {
    const rival = [socketAt("::1")];
    expect(warningsOf(plan("127.0.0.1", rival))).toEqual(["other-family"]);
    expect(plan("127.0.0.1", rival).warnings[0]?.message).toContain(`localhost:${port}`);
    expect(warningsOf(plan("0.0.0.0", rival))).toEqual(["other-family"]);
    expect(warningsOf(plan("::1", [socketAt("127.0.0.1")]))).toEqual(["other-family"]);
    expect(warningsOf(plan("::", [socketAt("0.0.0.0")], { v6only: true }))).toEqual(["other-family"]);
    expect(warningsOf(plan("192.168.1.8", rival))).toEqual([]);
    expect(warningsOf(plan("127.0.0.1", [socketAt("::1", { state: "BOUND" })]))).toEqual([]);
  });

  test("macOS's AirPlay receiver, on macOS", () => {
    expect(warningsOf(plan("::", [], at(5000), { platform: "darwin" }))).toContain("macos-airplay");
    expect(warningsOf(plan("::", [], at(7000), { platform: "darwin" }))).toContain("macos-airplay");
    expect(warningsOf(plan("::", [], at(5000), { platform: "linux" }))).not.toContain("macos-airplay");
    expect(warningsOf(plan("::", [], { ...at(5000), transport: "udp" }, { platform: "darwin" }))).not.toContain(
      "macos-airplay",
    );
  });

  test("also where it only may succeed", () => {
    const verdict = plan("0.0.0.0", [socketAt("127.0.0.1", { state: "TIME_WAIT", port: 50_123 })], at(50_123));
    expect(verdict.bind).toBe("depends");
    expect(warningsOf(verdict)).toEqual(["ephemeral"]);
  });
});

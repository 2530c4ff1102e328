/**
 * @module Findings over facts that are written here. Set-ups made for real are in test/exactness/doctor.test.ts.
 */
import { describe, expect, test } from "vitest";
import { known, toPort, unknown, type Socket } from "../../core/index.ts";
import type { NetworkInterface } from "../../host/index.ts";
import { diagnoseReach } from "./diagnose.ts";
import type { Attempt, DoctorFacts, Exchange, SeenService } from "./facts.ts";
import { findingKinds } from "./finding.ts";
import { listenEverywhere } from "./listen-flags.ts";
import { findNearby } from "./not-listening.ts";

function socket(address: string, port: number, rest: Partial<Socket> = {}): Socket {
  const ipv6 = address.includes(":");
  return {
    transport: "tcp",
    family: ipv6 ? "ipv6" : "ipv4",
    state: "LISTEN",
    local: { address, port: toPort(port) },
    remote: null,
    v6only: ipv6 ? known(false) : null,
    boundInterface: known(null),
    inode: 1,
    uid: 1000,
    receiveQueue: 0,
    sendQueue: known(511),
    ...rest,
  };
}

function service(address: string, port: number, rest: Partial<SeenService> = {}): SeenService {
  return {
    port,
    transport: "tcp",
    sockets: [socket(address, port)],
    title: "Node.js",
    frameworkId: "node",
    frameworkTitle: "Node.js",
    scheme: "http",
    keepers: known([{ pid: 4711, name: "node", state: known("S"), user: "me" }]),
    command: ["node", "server.js"],
    workingDirectory: "/home/me/shop",
    projectRoot: "/home/me/shop",
    projectName: "shop",
    container: null,
    behindPort: null,
    publishedAt: [],
    namespace: null,
    outerAddresses: [],
    ...rest,
  };
}

const exchange: Exchange = {
  spoke: "http",
  answered: false,
  status: null,
  bodyStart: null,
  failure: null,
  certificate: null,
  identified: null,
  waitedInQueue: null,
};

function attempt(address: string, outcome: string, rest: Partial<Attempt> = {}): Attempt {
  const family = address.includes(":") ? "ipv6" : "ipv4";
  return { address, family, own: true, outcome, elapsedMs: 1, queue: null, exchange: null, ...rest };
}

const lan: NetworkInterface = {
  name: "eth0",
  index: known(2),
  up: known(true),
  loopback: false,
  hardwareAddress: known(null),
  mtuBytes: known(1500),
  addresses: [{ address: "192.168.1.8", family: "ipv4", prefixLength: 24 }],
  defaultRoute: { ipv4: known(true), ipv6: known(false) },
};

function facts(rest: Partial<DoctorFacts> = {}, asked: Partial<DoctorFacts["asked"]> = {}): DoctorFacts {
  return {
    asked: { transport: "tcp", scheme: "http", host: "localhost", hostKind: "name", port: 3000, path: "/", ...asked },
    name: null,
    attempts: [attempt("127.0.0.1", "ECONNREFUSED")],
    services: known([]),
    elsewhere: [],
    interfaces: [lan],
    routes: known([
      { family: "ipv4", network: "0.0.0.0/0", interfaceName: "eth0", gateway: "192.168.1.1", rejects: false },
    ]),
    neighbours: known([]),
    firewall: { chains: known([]), keeper: null, asked: [] },
    proxy: null,
    gateway: null,
    promised: [],
    usualPrograms: [],
    browserBlocked: false,
    workingDirectory: "/home/me/shop",
    ...rest,
  };
}

const kindsOf = (one: DoctorFacts): string[] => diagnoseReach(one).map(({ kind }) => kind);
const container = { engine: "podman", name: "web", image: "web:1", composeService: null };

describe("containers", () => {
  const inside = service("0.0.0.0", 3000, { container, namespace: "net:[1]", outerAddresses: ["10.88.0.5"] });

  test("a port that is not published, by engine, Compose, and at another number", () => {
    const [plain] = diagnoseReach(facts({ elsewhere: [inside] }));
    expect(plain).toMatchObject({ kind: "container-not-published", sure: "certain" });
    expect(plain!.remedies.map(({ command }) => command)).toEqual([
      "podman run --publish 3000:3000 web:1",
      "http://10.88.0.5:3000/",
    ]);
    const compose = { ...inside, container: { ...container, composeService: "app" } };
    expect(diagnoseReach(facts({ elsewhere: [compose] }))[0]!.remedies[0]!.command).toBe('ports: ["3000:3000"]');
    const other = { ...inside, publishedAt: ["*:8080"] };
    expect(diagnoseReach(facts({ elsewhere: [other] }))[0]!.remedies[0]!.command).toBe("http://localhost:8080/");
  });

  test("a published port that leads to loopback inside, or to nobody", () => {
    const door = service("0.0.0.0", 3000, { container, behindPort: 80 });
    const attempts = [attempt("127.0.0.1", "open", { exchange: { ...exchange, failure: "ECONNRESET" } })];
    const deaf = service("127.0.0.1", 80, { container, frameworkId: "vite", frameworkTitle: "Vite" });
    const [first] = diagnoseReach(facts({ services: known([door]), elsewhere: [deaf], attempts }));
    expect(first).toMatchObject({ kind: "container-loopback", remedies: [{ command: "vite --host" }] });
    const elsewhere = [service("0.0.0.0", 8080, { container })];
    const silent = diagnoseReach(facts({ services: known([door]), elsewhere, attempts }));
    expect(silent[0]).toMatchObject({ kind: "container-port-silent", remedies: [{ command: "--publish 3000:8080" }] });
  });
});

describe("nobody listens", () => {
  test("who may be meant: the program whose port it is, this project's, near and alike numbers", () => {
    const vite = service("127.0.0.1", 5174, { frameworkId: "vite", title: "Vite", projectRoot: "/other" });
    const own = service("127.0.0.1", 9000, { title: "Own" });
    const near = service("127.0.0.1", 3001, { title: "Near", projectRoot: null });
    const alike = service("127.0.0.1", 30_000, { title: "Alike", projectRoot: null });
    const stranger = service("127.0.0.1", 8000, { title: "Stranger", projectRoot: null });
    const services = known([alike, near, own, stranger, vite]);
    const one = facts({ services, usualPrograms: ["vite"] });
    expect(findNearby(one).map(({ service: { title }, weight }) => [title, weight])).toEqual([
      ["Vite", 4],
      ["Own", 3],
      ["Near", 2],
      ["Alike", 1],
    ]);
    const [finding] = diagnoseReach(one);
    expect(finding!.remedies.map(({ command }) => command)).toEqual([
      "http://localhost:5174/",
      "http://localhost:9000/",
      null,
    ]);
  });

  test("the port that is kept for a name; another transport; sockets that nobody could read", () => {
    const promised = [{ port: 3000, name: "shop", project: "/home/me/shop" }];
    expect(diagnoseReach(facts({ promised }))[0]!.remedies).toEqual([
      { text: expect.any(String), command: "portolan run --name shop -- COMMAND" },
    ]);
    const udp = service("0.0.0.0", 3000, { transport: "udp" });
    expect(diagnoseReach(facts({ services: known([udp]) }))[0]!.evidence.join()).toContain(
      "By UDP Node.js (node, pid 4711) listens there",
    );
    expect(kindsOf(facts({ services: unknown("unsupported") }))).toEqual(["not-listening"]);
  });
});

describe("order and silence", () => {
  test("a healthy place has no finding, whatever else is odd", () => {
    const attempts = [attempt("127.0.0.1", "open", { exchange: { ...exchange, answered: true, status: 500 } })];
    expect(kindsOf(facts({ services: known([service("127.0.0.1", 3000)]), attempts }))).toEqual([]);
  });

  test("a stopped process comes before the queue that it fills", () => {
    const stopped = service("127.0.0.1", 3000, {
      keepers: known([{ pid: 1, name: "node", state: known("T"), user: null }]),
    });
    const attempts = [attempt("127.0.0.1", "ETIMEDOUT", { queue: { waiting: 2, most: 1 } })];
    expect(kindsOf(facts({ services: known([stopped]), attempts }))).toEqual(["process-stopped", "backlog-full"]);
    const traced = service("127.0.0.1", 3000, {
      keepers: known([{ pid: 1, name: "node", state: known("t"), user: null }]),
    });
    expect(diagnoseReach(facts({ services: known([traced]), attempts }))[0]!.title).toContain("held by a debugger");
  });

  test("without the backlog's size a waiting queue is likely the cause", () => {
    const attempts = [attempt("127.0.0.1", "ETIMEDOUT", { queue: { waiting: 2, most: null } })];
    expect(diagnoseReach(facts({ services: known([service("127.0.0.1", 3000)]), attempts }))[0]).toMatchObject({
      kind: "backlog-full",
      sure: "likely",
    });
  });

  test("ports that browsers refuse, and a proxy for a place far away", () => {
    const attempts = [attempt("127.0.0.1", "open", { exchange: { ...exchange, answered: true, status: 200 } })];
    expect(kindsOf(facts({ browserBlocked: true, attempts }))).toEqual(["browser-refuses"]);
    const far = [
      attempt("93.184.216.34", "open", { own: false, exchange: { ...exchange, answered: true, status: 200 } }),
    ];
    const proxy = { variable: "http_proxy", proxy: "http://p:1", exceptions: null, nobodyThere: false };
    expect(kindsOf(facts({ proxy, attempts: far }))).toEqual([]);
    expect(kindsOf(facts({ proxy, attempts }))).toEqual(["proxy"]);
  });
});

describe("remedies", () => {
  test("by program: its own flag, its setting, its call, and plain words", () => {
    const told = (rest: Partial<SeenService>): unknown => {
      const { text, command } = listenEverywhere(service("127.0.0.1", 8000, rest));
      return command ?? text;
    };
    expect(told({ frameworkId: "django", frameworkTitle: "Django" })).toBe("python manage.py runserver 0.0.0.0:8000");
    expect(told({ frameworkId: "next", frameworkTitle: "Next.js" })).toBe("next dev --hostname 0.0.0.0");
    expect(told({ frameworkId: "node" })).toBe('server.listen({ port: 8000, host: "::" })');
    const postgres = known([{ pid: 1, name: "postgres", state: known("S"), user: null }]);
    expect(told({ frameworkId: null, keepers: postgres })).toContain("listen_addresses");
    expect(told({ frameworkId: null, keepers: unknown("permission") })).toContain("0.0.0.0");
  });

  test("by the firewall's keeper", () => {
    const chains = known([
      {
        table: "iptables filter",
        name: "INPUT",
        families: ["ipv4" as const],
        hook: "input" as const,
        priority: 0,
        policy: "accept" as const,
        rules: [{ text: "-A INPUT -p tcp -j DROP", conditions: [], verdict: { does: "drop" as const } }],
      },
    ]);
    const told = (keeper: "ufw" | "firewalld" | "iptables"): string | null | undefined =>
      diagnoseReach(
        facts({
          firewall: { chains, keeper, asked: [] },
          services: known([service("0.0.0.0", 3000)]),
          attempts: [attempt("127.0.0.1", "ETIMEDOUT")],
        }),
      )[0]?.remedies[0]?.command;
    expect(told("ufw")).toBe("sudo ufw allow 3000/tcp");
    expect(told("firewalld")).toBe("sudo firewall-cmd --add-port=3000/tcp");
    expect(told("iptables")).toBe("sudo iptables -t filter -I INPUT -p tcp --dport 3000 -j ACCEPT");
  });
});

test("kinds are named once", () => {
  expect(new Set(findingKinds).size).toBe(findingKinds.length);
});

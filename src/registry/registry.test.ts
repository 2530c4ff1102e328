import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPort, transports } from "../core/index.ts";
import { collectAssignments, collectConventions } from "../../scripts/generate-registry.mjs";
import { aliases } from "./aliases.ts";
import {
  allAssignments,
  allConventions,
  assignmentsOf,
  browserBlockedPorts,
  conventionsOf,
  doorOf,
  doors,
  findService,
  portOfScheme,
  primaryNameOf,
  rangeOf,
  ranges,
  resolveServiceName,
  schemeOf,
  searchServices,
  suggestServices,
} from "./index.ts";

describe("assignments", () => {
  test.each([
    [7, "tcp", "echo"],
    [20, "tcp", "ftp-data"],
    [21, "tcp", "ftp"],
    [22, "tcp", "ssh"],
    [23, "tcp", "telnet"],
    [25, "tcp", "smtp"],
    [42, "tcp", "name"],
    [53, "udp", "domain"],
    [67, "udp", "bootps"],
    [68, "udp", "bootpc"],
    [69, "udp", "tftp"],
    [80, "tcp", "http"],
    [80, "sctp", "http"],
    [88, "tcp", "kerberos"],
    [110, "tcp", "pop3"],
    [111, "tcp", "sunrpc"],
    [113, "tcp", "ident"],
    [123, "udp", "ntp"],
    [135, "tcp", "epmap"],
    [143, "tcp", "imap"],
    [161, "udp", "snmp"],
    [179, "tcp", "bgp"],
    [389, "tcp", "ldap"],
    [443, "tcp", "https"],
    [445, "tcp", "microsoft-ds"],
    [465, "tcp", "submissions"],
    [465, "udp", "igmpv3lite"],
    [512, "tcp", "exec"],
    [512, "udp", "comsat"],
    [514, "tcp", "shell"],
    [514, "udp", "syslog"],
    [587, "tcp", "submission"],
    [631, "tcp", "ipp"],
    [636, "tcp", "ldaps"],
    [853, "tcp", "domain-s"],
    [873, "tcp", "rsync"],
    [993, "tcp", "imaps"],
    [995, "tcp", "pop3s"],
    [1080, "tcp", "socks"],
    [1433, "tcp", "ms-sql-s"],
    [1883, "tcp", "mqtt"],
    [2049, "tcp", "nfs"],
    [2375, "tcp", "docker"],
    [3306, "tcp", "mysql"],
    [3389, "tcp", "ms-wbt-server"],
    [5060, "udp", "sip"],
    [5353, "udp", "mdns"],
    [5432, "tcp", "postgresql"],
    [5672, "tcp", "amqp"],
    [5900, "tcp", "rfb"],
    [6000, "tcp", "x11"],
    [6063, "udp", "x11"],
    [6379, "tcp", "redis"],
    [6667, "tcp", "ircu"],
    [8080, "tcp", "http-alt"],
    [3478, "udp", "stun"],
    [5349, "tcp", "stuns"],
    [1194, "udp", "openvpn"],
    [1525, "tcp", "orasrv"],
    [2049, "sctp", "nfs"],
    [5222, "tcp", "xmpp-client"],
    [8883, "tcp", "secure-mqtt"],
    [11_211, "tcp", "memcache"],
  ] as const)("%i/%s is %s", (port, transport, name) => {
    expect(primaryNameOf(port, transport)).toBe(name);
    expect(assignmentsOf(port, transport)[0]?.name).toBe(name);
  });

  test("every name of a port is there, primary first", () => {
    expect(assignmentsOf(80, "tcp").map((one) => one.name)).toEqual(["http", "www", "www-http"]);
    expect(assignmentsOf(63, "tcp").map((one) => one.name)).toEqual(["whoispp", "whois++"]);
  });

  test("the packed table gives back what it was made from, line by line", () => {
    const expected = collectAssignments().flatMap(({ port, name, mask }) =>
      transports.filter((_, bit) => (mask & (1 << bit)) !== 0).map((transport) => `${port}/${transport} ${name}`),
    );
    const all = [...allAssignments()];
    expect(all.map((one) => `${one.port}/${one.transport} ${one.name}`)).toEqual(expected);
    expect(all.length).toBeGreaterThan(11_000);
  });

  test("finding in the packed text agrees with the table taken apart, for every port", () => {
    const primaries = new Map<string, string>();
    for (const { port, transport, name } of allAssignments()) {
      const key = `${port}/${transport}`;
      if (!primaries.has(key)) primaries.set(key, name);
    }
    for (let port = 0; port <= 65_535; port++) {
      for (const transport of transports) {
        const name = primaryNameOf(port, transport);
        if (name !== primaries.get(`${port}/${transport}`)) {
          expect.fail(`${port}/${transport}: ${name} instead of ${primaries.get(`${port}/${transport}`)}`);
        }
      }
    }
  });

  test("a name leads to the same ports with its description and without", () => {
    for (const name of [
      "http",
      "x11",
      "dns",
      "dhcp",
      "vite",
      "k8s",
      "EtherNet/IP-1",
      "whois++",
      "no-such-name",
      "a b",
      "",
    ]) {
      expect(
        findService(name)?.ports.map((entry) => entry.port),
        name,
      ).toEqual(resolveServiceName(name));
    }
  });

  test("every assignment is found by its name", () => {
    const names = new Map<string, Set<number>>();
    for (const { name, port } of allAssignments()) {
      const key = name.toLowerCase();
      names.set(key, (names.get(key) ?? new Set()).add(port));
    }
    for (const [name, ports] of names) {
      const found = new Set(resolveServiceName(name));
      // A word that people say for something else wins over a registered name: sftp is 22, and not 115 (RFC 913).
      if (!Object.hasOwn(aliases, name) && ![...ports].every((port) => found.has(port))) {
        expect.fail(`${name} leads to ${[...found].join(",")} and not to ${[...ports].join(",")}`);
      }
    }
  });

  test("generation depends on nothing but its sources", () => {
    expect(collectAssignments()).toEqual(collectAssignments());
  });
});

describe("names that people say", () => {
  test.each([
    ["dns", 53],
    ["smb", 445],
    ["cifs", 445],
    ["rdp", 3389],
    ["postgres", 5432],
    ["mongo", 27_017],
    ["k8s", 6443],
    ["vite", 5173],
    ["jupyter", 8888],
    ["VNC", 5900],
    ["HTTPS", 443],
    ["kafka", 9092],
    ["whois", 43],
    ["nodejs", 3000],
    ["rails", 3000],
    ["nextjs", 3000],
    ["jenkins", 8080],
    ["nomad", 4646],
    ["otlp", 4317],
    ["irc", 6667],
    ["winrm", 5985],
    ["valkey", 6379],
    ["http.server", 8000],
  ])("%s leads to %i", (name, port) => {
    expect(resolveServiceName(name)).toContain(port);
  });

  test("every alias leads to ports, and to the same with their description", () => {
    for (const [word, targets] of Object.entries(aliases)) {
      expect(word, word).toBe(word.toLowerCase());
      for (const target of targets) {
        expect(typeof target === "number" ? [target] : resolveServiceName(target), `${word} → ${target}`).toBeDefined();
      }
      expect(
        findService(word)?.ports.map((entry) => entry.port),
        word,
      ).toEqual(resolveServiceName(word));
    }
  });

  test("every convention's word leads to its port", () => {
    const hidden = allConventions().filter(({ name, port }) => resolveServiceName(name)?.includes(port) !== true);
    expect(hidden.map(({ name, port }) => `${name} ${port}`)).toEqual([]);
  });

  test("a word of one program on a shared port tells of that program", () => {
    expect(findService("jenkins")).toMatchObject({ name: "jenkins", alias: null, ports: [{ port: 8080 }] });
    expect(findService("jenkins")?.description).toMatch(/^Jenkins: /);
    expect(findService("mailhog")?.ports.map((entry) => entry.port)).toEqual([1025, 8025]);
    expect(searchServices("jenkins").matches[0]).toMatchObject({ name: "jenkins", port: 8080, basis: "convention" });
    expect(searchServices("rails").matches[0]).toMatchObject({ name: "rails", port: 3000 });
  });

  test("dhcp has a server's and a client's port", () => {
    expect(findService("dhcp")).toMatchObject({ name: "bootps", alias: "dhcp" });
    expect(resolveServiceName("dhcp")).toEqual([67, 68]);
  });

  test.each([
    ["htpp", "http"],
    ["postgress", "postgres"],
    ["reids", "redis"],
    ["imasp", "imaps"],
    ["mysq", "mysql"],
  ])("%s might be %s", (wrong, right) => {
    expect(suggestServices(wrong)).toContain(right);
  });

  test("no text crashes the search, and limits hold", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        expect(searchServices(text, { limit: 3 }).matches.length).toBeLessThanOrEqual(3);
        expect(suggestServices(text).length).toBeLessThanOrEqual(3);
        findService(text);
      }),
      { numRuns: 60 },
    );
    expect(findService("__proto__")).toBeUndefined();
    expect(findService("constructor")).toBeUndefined();
    expect(portOfScheme("constructor")).toBeUndefined();
  });

  test("the exact name comes first", () => {
    expect(searchServices("ssh").matches[0]).toMatchObject({ name: "ssh", port: 22 });
    expect(searchServices("5173").matches[0]).toMatchObject({ name: "vite", port: 5173 });
    expect(searchServices("smb").matches[0]).toMatchObject({ port: 445 });
  });
});

describe("conventions", () => {
  test("there are many, each with a source and a line of words", () => {
    const all = allConventions();
    expect(all.length).toBeGreaterThanOrEqual(200);
    for (const convention of all) {
      expect(isPort(convention.port), convention.title).toBe(true);
      expect(convention.source, convention.title).toMatch(/^https?:\/\/\S+$/);
      expect(convention.description.length, convention.title).toBeGreaterThan(5);
      expect(convention.name, convention.title).toMatch(/^[a-z0-9-]+$/);
    }
    expect(new Set(all.map(({ port, name }) => `${port} ${name}`)).size).toBe(all.length);
  });

  test.each([
    [5173, "Vite"],
    [4173, "Vite"],
    [1234, "Parcel"],
    [5500, "Live Server"],
    [8080, "live-server"],
    [3000, "Next.js"],
    [4200, "Angular"],
    [6006, "Storybook"],
    [9229, "Node.js"],
    [8000, "http.server"],
    [5000, "Flask"],
    [8888, "Jupyter"],
  ])("%i belongs to %s by common use", (port, title) => {
    expect(
      conventionsOf(port)
        .map((convention) => `${convention.title} ${convention.description}`)
        .join(),
    ).toContain(title);
  });

  test("the packed table gives back what it was made from, in its order", () => {
    const expected = collectConventions().map((convention) => ({ transport: "tcp", ...convention }));
    expect(allConventions()).toEqual(expected);
    for (const { port } of expected) {
      expect(conventionsOf(port)).toEqual(expected.filter((convention) => convention.port === port));
    }
    for (const port of [0, 1, 1024, 3002, 65_535]) expect(conventionsOf(port)).toEqual([]);
  });

  test.each([
    [3000, "node"],
    [4200, "angular"],
    [5000, "flask"],
    [5001, "kestrel-https"],
    [5173, "vite"],
    [8000, "django"],
    [8080, "webpack-dev-server"],
    [8081, "metro"],
    [8088, "superset"],
    [9000, "php-fpm"],
    [10_000, "azurite"],
  ])("on %i %s comes first", (port, name) => {
    expect(conventionsOf(port)[0]?.name).toBe(name);
  });

  test("programs that share a port have a row and a source each", () => {
    const words = (port: number): string[] => conventionsOf(port).map((convention) => convention.name);
    expect(words(3000)).toEqual(
      expect.arrayContaining(["next", "create-react-app", "express", "rails", "nuxt", "grafana"]),
    );
    expect(words(8080)).toEqual(expect.arrayContaining(["live-server", "tomcat", "jenkins", "spring-boot", "quarkus"]));
    expect(words(8000)).toEqual(expect.arrayContaining(["python-http-server", "uvicorn", "fastapi", "laravel"]));
  });

  test("the transport counts", () => {
    expect(conventionsOf(51_820, "udp")).toHaveLength(1);
    expect(conventionsOf(51_820, "tcp")).toHaveLength(0);
  });
});

describe("ranges, doors, schemes", () => {
  test("every port lies in one range", () => {
    expect(ranges.map(({ first, last }) => [first, last])).toEqual([
      [0, 1023],
      [1024, 49_151],
      [49_152, 65_535],
    ]);
    for (const port of [0, 1023, 1024, 49_151, 49_152, 65_535]) {
      const range = rangeOf(port);
      expect(port >= range.first && port <= range.last).toBe(true);
    }
  });

  test("doors fit one line and their ports are assigned", () => {
    for (const door of doors) {
      expect(door.oneLine.length).toBeLessThanOrEqual(60);
      for (const port of door.ports) {
        expect(doorOf(port)).toBe(door);
        expect(door.transports.some((transport) => primaryNameOf(port, transport) !== undefined)).toBe(true);
      }
    }
  });

  test("schemes by number are for TCP only", () => {
    expect(schemeOf(80, "tcp")).toBe("http");
    expect(schemeOf(8443, "tcp")).toBe("https");
    expect(schemeOf(5173, "tcp")).toBe("http");
    expect(schemeOf(5432, "tcp")).toBeNull();
    expect(schemeOf(80, "udp")).toBeNull();
    expect(portOfScheme("HTTPS")).toBe(443);
    expect(portOfScheme("mongodb+srv")).toBe(27_017);
    expect(portOfScheme("turns")).toBe(5349);
    expect(portOfScheme("no-such-scheme")).toBeUndefined();
  });

  test("the blocked ports are sorted and unique", () => {
    expect([...browserBlockedPorts].sort((left, right) => left - right)).toEqual(browserBlockedPorts);
    expect(new Set(browserBlockedPorts).size).toBe(browserBlockedPorts.length);
    expect(browserBlockedPorts).toContain(6000);
  });
});

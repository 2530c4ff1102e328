/**
 * @module `can-bind` as a user calls it, in a namespace of its own, and after each answer the real bind: they agree.
 */
import { widthOf } from "../../src/core/index.ts";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { CanBindResult } from "../../src/operations/can-bind.ts";
import { endHolders, startProgram, type HolderProgram } from "../support/holders.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  whyNoProgram,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath, runCommand } from "../support/run-command.ts";

/** A socket to be made by the Python program below. */
interface SocketWish {
  readonly address: string;
  readonly port: number;
  readonly udp?: boolean;
  readonly reuseAddress?: boolean;
  readonly reusePort?: boolean;
  readonly v6only?: boolean;
  /** User that makes it. Default root. */
  readonly uid?: number;
  /** Listens after the bind. Default true, for TCP. */
  readonly listen?: boolean;
  /** Name that the process gives itself. */
  readonly name?: string;
}

const program = `
import errno, json, os, socket, sys, time
wish = json.loads(sys.argv[2])
if "name" in wish: open("/proc/self/comm", "w").write(wish["name"])
family = socket.AF_INET6 if ":" in wish["address"] else socket.AF_INET
# Python may lie where other users cannot read it: whatever it needs is loaded by now.
where = socket.getaddrinfo(wish["address"], wish["port"], family, socket.SOCK_STREAM)[0][4]
if "uid" in wish: os.setuid(wish["uid"])
def make():
    udp = wish.get("udp", False)
    s = socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(wish.get("reuseAddress", not udp)))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(wish.get("reusePort", False)))
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(wish.get("v6only", False)))
    s.bind(where)
    if not udp and wish.get("listen", True): s.listen()
    return s
if sys.argv[1] == "try":
    try:
        make()
        print("success")
    except OSError as error:
        print(errno.errorcode[error.errno])
elif sys.argv[1] == "hold":
    s = make()
    print("ready", flush=True)
    time.sleep(120)
else:
    # Ends a connection from the listener's side, and the listener with it: TIME_WAIT stays behind.
    s = make()
    client = socket.create_connection((wish["address"], wish["port"]))
    server, _ = s.accept()
    s.close()
    server.close()
    client.recv(1)
    client.close()
    print("ready", flush=True)
`;

const nobody = 65_534;
const somebody = 65_533;

describe.skipIf(
  requireOrSkip(
    "can-bind",
    whyNoNetworkNamespaces(),
    whyNoProgram("python3", "python3"),
    whyNoProgram("setpriv", "util-linux"),
  ),
)("can-bind", () => {
  let namespace: NetworkNamespace;
  const isResult = new Ajv2020({ strict: false, validateFormats: false }).compile(
    JSON.parse(
      readFileSync(fileURLToPath(new URL("../../dist/schema/can-bind.json", import.meta.url)), "utf8"),
    ) as object,
  );

  beforeAll(async () => {
    namespace = await createNetworkNamespace({ addresses: ["10.77.4.1/24", "fd00:77:4::1/64"] });
  });
  afterEach(endHolders);
  afterAll(() => namespace.destroy());

  interface AskOptions {
    readonly uid?: number;
    readonly environment?: Record<string, string>;
  }

  /** Runs the command in the namespace, whatever its status. */
  async function ask(words: readonly string[], { uid, environment = {} }: AskOptions = {}) {
    const command = [process.execPath, commandPath, "can-bind", ...words];
    const as = uid === undefined ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    const [first = "", ...rest] = [...as, ...command];
    try {
      return { status: 0, ...(await namespace.execIn(first, rest, { environment })) };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { status: code, stdout, stderr };
    }
  }

  /** The answers, checked by the published schema. */
  async function askJson(words: readonly string[], options?: AskOptions): Promise<CanBindResult> {
    const { stdout, stderr } = await ask([...words, "--json"], options);
    expect(stderr).toBe("");
    const result: unknown = JSON.parse(stdout);
    expect(isResult(result), JSON.stringify(isResult.errors)).toBe(true);
    return result as CanBindResult;
  }

  async function tryFor(wish: SocketWish): Promise<string> {
    return (await namespace.execIn("python3", ["-c", program, "try", JSON.stringify(wish)])).stdout.trim();
  }

  function hold(wish: SocketWish): Promise<HolderProgram> {
    const words = ["netns", "exec", namespace.name, "python3", "-c", program, "hold", JSON.stringify(wish)];
    return startProgram("ip", words);
  }

  function wordsFor({ address, port, udp, reuseAddress, reusePort, v6only }: SocketWish): string[] {
    const endpoint = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
    return [
      endpoint,
      ...(udp === true ? ["--udp"] : []),
      ...(reuseAddress === undefined ? [] : ["--reuse-address", reuseAddress ? "yes" : "no"]),
      ...(reusePort === true ? ["--reuse-port"] : []),
      ...(v6only === true ? ["--v6only"] : []),
    ];
  }

  /** Asks, then does it: a definite answer must be what happens. */
  async function foretell(wish: SocketWish) {
    const { answers } = await askJson(wordsFor(wish), wish.uid === undefined ? {} : { uid: wish.uid });
    const [answer, ...others] = answers;
    expect(others).toEqual([]);
    const happened = await tryFor(wish);
    if (answer!.bind === "yes") expect(happened).toBe("success");
    else if (answer!.bind === "no") expect(happened).toBe(answer!.error);
    else expect(["success", answer!.error]).toContain(happened);
    return { answer: answer!, happened };
  }

  describe("EADDRINUSE", () => {
    test.each([
      ["0.0.0.0", "0.0.0.0", "same-address"],
      ["127.0.0.1", "127.0.0.1", "same-address"],
      ["127.0.0.1", "0.0.0.0", "it-has-all"],
      ["0.0.0.0", "127.0.0.1", "you-want-all"],
      ["::1", "::", "it-has-all"],
      ["::", "fd00:77:4::1", "you-want-all"],
      ["0.0.0.0", "::", "dual-stack"],
      ["10.77.4.1", "::", "dual-stack"],
      ["::", "0.0.0.0", "dual-stack"],
      ["::", "10.77.4.1", "dual-stack"],
    ])("%s where somebody listens at %s", async (address, theirs, meeting) => {
      const holder = await hold({ address: theirs, port: 3000 });
      const { answer } = await foretell({ address, port: 3000 });
      expect(answer).toMatchObject({ bind: "no", listen: "no", error: "EADDRINUSE", warnings: [] });
      expect(answer.obstacles).toEqual([
        expect.objectContaining({ state: "LISTEN", local: { address: theirs, port: 3000 }, meeting, certain: "yes" }),
      ]);
      expect(answer.obstacles[0]!.holders).toMatchObject({
        known: true,
        value: [{ pid: holder.pid, startedAt: { known: true } }],
      });
    });

    test.each([
      [{ address: "127.0.0.1", port: 3001 }, { address: "127.0.0.2" }],
      [
        { address: "0.0.0.0", port: 3001 },
        { address: "::", v6only: true },
      ],
      [{ address: "::", port: 3001, v6only: true }, { address: "0.0.0.0" }],
      [{ address: "::1", port: 3001 }, { address: "127.0.0.1" }],
    ] as const)("%o beside %o is none", async (wish, theirs) => {
      await hold({ ...theirs, port: 3001 });
      expect((await foretell(wish)).answer).toMatchObject({ bind: "yes", listen: "yes", obstacles: [] });
    });

    test("a socket that is bound and does not listen", async () => {
      await hold({ address: "127.0.0.1", port: 3002, listen: false, reuseAddress: false });
      const without = await foretell({ address: "127.0.0.1", port: 3002, reuseAddress: false });
      const { answer, happened } = await foretell({ address: "127.0.0.1", port: 3002 });
      const seen = answer.warnings.every(({ kind }) => kind !== "unseen");
      // Kernels before 6.8 do not show such sockets; then the answer says so.
      expect([without.answer.bind, answer.bind]).toEqual(seen ? ["no", "depends"] : ["yes", "yes"]);
      expect(happened).toBe("EADDRINUSE");
      expect(answer.obstacles).toEqual([expect.objectContaining({ state: "BOUND", hidden: ["SO_REUSEADDR"] })]);
    });

    test.each([true, false])("TIME_WAIT of a socket whose SO_REUSEADDR was %s", async (reuseAddress) => {
      const port = reuseAddress ? 3003 : 3004;
      const wish = { address: "127.0.0.1", port };
      await namespace.execIn("python3", ["-c", program, "linger", JSON.stringify({ ...wish, reuseAddress })]);
      const without = await foretell({ ...wish, reuseAddress: false });
      expect(without.answer).toMatchObject({ bind: "no", obstacles: [{ state: "TIME_WAIT", inode: 0 }] });
      const text = await ask(wordsFor({ ...wish, reuseAddress: false }));
      expect(text).toMatchObject({ status: 1, stderr: "" });
      expect(text.stdout).toContain(`What is left of a connection ended a moment ago at 127.0.0.1:${port}`);
      const open = await ask(wordsFor(wish));
      expect(open.status).toBe(1);
      expect(open.stdout).toContain(
        `It depends: 127.0.0.1:${port} can be bound if the socket below has set SO_REUSEADDR, and gives EADDRINUSE otherwise.`,
      );
      const { answer, happened } = await foretell(wish);
      expect(answer).toMatchObject({ bind: "depends", error: "EADDRINUSE", obstacles: [{ hidden: ["SO_REUSEADDR"] }] });
      expect(happened).toBe(reuseAddress ? "success" : "EADDRINUSE");
    });

    test("another user's SO_REUSEPORT group", async () => {
      await hold({ address: "0.0.0.0", port: 3005, reusePort: true, uid: somebody });
      const wish = { address: "0.0.0.0", port: 3005, reusePort: true };
      const { answer, happened } = await foretell(wish);
      // Whoever was on the port before can have opened it, so this is never sure.
      expect(answer).toMatchObject({ bind: "depends", obstacles: [{ uid: somebody, hidden: ["history"] }] });
      expect(answer.reason).toContain("this one is another user's");
      expect(happened).toBe("EADDRINUSE");
      expect((await foretell({ ...wish, reusePort: false })).answer.bind).toBe("no");
      await hold({ address: "0.0.0.0", port: 3006, reusePort: true });
      expect(await foretell({ ...wish, port: 3006 })).toMatchObject({
        answer: { bind: "depends" },
        happened: "success",
      });
    });

    test("another user's SO_REUSEPORT group by UDP", async () => {
      await hold({ address: "0.0.0.0", port: 3007, udp: true, reusePort: true, uid: somebody });
      const { answer } = await foretell({ address: "0.0.0.0", port: 3007, udp: true, reusePort: true });
      expect(answer).toMatchObject({ bind: "no", listen: null, error: "EADDRINUSE" });
      expect(answer.reason).toContain("another user's");
    });

    test("UDP and TCP have ports of their own", async () => {
      await hold({ address: "::", port: 3008, udp: true });
      expect((await foretell({ address: "::", port: 3008 })).answer.bind).toBe("yes");
      expect((await foretell({ address: "::", port: 3008, udp: true })).answer.bind).toBe("no");
      const { stdout } = await ask(["udp:3008", "udp://127.0.0.1:3008", "3008/tcp"]);
      expect(stdout).toContain("No: [::]:3008 (UDP) gives EADDRINUSE");
      expect(stdout).toContain("No: 127.0.0.1:3008 (UDP) gives EADDRINUSE");
      expect(stdout).toContain("Yes: [::]:3008 can be bound, and a program can listen there.");
    });

    test("a holder whom the reader may not look into", async () => {
      await hold({ address: "127.0.0.1", port: 3009 });
      const { status, stdout, stderr } = await ask(["127.0.0.1:3009"], { uid: nobody });
      expect(status).toBe(1);
      expect(stdout).toContain("A process of the user with id 0 that you may not look into listens at 127.0.0.1:3009");
      expect(stderr).toContain("sudo");
      const { answers } = await askJson(["127.0.0.1:3009"], { uid: nobody });
      expect(answers[0]?.obstacles[0]?.holders).toEqual({ known: false, why: "permission" });
    });
  });

  describe("EACCES", () => {
    test("a privileged port as an ordinary user, with the limit and what would allow it", async () => {
      expect((await foretell({ address: "0.0.0.0", port: 80, uid: nobody })).answer).toMatchObject({
        bind: "no",
        listen: "no",
        error: "EACCES",
      });
      const { status, stdout } = await ask(["80"], { uid: nobody });
      expect(status).toBe(1);
      expect(stdout).toContain("Ports below 1024");
      expect(stdout).toContain("A port from 1024 on needs no privilege.");
      expect(stdout).toContain("sudo sysctl net.ipv4.ip_unprivileged_port_start=80\n");
      expect(stdout).toContain("sudo setcap cap_net_bind_service=+ep PROGRAM\n");
      expect((await foretell({ address: "0.0.0.0", port: 80 })).answer.bind).toBe("yes");
    });

    test("not where the limit is lower", async () => {
      await namespace.execIn("sysctl", ["-qw", "net.ipv4.ip_unprivileged_port_start=80"]);
      try {
        expect((await foretell({ address: "::", port: 80, uid: nobody })).answer.bind).toBe("yes");
        const { answer } = await foretell({ address: "::", port: 79, uid: nobody });
        expect(answer.error).toBe("EACCES");
        expect(answer.reason).toContain("Ports below 80 ");
      } finally {
        await namespace.execIn("sysctl", ["-qw", "net.ipv4.ip_unprivileged_port_start=1024"]);
      }
    });
  });

  describe("addresses", () => {
    test("one that is not there, with those that are", async () => {
      const ipv4 = await foretell({ address: "10.77.4.2", port: 3010 });
      expect(ipv4.answer).toMatchObject({ bind: "no", error: "EADDRNOTAVAIL", obstacles: [] });
      expect(ipv4.answer.availableAddresses).toEqual(["127.0.0.1", "10.77.4.1"]);
      const ipv6 = await foretell({ address: "fd00:77:4::2", port: 3010 });
      expect(ipv6.answer.availableAddresses).toEqual(expect.arrayContaining(["::1", "fd00:77:4::1"]));
      const { stdout } = await ask(["10.77.4.2:3010"]);
      expect(stdout).toContain("This machine has no address 10.77.4.2; it has 127.0.0.1, 10.77.4.1.");
    });

    test.each(["127.0.0.1", "127.9.9.9", "10.77.4.1", "10.77.4.255", "fd00:77:4::1", "::ffff:10.77.4.1"])(
      "%s is there",
      async (address) => {
        expect((await foretell({ address, port: 3011 })).answer).toMatchObject({ bind: "yes", listen: "yes" });
      },
    );

    test("a link-local address needs its interface", async () => {
      const addresses = (await namespace.execIn("ip", ["-6", "address", "show", "dev", "lan0", "scope", "link"]))
        .stdout;
      const own = /inet6 (fe80:[0-9a-f:]+)/.exec(addresses)?.[1] ?? "";
      const index = (await namespace.execIn("cat", ["/sys/class/net/lan0/ifindex"])).stdout.trim();
      const bare = await foretell({ address: own, port: 3012 });
      expect(bare.answer).toMatchObject({ bind: "no", error: "EINVAL" });
      const { answers } = await askJson([`[${own}%lan0]:3012`, `[${own}%${index}]:3012`, `[${own}%lo]:3012`]);
      expect(answers).toMatchObject([
        { endpoint: `[${own}%lan0]:3012`, bind: "yes", options: { interfaceName: "lan0" } },
        { endpoint: `[${own}%lan0]:3012`, bind: "yes" },
        { bind: "no", error: "EADDRNOTAVAIL" },
      ]);
      expect(await tryFor({ address: `${own}%lo`, port: 3012 })).toBe("EADDRNOTAVAIL");
    });

    test("those of interfaces that carry no signal or are switched off", async () => {
      const ip = (...words: string[]) => namespace.execIn("ip", words);
      await ip("link", "add", "silent0", "type", "veth", "peer", "name", "off0");
      await ip("address", "add", "10.77.6.1/32", "dev", "off0");
      await ip("link", "set", "off0", "up");
      await ip("link", "set", "off0", "down");
      await ip("address", "add", "10.77.5.1/24", "dev", "silent0");
      await ip("address", "add", "fd00:77:5::1/64", "dev", "silent0", "nodad");
      await ip("link", "set", "silent0", "up");
      for (const address of ["10.77.5.1", "10.77.6.1", "fd00:77:5::1"]) {
        expect((await foretell({ address, port: 3013 })).answer.bind).toBe("yes");
      }
      for (const address of ["10.77.5.2", "10.77.6.2", "fd00:77:5::2"]) {
        expect((await foretell({ address, port: 3013 })).answer.error).toBe("EADDRNOTAVAIL");
      }
    });

    test("a port alone is what listen(port) of Node takes, with IPv6 switched off as well", async () => {
      const code = `const s = require("net").createServer().listen(3014, () => { console.log(s.address().address); s.close(); })`;
      const nodeTakes = async () => (await namespace.execIn(process.execPath, ["-e", code])).stdout.trim();
      expect((await askJson(["3014"])).answers).toMatchObject([{ address: await nodeTakes(), bind: "yes" }]);
      const bare = await createNetworkNamespace();
      try {
        await bare.execIn("sysctl", ["-qw", "net.ipv6.conf.all.disable_ipv6=1"]);
        const { stdout } = await bare.execIn(process.execPath, [commandPath, "can-bind", "3014", "--json"]);
        const address = (await bare.execIn(process.execPath, ["-e", code])).stdout.trim();
        expect((JSON.parse(stdout) as CanBindResult).answers).toMatchObject([{ address, bind: "yes" }]);
      } finally {
        await bare.destroy();
      }
    });

    test("localhost is both loopback addresses", async () => {
      await hold({ address: "::1", port: 3015 });
      const { answers } = await askJson(["localhost:3015"]);
      expect(answers).toMatchObject([
        { endpoint: "127.0.0.1:3015", bind: "yes" },
        { endpoint: "[::1]:3015", bind: "no" },
      ]);
      expect((await ask(["localhost:3015"])).status).toBe(1);
    });
  });

  describe("what to beware of", () => {
    async function warningsOf(wish: SocketWish): Promise<string[]> {
      const { answer } = await foretell(wish);
      expect(answer.bind).toBe("yes");
      return answer.warnings.map(({ kind }) => kind);
    }

    test("nothing, and status 0", async () => {
      expect(await warningsOf({ address: "::", port: 21_500 })).toEqual([]);
      expect(await ask(["21500"])).toEqual({
        status: 0,
        stdout: "Yes: [::]:21500 can be bound, and a program can listen there.\n",
        stderr: "",
      });
    });

    test("ports that the kernel hands out or keeps back", async () => {
      expect(await warningsOf({ address: "::", port: 50_123 })).toEqual(["ephemeral"]);
      await namespace.execIn("sysctl", ["-qw", "net.ipv4.ip_local_port_range=20000 29999"]);
      await namespace.execIn("sysctl", ["-qw", "net.ipv4.ip_local_reserved_ports=21501-21502"]);
      try {
        expect(await warningsOf({ address: "::", port: 50_123 })).toEqual([]);
        expect(await warningsOf({ address: "::", port: 21_500 })).toEqual(["ephemeral"]);
        expect(await warningsOf({ address: "::", port: 21_501 })).toEqual(["reserved"]);
      } finally {
        await namespace.execIn("sysctl", ["-qw", "net.ipv4.ip_local_port_range=32768 60999"]);
        await namespace.execIn("sysctl", ["-qw", "net.ipv4.ip_local_reserved_ports="]);
      }
    });

    test("ports that browsers refuse and ports that are known for something", async () => {
      expect(await warningsOf({ address: "::", port: 6000 })).toContain("browser-blocked");
      expect(await warningsOf({ address: "::", port: 5432 })).toEqual(["convention", "assigned"]);
      expect((await ask(["5432"])).stdout).toMatch(/Beware: .*PostgreSQL/);
    });

    test("a stranger at the other loopback address", async () => {
      await hold({ address: "127.0.0.1", port: 21_503 });
      expect(await warningsOf({ address: "::1", port: 21_503 })).toEqual(["other-family"]);
      expect((await ask(["[::1]:21503"])).stdout).toContain(
        "Beware: Somebody else listens at 127.0.0.1, so that localhost:21503 may reach them instead of you.",
      );
    });

    test("sockets that this reader cannot see", async () => {
      await hold({ address: "127.0.0.1", port: 21_504, listen: false });
      const { stdout } = await ask(["127.0.0.1:21504", "--reader", "proc", "--json"]);
      const { answers } = JSON.parse(stdout) as CanBindResult;
      expect(answers).toMatchObject([{ bind: "yes", warnings: [{ kind: "unseen" }] }]);
      expect((await ask(["udp:21504", "--reader", "proc"])).stdout).not.toContain("not shown");
    });
  });

  describe("as text", () => {
    test("names of processes are escaped, and 40 columns hold everything", async () => {
      const holder = await hold({ address: "::", port: 3020, name: "\u001b[31mr\u0007ed" });
      const { stdout, status } = await ask(["0.0.0.0:3020", "10.77.4.9:3020", "[::1]:6000"], {
        environment: { COLUMNS: "40" },
      });
      expect(status).toBe(1);
      expect(stdout.replaceAll(/\s+/g, " ")).toContain(`(pid ${holder.pid}`);
      // eslint-disable-next-line no-control-regex
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      expect(stdout.split("\n").filter((line) => widthOf(line) > 40)).toEqual([]);
      const json = await ask(["0.0.0.0:3020", "--json"]);
      // eslint-disable-next-line no-control-regex
      expect(json.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      const { answers } = JSON.parse(json.stdout) as CanBindResult;
      expect(answers[0]?.obstacles[0]?.holders).toMatchObject({
        value: [{ name: { value: "\u001b[31mr\u0007ed" } }],
      });
    });

    test("who, since when, and how the addresses meet", async () => {
      const holder = await hold({ address: "::", port: 3021, name: "shop" });
      const { stdout } = await ask(["0.0.0.0:3021"]);
      const [first, second, third, ...rest] = stdout.trimEnd().split("\n");
      expect(first).toBe("No: 0.0.0.0:3021 gives EADDRINUSE.");
      expect(second).toMatch(
        new RegExp(
          `^ {2}shop \\(pid ${holder.pid}, user root, (project \\S+, )?for \\d+ s\\) listens at \\[::\\]:3021, and an IPv6 socket that is not IPv6-only takes IPv4 as well\\.$`,
        ),
      );
      expect(third).toBe("    It listens, and a listening socket shares its port by SO_REUSEPORT alone.");
      expect(rest).toEqual([]);
    });
  });
});

describe.skipIf(process.platform !== "linux")("words that can-bind does not take", () => {
  test.each([
    [["can-bind", "somewhere:80"], 2, "is a name", "ARGUMENT_INVALID"],
    [["can-bind", "sctp://127.0.0.1:80"], 2, "sctp", "ARGUMENT_INVALID"],
    [["can-bind", "127.0.0.1:65536"], 2, "65535", "ENDPOINT_INVALID"],
    [["can-bind", "256.0.0.1:80"], 2, "256", "ENDPOINT_INVALID"],
    [["can-bind", "postgress"], 1, "postgres", "SERVICE_UNKNOWN"],
    [["can-bind", "80", "--reuse-address", "perhaps"], 2, "yes", "ARGUMENT_INVALID"],
    [["can-bind"], 2, "endpoint", "ARGUMENT_INVALID"],
  ])("%j", async (words, status, text, code) => {
    const outcome = await runCommand(words);
    expect(outcome).toMatchObject({ status, stdout: "" });
    expect(outcome.stderr).toContain(text);
    expect(outcome.stderr).toContain(code);
  });
});

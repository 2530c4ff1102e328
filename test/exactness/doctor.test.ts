/**
 * @module `doctor` on set-ups that are broken for real, each in a network namespace of the test's own: the first finding names the true
 * cause. Healthy ones have no finding, and an ordinary user is told what could not be looked at.
 */
import { X509Certificate, generateKeyPairSync } from "node:crypto";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Port } from "../../src/core/index.ts";
import { buildAuthority } from "../../src/gateway/certificates/build-certificate.ts";
import { keepRoute, type Route } from "../../src/gateway/index.ts";
import type { DoctorResult } from "../../src/operations/doctor.ts";
import { startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  whyNoProgram,
  type NetworkNamespace,
} from "../support/netns.ts";
import { whyNoPrivateMounts } from "../support/private-mounts.ts";
import { commandPath } from "../support/run-command.ts";

const serverPath = fileURLToPath(new URL("broken-servers.mjs", import.meta.url));
const schemaPath = new URL("../../dist/schema/doctor.json", import.meta.url);
const ownAddress = "10.93.4.2";
const peerAddress = "10.93.4.1";

/** Two sockets that the kernel lets share a port, the second more specific. */
const sharingProgram = `
import socket, sys
held = []
for at in sys.argv[1:]:
    host, port = at.rsplit(" ", 1)
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((host, int(port)))
    one.listen()
    held.append(one)
print("ready", flush=True)
import threading
def serve(one):
    while True:
        connection, _ = one.accept()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
        connection.close()
for one in held[1:]: threading.Thread(target=serve, args=(one,)).start()
serve(held[0])
`;

/** Connections that stay, so many as are taken before the queue is full. */
const fillingProgram = `
  const { connect } = require("node:net");
  const [host, port, count] = process.argv.slice(1);
  let open = 0;
  for (let index = 0; index < Number(count); index += 1)
    connect({ host, port: Number(port) })
      .on("error", () => undefined)
      .once("connect", () => ++open === Number(count) && console.log("ready"));
`;

interface AskOptions {
  readonly hosts?: string;
  readonly environment?: Record<string, string>;
  readonly user?: number;
  readonly namespace?: NetworkNamespace;
  readonly folder?: string;
  /** No answer is expected, and none is waited for long. */
  readonly silent?: boolean;
  readonly reader?: "proc";
}

/** The kernel tells the state of a wire some time after both its ends were switched on (net/core/link_watch.c). */
async function untilUp(namespace: NetworkNamespace, link: string): Promise<void> {
  for (let look = 0; look < 500; look += 1) {
    const { stdout } = await namespace.execIn("cat", [`/sys/class/net/${link}/operstate`]);
    if (stdout.trim() === "up") return;
  }
  throw new Error(`${link} did not come up`);
}

const silent: AskOptions = { silent: true };

const reasons = [
  whyNoNetworkNamespaces(),
  whyNoPrivateMounts(),
  whyNoProgram("nft", "nftables"),
  whyNoProgram("python3", "python3"),
  whyNoProgram("openssl", "openssl"),
];

describe.skipIf(requireOrSkip("doctor's broken set-ups", ...reasons))("doctor", () => {
  let home: NetworkNamespace;
  let peer: NetworkNamespace;
  /** Has nothing but loopback. */
  let alone: NetworkNamespace;
  let gateway: GatewayProcess;
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
    JSON.parse(readFileSync(schemaPath, "utf8")) as object,
  );
  const folder = mkdtempSync(join(tmpdir(), "pdr-"));
  const children: ChildProcess[] = [];
  let nextPort = 21_301;
  const takePort = (): number => (nextPort += 23);

  async function start(
    namespace: NetworkNamespace,
    program: string,
    words: readonly string[],
    cwd = folder,
  ): Promise<ChildProcess> {
    const child = namespace.spawnIn(program, words, { stdio: ["ignore", "pipe", "inherit"], cwd });
    children.push(child);
    const [said] = (await once(child.stdout!, "data")) as [Buffer];
    expect(String(said).trim()).toBe("ready");
    return child;
  }

  function serve(kind: string, host: string, port: number, ...rest: string[]): Promise<ChildProcess> {
    return start(home, process.execPath, [serverPath, kind, host, String(port), ...rest]);
  }

  async function ask(endpoint: string, options: AskOptions = {}): Promise<DoctorResult & { exitStatus: number }> {
    const { namespace = home, hosts = "127.0.0.1 localhost\n::1 localhost\n", user, environment = {} } = options;
    const own = mkdtempSync(join(folder, "ask-"));
    chmodSync(own, 0o755);
    writeFileSync(join(own, "hosts"), hosts, { mode: 0o644 });
    writeFileSync(join(own, "nsswitch.conf"), "hosts: files\n", { mode: 0o644 });
    const become =
      user === undefined ? [] : ["setpriv", "--reuid", String(user), "--regid", String(user), "--clear-groups"];
    const script = `mount --bind ${own}/hosts /etc/hosts && mount --bind ${own}/nsswitch.conf /etc/nsswitch.conf && exec "$@"`;
    const words = ["--mount", "--propagation", "private", "sh", "-c", script, "sh", ...become];
    const command = [
      process.execPath,
      commandPath,
      "doctor",
      endpoint,
      "--json",
      "--timeout",
      options.silent === true ? "500ms" : "20s",
      "--reader",
      options.reader ?? "auto",
    ];
    const child = namespace.spawnIn("unshare", [...words, ...command], {
      cwd: options.folder ?? folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], HOME: folder, PORTOLAN_STATE_HOME: gateway.folder, ...environment },
    });
    let stdout = "";
    let stderr = "";
    child.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [exitStatus] = (await once(child, "close")) as [number];
    if (stdout === "") throw new Error(stderr);
    const answer = JSON.parse(stdout) as DoctorResult;
    expect(validate(answer), JSON.stringify(validate.errors)).toBe(true);
    return { ...answer, exitStatus };
  }

  /** The first finding, for comparing. */
  async function first(endpoint: string, options?: AskOptions): Promise<string> {
    const { findings, exitStatus } = await ask(endpoint, options);
    expect(exitStatus).toBe(findings.length === 0 ? 0 : 1);
    const [cause] = findings;
    if (cause === undefined) return "healthy";
    return `${cause.kind}, ${cause.sure}: ${cause.remedies[0]?.command ?? cause.remedies[0]?.text ?? ""}`;
  }

  async function makeCertificate(name: string, words: readonly string[]): Promise<[string, string]> {
    const [certificate, key] = [join(folder, `${name}.pem`), join(folder, `${name}-key.pem`)];
    const common = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    await promisify(execFile)("openssl", [...common, ...words, "-keyout", key, "-out", certificate]);
    return [certificate, key];
  }

  /** One that signs itself and ended a day ago. */
  function makeExpired(): [string, string] {
    const [certificate, key] = [join(folder, "old.pem"), join(folder, "old-key.pem")];
    const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const dayMs = 86_400_000;
    const validity = { notBeforeMs: Date.now() - 3 * dayMs, notAfterMs: Date.now() - dayMs };
    const bytes = buildAuthority({ keys, commonName: "old", serialNumber: "1", names: ["localhost"], validity });
    writeFileSync(certificate, new X509Certificate(bytes).toString());
    writeFileSync(key, keys.privateKey.export({ type: "pkcs8", format: "pem" }));
    return [certificate, key];
  }

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    peer = await createNetworkNamespace();
    home = await createNetworkNamespace({
      addresses: [`${ownAddress}/24`],
      peer,
      peerAddresses: [`${peerAddress}/24`],
    });
    alone = await createNetworkNamespace();
    await untilUp(home, "lan0");
    gateway = await startGatewayProcess({ namespace: home });
  }, 60_000);

  afterAll(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    await gateway?.close();
    for (const namespace of [home, peer, alone]) await namespace?.destroy();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  describe("what listens", () => {
    test("nobody; the project's own server is at the next number", async () => {
      const port = takePort();
      const project = join(folder, "shop");
      mkdirSync(join(project, "node_modules/vite/bin"), { recursive: true });
      writeFileSync(join(project, "package.json"), '{"name":"shop"}');
      symlinkSync(serverPath, join(project, "node_modules/vite/bin/vite.mjs"));
      const words = ["--preserve-symlinks-main", join(project, "node_modules/vite/bin/vite.mjs")];
      await start(home, process.execPath, [...words, "http", "127.0.0.1", String(port + 1)], project);
      expect(await first(`http://localhost:${port}/cart`, { folder: project })).toBe(
        `not-listening, certain: http://localhost:${port + 1}/cart`,
      );
      // The same server, as a telephone asks for it: the program's own flag is the remedy.
      await Promise.all([
        expect(first(`http://${ownAddress}:${port + 1}/`)).resolves.toBe("loopback-only, certain: vite --host"),
        expect(first(`http://localhost:${port + 1}/`)).resolves.toBe("healthy"),
      ]);
    });

    test("by IPv4 only, while localhost is ::1", async () => {
      const port = takePort();
      await serve("http", "127.0.0.1", port);
      await Promise.all([
        expect(first(`http://localhost:${port}/`, { hosts: "::1 localhost\n" })).resolves.toBe(
          `ipv4-only, certain: http://127.0.0.1:${port}/`,
        ),
        expect(first(`[::1]:${port}`)).resolves.toBe(`ipv4-only, certain: 127.0.0.1:${port}`),
      ]);
    });

    test("by IPv6 only, while localhost is 127.0.0.1; and with IPV6_V6ONLY", async () => {
      const [port, other] = [takePort(), takePort()];
      await serve("http", "::1", port);
      await serve("v6only", "::", other);
      expect(await first(`http://localhost:${port}/`, { hosts: "127.0.0.1 localhost\n" })).toBe(
        `ipv6-only, certain: http://[::1]:${port}/`,
      );
      const { findings } = await ask(`http://127.0.0.1:${other}/`);
      expect(findings[0]).toMatchObject({ kind: "ipv6-only", sure: "certain" });
      expect(findings[0]!.evidence.join()).toContain("IPV6_V6ONLY is set");
    });

    test("at another address of this machine", async () => {
      const port = takePort();
      await serve("http", ownAddress, port);
      expect(await first(`http://localhost:${port}/`)).toBe(`other-address, certain: http://${ownAddress}:${port}/`);
    });

    test("another process has the specific address", async () => {
      const port = takePort();
      await start(home, "python3", ["-c", sharingProgram, `0.0.0.0 ${port}`]);
      expect(await first(`http://127.0.0.1:${port}/`)).toBe("healthy");
      await start(home, "python3", ["-c", sharingProgram, `127.0.0.1 ${port}`]);
      expect(await first(`http://127.0.0.1:${port}/`)).toBe(`address-taken, likely: portolan kill 127.0.0.1:${port}`);
    });

    test("in another network namespace", async () => {
      const port = takePort();
      await start(peer, process.execPath, [serverPath, "http", "0.0.0.0", String(port)]);
      expect(await first(`http://localhost:${port}/`)).toMatch(/^other-namespace, likely: /);
    });
  });

  describe("the process", () => {
    test("is stopped, and goes on", async () => {
      const port = takePort();
      const child = await serve("http", "127.0.0.1", port);
      process.kill(child.pid!, "SIGSTOP");
      await Promise.all([
        expect(first(`http://localhost:${port}/`)).resolves.toBe(`process-stopped, certain: kill -CONT ${child.pid}`),
        expect(first(String(port))).resolves.toBe(`process-stopped, certain: kill -CONT ${child.pid}`),
      ]);
      process.kill(child.pid!, "SIGCONT");
      expect(await first(`http://localhost:${port}/`)).toBe("healthy");
    });

    test("hangs: connections wait to be accepted", async () => {
      const port = takePort();
      await serve("hangs", "127.0.0.1", port);
      await Promise.all([
        expect(first(`http://127.0.0.1:${port}/`, silent)).resolves.toMatch(/^process-hung, certain: /),
        expect(first(`127.0.0.1:${port}`, silent)).resolves.toMatch(/^process-hung, certain: /),
      ]);
    });

    test("has a full backlog", async () => {
      const port = takePort();
      await serve("full", "127.0.0.1", port);
      // One more than the backlog is taken (sk_acceptq_is_full, include/net/sock.h).
      await start(home, process.execPath, ["-e", fillingProgram, "127.0.0.1", String(port), "2"]);
      const { findings } = await ask(`http://127.0.0.1:${port}/`, silent);
      expect(findings[0]).toMatchObject({ kind: "backlog-full", sure: "certain" });
      expect(findings[0]!.evidence[0]).toBe("2 connections wait to be accepted, and the backlog is 1.");
      // /proc does not tell the backlog.
      expect(await first(`http://127.0.0.1:${port}/`, { ...silent, reader: "proc" })).toMatch(
        /^backlog-full, likely: /,
      );
    });

    test("takes connections, and says nothing; or hangs up", async () => {
      const [mute, resets] = [takePort(), takePort()];
      await serve("mute", "127.0.0.1", mute);
      await serve("resets", "127.0.0.1", resets);
      expect(await first(`http://127.0.0.1:${mute}/`, silent)).toMatch(/^no-answer, likely: /);
      const { findings } = await ask(`http://127.0.0.1:${resets}/`);
      expect(findings[0]).toMatchObject({ kind: "connection-reset", sure: "likely" });
      expect(findings[0]!.evidence[0]).toContain("ECONNRESET");
    });
  });

  describe("a firewall", () => {
    test("drops on this machine: the rule is shown", async () => {
      const port = takePort();
      await serve("http", "0.0.0.0", port);
      await home.execIn("nft", ["add", "table", "inet", "shield"]);
      await home.execIn("nft", [
        "add",
        "chain",
        "inet",
        "shield",
        "in",
        "{ type filter hook input priority 0; policy accept; }",
      ]);
      await home.execIn("nft", [
        "add",
        "rule",
        "inet",
        "shield",
        "in",
        "tcp",
        "dport",
        `{ ${port}, 1000-1010 }`,
        "counter",
        "drop",
      ]);
      const { findings } = await ask(`http://127.0.0.1:${port}/`, silent);
      expect(findings[0]).toMatchObject({ kind: "firewall", sure: "certain" });
      expect(findings[0]!.evidence[0]).toMatch(
        new RegExp(`^inet shield in: tcp dport \\{ 1000-1010, ${port} \\} counter packets \\d+ bytes \\d+ drop$`),
      );
      expect(findings[0]!.remedies[0]!.command).toBe(`sudo nft insert rule inet shield in tcp dport ${port} accept`);
      // The remedy is one.
      await home.execIn("nft", ["insert", "rule", "inet", "shield", "in", "tcp", "dport", String(port), "accept"]);
      expect(await first(`http://127.0.0.1:${port}/`)).toBe("healthy");
      await home.execIn("nft", ["delete", "table", "inet", "shield"]);
    });

    test("whose rules an ordinary user may not read is suspected by its silence", async () => {
      const port = takePort();
      await serve("http", "0.0.0.0", port);
      await home.execIn("nft", ["add", "table", "inet", "shield"]);
      await home.execIn("nft", ["add", "chain", "inet", "shield", "in", "{ type filter hook input priority 0; }"]);
      await home.execIn("nft", ["add", "rule", "inet", "shield", "in", "tcp", "dport", String(port), "drop"]);
      const { findings, notLookedAt } = await ask(`http://127.0.0.1:${port}/`, { ...silent, user: 65_534 });
      expect(findings[0]).toMatchObject({ kind: "firewall-suspected", sure: "likely" });
      expect(notLookedAt).toContainEqual(expect.objectContaining({ what: "firewall", why: "permission" }));
      await home.execIn("nft", ["delete", "table", "inet", "shield"]);
    });

    test("lets this machine in and other devices not", async () => {
      const port = takePort();
      await serve("http", "0.0.0.0", port);
      await home.execIn("nft", ["add", "table", "inet", "shield"]);
      await home.execIn("nft", [
        "add",
        "chain",
        "inet",
        "shield",
        "in",
        "{ type filter hook input priority 0; policy drop; }",
      ]);
      for (const rule of [
        "iifname lo accept",
        "ct state vmap { established : accept, related : accept, invalid : drop }",
        "tcp dport 22 accept",
      ])
        await home.execIn("nft", ["add", "rule", "inet", "shield", "in", ...rule.split(" ")]);
      const { findings } = await ask(`http://${ownAddress}:${port}/`);
      expect(findings[0]).toMatchObject({ kind: "firewall", sure: "certain" });
      expect(findings[0]!.evidence).toEqual([
        "inet shield in: policy drop",
        "From this machine itself it can be opened.",
      ]);
      expect(await first(`http://localhost:${port}/`)).toBe("healthy");
      await home.execIn("nft", ["delete", "table", "inet", "shield"]);
    });

    test.skipIf(requireOrSkip("iptables' rules", whyNoProgram("iptables", "iptables")))(
      "of iptables rejects",
      async () => {
        const port = takePort();
        await serve("http", "127.0.0.1", port);
        const rule = ["INPUT", "-p", "tcp", "-m", "tcp", "--dport", String(port), "-j", "REJECT"];
        await home.execIn("iptables", ["-A", ...rule]);
        const { findings } = await ask(`http://127.0.0.1:${port}/`);
        expect(findings[0]).toMatchObject({ kind: "firewall", sure: "certain" });
        expect(findings[0]!.evidence[0]).toContain(`iptables filter INPUT: -A ${rule.join(" ")}`);
        await home.execIn("iptables", ["-D", ...rule]);
        expect(await first(`http://127.0.0.1:${port}/`)).toBe("healthy");
      },
    );
  });

  describe("the network", () => {
    test("an interface is down", async () => {
      const port = takePort();
      await home.execIn("ip", ["link", "add", "wire5", "type", "veth", "peer", "name", "wire6", "netns", peer.name]);
      await home.execIn("ip", ["address", "add", "10.93.5.2/24", "dev", "wire5"]);
      await serve("http", "0.0.0.0", port);
      expect(await first(`http://10.93.5.2:${port}/`)).toBe("interface-down, certain: sudo ip link set wire5 up");
      // Switched on, and the other end of the wire is not: a device in that network.
      await home.execIn("ip", ["link", "set", "wire5", "up"]);
      expect(await first(`http://10.93.5.9:${port}/`, silent)).toMatch(/^interface-down, certain: /);
      await home.execIn("ip", ["link", "delete", "wire5"]);
    });

    test("loopback itself is down", async () => {
      const bare = await createNetworkNamespace();
      await bare.execIn("ip", ["link", "set", "lo", "down"]);
      expect(await first(`127.0.0.1:${takePort()}`, { ...silent, namespace: bare })).toBe(
        "interface-down, certain: sudo ip link set lo up",
      );
      await bare.destroy();
    });

    test("there is no route, or only the default one into a private network", async () => {
      const port = takePort();
      expect(await first(`http://192.168.77.8:${port}/`, { namespace: alone })).toMatch(/^no-route, certain: /);
      await home.execIn("ip", ["route", "add", "default", "via", peerAddress]);
      expect(await first(`http://192.168.77.8:${port}/`, silent)).toMatch(/^wrong-network, likely: /);
      await home.execIn("ip", ["route", "del", "default"]);
    });

    test("nobody has the address any more; the server is here", async () => {
      const port = takePort();
      await serve("http", "0.0.0.0", port);
      expect(await first(`http://10.93.4.77:${port}/`, silent)).toBe(
        `nobody-at-address, likely: http://${ownAddress}:${port}/`,
      );
    });

    test("the other device refuses; or its firewall is silent", async () => {
      const port = takePort();
      expect(await first(`http://${peerAddress}:${port}/`)).toMatch(/^remote-refuses, certain: /);
      await peer.execIn("nft", ["add", "table", "inet", "shield"]);
      await peer.execIn("nft", ["add", "chain", "inet", "shield", "in", "{ type filter hook input priority 0; }"]);
      await peer.execIn("nft", ["add", "rule", "inet", "shield", "in", "tcp", "dport", String(port), "drop"]);
      expect(await first(`http://${peerAddress}:${port}/`, silent)).toMatch(/^remote-silent, likely: /);
    });
  });

  describe("what is spoken", () => {
    test("TLS where HTTP is asked, and the other way", async () => {
      const [secure, plain] = [takePort(), takePort()];
      const pair = await makeCertificate("plain", [
        "-days",
        "30",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
      ]);
      await serve("https", "127.0.0.1", secure, ...pair);
      await serve("http", "127.0.0.1", plain);
      await Promise.all([
        expect(first(`http://localhost:${secure}/`)).resolves.toBe(
          `tls-expected, certain: https://localhost:${secure}/`,
        ),
        expect(first(`https://localhost:${plain}/`)).resolves.toBe(
          `tls-not-spoken, certain: http://localhost:${plain}/`,
        ),
      ]);
    });

    test("a certificate that nobody trusts, for another name, out of time; and one that is fine", async () => {
      const [port, late] = [takePort(), takePort()];
      const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
      const fine = await makeCertificate("fine", ["-days", "30", ...name]);
      const old = makeExpired();
      await serve("https", "127.0.0.1", port, ...fine);
      await serve("https", "127.0.0.1", late, ...old);
      expect(await first(`https://localhost:${port}/`)).toMatch(/^certificate-untrusted, certain: /);
      const trusting = { environment: { SSL_CERT_FILE: fine[0] } };
      await Promise.all([
        expect(first(`https://localhost:${port}/`, trusting)).resolves.toBe("healthy"),
        expect(first(`https://127.0.0.1:${port}/`, trusting)).resolves.toMatch(/^certificate-wrong-name, certain: /),
        expect(first(`https://localhost:${late}/`, { environment: { SSL_CERT_FILE: old[0] } })).resolves.toMatch(
          /^certificate-expired, certain: /,
        ),
      ]);
    });

    test.skipIf(requireOrSkip("Redis at an HTTP URL", whyNoProgram("redis-server", "redis-server")))(
      "Redis where HTTP is asked",
      async () => {
        const port = takePort();
        const words = [
          "--port",
          String(port),
          "--bind",
          "127.0.0.1",
          "--save",
          "",
          "--dir",
          folder,
          "--daemonize",
          "no",
        ];
        const child = home.spawnIn("redis-server", words, { stdio: ["ignore", "pipe", "inherit"], cwd: folder });
        children.push(child);
        for await (const text of child.stdout!.setEncoding("utf8"))
          if ((text as string).includes("eady to accept")) break;
        const { findings } = await ask(`http://localhost:${port}/`);
        expect(findings[0]).toMatchObject({ kind: "wrong-protocol", sure: "certain" });
        expect(findings[0]!.title).toContain("speaks Redis, not HTTP");
        await Promise.all([
          expect(first(`redis://localhost:${port}`)).resolves.toBe("healthy"),
          expect(first(`postgres://localhost:${port}`)).resolves.toMatch(/^wrong-protocol, certain: /),
        ]);
      },
    );

    test("HTTP, and the server refuses the name", async () => {
      const port = takePort();
      await serve("picky", "127.0.0.1", port);
      expect(await first(`http://shop.test:${port}/`, { hosts: "127.0.0.1 shop.test\n" })).toBe(
        'host-not-allowed, certain: server: { allowedHosts: ["shop.test"] }',
      );
    });

    test("a proxy in the environment", async () => {
      const port = takePort();
      await serve("http", "127.0.0.1", port);
      const environment = { http_proxy: "http://user:secret@10.93.4.1:3128" };
      const { findings } = await ask(`http://localhost:${port}/`, { environment });
      expect(findings[0]).toMatchObject({ kind: "proxy", sure: "likely" });
      expect(JSON.stringify(findings)).not.toContain("secret");
      expect(findings[0]!.remedies[0]!.command).toBe("export no_proxy=localhost");
      await Promise.all([
        expect(
          first(`http://localhost:${port}/`, { environment: { ...environment, no_proxy: "localhost" } }),
        ).resolves.toBe("healthy"),
        expect(
          first(`http://localhost:${port}/`, { environment: { http_proxy: `http://127.0.0.1:${port + 1}` } }),
        ).resolves.toMatch(/^proxy, certain: /),
      ]);
    });
  });

  describe("a name", () => {
    test("has no address, or another machine's", async () => {
      const port = takePort();
      await serve("http", "127.0.0.1", port);
      await Promise.all([
        expect(first(`http://shop.test:${port}/`)).resolves.toBe(`name-unresolved, certain: http://localhost:${port}/`),
        expect(
          first(`http://shop.test:${port}/`, { ...silent, hosts: "# ours\n10.93.4.77 shop.test\n" }),
        ).resolves.toBe(`name-elsewhere, certain: http://localhost:${port}/`),
        expect(first(`http://shop.test:${port}/`, { hosts: "127.0.0.1 shop.test\n" })).resolves.toBe("healthy"),
      ]);
    });

    test("of the gateway has no route, no server behind it, or no gateway", async () => {
      const port = takePort();
      expect(await first("http://shop.localhost/")).toBe("route-missing, certain: portolan run shop -- COMMAND");
      const route: Route = {
        host: "shop.localhost",
        path: "/",
        target: { protocol: "http", host: "localhost", port: port as Port },
        strip: false,
        ownHost: false,
        holder: null,
        ended: null,
        createdAtMs: 0,
      };
      await gateway.addRoutes(route);
      await Promise.all([
        expect(first("http://shop.localhost/")).resolves.toMatch(/^route-target-down, certain: /),
        expect(first("http://shpo.localhost/")).resolves.toBe("route-missing, certain: http://shop.localhost/"),
        expect(first("http://shop.localhost:8080/")).resolves.toBe(
          "gateway-other-port, certain: http://shop.localhost/",
        ),
      ]);
      await serve("http", "127.0.0.1", port);
      expect(await first("http://shop.localhost/")).toBe("healthy");
      // The same route of a user whose gateway does not run.
      const idle = join(folder, "idle");
      await keepRoute(idle, route, true);
      const environment = { PORTOLAN_STATE_HOME: idle };
      expect(await first("http://shop.localhost/", { namespace: alone, environment })).toBe(
        "gateway-not-running, certain: portolan gateway start",
      );
    });
  });

  test("healthy ones: by number, name and address, as root and as an ordinary user, who is told what was not looked at", async () => {
    const port = takePort();
    await serve("http", "::", port);
    const places = [
      String(port),
      `localhost:${port}`,
      `http://[::1]:${port}/`,
      `http://${ownAddress}:${port}/x?y=1`,
      `0.0.0.0:${port}`,
    ];
    const told = await Promise.all(places.map((place) => ask(place)));
    expect(told.map(({ findings, healthy, complete }) => ({ findings, healthy, complete }))).toEqual(
      places.map(() => ({ findings: [], healthy: true, complete: true })),
    );
    // Root reads the firewall.
    expect(told.flatMap(({ notLookedAt }) => notLookedAt.map(({ what }) => what))).not.toContain("firewall");
    const { healthy, notLookedAt } = await ask(String(port), { user: 65_534 });
    expect(healthy).toBe(true);
    expect(notLookedAt.map(({ what, why }) => `${what} ${why}`)).toEqual(
      expect.arrayContaining(["firewall permission", "holders permission"]),
    );
  });

  test("the text names the cause, and the exit status says that there is one; unusable words are 2", async () => {
    const run = (words: readonly string[]): Promise<{ status: number | null; text: string }> =>
      new Promise((resolve) => {
        const child = spawn("ip", ["netns", "exec", home.name, process.execPath, commandPath, "doctor", ...words], {
          env: { PATH: process.env["PATH"], HOME: folder },
        });
        let text = "";
        child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
        child.once("close", (status) => resolve({ status, text }));
      });
    const port = takePort();
    const { status, text } = await run([String(port)]);
    expect(status).toBe(1);
    expect(text).toContain(`Nobody listens at TCP port ${port} on this machine. (certain)`);
    expect((await run(["no such place"])).status).toBe(2);
    expect((await run(["127.0.0.1:0"])).status).toBe(2);
  });
});

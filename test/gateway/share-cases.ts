/**
 * @module Real servers behind one port, and real clients that must each reach their own.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { writeCertificate } from "../servers/certificate.ts";
import { giveToServer, launch, writeServerFile } from "../servers/launch.ts";
import type { RunningServer } from "../servers/server.ts";
import { harbourServers } from "../servers/servers.ts";

/** Programs that the cases need, wherever root looks. */
const programs = [
  "ssh",
  "sshd",
  "curl",
  "nginx",
  "psql",
  "redis-server",
  "redis-cli",
  "mosquitto",
  "mosquitto_pub",
  "postfix",
  "python3",
];

/** Why the cases cannot be run here; `null` when they can. */
export function whyNoShareCases(): string | null {
  if (process.platform !== "linux") return "Linux's loopback addresses";
  if (process.getuid?.() !== 0) return "root, which Postfix wants";
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  const missing = programs.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  return missing.length === 0 ? null : missing.join(", ");
}

/** Ports of the servers, all at one loopback address that nobody else uses. */
const ports = {
  ssh: 2222,
  http: 8080,
  named: 3000,
  told: 3001,
  http2: 8081,
  tls: 8443,
  namedTls: 8444,
  offered: 8445,
  postgresql: 5433,
  redis: 6390,
  mqtt: 1884,
} as const;

/** The name that some are asked by. */
export const askedName = "app.localhost";

/** Which server is meant. */
export type ShareServer = keyof typeof ports | "smtp";

/** The servers, running. */
export interface ShareServers {
  /** A loopback address of their own. */
  readonly address: string;
  readonly folder: string;
  /** `127.1.2.3:8080`. */
  readonly places: Readonly<Record<ShareServer, string>>;
  stop(): Promise<void>;
}

/** Starts them all. */
export async function startShareServers(): Promise<ShareServers> {
  const folder = mkdtempSync(join(tmpdir(), "pgs-"));
  // Servers run as different users, and all must get to their folders.
  chmodSync(folder, 0o755);
  const address = `127.${100 + (process.pid % 100)}.${1 + ((process.pid >> 8) % 250)}.${1 + (process.pid & 127)}`;
  const running: RunningServer[] = [];
  const own = (name: string): string => {
    const path = join(folder, name);
    mkdirSync(path, { mode: 0o755 });
    giveToServer(path);
    return path;
  };
  const harbour = async (id: string, port: number, at = address): Promise<void> => {
    const server = harbourServers.find((candidate) => candidate.id === id)!;
    running.push(await server.start({ address: at, port, folder: own(id) }));
  };
  // Postfix takes no address that no interface shows.
  const smtp = await freePort();
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  // All have started, or ended, before any failure is told: nobody is left behind.
  const starts = await Promise.allSettled([
    harbour("openssh", ports.ssh),
    harbour("postgresql", ports.postgresql),
    harbour("redis", ports.redis),
    harbour("postfix", smtp, "127.0.0.1"),
    startWebServers(address, own("web")).then((server) => running.push(server)),
    startBroker(address, own("broker")).then((server) => running.push(server)),
  ]);
  const failed = starts.find((start) => start.status === "rejected");
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const own127 = Object.entries(ports).map(([name, port]) => [name, `${address}:${port}`]);
  const places = { ...Object.fromEntries(own127), smtp: `127.0.0.1:${smtp}` } as ShareServers["places"];
  return { address, folder, places, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** nginx at each port, which says which one it is. */
async function startWebServers(address: string, folder: string): Promise<RunningServer> {
  const { certificate, key } = await writeCertificate(folder);
  const encrypted = `ssl_certificate ${certificate}; ssl_certificate_key ${key};`;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const server = (name: keyof typeof ports, words: string, more = ""): string =>
    `server { listen ${address}:${ports[name]} ${words}; ${more} location / { default_type text/plain; return 200 "${name} $server_protocol\\n"; } }`;
  const configuration = writeServerFile(
    folder,
    "nginx.conf",
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr info; events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n")}
      ${server("http", "")}
      ${server("named", "")}
      ${server("http2", "http2")}
      server { listen ${address}:${ports.told} proxy_protocol; location / { default_type text/plain; return 200 "told $proxy_protocol_addr\\n"; } }
      ${server("tls", "ssl", encrypted)}
      ${server("namedTls", "ssl", encrypted)}
      ${server("offered", "ssl http2", encrypted)}
    }
    `,
  );
  return await launch(
    { address, port: ports.http, folder },
    { program: "nginx", words: ["-c", configuration, "-e", "stderr"] },
  );
}

async function startBroker(address: string, folder: string): Promise<RunningServer> {
  const configuration = writeServerFile(
    folder,
    "mosquitto.conf",
    `log_dest stderr\npersistence false\nallow_anonymous true\nlistener ${ports.mqtt} ${address}\n`,
  );
  return await launch(
    { address, port: ports.mqtt, folder },
    { program: "mosquitto", words: ["-c", configuration], readyLine: / running$/m },
  );
}

/** Where a client goes. */
export interface ClientPlace {
  readonly address: string;
  readonly port: number;
  readonly folder: string;
  /** Another name to ask for than the client's own. */
  readonly name?: string;
}

/** One client, and what it says when it has reached its own server and nobody else. */
export interface ShareClient {
  readonly title: string;
  readonly server: ShareServer;
  readonly run: (place: ClientPlace) => Promise<string>;
  readonly expected: RegExp;
}

const curl =
  (scheme: string, usualName: string | null, ...words: string[]) =>
  ({ address, port, name = usualName ?? undefined }: ClientPlace): Promise<string> =>
    output("curl", [
      "--silent",
      "--show-error",
      "--noproxy",
      "*",
      "--max-time",
      "30",
      ...words,
      ...(name === undefined ? [] : ["--resolve", `${name}:${port}:${address}`]),
      `${scheme}://${name ?? address}:${port}/`,
    ]);

const psql =
  (...words: string[]) =>
  ({ address, port }: ClientPlace): Promise<string> =>
    output("psql", [
      "-X",
      "-A",
      "-t",
      `host=${address} port=${port} user=postgres password=x dbname=postgres ${words.join(" ")}`,
      "-c",
      "select 6 * 7, (select ssl from pg_stat_ssl where pid = pg_backend_pid())",
    ]);

/** Every client. */
export const shareClients: readonly ShareClient[] = [
  {
    title: "ssh (OpenSSH)",
    server: "ssh",
    expected: /Permission denied \(publickey/,
    // Its server's key, and no other, is the one that it accepts; nobody can log in there.
    run: async ({ address, port, folder }) => {
      const key = readFileSync(join(folder, "openssh/host-key.pub"), "utf8").split(" ").slice(0, 2).join(" ");
      const known = join(folder, `known-${port}`);
      writeServerFile(folder, `known-${port}`, `[${address}]:${port} ${key}\n`);
      const options = [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        `UserKnownHostsFile=${known}`,
        "GlobalKnownHostsFile=/dev/null",
        "IdentityFile=none",
        "IdentityAgent=none",
        "ConnectTimeout=30",
      ];
      return output("ssh", [
        "-F",
        "none",
        "-p",
        String(port),
        ...options.flatMap((option) => ["-o", option]),
        `nobody@${address}`,
        "true",
      ]);
    },
  },
  { title: "curl, HTTP/1.1", server: "http", run: curl("http", null), expected: /^http HTTP\/1\.1$/m },
  {
    title: `curl, HTTP/1.1, Host ${askedName}`,
    server: "named",
    run: curl("http", askedName),
    expected: /^named HTTP\/1\.1$/m,
  },
  {
    title: "curl, HTTP/2 without TLS",
    server: "http2",
    run: curl("http", null, "--http2-prior-knowledge"),
    expected: /^http2 HTTP\/2\.0$/m,
  },
  { title: "curl, TLS", server: "tls", run: curl("https", null, "-k", "--http1.1"), expected: /^tls HTTP\/1\.1$/m },
  {
    title: `curl, TLS, SNI ${askedName}`,
    server: "namedTls",
    run: curl("https", askedName, "-k", "--http1.1"),
    expected: /^namedTls HTTP\/1\.1$/m,
  },
  {
    title: "curl, HTTP/2 in TLS (ALPN)",
    server: "offered",
    run: curl("https", null, "-k", "--http2"),
    expected: /^offered HTTP\/2\.0$/m,
  },
  { title: "psql, SSLRequest", server: "postgresql", run: psql("sslmode=require"), expected: /^42\|t$/m },
  { title: "psql without TLS", server: "postgresql", run: psql("sslmode=disable"), expected: /^42\|f$/m },
  {
    title: "redis-cli",
    server: "redis",
    run: ({ address, port }) => output("redis-cli", ["-h", address, "-p", String(port), "INFO", "server"]),
    expected: /^redis_version:/m,
  },
  {
    title: "redis-cli 3 (HELLO)",
    server: "redis",
    run: ({ address, port }) => output("redis-cli", ["-3", "-h", address, "-p", String(port), "PING"]),
    expected: /^PONG$/m,
  },
  {
    title: "PING, as typed",
    server: "redis",
    run: ({ address, port }) => typed(address, port, "PING\r\nQUIT\r\n"),
    expected: /^\+PONG\r$/m,
  },
  {
    title: "mosquitto_pub",
    server: "mqtt",
    // It waits for the broker's word that it has the message.
    run: async ({ address, port }) =>
      await output("mosquitto_pub", ["-h", address, "-p", String(port), "-q", "1", "-t", "share", "-m", "hello", "-d"]),
    expected: /received PUBACK/,
  },
  {
    title: "SMTP, waits for the greeting",
    server: "smtp",
    run: ({ address, port }) =>
      output("python3", [
        "-c",
        "import smtplib, sys\ns = smtplib.SMTP(sys.argv[1], int(sys.argv[2]), local_hostname='client.test', timeout=30)\nprint(s.ehlo()[0], s.noop()[0], s.quit()[1].decode())",
        address,
        String(port),
      ]),
    expected: /^250 250 2\.0\.0 Bye$/m,
  },
];

/** What a program printed, on both streams, whatever its exit status. */
function output(program: string, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const environment = { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin`, HOME: "/nonexistent", LC_ALL: "C.UTF-8" };
    const child = spawn(program, words, {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 60_000,
      killSignal: "SIGKILL",
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
    child.stderr.setEncoding("utf8").on("data", (part: string) => (text += part));
    child.once("error", reject);
    child.once("close", () => resolve(text));
  });
}

/** What comes back until the connection ends. */
function typed(host: string, port: number, words: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ host, port }, () => socket.write(words));
    socket.setEncoding("latin1").on("data", (part: string) => (text += part));
    socket.setTimeout(30_000, () => socket.destroy());
    socket.once("error", (error) => (text += error.message));
    socket.once("close", () => resolve(text));
  });
}

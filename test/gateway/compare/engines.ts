/**
 * @module The gateway and its peers, each before the same two servers: `one.localhost` and `two.localhost`, configured as their manuals
 * show it for a reverse proxy with kept connections and WebSockets.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { routeOf, startGateway } from "../../support/gateway.ts";
import { startRawServer, type RawServer } from "./raw-server.ts";

/** One engine with servers of its own. */
export interface Engine {
  readonly name: string;
  readonly version: string;
  readonly port: number;
  readonly one: RawServer;
  readonly two: RawServer;
  close(): Promise<void>;
}

type Ports = { readonly port: number; readonly one: number; readonly two: number; readonly folder: string };

interface Peer {
  readonly name: string;
  readonly program: string;
  readonly versionWords: readonly string[];
  readonly version: RegExp;
  readonly words: (folder: string) => readonly string[];
  readonly file: string;
  readonly configuration: (ports: Ports) => string;
}

const peers: readonly Peer[] = [
  {
    name: "nginx",
    program: "nginx",
    versionWords: ["-v"],
    version: /nginx\/([\d.]+)/,
    words: (folder) => ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"],
    file: "nginx.conf",
    configuration: ({ port, one, two, folder }) => `
daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr crit;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  upstream one { server 127.0.0.1:${one}; keepalive 8; }
  upstream two { server 127.0.0.1:${two}; keepalive 8; }
  server { listen 127.0.0.1:${port} default_server; return 404; }
  server { listen 127.0.0.1:${port}; server_name one.localhost; location / { proxy_pass http://one; } }
  server { listen 127.0.0.1:${port}; server_name two.localhost; location / { proxy_pass http://two; } }
}
`,
  },
  {
    name: "HAProxy",
    program: "haproxy",
    versionWords: ["-v"],
    version: /version ([\d.]+)/,
    words: (folder) => ["-db", "-f", join(folder, "haproxy.cfg")],
    file: "haproxy.cfg",
    configuration: ({ port, one, two }) => `
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  option forwardfor
  http-reuse always
frontend names
  bind 127.0.0.1:${port}
  use_backend one if { req.hdr(host),host_only -i one.localhost }
  use_backend two if { req.hdr(host),host_only -i two.localhost }
  default_backend nobody
backend nobody
  http-request return status 404
backend one
  server one 127.0.0.1:${one}
backend two
  server two 127.0.0.1:${two}
`,
  },
  {
    name: "Caddy",
    program: "caddy",
    versionWords: ["version"],
    version: /v?([\d.]+)/,
    words: (folder) => ["run", "--adapter", "caddyfile", "--config", join(folder, "Caddyfile")],
    file: "Caddyfile",
    configuration: ({ port, one, two }) => `
{
  admin off
  auto_https off
}
http://one.localhost:${port} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${one}
}
http://two.localhost:${port} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${two}
}
http://:${port} {
  bind 127.0.0.1
  respond 404
}
`,
  },
];

/** Starts the gateway and every peer that is installed; says which is not. */
export async function startEngines(): Promise<Engine[]> {
  const engines = [await startOwn()];
  for (const peer of peers) {
    const engine = await startPeer(peer);
    if (engine === undefined) console.error(`${peer.name} is not installed.`);
    else engines.push(engine);
  }
  return engines;
}

async function startOwn(): Promise<Engine> {
  const one = await startRawServer();
  const two = await startRawServer();
  const gateway = await startGateway([
    routeOf("one", `127.0.0.1:${one.port}`),
    routeOf("two", `127.0.0.1:${two.port}`),
  ]);
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return {
    name: "Portolan",
    version,
    port: gateway.port,
    one,
    two,
    close: async () => {
      await gateway.close();
      one.close();
      two.close();
    },
  };
}

async function startPeer(peer: Peer): Promise<Engine | undefined> {
  const told = await promisify(execFile)(peer.program, [...peer.versionWords]).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (told === undefined) return undefined;
  const one = await startRawServer();
  const two = await startRawServer();
  const folder = mkdtempSync(join(tmpdir(), "portolan-peer-"));
  const port = await findPort();
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, peer.file), peer.configuration({ port, one: one.port, two: two.port, folder }));
  const child = spawn(peer.program, [...peer.words(folder)], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ["ignore", "ignore", "pipe"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-4000)));
  await untilListening(port, child, () => said);
  return {
    name: peer.name,
    version: peer.version.exec(told.stdout + told.stderr)?.[1] ?? "unknown",
    port,
    one,
    two,
    close: async () => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      one.close();
      two.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function untilListening(port: number, child: ChildProcess, said: () => string): Promise<void> {
  for (let round = 0; round < 100 && child.exitCode === null; round += 1) {
    const socket = connect(port, "127.0.0.1");
    const taken = await Promise.race([once(socket, "connect"), once(socket, "close")]).then(
      (arrived) => arrived.length === 0,
      () => false,
    );
    socket.destroy();
    if (taken) return;
    await delay(50);
  }
  throw new Error(`It does not listen at ${port}: ${said()}`);
}

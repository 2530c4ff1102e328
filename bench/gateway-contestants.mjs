/**
 * @module The gateways that `bench:gateway` races, each set up to do the same: `app.localhost` leads to one server, `echo.localhost` to another,
 * connections to both are kept, nothing is logged.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startPinned } from "./gateway-processes.mjs";

const command = fileURLToPath(new URL("../dist/bin/portolan.cjs", import.meta.url));
const peers = fileURLToPath(new URL("peers", import.meta.url));
/** Node 24, which portless and http-proxy-3 want. */
const peerNode = join(peers, "node_modules/node/bin/node");

/**
 * @typedef {{ folder: string, processor: string, appPort: number, echoPort: number, certificate: string, key: string }} Setting
 * @typedef {{ pid: number, httpPort: number, httpsPort: number | null, note?: string }} Started
 * @typedef {{ name: string, version: () => string, start: (setting: Setting, httpPort: number, httpsPort: number) => Promise<Started> }} Contestant
 */

/** @type {readonly Contestant[]} */
export const contestants = [
  portolanOn("portolan", process.execPath),
  portolanOn("portolan, Node 24", peerNode),
  nodeProxy("httpxy", "httpxy", process.execPath),
  nodeProxy("httpxy, Node 24", "httpxy", peerNode),
  nodeProxy("http-proxy-3, Node 24", "http-proxy-3", peerNode),
  { name: "portless", version: () => npmVersion("portless", peerNode), start: startPortless },
  { name: "nginx, 1 worker", version: () => versionOf("nginx", "-v"), start: startNginx },
  { name: "haproxy, 1 thread", version: () => versionOf("haproxy", "-v"), start: startHaproxy },
  { name: "caddy", version: () => versionOf("caddy", "version"), start: startCaddy },
];

function portolanOn(name, node) {
  return {
    name,
    version: () => `Node ${nodeVersion(node)}`,
    start: async ({ folder, processor, appPort, echoPort }, httpPort, httpsPort) => {
      const state = join(folder, `state-${httpPort}`);
      mkdirSync(state, { mode: 0o700 });
      const environment = { PORTOLAN_STATE_HOME: state, PATH: process.env.PATH, HOME: folder };
      for (const [route, port] of [
        ["app", appPort],
        ["echo", echoPort],
      ])
        run(node, [command, "route", "add", route, String(port), "--no-start"], environment);
      const https = run(node, [command, "gateway", "--help"], environment).includes("--https-port");
      const pid = await startPinned({
        name,
        folder,
        processor,
        program: node,
        words: [command, "gateway", "serve", "--json", "--port", String(httpPort)].concat(
          https ? ["--https-port", String(httpsPort)] : [],
        ),
        environment,
        ports: [httpPort],
      });
      const { listeners } = JSON.parse(run(node, [command, "gateway", "status", "--json"], environment));
      const secure = listeners.find(({ scheme }) => scheme === "https");
      return { pid, httpPort, httpsPort: secure?.port ?? null };
    },
  };
}

function nodeProxy(name, library, node) {
  return {
    name,
    version: () => npmVersion(library, node),
    start: async (setting, httpPort, httpsPort) => {
      const { folder, processor, appPort, echoPort, certificate, key } = setting;
      const ports = [httpPort, httpsPort];
      const words = [join(peers, `${library}.mjs`), ...[...ports, appPort, echoPort].map(String), certificate, key];
      const pid = await startPinned({ name, folder, processor, program: node, words, ports });
      return { pid, httpPort, httpsPort };
    },
  };
}

/** Two processes of portless, one without TLS and one with. Its state is in the folder; hosts file and trust stores stay as they are. */
async function startPortless({ folder, processor, appPort, echoPort, certificate, key }, httpPort, httpsPort) {
  const program = join(peers, "node_modules/portless/dist/cli.js");
  const startAt = async (port, words) => {
    const home = join(folder, `portless-${port}`);
    mkdirSync(home);
    const environment = {
      HOME: home,
      PORTLESS_STATE_DIR: join(home, "state"),
      PORTLESS_SYNC_HOSTS: "0",
      PATH: process.env.PATH,
    };
    run(peerNode, [program, "alias", "app", String(appPort)], environment);
    run(peerNode, [program, "alias", "echo", String(echoPort)], environment);
    const start = [program, "proxy", "start", "--foreground", "--port", String(port), ...words];
    return startPinned({
      name: `portless ${port}`,
      folder,
      processor,
      program: peerNode,
      words: start,
      environment,
      ports: [port],
    });
  };
  const pid = await startAt(httpPort, ["--no-tls"]);
  const securePid = await startAt(httpsPort, ["--cert", certificate, "--key", key]);
  return { pid, securePid, httpPort, httpsPort };
}

async function startNginx({ folder, processor, appPort, echoPort, certificate, key }, httpPort, httpsPort) {
  const place = join(folder, "nginx");
  mkdirSync(place);
  const listen = `listen 127.0.0.1:${httpPort}; listen 127.0.0.1:${httpsPort} ssl;`;
  writeFileSync(
    join(place, "nginx.conf"),
    `daemon off; ${rootUser()} worker_processes 1; pid ${place}/pid; error_log stderr;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; proxy_max_temp_file_size 0;
  ${temporaryPaths(place)}
  ssl_certificate ${certificate}; ssl_certificate_key ${key};
  map $http_upgrade $hop { default upgrade; "" ""; }
  upstream app { server 127.0.0.1:${appPort}; keepalive 128; keepalive_requests 100000000; }
  upstream echo { server 127.0.0.1:${echoPort}; }
  proxy_http_version 1.1;
  proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $hop;
  proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-Proto $scheme;
  server { ${listen} server_name app.localhost; location / { proxy_pass http://app; } }
  server { ${listen} server_name echo.localhost; location / { proxy_pass http://echo; } }
}
`,
  );
  const words = ["-p", place, "-c", join(place, "nginx.conf"), "-e", "stderr"];
  const pid = await startPinned({
    name: "nginx",
    folder,
    processor,
    program: "nginx",
    words,
    ports: [httpPort, httpsPort],
  });
  return { pid, httpPort, httpsPort };
}

/** The worker's user; an ordinary user's nginx has no other. */
export function rootUser() {
  return "user root;";
}

/** nginx's own folders, below one of ours. */
export function temporaryPaths(place) {
  return ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((what) => `${what}_temp_path ${place}/${what};`)
    .join(" ");
}

async function startHaproxy({ folder, processor, appPort, echoPort, certificate, key }, httpPort, httpsPort) {
  const pair = join(folder, "haproxy.pem");
  writeFileSync(pair, readFileSync(certificate, "utf8") + readFileSync(key, "utf8"), { mode: 0o600 });
  const path = join(folder, "haproxy.cfg");
  writeFileSync(
    path,
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  http-reuse always
  option forwardfor
frontend front
  bind 127.0.0.1:${httpPort}
  bind 127.0.0.1:${httpsPort} ssl crt ${pair}
  use_backend echo if { hdr(host),field(1,:) -i echo.localhost }
  use_backend app if { hdr(host),field(1,:) -i app.localhost }
backend app
  server app 127.0.0.1:${appPort}
backend echo
  server echo 127.0.0.1:${echoPort}
`,
  );
  const pid = await startPinned({
    name: "haproxy",
    folder,
    processor,
    program: "haproxy",
    words: ["-db", "-f", path],
    ports: [httpPort, httpsPort],
  });
  return { pid, httpPort, httpsPort };
}

async function startCaddy({ folder, processor, appPort, echoPort, certificate, key }, httpPort, httpsPort) {
  const path = join(folder, "Caddyfile");
  const pairOf = (name, port) =>
    `http://${name}.localhost:${httpPort} {\n  reverse_proxy 127.0.0.1:${port}\n}\n` +
    `https://${name}.localhost:${httpsPort} {\n  tls ${certificate} ${key}\n  reverse_proxy 127.0.0.1:${port}\n}\n`;
  writeFileSync(
    path,
    `{\n  admin off\n  auto_https off\n  log {\n    level ERROR\n  }\n}\n${pairOf("app", appPort)}${pairOf("echo", echoPort)}`,
  );
  const environment = { XDG_DATA_HOME: join(folder, "caddy-data"), XDG_CONFIG_HOME: join(folder, "caddy-config") };
  const words = ["run", "--config", path, "--adapter", "caddyfile"];
  const pid = await startPinned({
    name: "caddy",
    folder,
    processor,
    program: "caddy",
    words,
    environment,
    ports: [httpPort, httpsPort],
  });
  return { pid, httpPort, httpsPort };
}

function run(program, words, environment) {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    encoding: "utf8",
    env: environment,
    timeout: 20_000,
  });
  if (error !== undefined || status !== 0)
    throw new Error(error?.message ?? `${words.slice(1).join(" ")}: ${stderr.trim()}`);
  return stdout;
}

function npmVersion(name, node) {
  const path = join(peers, "node_modules", name, "package.json");
  if (!existsSync(path)) throw new Error("missing: npm install --prefix bench/peers");
  return `${JSON.parse(readFileSync(path, "utf8")).version}, Node ${nodeVersion(node)}`;
}

function nodeVersion(node) {
  const { stdout, error } = spawnSync(node, ["--version"], { encoding: "utf8" });
  if (error !== undefined) throw new Error("missing: npm install --prefix bench/peers");
  return stdout.trim().slice(1);
}

function versionOf(program, word) {
  const { stdout, stderr, error } = spawnSync(program, [word], { encoding: "utf8" });
  if (error !== undefined) throw new Error(`missing: apt install ${program}`);
  return /\d+\.\d+\.\d+/.exec(stdout + stderr)?.[0] ?? "";
}

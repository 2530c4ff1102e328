/**
 * @module The relays that `bench:forward` races, each set up to do the same: what comes at one port of 127.0.0.1 goes on to another, nothing is
 * logged, one process or thread does it. Who looks at first bytes leads the protocol that the load speaks to its server, and the other one nowhere.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rootUser, temporaryPaths } from "./gateway-contestants.mjs";
import { startPinned } from "./gateway-processes.mjs";

const command = fileURLToPath(new URL("../dist/bin/portolan.cjs", import.meta.url));
const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so";
/** Where nobody listens, in the benchmark's namespace. */
const nowhere = "127.0.0.1:1";

/**
 * @typedef {{ folder: string, processor: string, target: number, listen: number, speaks: "ssh" | "http" }} Setting
 * @typedef {{ name: string, tells: boolean, passes: boolean, uncounted?: boolean, version: () => string, start: (setting: Setting) => Promise<number> }} Contestant
 *   `passes`: takes part where all relays do; `tells`: takes part where first bytes decide; `start` gives the process's id; `uncounted`: its processor time cannot be had
 */

/** @type {readonly Contestant[]} */
export const contestants = [
  portolan("portolan", true, false, ({ listen, target }) => ["forward", `127.0.0.1:${listen}`, `127.0.0.1:${target}`]),
  portolan("portolan share", false, true, (setting) => [
    "share",
    `127.0.0.1:${setting.listen}`,
    "--ssh",
    targetOf(setting, "ssh"),
    "--http",
    targetOf(setting, "http"),
  ]),
  socat("socat", []),
  socat("socat -b 262144", ["-b", "262144"]),
  { name: "haproxy, 1 thread", passes: true, tells: false, version: haproxyVersion, start: startHaproxy },
  { name: "haproxy, first bytes", passes: false, tells: true, version: haproxyVersion, start: startChoosingHaproxy },
  { name: "nginx stream, 1 worker", passes: true, tells: false, version: nginxVersion, start: startNginx },
  sslh("sslh-fork", "sslh"),
  sslh("sslh-select", "sslh-select"),
];

function targetOf({ speaks, target }, protocol) {
  return speaks === protocol ? `127.0.0.1:${target}` : nowhere;
}

function portolan(name, passes, tells, wordsOf) {
  return {
    name,
    passes,
    tells,
    version: () => `Node ${process.versions.node}`,
    start: (setting) => {
      const state = join(setting.folder, `state-${setting.listen}`);
      mkdirSync(state, { mode: 0o700 });
      return begin(name, setting, process.execPath, [command, ...wordsOf(setting)], { PORTOLAN_STATE_HOME: state });
    },
  };
}

function socat(name, words) {
  return {
    name,
    passes: true,
    tells: false,
    version: () => versionOf("socat", ["-V"], "socat", /socat version (\S+)/),
    start: (setting) =>
      begin(name, setting, "socat", [
        ...words,
        `TCP-LISTEN:${setting.listen},bind=127.0.0.1,reuseaddr,fork,backlog=1024`,
        `TCP:127.0.0.1:${setting.target}`,
      ]),
  };
}

function haproxyVersion() {
  return versionOf("haproxy", ["-v"], "haproxy", /version (\d[\d.]*)/);
}

function startHaproxy(setting) {
  return haproxyOf(
    setting,
    "haproxy",
    `listen relay\n  bind 127.0.0.1:${setting.listen}\n  server one 127.0.0.1:${setting.target}\n`,
  );
}

function startChoosingHaproxy(setting) {
  return haproxyOf(
    setting,
    "haproxy first bytes",
    `frontend relay
  bind 127.0.0.1:${setting.listen}
  tcp-request inspect-delay 5s
  acl says_ssh payload(0,4) -m str SSH-
  tcp-request content accept if says_ssh
  tcp-request content accept if HTTP
  use_backend ssh if says_ssh
  use_backend http if HTTP
backend ssh
  server one ${targetOf(setting, "ssh")}
backend http
  server one ${targetOf(setting, "http")}
`,
  );
}

function haproxyOf(setting, name, relay) {
  const path = join(setting.folder, `haproxy-${setting.listen}.cfg`);
  writeFileSync(
    path,
    `global
  nbthread 1
  maxconn 4096
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${relay}`,
  );
  return begin(name, setting, "haproxy", ["-db", "-f", path]);
}

function nginxVersion() {
  const version = versionOf("nginx", ["-v"], "nginx-light", /nginx\/(\S+)/);
  if (!existsSync(streamModule)) throw new Error("missing: apt install libnginx-mod-stream");
  return version;
}

function startNginx(setting) {
  const place = join(setting.folder, `nginx-${setting.listen}`);
  mkdirSync(place);
  writeFileSync(
    join(place, "nginx.conf"),
    `load_module ${streamModule};
daemon off; ${rootUser()} worker_processes 1; pid ${place}/pid; error_log stderr;
events { worker_connections 4096; }
stream { server { listen 127.0.0.1:${setting.listen} backlog=1024; proxy_pass 127.0.0.1:${setting.target}; } }
http { ${temporaryPaths(place)} }
`,
  );
  return begin("nginx", setting, "nginx", ["-p", place, "-c", join(place, "nginx.conf"), "-e", "stderr"]);
}

function sslh(name, program) {
  return {
    name,
    passes: true,
    tells: true,
    // A process for each connection, whose time the kernel tells nobody, as nobody waits for it.
    uncounted: true,
    version: () => versionOf(program, ["-V"], "sslh", /sslh\S* (\S+)/),
    start: (setting) =>
      begin(name, setting, program, [
        "--foreground",
        "--numeric",
        "--user",
        "root",
        "--listen",
        `127.0.0.1:${setting.listen}`,
        "--ssh",
        targetOf(setting, "ssh"),
        "--http",
        targetOf(setting, "http"),
      ]),
  };
}

function begin(name, { folder, processor, listen }, program, words, environment = {}) {
  return startPinned({ name: `${name} ${listen}`, folder, processor, program, words, environment, ports: [listen] });
}

function versionOf(program, words, debianPackage, pattern) {
  const { stdout, stderr, error } = spawnSync(program, words, { encoding: "utf8" });
  if (error !== undefined) throw new Error(`missing: apt install ${debianPackage}`);
  return pattern.exec(stdout + stderr)?.[1] ?? "";
}

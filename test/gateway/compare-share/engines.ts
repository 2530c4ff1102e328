/**
 * @module sslh and HAProxy before the servers of the share's cases, each configured as well as its manual allows.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { launch, makeServerFolder, writeServerFile } from "../../servers/launch.ts";
import { startShareProcess } from "../../support/share-process.ts";
import { askedName, type ShareServers } from "../share-cases.ts";

/** How long a client may say nothing, in every engine, seconds: sslh counts whole ones. */
export const waitSeconds = 2;

/** An engine that listens. */
export interface ShareEngine {
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** One that can be started. */
export interface ShareEngineKind {
  readonly name: string;
  readonly version: string;
  /** @returns `null` where it cannot do that */
  start(servers: ShareServers, port: number, acceptProxy: boolean): Promise<ShareEngine> | null;
}

const split = (place: string): { host: string; port: string } => {
  const [host = "", port = ""] = place.split(":");
  return { host, port };
};

/** As libconfig reads a text. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\\u00", "\\x");
}

/** The three. */
export const engineKinds: readonly ShareEngineKind[] = [
  {
    name: "portolan share",
    version: versionOf(process.execPath, ["dist/bin/portolan.cjs", "--version"], /(\S+)/),
    start: startPortolan,
  },
  {
    name: "sslh-select",
    version: versionOf("sslh-select", ["-V"], /(\d\S*)/),
    start: (servers, port, acceptProxy) => (acceptProxy ? null : startSslh(servers, port)),
  },
  { name: "HAProxy", version: versionOf("haproxy", ["-v"], /version (\S+)/), start: startHaproxy },
];

function versionOf(program: string, words: readonly string[], pattern: RegExp): string {
  const text = execFileSync(program, words, {
    encoding: "utf8",
    env: { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` },
  });
  return pattern.exec(text)?.[1] ?? "?";
}

async function startPortolan(
  { address, places, folder }: ShareServers,
  port: number,
  acceptProxy: boolean,
): Promise<ShareEngine> {
  const leads: readonly (readonly [flag: string, word: string])[] = [
    ["--ssh", places.ssh],
    ["--http", places.http],
    ["--http2", places.http2],
    ["--tls", places.tls],
    ["--tls", `${askedName}=${places.namedTls}`],
    ["--name", `${askedName}=${places.named}`],
    ["--alpn", `h2=${places.offered}`],
    ["--postgres", places.postgresql],
    ["--redis", places.redis],
    ["--mqtt", places.mqtt],
    ["--smtp", places.smtp],
    ["--wait", `${waitSeconds}s`],
    ["--max-per-target", "25"],
  ];
  const flags = [...leads.flat(), ...(acceptProxy ? ["--accept-proxy"] : [])];
  const share = await startShareProcess([`${address}:${port}`, ...flags], { stateFolder: folder });
  return { pids: [share.child.pid!], stop: async () => void (await share.interrupt()) };
}

/** Probes in the order in which they are asked. What has a NUL among its first bytes no pattern of it can tell: they are C strings. */
async function startSslh({ address, places, folder }: ShareServers, port: number): Promise<ShareEngine> {
  const entry = (name: string, place: string, more = ""): string =>
    `{ name: "${name}"; host: "${split(place).host}"; port: "${split(place).port}"; log_level: 0; ${more}}`;
  const regex = (place: string, ...patterns: string[]): string =>
    entry("regex", place, `regex_patterns: [ ${patterns.map(quoted).join(", ")} ]; `);
  const probes = [
    entry("ssh", places.ssh),
    entry("tls", places.namedTls, `sni_hostnames: [ "${askedName}" ]; `),
    entry("tls", places.offered, `alpn_protocols: [ "h2" ]; `),
    entry("tls", places.tls),
    regex(places.http2, "^PRI \\* HTTP/2"),
    regex(places.named, `Host: ${askedName.replace(".", "\\.")}`),
    entry("http", places.http),
    regex(places.redis, "^\\*[0-9]+\r\n\\$", "^PING"),
    regex(places.mqtt, "^\u0010"),
    entry("timeout", places.smtp),
  ];
  const own = engineFolder(folder, `sslh-${port}`);
  const configuration = writeServerFile(
    own,
    "sslh.cfg",
    `foreground: true;\nnumeric: true;\ntimeout: ${waitSeconds};\nlisten: ( { host: "${address}"; port: "${port}"; } );\nprotocols: (\n${probes.join(",\n")}\n);\non-timeout: "timeout";\n`,
  );
  const running = await launch(
    { address, port, folder: own },
    { program: "sslh-select", words: [`-F${configuration}`] },
  );
  return { pids: [running.pid], stop: () => running.stop() };
}

/** In TCP mode: what a buffer begins with, its name and its ALPN; a request is waited for to the end of its head, for its Host. */
async function startHaproxy(
  { address, places, folder }: ShareServers,
  port: number,
  acceptProxy: boolean,
): Promise<ShareEngine> {
  const names = Object.keys(places) as (keyof typeof places)[];
  const own = engineFolder(folder, `haproxy-${port}`);
  const configuration = writeServerFile(
    own,
    "haproxy.cfg",
    `global
  maxconn 3000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend shared
  bind ${address}:${port}${acceptProxy ? " accept-proxy" : ""}
  tcp-request inspect-delay ${waitSeconds}s
  acl is_tls req.ssl_hello_type 1
  acl is_ssh req.payload(0,4) -m str SSH-
  acl is_preface req.payload(0,14) -m str "PRI * HTTP/2.0"
  acl is_http req.payload(0,0) -m reg '^[A-Z]+ [^ ]+ HTTP/1'
  acl is_whole req.payload(0,0) -m reg '\\r\\n\\r\\n'
  acl is_named req.payload(0,0) -m reg -i '\\r\\nhost: *${askedName.replace(".", "\\.")}[:\\r]'
  acl is_postgresql req.payload(0,8) -m bin 0000000804d2162f 0000000804d21630
  acl is_postgresql req.payload(4,4) -m bin 00030000
  acl is_redis req.payload(0,0) -m reg '^([*][0-9]+\\r\\n[$]|PING\\r\\n)'
  acl is_mqtt req.payload(0,0),mqtt_is_valid -m bool
  tcp-request content accept if is_tls
  tcp-request content accept if is_ssh
  tcp-request content accept if is_preface
  tcp-request content accept if is_http is_whole
  tcp-request content accept if is_postgresql
  tcp-request content accept if is_redis
  tcp-request content accept if is_mqtt
  use_backend namedTls if is_tls { req.ssl_sni -i ${askedName} }
  use_backend offered if is_tls { req.ssl_alpn -m sub h2 }
  use_backend tls if is_tls
  use_backend ssh if is_ssh
  use_backend http2 if is_preface
  use_backend named if is_http is_named
  use_backend http if is_http
  use_backend postgresql if is_postgresql
  use_backend redis if is_redis
  use_backend mqtt if is_mqtt
  use_backend smtp if { req.len 0 }
${names.map((name) => `backend ${name}\n  server one ${places[name]}${name === "smtp" ? " maxconn 25" : ""}`).join("\n")}
`,
  );
  const running = await launch(
    { address, port, folder: own },
    { program: "haproxy", words: ["-db", "-f", configuration] },
  );
  return { pids: [running.pid], stop: () => running.stop() };
}

function engineFolder(folder: string, name: string): string {
  mkdirSync(join(folder, name), { recursive: true });
  return makeServerFolder(folder, name);
}

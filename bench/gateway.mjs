/**
 * @module How fast the gateway passes requests on, beside nginx, HAProxy, Caddy, portless, httpxy and http-proxy-3. Markdown on standard output,
 * progress on standard error.
 *
 * Usage: node bench/gateway.mjs [--case small|large|websocket|websocket-large|connections|tls|tls-connections]... [--only NAME]... [--rounds 3] [--seconds 1]
 *
 * Everything stands in a network namespace of its own, which ends with the benchmark. Every gateway has the first processor for itself; the load, and
 * the server behind all of them, have the others.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { contestants } from "./gateway-contestants.mjs";
import { appPort, checkAnswers, echoPort, gatewayCases, startBackend } from "./gateway-load.mjs";
import { endProcesses, processorUs, residentMib } from "./gateway-processes.mjs";
import { cleanEnvironment, medianOf } from "./measure.mjs";

const command = fileURLToPath(new URL("../dist/bin/portolan.cjs", import.meta.url));
const needed = [
  ["wrk", "wrk"],
  ["nginx", "nginx-light"],
  ["openssl", "openssl"],
  ["ip", "iproute2"],
  ["taskset", "util-linux"],
];
const processors = {
  contestant: "0",
  load:
    cpus()
      .slice(1)
      .map((_, index) => index + 1)
      .join(",") || "0",
};

const { values: options } = parseArgs({
  options: {
    case: { type: "string", multiple: true, default: Object.keys(gatewayCases) },
    only: { type: "string", multiple: true },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "1" },
    inside: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
for (const name of options.case)
  if (!Object.hasOwn(gatewayCases, name))
    fail(`--case takes ${Object.keys(gatewayCases).join(", ")}, not ${JSON.stringify(name)}`);
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seconds) || seconds < 1)
  fail("--rounds and --seconds take whole numbers from 1 on");
if (options.inside) await measureInside();
else await enterNamespace();

/** Starts this program again in namespaces of its own: no port is anybody else's, and no program here can reach the hosts file. */
async function enterNamespace() {
  if (!existsSync(command)) fail("dist/ is missing: run `npm run build` first");
  for (const [program, debianPackage] of needed)
    if (spawnSync(program, ["-v"], { stdio: "ignore" }).error !== undefined)
      fail(`${program} is not installed (Debian: ${debianPackage})`);
  const words = ["--net", "--mount", "--fork", "--kill-child"];
  if (process.getuid() !== 0) words.push("--user", "--map-root-user");
  const child = spawn(
    "unshare",
    [
      ...words,
      "taskset",
      "--cpu-list",
      processors.load,
      process.execPath,
      fileURLToPath(import.meta.url),
      "--inside",
      ...process.argv.slice(2),
    ],
    { stdio: "inherit", env: cleanEnvironment() },
  );
  const [status] = await once(child, "exit");
  process.exitCode = status ?? 1;
}

async function measureInside() {
  const folder = mkdtempSync(join(tmpdir(), "portolan-gateway-"));
  try {
    prepareNamespace(folder);
    const setting = { folder, processor: processors.contestant, appPort, echoPort, ...makeCertificate(folder) };
    await startBackend(folder, processors.load);
    printHead();
    const runners = await startAll(setting);
    for (const name of options.case) await measureCase(name, runners, folder);
    printMemory(runners);
  } finally {
    await endProcesses();
    rmSync(folder, { recursive: true });
  }
  // The echo server's connections would keep it.
  process.exit();
}

function prepareNamespace(folder) {
  const hosts = join(folder, "hosts");
  writeFileSync(hosts, "127.0.0.1 localhost app.localhost echo.localhost\n");
  for (const words of [
    ["ip", "link", "set", "lo", "up"],
    ["mount", "--bind", hosts, "/etc/hosts"],
  ]) {
    const { status, stderr } = spawnSync(words[0], words.slice(1), { encoding: "utf8" });
    if (status !== 0) fail(`${words.join(" ")}: ${stderr}`);
  }
  // Thousands of connections a second are closed by one side or the other; their ports may be used again after a second.
  writeFileSync("/proc/sys/net/ipv4/ip_local_port_range", "10000 65000");
  writeFileSync("/proc/sys/net/ipv4/tcp_tw_reuse", "1");
}

function makeCertificate(folder) {
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=app.localhost -keyout ${key} -out ${certificate}`;
  const names = ["-addext", "subjectAltName=DNS:app.localhost,DNS:echo.localhost"];
  const { status, stderr } = spawnSync("openssl", [...words.split(" "), ...names], { encoding: "utf8" });
  if (status !== 0) fail(`openssl: ${stderr}`);
  return { certificate, key };
}

/** Starts every gateway. Who cannot run, or does not answer right, says so and takes no part. */
async function startAll(setting) {
  const direct = { name: "no gateway", started: { pid: 0, httpPort: appPort, echoPort, httpsPort: null } };
  const runners = [direct];
  print("| gateway | version | takes part |\n|---|---|---|");
  for (const [index, { name, version, start }] of contestants.entries()) {
    if (options.only !== undefined && !options.only.includes(name)) continue;
    let said = "";
    try {
      said = version();
      const started = await start(setting, 8100 + index, 8400 + index);
      await checkAnswers(started);
      runners.push({ name, started });
      print(`| ${name} | ${said} | ${started.httpsPort === null ? "without TLS, which it does not offer" : "yes"} |`);
    } catch (error) {
      print(`| ${name} | ${said} | no: ${error.message.replaceAll(/\s+/g, " ")} |`);
    }
  }
  print("");
  return runners;
}

async function measureCase(name, all, folder) {
  const { title, unit, secure, load, aims } = gatewayCases[name];
  const runners = all
    .filter(({ started }) => !secure || started.httpsPort !== null)
    .map((runner) => ({ ...runner, outcomes: [] }));
  // Programs are warm after the first case.
  const first = name === options.case[0] ? 0 : 1;
  for (let round = first; round <= rounds; round++) {
    process.stderr.write(`  ${name}: ${round === 0 ? "warming up" : `round ${round} of ${rounds}`}\n`);
    // Each round begins with another one, so that nobody is always measured behind the same neighbour.
    const turn = (round * 3) % runners.length;
    for (const { started, outcomes } of [...runners.slice(turn), ...runners.slice(0, turn)]) {
      const pid = (secure && started.securePid) || started.pid;
      const before = pid === 0 ? 0 : processorUs(pid);
      const outcome = await load(started, seconds, folder);
      const usEach = pid === 0 ? null : (processorUs(pid) - before) / outcome.count;
      if (round > 0) outcomes.push({ ...outcome, usEach });
    }
  }
  print(`\n### ${title}\n`);
  const ours = runners.find(({ name: own }) => own === "portolan");
  print(
    `| gateway | ${unit} | portolan / this | p50 ms | p99 ms | processor µs each | errors |\n|---|--:|--:|--:|--:|--:|--:|`,
  );
  const results = new Map();
  for (const { name: own, outcomes } of runners) {
    const rate = medianOf(outcomes.map((outcome) => outcome.rate));
    const p99Ms = medianOf(outcomes.map((outcome) => outcome.p99Ms));
    // Each round's own ratio: what slowed the machine slowed both.
    const ratioOf = (of) =>
      ours === undefined
        ? Number.NaN
        : medianOf(outcomes.map((outcome, round) => of(ours.outcomes[round]) / of(outcome)));
    const ratio = ratioOf((outcome) => outcome.rate);
    results.set(own, { ratio, p99Ratio: ratioOf((outcome) => outcome.p99Ms) });
    const us = outcomes[0].usEach === null ? "" : figure(medianOf(outcomes.map((outcome) => outcome.usEach)));
    const errors = outcomes.reduce((sum, outcome) => sum + outcome.errors, 0);
    print(
      `| ${own} | ${figure(rate)} | ${figure(ratio)} | ${figure(medianOf(outcomes.map((outcome) => outcome.p50Ms)))} | ${figure(p99Ms)} | ${us} | ${errors} |`,
    );
  }
  print("");
  for (const { peer, factor, p99 } of aims) {
    const result = results.get(peer);
    if (ours === undefined || result === undefined) continue;
    verdict(result.ratio >= factor, `${unit}, at least ${factor} × ${peer}`, result.ratio);
    if (p99) verdict(result.p99Ratio < 1, `p99 below that of ${peer}`, result.p99Ratio);
  }
}

function verdict(reached, aim, value) {
  print(`- ${reached ? "reached" : "NOT reached"}: ${aim}: ${value.toFixed(2)}`);
}

function printHead() {
  print("# The gateway\n");
  print(
    `Node ${process.versions.node}, kernel ${release()}, ${cpus().length} processors (${cpus()[0]?.model.trim()}).\n` +
      `Every gateway runs on processor ${processors.contestant}, the load and the server behind it on ${processors.load}. In turns, ${rounds} rounds of ${seconds} s;\n` +
      'medians, ratios of the same round. Compare figures of one table only. "Processor µs each" is the gateway\'s own, for one request.\n',
  );
}

function printMemory(runners) {
  print("\n### Memory after all of it\n\n| gateway | MiB |\n|---|--:|");
  for (const { name, started } of runners)
    if (started.pid !== 0) print(`| ${name} | ${figure(residentMib(started.pid))} |`);
}

function figure(value) {
  if (Number.isNaN(value)) return "–";
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value
    .toPrecision(3)
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}

function print(text) {
  process.stdout.write(`${text}\n`);
}

function fail(message) {
  process.stderr.write(`bench/gateway.mjs: ${message}\n`);
  process.exit(2);
}

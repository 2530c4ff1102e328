/**
 * @module The load of `bench:gateway`: the server behind all gateways, what is asked of it, and whether the right bytes come back.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { request as requestSecurely } from "node:https";
import { join } from "node:path";
import { rootUser, temporaryPaths } from "./gateway-contestants.mjs";
import { startPinned } from "./gateway-processes.mjs";
import { measureEcho, startEchoServer } from "./gateway-websocket.mjs";

/** Ports of the servers behind the gateways. */
export const appPort = 9000;
export const echoPort = 9001;

const smallBody = `{"portolan":"a chart of ports","of":"this computer","apartments":65536}\n`;
const largeBody = Buffer.alloc(1024 * 1024, "A portolan was the sailor's chart of ports. ");
/** Sizes of WebSocket messages, bytes. */
const [smallMessage, largeMessage] = [100, 64 * 1024];

/** Starts nginx for HTTP, and an echo for WebSockets in this very process. */
export async function startBackend(folder, processor) {
  await startApp(folder, processor);
  await startEchoServer(echoPort, [smallMessage, largeMessage]);
  writeFileSync(join(folder, "report.lua"), report);
}

/** Starts nginx for HTTP. */
export async function startApp(folder, processor) {
  const place = join(folder, "backend");
  mkdirSync(place);
  writeFileSync(join(place, "large"), largeBody);
  writeFileSync(
    join(place, "nginx.conf"),
    `daemon off; ${rootUser()} worker_processes 1; pid ${place}/pid; error_log stderr;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on; open_file_cache max=10;
  ${temporaryPaths(place)}
  server {
    listen 127.0.0.1:${appPort}; root ${place};
    location = /small { default_type application/json; return 200 '${smallBody.trimEnd()}\\n'; }
  }
}
`,
  );
  await startPinned({
    name: "backend",
    folder,
    processor,
    program: "nginx",
    words: ["-p", place, "-c", join(place, "nginx.conf"), "-e", "stderr"],
    ports: [appPort],
  });
}

/** wrk's figures as JSON; nothing of it runs while it measures. */
export const report = `
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('\\n{"requests":%d,"us":%d,"bytes":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,"p50":%d,"p99":%d}\\n',
    summary.requests, summary.duration, summary.bytes, e.connect, e.read, e.write, e.status, e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
`;

/** Whether a gateway gives what the server gave, by every way that is measured. @throws when it does not */
export async function checkAnswers({ httpPort, httpsPort }) {
  for (const [path, body] of [
    ["/small", Buffer.from(smallBody)],
    ["/large", largeBody],
  ]) {
    await checkAnswer(request, httpPort, path, body);
    if (httpsPort !== null) await checkAnswer(requestSecurely, httpsPort, path, body);
  }
  const { errors, count } = await measureEcho({
    port: httpPort,
    host: "echo.localhost",
    connections: 2,
    size: smallMessage,
    seconds: 0.1,
  });
  if (errors > 0 || count === 0) throw new Error("no echo came back");
}

async function checkAnswer(ask, port, path, body) {
  const asked = ask({
    host: "127.0.0.1",
    servername: "app.localhost",
    port,
    path,
    headers: { Host: `app.localhost:${port}` },
    rejectUnauthorized: false,
    agent: false,
  });
  asked.end();
  const [answer] = await once(asked, "response", { signal: AbortSignal.timeout(5000) });
  const parts = [];
  for await (const part of answer) parts.push(part);
  if (answer.statusCode !== 200 || !Buffer.concat(parts).equals(body))
    throw new Error(`${path} came back wrong (status ${answer.statusCode})`);
}

/** Runs wrk once. Only answers with 2xx and 3xx count. */
export async function runWrk({ url, connections, fields = [] }, seconds, folder) {
  const words = [
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    "--latency",
    "--timeout",
    "10s",
    "-s",
    join(folder, "report.lua"),
  ];
  const child = spawn("wrk", [...words, ...fields.flatMap((field) => ["-H", field]), url], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (part) => (text += part));
  await once(child, "close");
  const told = JSON.parse(text.trimEnd().split("\n").at(-1));
  const count = told.requests - told.status;
  return {
    rate: count / (told.us / 1e6),
    p50Ms: told.p50 / 1000,
    p99Ms: told.p99 / 1000,
    count: told.requests,
    errors: told.connect + told.read + told.write + told.status + told.timeout,
  };
}

const plain = (path, connections, fields) => (started, seconds, folder) =>
  runWrk({ url: `http://app.localhost:${started.httpPort}${path}`, connections, fields }, seconds, folder);
const secured = (path, connections, fields) => (started, seconds, folder) =>
  runWrk({ url: `https://app.localhost:${started.httpsPort}${path}`, connections, fields }, seconds, folder);
const echoed = (size, connections) => (started, seconds) =>
  measureEcho({ port: started.echoPort ?? started.httpPort, host: "echo.localhost", connections, size, seconds });

const twice = ["httpxy", "portless"].map((peer) => ({ peer, factor: 2, p99: true }));
const noSlower = ["httpxy", "portless"].map((peer) => ({ peer, factor: 1, p99: false }));

/** What is measured. `aims` are those of the gateway's issue. */
export const gatewayCases = {
  small: {
    title: `Small answers (${smallBody.length} bytes), 64 kept connections`,
    unit: "requests/s",
    secure: false,
    load: plain("/small", 64),
    aims: twice,
  },
  large: {
    title: "Answers of 1 MiB, 16 kept connections",
    unit: "answers/s",
    secure: false,
    load: plain("/large", 16),
    aims: noSlower,
  },
  websocket: {
    title: `WebSocket echo of ${smallMessage} bytes, 64 connections`,
    unit: "round trips/s",
    secure: false,
    load: echoed(smallMessage, 64),
    aims: noSlower,
  },
  "websocket-large": {
    title: "WebSocket echo of 64 KiB, 16 connections",
    unit: "round trips/s",
    secure: false,
    load: echoed(largeMessage, 16),
    aims: noSlower,
  },
  connections: {
    title: "A connection for each small answer, 32 at once",
    unit: "connections/s",
    secure: false,
    load: plain("/small", 32, ["Connection: close"]),
    aims: [],
  },
  tls: {
    title: `TLS, small answers (${smallBody.length} bytes), 64 kept connections`,
    unit: "requests/s",
    secure: true,
    load: secured("/small", 64),
    aims: [],
  },
  "tls-connections": {
    title: "TLS, a connection and a whole handshake for each small answer, 32 at once",
    unit: "connections/s",
    secure: true,
    load: secured("/small", 32, ["Connection: close"]),
    aims: [],
  },
};

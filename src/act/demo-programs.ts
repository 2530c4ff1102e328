/**
 * @module The three servers of the demo as programs for `node -e`: whole in themselves, so that they run from the bundled command
 * as from the library, without a file of their own.
 */

/** One server of the demo. */
export interface DemoProgram {
  readonly id: "api" | "site" | "live";
  /** Name of its project. */
  readonly name: string;
  /** What it is, a phrase. */
  readonly what: string;
  /** Ports that it asks for, in this order; when all are taken, the kernel gives it any free one. */
  readonly ports: readonly number[];
  /** CommonJS source. */
  readonly source: string;
}

/** The port by which programs of this kind are known, and the 20 above it. */
function portsFrom(first: number): readonly number[] {
  return Array.from({ length: 21 }, (_, step) => first + step);
}

/** Header by which each server says which of them it is and the pid of its process: `api 4711`. */
export const demoHeader = "x-portolan-demo";

/*
 * What all three have in common. The parent sends `{ host, ports, folder }` and is told `{ port }` or `{ code, message }`. The channel to the
 * parent closes when the parent ends, however it ends, and the server ends with it and takes its folder along. Ctrl-C reaches every process of the
 * terminal: here it is left to the parent. `handle(request, response, path)` stands in each program.
 */
function programOf(id: DemoProgram["id"], name: string, body: string): string {
  return `/* ${name}, started by portolan demo */ "use strict";
process.on("SIGINT", () => {});
let home = null;
process.on("disconnect", () => {
  try {
    if (home === null) process.exit(0);
    require("node:fs").rmSync(home + "/package.json");
    require("node:fs").rmdirSync(home);
  } catch {}
  process.exit(0);
});
const server = require("node:http").createServer((request, response) => {
  response.setHeader(${JSON.stringify(demoHeader)}, "${id} " + process.pid);
  response.setHeader("cache-control", "no-store");
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("content-security-policy", "default-src 'none'; script-src 'unsafe-inline'; style-src 'self' 'unsafe-inline'; connect-src 'self'");
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end();
    return;
  }
  handle(request, response, request.url.split("?", 1)[0]);
});
server.maxConnections = 64;
process.once("message", ({ host, ports, folder }) => {
  home = folder;
  const left = [...ports, 0];
  const listenOnNext = () => {
    const port = left.shift();
    server.listen({ port, host, exclusive: true });
  };
  server.on("listening", () => process.send({ port: server.address().port }));
  server.on("error", (error) => {
    if (left.length > 0) listenOnNext();
    else process.send({ code: String(error.code), message: error.message });
  });
  listenOnNext();
});
function send(response, status, type, body) {
  response.writeHead(status, { "content-type": type + "; charset=utf-8", "content-length": Buffer.byteLength(body) });
  response.end(response.req.method === "HEAD" ? undefined : body);
}
${body}`;
}

const style = `:root{color-scheme:light dark}body{font:1.1rem/1.6 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1.5rem}code,output{font-family:ui-monospace,monospace;font-size:1.4em}`;

/** Says at which address and port the reader has opened the page, as the browser knows it. */
const placeScript = `document.getElementById("address").textContent=location.hostname;document.getElementById("port").textContent=location.port||"80";`;

const apiSource = `
function handle(request, response, path) {
  const from = request.socket.remoteAddress + " port " + request.socket.remotePort;
  const answer = { application: "harbour-api", pid: process.pid, from };
  send(response, path === "/" ? 200 : 404, "application/json", JSON.stringify(answer, null, 1).replace(/\\s+/g, " ") + "\\n");
}
`;

const siteSource = `
const files = new Map([
  ["/", ["text/html", ${JSON.stringify(
    `<!doctype html><title>harbour-site: a static site</title>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/style.css">
<h1>A static site</h1>
<p>The address <code id="address"></code> found the device.<br>The port <code id="port"></code> found this application.</p>
<p>At the same address, behind other ports, other applications answer.</p>
<script>${placeScript}</script>
`,
  )}]],
  ["/style.css", ["text/css", ${JSON.stringify(`${style}\n`)}]],
]);
function handle(request, response, path) {
  const file = files.get(path);
  if (file === undefined) send(response, 404, "text/plain", "Not here. The site has one page: /\\n");
  else send(response, 200, file[0], file[1]);
}
`;

const liveSource = `
const page = ${JSON.stringify(
  `<!doctype html><title>harbour-live: a page that updates itself</title>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>${style}</style>
<h1>A live page</h1>
<p>The address <code id="address"></code> found the device.<br>The port <code id="port"></code> found this application.</p>
<p>Its clock says <output id="time">…</output>, and <output id="readers">…</output> watching.</p>
<script>${placeScript}
new EventSource("/events").onmessage=(event)=>{const{time,readers}=JSON.parse(event.data);
document.getElementById("time").textContent=time;
document.getElementById("readers").textContent=readers===1?"one reader is":readers+" readers are";};</script>
`,
)};
const readers = new Set();
let clock;
function tell() {
  const event = JSON.stringify({ time: new Date().toISOString().slice(11, 19), readers: readers.size });
  for (const response of readers) response.write("data: " + event + "\\n\\n");
}
function handle(request, response, path) {
  if (path === "/") return send(response, 200, "text/html", page);
  if (path !== "/events" || request.method === "HEAD") return send(response, 404, "text/plain", "Not here.\\n");
  response.writeHead(200, { "content-type": "text/event-stream" });
  readers.add(response);
  clock ??= setInterval(tell, 1000);
  response.on("close", () => {
    readers.delete(response);
    if (readers.size > 0) return;
    clearInterval(clock);
    clock = undefined;
  });
  tell();
}
`;

/** The three, in the order in which the demo tells them. */
export const demoPrograms: readonly DemoProgram[] = [
  {
    id: "api",
    name: "harbour-api",
    what: "an API that answers JSON",
    ports: portsFrom(3000),
    source: programOf("api", "harbour-api", apiSource),
  },
  {
    id: "site",
    name: "harbour-site",
    what: "a static site, served from memory",
    ports: portsFrom(5500),
    source: programOf("site", "harbour-site", siteSource),
  },
  {
    id: "live",
    name: "harbour-live",
    what: "a page that updates itself",
    ports: portsFrom(1234),
    source: programOf("live", "harbour-live", liveSource),
  },
];

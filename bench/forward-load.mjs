/**
 * @module The load of `bench:forward`: servers that take streams, echo messages and answer requests, and who asks them. All of it was chosen for being
 * faster than what stands between: direct, on one processor, streams go at 4 GB/s and messages at 90,000 a second.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { appPort, report, runWrk, startApp } from "./gateway-load.mjs";
import { startPinned } from "./gateway-processes.mjs";

const streams = fileURLToPath(new URL("forward-streams.py", import.meta.url));
const messages = fileURLToPath(new URL("forward-messages.py", import.meta.url));
const streamPort = 9002;
const messagePort = 9003;

/** Starts the servers behind all relays. */
export async function startServers(folder, processor) {
  for (const [name, script, word, port] of [
    ["streams", streams, "receive", streamPort],
    ["messages", messages, "echo", messagePort],
  ])
    await startPinned({
      name,
      folder,
      processor,
      program: "python3",
      words: [script, word, String(port)],
      ports: [port],
    });
  await startApp(folder, processor);
  writeFileSync(join(folder, "report.lua"), report);
}

async function runScript(words) {
  const child = spawn("python3", words.map(String), { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part) => (text += part));
  await once(child, "close");
  return JSON.parse(text);
}

/** GB a second; what is counted is GB, too. */
const sent = (count) => async (port, seconds) => {
  const told = await runScript([streams, "send", port, count, seconds]);
  return { rate: told.bytes / 1e9 / told.seconds, count: told.bytes / 1e9, errors: told.errors };
};

const asked = (count) => async (port, seconds) => {
  const told = await runScript([messages, "ask", port, count, seconds]);
  return { ...told, rate: told.count / told.seconds };
};

const connected = (port, seconds, folder) =>
  runWrk(
    { url: `http://127.0.0.1:${port}/small`, connections: 32, fields: ["Connection: close"] },
    Math.ceil(seconds),
    folder,
  );

/**
 * What is measured. `target` is the server's port, `speaks` how its clients begin, `first` whether first bytes decide. The aim is that of the issue.
 */
export const forwardCases = {
  stream: {
    title: "One stream",
    unit: "GB/s",
    each: "ms each GB",
    target: streamPort,
    speaks: "ssh",
    first: false,
    load: sent(1),
    aims: [{ peer: "socat", factor: 1.2 }],
  },
  streams: {
    title: "100 streams",
    unit: "GB/s",
    each: "ms each GB",
    target: streamPort,
    speaks: "ssh",
    first: false,
    load: sent(100),
    aims: [],
  },
  message: {
    title: "Messages of 64 bytes there and back, one connection",
    unit: "round trips/s",
    each: "µs each",
    target: messagePort,
    speaks: "ssh",
    first: false,
    load: asked(1),
    aims: [],
  },
  messages: {
    title: "Messages of 64 bytes there and back, 64 connections",
    unit: "round trips/s",
    each: "µs each",
    target: messagePort,
    speaks: "ssh",
    first: false,
    load: asked(64),
    aims: [],
  },
  connections: {
    title: "A connection for each small answer, 32 at once",
    unit: "connections/s",
    each: "µs each",
    target: appPort,
    speaks: "http",
    first: false,
    load: connected,
    aims: [],
  },
  "share-stream": {
    title: "One stream, where the first bytes decide",
    unit: "GB/s",
    each: "ms each GB",
    target: streamPort,
    speaks: "ssh",
    first: true,
    load: sent(1),
    aims: [],
  },
  "share-connections": {
    title: "A connection for each small answer, 32 at once, where the first bytes decide",
    unit: "connections/s",
    each: "µs each",
    target: appPort,
    speaks: "http",
    first: true,
    load: connected,
    aims: [],
  },
};

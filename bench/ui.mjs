/**
 * @module The page: from the start of the command to the painted building, frames a second while thousands of sockets churn, bytes a change,
 * memory after very much churn, beside asking `list --json` once a second.
 *
 * Usage: npm run bench:ui [-- SECONDS]. Chromium is Debian's, headless, drawing by software.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { cpuMs } from "./idle-cost.mjs";
import { cleanEnvironment, medianOf } from "./measure.mjs";

const seconds = Number(process.argv[2] ?? 20);
const starts = 7;
const command = fileURLToPath(new URL("../dist/bin/portolan.cjs", import.meta.url));
const children = [];

function start(words, stdio) {
  const child = spawn(process.execPath, words, { stdio, env: cleanEnvironment() });
  children.push(child);
  return child;
}

async function startPage() {
  const startedMs = performance.now();
  const child = start([command, "ui", "--no-open", "--json"], ["ignore", "pipe", "inherit"]);
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line);
    if (event.kind === "ready") return { child, ready: event, startedMs };
  }
  throw new Error("the server did not start");
}

async function end(child) {
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

/** 5,000 listeners; then so many of them a second are closed and opened anew. */
const churn = `
  const { createServer } = require("node:net");
  const [count, perSecond] = process.argv.slice(1).map(Number);
  const servers = [];
  const open = (index, then) => { servers[index] = createServer().listen(0, "127.0.0.1", 4, then); };
  let ready = 0;
  for (let index = 0; index < count; index++) open(index, () => { if (++ready === count) { console.log("ready"); turn(); } });
  let next = 0;
  const turn = () => setInterval(() => {
    for (let step = 0; step < perSecond / 20; step++) { const index = next++ % count; servers[index].close(() => open(index)); }
  }, 50);
`;

async function startChurn(count, perSecond) {
  const child = start(["-e", churn, String(count), String(perSecond)], ["ignore", "pipe", "inherit"]);
  await once(child.stdout, "data");
  return child;
}

/** Frames that the page could draw, as the browser calls for them. */
const countFrames = (durationMs) =>
  new Promise((resolve) => {
    const times = [];
    const begin = performance.now();
    const step = (now) => {
      times.push(now);
      if (now - begin < durationMs) requestAnimationFrame(step);
      else {
        const gaps = times
          .slice(1)
          .map((time, index) => time - times[index])
          .toSorted((a, b) => a - b);
        resolve({
          perSecond: (times.length - 1) / ((times.at(-1) - times[0]) / 1000),
          p95Ms: gaps[Math.floor(gaps.length * 0.95)],
        });
      }
    };
    requestAnimationFrame(step);
  });

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-background-networking", "--js-flags=--expose-gc"],
});

async function openPage(url) {
  const context = await browser.newContext({ viewport: { width: 1600, height: 1000 } });
  const tab = await context.newPage();
  await tab.goto(url);
  await tab.waitForFunction(() => performance.getEntriesByName("portolan-painted").length > 0);
  return { tab, context };
}

async function heapMib(tab) {
  return tab.evaluate(() => {
    globalThis.gc?.();
    return performance.memory.usedJSHeapSize / 1048576;
  });
}

try {
  const painted = [];
  const inPage = [];
  for (let run = 0; run < starts; run++) {
    const { child, ready, startedMs } = await startPage();
    const { tab, context } = await openPage(ready.entryUrl);
    painted.push(performance.now() - startedMs);
    inPage.push(await tab.evaluate(() => performance.getEntriesByName("portolan-painted")[0].startTime));
    await context.close();
    await end(child);
  }
  console.log(
    `From the command's start to the painted building: ${medianOf(painted).toFixed(0)} ms (median of ${starts}, new tab in a running browser);`,
  );
  console.log(`within the page ${medianOf(inPage).toFixed(0)} ms after navigation began.\n`);

  const { child, ready } = await startPage();
  const { tab } = await openPage(ready.entryUrl);
  const quiet = await tab.evaluate(countFrames, 3000);
  console.log("| load | frames a second | slowest 5 % from, ms | server, share of a processor |\n|---|---:|---:|---:|");
  const row = async (name, durationMs) => {
    const before = cpuMs(child.pid);
    const beganMs = performance.now();
    const frames = await tab.evaluate(countFrames, durationMs);
    const share = (cpuMs(child.pid) - before) / (performance.now() - beganMs);
    console.log(
      `| ${name} | ${frames.perSecond.toFixed(1)} | ${frames.p95Ms.toFixed(1)} | ${(share * 100).toFixed(1)} % |`,
    );
  };
  console.log(`| nothing listens | ${quiet.perSecond.toFixed(1)} | ${quiet.p95Ms.toFixed(1)} | |`);
  const received = [];
  const session = await tab.context().newCDPSession(tab);
  await session.send("Network.enable");
  session.on("Network.dataReceived", ({ dataLength }) => received.push(dataLength));
  const churning = await startChurn(5000, 500);
  await tab.waitForFunction(
    () => Number(/[\d,]+/.exec(document.querySelector(".list-title")?.textContent ?? "")?.[0].replace(",", "")) >= 5000,
    null,
    { timeout: 60000 },
  );
  received.length = 0;
  await row("5,000 listeners, 500 of them a second closed and opened", seconds * 1000);
  const bytes = received.reduce((sum, length) => sum + length, 0);
  const { size, took } = await measureList();
  console.log(
    `\nBytes to the page: ${(bytes / seconds / 1000).toFixed(0)} kB a second for 1,000 changes a second, ${(bytes / seconds / 1e6).toFixed(2)} kB a change;`,
  );
  console.log(
    `list --json once a second would be ${(size / 1000).toFixed(0)} kB a second: ${(bytes / seconds / size).toFixed(2)} of it (and takes ${took.toFixed(0)} ms each time).`,
  );
  const first = await heapMib(tab);
  const rssBefore = rssMib(child.pid);
  // An hour in which ten services a minute come and go is 1,200 changes; this is many times that.
  await tab.waitForTimeout(seconds * 2000);
  console.log(
    `\nMemory: page ${first.toFixed(1)} MiB, after ${seconds * 2000} more changes (${Math.round((seconds * 2000) / 1200)} hours of ten arrivals a minute) ${(await heapMib(tab)).toFixed(1)} MiB;`,
  );
  console.log(`server ${rssBefore.toFixed(0)} MiB, then ${rssMib(child.pid).toFixed(0)} MiB.`);
  await end(churning);
  await end(child);
} finally {
  await browser.close();
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
}

function rssMib(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readStatus(pid))[1]) / 1024;
}

function readStatus(pid) {
  return process.getBuiltinModule("node:fs").readFileSync(`/proc/${pid}/status`, "utf8");
}

async function measureList() {
  const begunMs = performance.now();
  const child = start([command, "list", "--json"], ["ignore", "pipe", "inherit"]);
  let size = 0;
  child.stdout.on("data", (part) => (size += part.length));
  await once(child, "close");
  return { size, took: performance.now() - begunMs };
}

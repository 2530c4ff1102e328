/**
 * @module Vite, Next, Parcel, a Node server, a WebSocket and an event stream at once behind one address, opened by name in a real browser, in
 * a network namespace without an outside: `run` tells each its port, and a file that is edited changes the open page through the gateway.
 */
import { type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from "vitest";
import type { RunEvent } from "../../src/operations/run.ts";
import type { RequestEvent } from "../../src/operations/trace.ts";
import { installDeadlineMs, installPrograms } from "../programs/programs.ts";
import { startBrowser, whyNoBrowser } from "../support/browser.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  whyNoProgram,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath } from "../support/run-command.ts";

const skip = requireOrSkip(
  "real programs behind the gateway",
  whyNoNetworkNamespaces(),
  whyNoBrowser(),
  whyNoProgram("certutil", "libnss3-tools"),
);

const programsFolder = fileURLToPath(new URL("../programs/", import.meta.url));

/** One program: its folder, how it is started, and what its page shows when all is well. */
interface Tried {
  readonly name: string;
  readonly folder: string;
  readonly words: readonly string[];
  /** Program that is told its port by words; `null` when PORT is enough. */
  readonly told: string | null;
  readonly shown: { readonly selector: string; readonly text: string };
  /** The file that changes its page. */
  readonly source?: string;
  /** The message on its WebSocket from which on it hears of changes; without one it is the handshake. */
  readonly ready?: string;
  /** What is saved in the moment of loading may not be told. */
  readonly mayMiss?: boolean;
}

const ships = { selector: "#ships", text: "Ships in harbour: " };

const tried: readonly Tried[] = [
  {
    name: "vite",
    folder: "vite-app",
    words: ["npm", "run", "dev"],
    told: "vite",
    shown: ships,
    source: "main.js",
    ready: '{"type":"connected"}',
  },
  {
    name: "next",
    folder: "next-app",
    words: ["npm", "run", "dev"],
    told: "next",
    shown: ships,
    source: "app/page.jsx",
    ready: '{"event":"client-success"',
    // It tells what has changed since it heard which files the page is made of, and does not say when it has.
    mayMiss: true,
  },
  {
    name: "parcel",
    folder: "parcel-app",
    // Its folders are otherwise shared by every project below one lockfile.
    words: ["npm", "run", "dev", "--", "--cache-dir", ".cache", "--dist-dir", ".dist"],
    told: "parcel",
    shown: ships,
    source: "main.js",
  },
  {
    name: "api",
    folder: "node-api",
    words: ["node", "server.js"],
    told: null,
    shown: { selector: "body", text: '{"application":"harbour-api","path":"/",' },
  },
  {
    name: "radio",
    folder: "websocket-app",
    words: ["npm", "start"],
    told: null,
    shown: { selector: "#heard", text: "ahoy, radio.localhost" },
  },
  {
    name: "lights",
    folder: "event-app",
    words: ["npm", "start"],
    told: null,
    shown: { selector: "#seen", text: "1 2 3" },
  },
];

/** How long a bundler may take until its page shows what it should, milliseconds. */
const shownDeadlineMs = 30_000;

describe.skipIf(skip)("real programs behind the gateway", () => {
  let device: NetworkNamespace;
  let browser: Browser | undefined;
  let folder = "";
  const runs: ChildProcess[] = [];
  /** What each program said, for whoever has to find out why it failed. */
  const said = new Map<string, string>();
  const traced: RequestEvent[] = [];
  let tracer: ChildProcess | undefined;

  beforeAll(async () => {
    await installPrograms();
    device = await createNetworkNamespace();
    folder = mkdtempSync(join(programsFolder, ".tried-"));
    // An edited file is a copy's: below the same node_modules.
    for (const { folder: source } of tried)
      cpSync(join(programsFolder, source), join(folder, source), { recursive: true });
    expect((await portolan(["gateway", "start"])).status).toBe(0);
    // The browser below has this home: it is to trust the gateway's certificates as a user's would.
    expect((await portolan(["trust", "--only", "browsers", "--yes"])).status).toBe(0);
    tracer = start(["trace", "--ndjson"]);
    createInterface({ input: tracer.stdout! }).on("line", (line) => traced.push(JSON.parse(line) as RequestEvent));
    const [opened] = await Promise.all([
      startBrowser({
        namespace: device.name,
        rules: "MAP * ~NOTFOUND, EXCLUDE *.localhost",
        environment: { HOME: folder },
      }),
      ...tried.map(runProgram),
    ]);
    browser = opened;
  }, installDeadlineMs + 60_000);

  afterAll(async () => {
    await browser?.close();
    for (const child of [...runs, ...(tracer === undefined ? [] : [tracer])]) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    if (device !== undefined) await portolan(["gateway", "stop"]);
    await device?.destroy();
    if (folder !== "") rmSync(folder, { recursive: true, force: true });
  });

  function start(words: readonly string[], cwd = folder): ChildProcess {
    return device.spawnIn(process.execPath, [commandPath, ...words], {
      cwd,
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: folder,
        PORTOLAN_STATE_HOME: join(folder, "state"),
        NEXT_TELEMETRY_DISABLED: "1",
        PARCEL_DISABLE_TELEMETRY: "1",
        NPM_CONFIG_UPDATE_NOTIFIER: "false",
        NO_COLOR: "1",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  async function portolan(words: readonly string[]): Promise<{ status: number | null; stdout: string }> {
    const child = start(words);
    let stdout = "";
    child.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr!.resume();
    const [status] = (await once(child, "close")) as [number | null];
    return { status, stdout };
  }

  /** Starts a program by `run`, and resolves when it listens where it was told to. */
  async function runProgram({ name, folder: source, words, told }: Tried): Promise<void> {
    const child = start(["run", name, "--json", "--", ...words], join(folder, source));
    runs.push(child);
    const keep = (text: string): void => void said.set(name, `${said.get(name) ?? ""}${text}`.slice(-4000));
    child.stderr!.setEncoding("utf8").on("data", keep);
    child.stdout!.setEncoding("utf8").on("data", keep);
    for await (const line of createInterface({ input: child.stdout! })) {
      if (!line.startsWith('{"kind":')) continue;
      const event = JSON.parse(line) as RunEvent;
      if (event.kind === "starting") expect(event.told, name).toBe(told);
      if (event.kind !== "listening") continue;
      expect(event, name).toMatchObject({
        expected: true,
        urls: [`http://${name}.localhost/`, `https://${name}.localhost/`],
      });
      child.stdout!.resume();
      return;
    }
    throw new Error(`${name} ended before it listened.\n${said.get(name)}`);
  }

  describe.each([
    { scheme: "http", protocol: "http/1.1", accepted: 101 },
    // WebSockets are streams of HTTP/2 then (RFC 8441).
    { scheme: "https", protocol: "h2", accepted: 200 },
  ])("over $scheme", ({ scheme, protocol, accepted }) => {
    let context: BrowserContext;
    const pages = new Map<
      string,
      { page: Page; errors: string[]; handshake: Promise<number>; ready: Promise<unknown> }
    >();

    beforeAll(async () => {
      context = await browser!.newContext();
      await Promise.all(
        tried.map(async ({ name, ready }) => {
          const page = await context.newPage();
          const errors: string[] = [];
          page.on(
            "console",
            (message) => message.type() === "error" && errors.push(`${message.text()} ${message.location().url}`),
          );
          page.on("pageerror", (error) => errors.push(String(error)));
          const wire = await context.newCDPSession(page);
          const handshake = new Promise<number>((resolve) =>
            wire.once("Network.webSocketHandshakeResponseReceived", ({ response }) => resolve(response.status)),
          );
          // A page that is drawn but does not listen yet would never hear of a change.
          const heard = new Promise<void>((resolve) => {
            for (const event of ["Network.webSocketFrameSent", "Network.webSocketFrameReceived"] as const)
              wire.on(event, ({ response }) => void (response.payloadData.startsWith(ready ?? "") && resolve()));
          });
          await wire.send("Network.enable");
          pages.set(name, { page, errors, handshake, ready: ready === undefined ? handshake : heard });
          await page.goto(`${scheme}://${name}.localhost/`, { waitUntil: "commit", timeout: shownDeadlineMs });
        }),
      );
    }, 2 * shownDeadlineMs);

    afterAll(() => context?.close());

    test.each(tried)(
      "$name is opened by name",
      async ({ name, shown: { selector, text } }) => {
        onTestFailed(() => console.log(said.get(name)));
        const { page, errors } = pages.get(name)!;
        await page.locator(selector, { hasText: text }).waitFor({ timeout: shownDeadlineMs });
        expect(errors).toEqual([]);
      },
      2 * shownDeadlineMs,
    );

    test.each(tried.filter(({ source }) => source !== undefined))(
      "$name: an edited file changes the open page, which is not loaded again",
      async ({ name, folder: app, source = "", mayMiss = false }) => {
        onTestFailed(() => console.log(said.get(name)));
        const { page, errors, handshake, ready } = pages.get(name)!;
        expect(await handshake).toBe(accepted);
        await ready;
        await page.evaluate("window.stillThere = true");
        const path = join(folder, app, source);
        const save = (deadlineMs: number): Promise<void> => {
          const text = readFileSync(path, "utf8");
          const count = Number(/harbour: (\d+)/.exec(text)![1]) + 1;
          writeFileSync(path, text.replace(/harbour: \d+/, `harbour: ${count}`));
          return page.locator("#ships", { hasText: `Ships in harbour: ${count}` }).waitFor({ timeout: deadlineMs });
        };
        // Who sees nothing saves again.
        await (mayMiss ? save(5000).catch(() => save(shownDeadlineMs)) : save(shownDeadlineMs));
        expect(await page.evaluate("window.stillThere")).toBe(true);
        expect(errors).toEqual([]);
      },
      2 * shownDeadlineMs,
    );

    test("their WebSockets and the event stream went through the gateway", async () => {
      // A connection is told when it is over.
      await context.close();
      const told = () =>
        traced
          .filter(({ secure }) => secure === (scheme === "https"))
          .filter((event) => event.protocol === "websocket" || event.path === "/lights")
          .map((event) => `${event.host} ${event.protocol} ${event.status}`);
      await expect
        .poll(() => [...new Set(told())].toSorted())
        .toEqual([
          `lights.localhost ${protocol} 200`,
          "next.localhost websocket 101",
          "parcel.localhost websocket 101",
          "radio.localhost websocket 101",
          "vite.localhost websocket 101",
        ]);
    });
  });
});

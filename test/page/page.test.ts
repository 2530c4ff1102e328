/**
 * @module The page in a real browser over real servers: Node on 80, Parcel on 1234, Vite on 5173, PostgreSQL, Live Server on 5500 and Redis,
 * in a namespace of its own.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { installDeadlineMs, installPrograms, startPrograms, type RunningPrograms } from "../programs/programs.ts";
import { serverUser } from "../servers/launch.ts";
import { postgresqlServers } from "../servers/servers/postgresql.ts";
import { redisServers } from "../servers/servers/redis.ts";
import type { RunningServer } from "../servers/server.ts";
import { startBrowser, whyNoBrowser } from "../support/browser.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  type NetworkNamespace,
} from "../support/netns.ts";
import { startPage, type PageServer } from "../support/page-server.ts";

const skip = requireOrSkip("the page in a browser", whyNoBrowser() ?? whyNoNetworkNamespaces());
const nobody = 65_534;

describe.skipIf(skip)("the page", () => {
  let device: NetworkNamespace;
  let other: NetworkNamespace;
  let running: RunningPrograms;
  const servers: RunningServer[] = [];
  const folders: string[] = [];
  const children: ChildProcess[] = [];
  let server: PageServer;
  let key: string;
  let browser: Browser;
  const tabs: Page[] = [];
  /** What the page did wrong: scripts that failed, policies that were broken. */
  const faults: string[] = [];

  let departure: Promise<void>;
  beforeAll(async () => {
    await installPrograms();
    other = await createNetworkNamespace();
    device = await createNetworkNamespace({
      addresses: ["10.205.1.2/24"],
      peer: other,
      peerAddresses: ["10.205.1.1/24"],
    });
    running = await startPrograms(device);
    for (const one of [postgresqlServers[0]!, redisServers[0]!]) {
      const folder = mkdtempSync(join(tmpdir(), `portolan-page-${one.id}-`));
      folders.push(folder);
      if (process.getuid?.() === 0 && serverUser().user === "nobody") chownSync(folder, nobody, nobody);
      servers.push(await one.start({ address: "127.0.0.1", port: one.usualPort, folder, namespace: device }));
    }
    server = await startPage({ before: ["ip", "netns", "exec", device.name] });
    // The server listens in there: requests of the test come from there, too.
    browser = await startBrowser({ namespace: device.name });
    departure = watchDeparture();
    // Told by its own test, which comes last.
    departure.catch(() => undefined);
  }, installDeadlineMs + 120_000);

  afterAll(async () => {
    await browser?.close();
    await server?.end();
    for (const one of servers) await one.stop();
    await running?.end();
    await device?.destroy();
    await other?.destroy();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    for (const tab of tabs.splice(0)) await tab.context().close();
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    expect(faults.splice(0)).toEqual([]);
  });

  /** A command of its own ends; its page asks for it for a quarter of a minute, while the other tests run. */
  async function watchDeparture(): Promise<void> {
    const short = await startPage({ before: ["ip", "netns", "exec", device.name] });
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(short.ready.entryUrl);
    await tab.waitForFunction(() => performance.getEntriesByName("portolan-painted").length > 0);
    await short.end();
    await tab.getByText("Lost").waitFor();
    await tab.getByText("The command has ended").waitFor({ timeout: 60_000 });
    await tab.getByText("npx portolan ui").waitFor();
    await context.close();
  }

  /** An address with a fresh token. The first is the printed one; then the page gives others. */
  async function entry(): Promise<string> {
    if (key === undefined) {
      const context = await browser.newContext();
      const tab = await context.newPage();
      await tab.goto(server.ready.entryUrl);
      await tab.waitForFunction(() => sessionStorage.length > 0);
      key = await tab.evaluate(() => Object.values(sessionStorage)[0] as string);
      await context.close();
    }
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(server.ready.url);
    const entryUrl = await tab.evaluate(async (bearer) => {
      const response = await fetch("/api/session/invite", {
        method: "POST",
        headers: { authorization: `Bearer ${bearer}` },
      });
      return ((await response.json()) as { entryUrl: string }).entryUrl;
    }, key);
    await context.close();
    return entryUrl;
  }

  /** A fresh tab in which the chart is drawn. */
  async function open(options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1600, height: 1000 }, ...options });
    const tab = await context.newPage();
    tabs.push(tab);
    tab.on("pageerror", (error) => faults.push(error.message));
    tab.on("console", (message) => {
      if (message.type() === "error") faults.push(message.text());
    });
    tab.on("dialog", (dialog) => {
      faults.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    await tab.goto(await entry());
    await tab.waitForFunction(() => performance.getEntriesByName("portolan-painted").length > 0);
    return tab;
  }

  /** A server of the test's own in the namespace. */
  async function startChild(
    script: string,
    words: readonly string[] = [],
    cwd?: string,
  ): Promise<{ child: ChildProcess; port: number }> {
    const child = device.spawnIn(process.execPath, ["-e", script, "--", ...words], {
      stdio: ["ignore", "pipe", "ignore"],
      ...(cwd !== undefined && { cwd }),
    });
    children.push(child);
    for await (const line of createInterface({ input: child.stdout! })) return { child, port: Number(line) };
    throw new Error("the child did not listen");
  }
  const listening =
    "require('net').createServer(s=>s.on('error',()=>{})).listen(0,'127.0.0.1',function(){console.log(this.address().port)})";

  const view = (tab: Page, name: string): Promise<void> =>
    tab.getByRole("navigation", { name: "Views" }).getByRole("button", { name, exact: true }).click();
  const openDoor = async (tab: Page, port: number): Promise<void> => {
    await tab.getByRole("button", { name: new RegExp(`^Open door ${port},`) }).click();
    await tab.getByRole("heading", { name: "What this port is for" }).waitFor();
  };
  const door = (tab: Page) => tab.locator(".door");

  test("all of them live in the building, with their names and projects", async () => {
    const tab = await open();
    for (const [port, name, detail] of [
      [80, "Node.js", "harbour-api"],
      [1234, "Parcel", "harbour-parcel"],
      [5173, "Vite", "harbour-vite"],
      [5432, "PostgreSQL", "postgres"],
      [5500, "Live Server", "harbour-site"],
      [6379, "Redis", "redis-server"],
    ] as const) {
      const row = tab.locator("tr", { has: tab.getByRole("button", { name: new RegExp(`^Open door ${port},`) }) });
      await expect.poll(() => row.innerText()).toMatch(new RegExp(`${name}[^]*${detail}`));
    }
    // The picture is not of one colour.
    const colours = await tab.evaluate(() => {
      const canvas = document.querySelector("canvas")!;
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      return new Set(
        Array.from(
          { length: data.length / 4 },
          (_, index) => (data[index * 4]! << 16) | (data[index * 4 + 1]! << 8) | data[index * 4 + 2]!,
        ),
      ).size;
    });
    expect(colours).toBeGreaterThan(10);
  });

  test("the door tells who lives there, who can reach it, and shows a code for a phone", async () => {
    const tab = await open();
    await openDoor(tab, 80);
    await expect
      .poll(() => door(tab).innerText())
      .toMatch(/Node\.js[^]*Process[^]*node \d+[^]*harbour-api[^]*http:\/\/10\.205\.1\.2\//);
    await tab.getByRole("img", { name: "QR code of http://10.205.1.2/" }).waitFor();
    await openDoor(tab, 5432);
    await expect.poll(() => door(tab).innerText()).toMatch(/PostgreSQL[^]*5432/);
    expect(await door(tab).locator(".door-code").count()).toBe(0);
    await tab.getByRole("button", { name: "Close the door" }).click();
    await tab.getByRole("searchbox").fill("4444");
    await tab.getByRole("searchbox").press("Enter");
    await expect
      .poll(() => door(tab).innerText())
      .toMatch(/4444 empty[^]*Nobody listens here[^]*Could a program take it/);
  });

  test("who comes appears within moments, who goes leaves, and both are told", async () => {
    const tab = await open();
    const { child, port } = await startChild(listening);
    const startMs = Date.now();
    const button = tab.getByRole("button", { name: new RegExp(`^Open door ${port},`) });
    await button.waitFor({ timeout: 3000 });
    expect(Date.now() - startMs).toBeLessThan(3000);
    await expect.poll(() => tab.locator("[aria-live=polite]").innerText()).toMatch(`Port ${port}, Node.js, opened.`);
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
    await button.waitFor({ state: "detached", timeout: 3000 });
    await view(tab, "Time");
    await expect
      .poll(() => tab.locator(".time-list").innerText())
      .toMatch(new RegExp(`${port}[^]*closed[^]*${port}[^]*opened`));
    await expect.poll(() => tab.locator(".recorded").innerText()).toMatch("portolan record");
  });

  test("a port is freed after a look and a confirmation, and only then", async () => {
    const tab = await open();
    const { child, port } = await startChild(listening);
    await openDoor(tab, port);
    await tab.getByRole("button", { name: "Free it" }).click();
    const dialog = tab.getByRole("dialog");
    await expect.poll(() => dialog.innerText()).toMatch(String(child.pid));
    await dialog.getByRole("button", { name: "Cancel" }).click();
    expect(child.exitCode).toBeNull();
    await tab.getByRole("button", { name: "Free it" }).click();
    const ended = once(child, "exit");
    await dialog.getByRole("button", { name: "End 1 process" }).click();
    await ended;
    await expect.poll(() => dialog.innerText()).toMatch("The port is free.");
    await dialog.getByRole("button", { name: "Close" }).click();
    await expect.poll(() => door(tab).innerText()).toMatch("Nobody listens here");
  });

  test("a real connection is followed with its own numbers", async () => {
    const tab = await open();
    const port = await startClient();
    await openDoor(tab, 6379);
    await tab.getByRole("button", { name: new RegExp(`127\\.0\\.0\\.1:${port}`) }).click();
    const packet = tab.locator(".packet");
    await expect.poll(() => packet.innerText()).toMatch(`127.0.0.1:${port}`);
    const seen: string[] = [];
    for (;;) {
      seen.push(await packet.locator(".packet-stop").innerText());
      const next = packet.getByRole("button", { name: "Next stop" });
      if (await next.isDisabled()) break;
      await next.click();
    }
    expect(seen).toHaveLength(7);
    expect(seen.join("\n")).toMatch(new RegExp(`${port}[^]*loopback[^]*6379[^]*inode|socket[^]*redis-server`));
    await packet.getByRole("button", { name: "Back to the door" }).click();
    await tab.getByRole("heading", { name: "Who lives here" }).waitFor();
    await view(tab, "Streets");
    await expect.poll(() => tab.locator(".travellers").innerText()).toMatch(String(port));
  });

  /** A client of Redis in the namespace; tells its own port. */
  async function startClient(): Promise<number> {
    const { port } = await startChild(
      "const s=require('net').connect(6379,'127.0.0.1',()=>{s.write('PING\\r\\n');console.log(s.localPort)});s.resume()",
    );
    return port;
  }

  test("streets show which doors open on to which network", async () => {
    const tab = await open();
    await view(tab, "Streets");
    const lan = tab.locator(".street", { hasText: "lan0" });
    await expect.poll(() => lan.innerText()).toMatch(/10\.205\.1\.2[^]*phone[^]*80[^]*5500/);
    expect(await lan.innerText()).not.toMatch("5432");
    await expect.poll(() => tab.locator(".street-inner").innerText()).toMatch(/127\.0\.0\.1[^]*5432[^]*6379/);
  });

  test("a scan shows its progress and what it proved, in a building of its own", async () => {
    const tab = await open();
    await view(tab, "Scan");
    await tab.locator(".scan-form select").selectOption("all");
    await tab.getByRole("button", { name: "Scan", exact: true }).last().click();
    await tab.getByRole("progressbar").waitFor();
    await tab.getByText(/ports asked in/).waitFor({ timeout: 30_000 });
    const table = await tab.locator(".scan-table").innerText();
    expect(table).toMatch(/5432\/tcp[^]*PostgreSQL[^]*proved/);
    expect(table).toMatch(/6379\/tcp[^]*Redis[^]*proved/);
    await tab.getByLabel("Device").fill("10.205.1.1");
    await tab.getByRole("button", { name: "Scan", exact: true }).last().click();
    // Another device needs a word first.
    expect(await tab.getByRole("progressbar").count()).toBe(0);
    await tab.getByLabel("It is mine").check();
    await tab.locator(".scan-form select").selectOption("own");
    await tab.getByLabel("Set of ports").fill("nonsense-port");
    await tab.getByRole("button", { name: "Scan", exact: true }).last().click();
    await expect.poll(() => tab.locator(".failure").innerText()).toMatch("PORT_SET_INVALID");
    faults.length = 0;
  });

  test("search finds by number, name, project, program and protocol", async () => {
    const tab = await open();
    for (const [text, port] of [
      ["5432", 5432],
      ["redis", 6379],
      ["harbour-vite", 5173],
      ["postgres", 5432],
      ["live", 5500],
    ] as const) {
      await tab.getByRole("searchbox").fill(text);
      await tab.getByRole("button", { name: new RegExp(`^Open door ${port},`) }).waitFor();
      await expect.poll(() => tab.locator(".list-title").innerText()).toMatch(/^\d+ open doors? of \d+/);
    }
    await tab.getByRole("searchbox").fill("nobody has this name");
    await tab.getByText("Nothing that listens matches.").waitFor();
  });

  test("with keys alone: a number, the lit doors, Enter, Escape, the search", async () => {
    const tab = await open();
    const status = tab.locator("[aria-live=polite]");
    await tab.keyboard.press("Tab");
    await expect.poll(() => tab.evaluate(() => document.activeElement?.textContent)).toMatch("Skip to the chart");
    const chart = tab.getByRole("application");
    for (let presses = 0; presses < 40; presses += 1) {
      if (await chart.evaluate((element) => element === document.activeElement)) break;
      await tab.keyboard.press("Tab");
    }
    expect(await chart.evaluate((element) => element === document.activeElement)).toBe(true);
    await tab.keyboard.type("5432");
    await expect.poll(() => status.innerText()).toMatch("Port 5432, floor 21, apartment 56, registered. PostgreSQL");
    await tab.keyboard.press("ArrowRight");
    await expect.poll(() => status.innerText()).toMatch("Port 5433");
    await tab.keyboard.press("ArrowUp");
    await expect.poll(() => status.innerText()).toMatch("Port 5689, floor 22");
    await tab.keyboard.press("p");
    await expect.poll(() => status.innerText()).toMatch("Port 5500");
    await tab.keyboard.press("n");
    await expect.poll(() => status.innerText()).toMatch("Port 6379");
    await tab.keyboard.press("Enter");
    await tab.getByRole("heading", { name: /6379/ }).waitFor();
    await expect.poll(() => tab.evaluate(() => document.activeElement?.className)).toBe("door");
    await tab.keyboard.press("Escape");
    await door(tab).waitFor({ state: "detached" });
    expect(await chart.evaluate((element) => element === document.activeElement)).toBe(true);
    await tab.keyboard.press("/");
    await tab.keyboard.type("vite");
    await tab.keyboard.press("Enter");
    await tab.getByRole("heading", { name: /5173/ }).waitFor();
    await tab.getByRole("button", { name: "Reserve" }).focus();
    await tab.keyboard.press("Enter");
    await expect.poll(() => tab.evaluate(() => document.activeElement?.closest("dialog") !== null)).toBe(true);
    await tab.keyboard.press("Escape");
    await expect.poll(() => tab.evaluate(() => document.querySelector("dialog[open]"))).toBeNull();
    await tab.getByRole("heading", { name: /5173/ }).waitFor();
  });

  test("the lesson goes to its end", async () => {
    const tab = await open();
    await view(tab, "Learn");
    for (let chapter = 1; chapter <= 7; chapter += 1) {
      await tab.getByText(`Chapter ${chapter} of 7`).waitFor();
      if (chapter < 7) await tab.getByRole("button", { name: "Next" }).click();
    }
  });

  test("each colouring has a legend that counts", async () => {
    const tab = await open();
    for (const [value, text] of [
      ["proof", "Seen from the program"],
      ["reach", "This machine only"],
      ["project", "harbour-api"],
      ["traffic", "Still"],
      ["range", "Well-known"],
    ] as const) {
      await tab.locator(".legend select").selectOption(value);
      await expect.poll(() => tab.locator(".legend-entries").innerText()).toMatch(text);
    }
  });

  describe.each(["light", "dark"] as const)("%s", (colorScheme) => {
    test.each([1600, 390])(
      "axe finds no violation at %i px",
      async (width) => {
        const tab = await open({ viewport: { width, height: 900 }, colorScheme });
        const check = async (place: string): Promise<void> => {
          // Evaluated, not added as a script: the page's policy lets none in.
          await tab.evaluate(axe.source);
          const violations = await tab.evaluate(async () => {
            const run = (
              globalThis as unknown as {
                axe: {
                  run(): Promise<{
                    violations: { id: string; nodes: { target: unknown; failureSummary: string }[] }[];
                  }>;
                };
              }
            ).axe;
            return (await run.run()).violations.map(
              ({ id, nodes }) =>
                `${id}: ${nodes
                  .slice(0, 3)
                  .map((node) => `${String(node.target)} ${node.failureSummary}`)
                  .join("; ")}`,
            );
          });
          expect([place, violations]).toEqual([place, []]);
        };
        await check("building");
        for (const name of ["Streets", "Time", "Scan", "Learn"]) {
          await view(tab, name);
          await tab.locator(".view h2").first().waitFor();
          await check(name);
        }
        await view(tab, "Building");
        await openDoor(tab, 80);
        await check("door");
        await tab.getByRole("button", { name: "Free it" }).click();
        await tab.locator(".free-victims").waitFor();
        await check("the dialog");
      },
      60_000,
    );
  });

  test.each([360, 390, 1024, 1600, 2560])("nothing is wider than the window at %i px", async (width) => {
    const tab = await open({ viewport: { width, height: 800 } });
    const check = async (place: string): Promise<void> => {
      const wide = await tab.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect([place, wide]).toEqual([place, 0]);
    };
    await check("building");
    for (const name of ["Streets", "Time", "Scan", "Learn"]) {
      await view(tab, name);
      await tab.locator(".view h2").first().waitFor();
      await check(name);
    }
    await view(tab, "Building");
    await openDoor(tab, 80);
    await check("door");
  });

  describe("what others wrote", () => {
    const evil = [
      `<img src=x onerror="window.hacked=1">`,
      `<script>window.hacked=1</script>`,
      `\u001b]0;owned\u0007\u001b[31m`,
      `\u202egnp.live`,
    ];

    test("stays text: titles, arguments, a project's name, a banner, a megabyte", async () => {
      const folder = mkdtempSync(join(tmpdir(), "portolan-evil-"));
      folders.push(folder);
      const project = join(folder, "p");
      mkdirSync(project);
      writeFileSync(join(project, "package.json"), JSON.stringify({ name: evil.join(" ") }));
      const banner = JSON.stringify(`SSH-2.0-${evil.join("")}\r\n`);
      const script =
        `process.title=${JSON.stringify(evil.join(""))};require('net').createServer(s=>{s.on('error',()=>{});s.write(${banner})})` +
        `.listen(0,'127.0.0.1',function(){console.log(this.address().port)})`;
      const { port } = await startChild(script, [...evil, "x".repeat(100_000)], project);
      const tab = await open();
      await openDoor(tab, port);
      await tab.getByRole("heading", { name: "Who can reach it" }).waitFor();
      const check = async (place: string): Promise<void> => {
        const seen = await tab.evaluate(() => ({
          text: document.body.innerText,
          hacked: "hacked" in window,
          images: document.querySelectorAll("img").length,
          wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        }));
        expect([place, seen.hacked, seen.images, seen.wide]).toEqual([place, false, 0, 0]);
        expect(seen.text).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u202a-\u202e\u2066-\u2069]/);
      };
      await check("door");
      await view(tab, "Streets");
      await check("streets");
      await view(tab, "Time");
      await check("time");
      await view(tab, "Scan");
      await tab.locator(".scan-form select").selectOption("own");
      await tab.getByLabel("Set of ports").fill(String(port));
      await tab.getByRole("button", { name: "Scan", exact: true }).last().click();
      await tab.getByText(/asked in/).waitFor({ timeout: 30_000 });
      await check("scan");
      await view(tab, "Building");
      for (const key of ["proof", "project"]) {
        await tab.locator(".legend select").selectOption(key);
        await check(key);
      }
    }, 60_000);
  });

  test("when the command ends the page says so, and how to go on", async () => {
    await departure;
  }, 30_000);

  test("without a token nothing is shown but how to get in", async () => {
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(server.ready.url);
    await tab.getByText("This tab has no key").waitFor();
    await tab.goto(`${server.ready.url}#token=guessed`);
    await tab.reload();
    await tab
      .getByText(/was used already|no key/)
      .first()
      .waitFor();
    await context.close();
  });
});

/**
 * @module The gateway's own pages in a real Chromium: readable for everybody, in both schemes, at the width of a phone; and looking again by
 * themselves.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import axe from "axe-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readProcessIdentity } from "../../src/act/index.ts";
import { startBrowser, whyNoBrowser } from "../support/browser.ts";
import { routeOf, startGateway, type TestGateway } from "../support/gateway.ts";
import { requireOrSkip } from "../support/netns.ts";

const skip = requireOrSkip("the gateway's pages in a browser", whyNoBrowser());

describe.skipIf(skip)("the gateway's pages in a browser", () => {
  let browser: Browser;
  let gateway: TestGateway;
  let freePort: number;
  const address = (name: string): string => `http://${name}.localhost:${gateway.port}/`;

  beforeAll(async () => {
    browser = await startBrowser({ rules: "MAP *.localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1" });
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    freePort = (probe.address() as AddressInfo).port;
    probe.close();
    const holder = {
      pid: process.pid,
      identity: readProcessIdentity(process.pid) ?? null,
      command: ["npm", "run", "dev", "--", "--with-a-rather-long-word-that-nobody-would-break=".repeat(3)],
      workingDirectory: "/home/ann/projects/a-folder-with-a-long-name/packages/the-shop-of-the-harbour",
    };
    gateway = await startGateway([
      routeOf("late", `127.0.0.1:${freePort}`),
      routeOf("slow", "127.0.0.1:1", { holder }),
      routeOf("over", "127.0.0.1:1", { holder, ended: { atMs: Date.now() - 90_000, exitStatus: 3 } }),
      routeOf("gone", "127.0.0.1:1", { holder: { ...holder, pid: 2 ** 22 } }),
      routeOf("*.shop", "127.0.0.1:3000"),
      routeOf("shop", "127.0.0.1:3001", { path: "/api" }),
    ]);
  });

  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
  });

  test.each([
    ["light", 1000],
    ["dark", 360],
  ] as const)(
    "%s, %i px wide: readable, nothing beside the page, axe finds no violation",
    async (colorScheme, width) => {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 700 } });
      const tab = await context.newPage();
      const complaints: string[] = [];
      tab.on("console", (message) => {
        // That the page's own status is no success is what it is about.
        if (!message.text().includes("Failed to load resource")) complaints.push(message.text());
      });
      for (const [name, title, words] of [
        ["late", "late.localhost is not up", "Nothing listens at"],
        ["slow", "slow.localhost is not up", "runs, but does not listen yet"],
        ["over", "over.localhost has ended", "exit status 3"],
        ["gone", "gone.localhost has ended", "is gone"],
        ["shopp", "No application is called shopp.localhost", "Did you mean shop.localhost/api?"],
        ["portolan", "6 names lead to applications", "has ended with 3"],
      ] as const) {
        await tab.goto(address(name));
        expect(await tab.title()).toBe(title);
        expect(await tab.locator("main").innerText()).toContain(words);
        const root = "document.documentElement";
        expect([name, await tab.evaluate(`${root}.scrollWidth > ${root}.clientWidth`)]).toEqual([name, false]);
        if (name === "late" || name === "gone") continue;
        await tab.evaluate(axe.source);
        const violations = await tab.evaluate(async () => {
          const { axe: own } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string }[] }> } };
          return (await own.run()).violations.map(({ id }) => id);
        });
        expect([name, violations]).toEqual([name, []]);
      }
      expect(complaints).toEqual([]);
      await context.close();
    },
  );

  test("the page of an application that is not up becomes the application when it is", async () => {
    const tab = await browser.newPage();
    await tab.goto(`${address("late")}cart?x=1`);
    expect(await tab.title()).toBe("late.localhost is not up");
    const server = createServer((request, response) => {
      response.setHeader("content-type", "text/html");
      response.end(`<title>up at ${request.url}</title>`);
    });
    server.listen(freePort, "127.0.0.1");
    await once(server, "listening");
    // While it goes there it has no title to be asked for.
    await expect.poll(() => tab.title().catch(() => ""), { timeout: 15_000 }).toBe("up at /cart?x=1");
    await tab.close();
    server.close();
    server.closeAllConnections();
  });
});

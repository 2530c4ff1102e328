/**
 * @module The page under attack in a real browser: other origins, other ports of the same address, rebound names, frames without an
 * origin. Each attacker is a real page that was given the server's key, so that nothing but the guard can stop it.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBrowser, whyNoBrowser } from "../support/browser.ts";
import { requireOrSkip } from "../support/netns.ts";
import { startPage, type PageServer } from "../support/page-server.ts";

const skip = requireOrSkip("the page under attack", whyNoBrowser());

describe.skipIf(skip)("the page under attack", () => {
  let page: PageServer;
  let key: string;
  let browser: Browser;
  let attacker: Server;
  let attackerPort: number;
  /** Requests that reached the attacker's server, with their headers. */
  const stolen: string[] = [];

  beforeAll(async () => {
    page = await startPage();
    key = await page.enter();
    attacker = createServer((request, response) => {
      stolen.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
      response.writeHead(200, { "content-type": "text/html" });
      response.end("<!doctype html><title>attacker</title><p>hello");
    });
    attacker.listen(0, "127.0.0.1");
    await once(attacker, "listening");
    attackerPort = (attacker.address() as AddressInfo).port;
    browser = await startBrowser({
      rules: "MAP attacker.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    });
  });

  afterAll(async () => {
    await browser?.close();
    await page?.end();
    attacker?.close();
  });

  async function visit(url: string): Promise<Page> {
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(url);
    return tab;
  }

  /** What a script of `tab` gets from the server with the right key: the text, or how it failed. */
  function steal(tab: Page, url: string, mode: "cors" | "no-cors" = "cors"): Promise<string> {
    return tab.evaluate(
      async ([target, bearer, how]) => {
        try {
          const headers =
            how === "cors" ? { authorization: `Bearer ${bearer}`, "content-type": "application/json" } : {};
          const response = await fetch(target!, { method: "POST", headers, body: "{}", mode: how as RequestMode });
          return `${response.type} ${response.status} ${await response.text()}`;
        } catch (error) {
          return `failed ${String(error)}`;
        }
      },
      [url, key, mode] as const,
    );
  }

  const origins = [
    ["another port of this address", () => `http://127.0.0.1:${attackerPort}/`],
    ["another name of this address", () => `http://localhost:${attackerPort}/`],
    ["another site", () => `http://attacker.example:${attackerPort}/`],
  ] as const;

  test.each(origins)("a script of %s reads nothing", async (_, origin) => {
    const tab = await visit(origin());
    expect(await steal(tab, `http://127.0.0.1:${page.port}/api/list`)).toMatch(/^failed TypeError/);
    expect(await steal(tab, `http://127.0.0.1:${page.port}/api/list`, "no-cors")).toMatch(/^(failed|opaque 0 $)/);
    await tab.context().close();
  });

  test.each(origins)("a form of %s changes nothing", async (_, origin) => {
    const tab = await visit(origin());
    const answered = tab.waitForResponse((response) => response.url().includes("/api/session"));
    await tab.evaluate((action) => {
      const form = document.createElement("form");
      form.method = "post";
      form.action = action;
      form.enctype = "text/plain";
      const field = document.createElement("input");
      field.name = '{"token":"';
      field.value = '"}';
      form.append(field);
      document.body.append(form);
      form.submit();
    }, `http://127.0.0.1:${page.port}/api/session`);
    expect((await answered).status()).toBe(403);
    await tab.context().close();
  });

  test.each(origins)("%s frames the page nowhere and sees nothing of its window", async (_, origin) => {
    const tab = await visit(origin());
    const refused = tab.waitForEvent("console", (message) =>
      /frame-ancestors|X-Frame-Options|Refused|blocked/i.test(message.text()),
    );
    await tab.evaluate((source) => {
      const frame = document.createElement("iframe");
      frame.src = source;
      document.body.append(frame);
    }, `http://127.0.0.1:${page.port}/`);
    await refused;
    const severed = await tab.evaluate(async (source) => {
      const opened = window.open(source);
      for (let tries = 0; tries < 200; tries += 1) {
        if (opened === null || opened.closed) return true;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return false;
    }, `http://127.0.0.1:${page.port}/`);
    expect(severed).toBe(true);
    await tab.context().close();
  });

  test("a rebound name, on the server's own port, gets not even the page", async () => {
    const context = await browser.newContext();
    const tab = await context.newPage();
    const response = await tab.goto(`http://attacker.example:${page.port}/`);
    expect(response!.status()).toBe(403);
    // The tab has the attacker's origin now, and the server is same-origin to it.
    expect(await steal(tab, `http://attacker.example:${page.port}/api/list`)).toMatch(/^basic 403 .*ORIGIN_REFUSED/);
    await context.close();
  });

  test.each(["a sandboxed frame", "a data: page"] as const)("%s (Origin: null) reads nothing", async (place) => {
    const tab = await visit(`http://127.0.0.1:${attackerPort}/`);
    const outcome = await tab.evaluate(
      async ([target, bearer, where]) => {
        const script =
          `fetch(${JSON.stringify(target)},{method:"POST",headers:{authorization:"Bearer ${bearer}","content-type":"application/json"},body:"{}"})` +
          `.then(r=>r.text()).then(t=>parent.postMessage("read "+t,"*"),e=>parent.postMessage("failed "+e,"*"))`;
        const frame = document.createElement("iframe");
        const told = new Promise<string>((resolve) =>
          window.addEventListener("message", (event) => resolve(String(event.data)), { once: true }),
        );
        if (where === "a data: page") frame.src = `data:text/html,<script>${encodeURIComponent(script)}</script>`;
        else {
          frame.setAttribute("sandbox", "allow-scripts");
          frame.srcdoc = `<script>${script}</script>`;
        }
        document.body.append(frame);
        return told;
      },
      [`http://127.0.0.1:${page.port}/api/list`, key, place] as const,
    );
    expect(outcome).toMatch(/^failed/);
    await tab.context().close();
  });

  test("a file: page reads nothing", async () => {
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto("file:///usr/share/doc/");
    expect(await steal(tab, `http://127.0.0.1:${page.port}/api/list`)).toMatch(/^failed/);
    await context.close();
  });

  test("no cookie is set, and the key reaches no other server of this address", async () => {
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(await page.invite(key));
    await tab.waitForFunction(() => sessionStorage.length > 0);
    const kept = await tab.evaluate(() => Object.values(sessionStorage).join());
    expect(kept).toMatch(/^[\w-]{43}$/);
    expect(tab.url()).not.toContain("token");
    expect(await context.cookies()).toEqual([]);
    stolen.length = 0;
    const other = await context.newPage();
    await other.goto(`http://127.0.0.1:${attackerPort}/steal`);
    expect(await other.evaluate(() => sessionStorage.length + localStorage.length + document.cookie.length)).toBe(0);
    expect(stolen.length).toBeGreaterThan(0);
    expect(stolen.join()).not.toContain(kept);
    await context.close();
  });

  test("the token leaves the address and the history; a used one lets nobody in", async () => {
    const entryUrl = await page.invite(key);
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(entryUrl);
    await tab.waitForFunction(() => sessionStorage.length > 0);
    expect(await tab.evaluate(() => location.hash)).toBe("");
    await tab.reload();
    await tab.waitForFunction(() => sessionStorage.length > 0);
    const second = await browser.newContext();
    const thief = await second.newPage();
    const refused = thief.waitForResponse((response) => response.url().endsWith("/api/session"));
    await thief.goto(entryUrl);
    expect((await refused).status()).toBe(401);
    expect(await thief.evaluate(() => sessionStorage.length)).toBe(0);
    await context.close();
    await second.close();
  });
});

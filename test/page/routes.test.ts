/**
 * @module Names on the page, in a real browser, before a gateway of its own in a namespace and real servers: given at a door and opened by name,
 * removed, seen to be down, requests told as they happen.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { RoutesResult } from "../../src/operations/routes.ts";
import { startBrowser, whyNoBrowser } from "../support/browser.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  type NetworkNamespace,
} from "../support/netns.ts";
import { startPage, type PageServer } from "../support/page-server.ts";
import { commandPath } from "../support/run-command.ts";

const skip = requireOrSkip("names on the page", whyNoBrowser() ?? whyNoNetworkNamespaces());

describe.skipIf(skip)("names on the page", () => {
  let device: NetworkNamespace;
  let folder: string;
  let server: PageServer;
  let browser: Browser;
  let tab: Page;
  const children: ChildProcess[] = [];
  /** What the page did wrong: scripts that failed, policies that were broken. */
  const faults: string[] = [];

  beforeAll(async () => {
    device = await createNetworkNamespace();
    // A short one: the path of a Unix socket has at most 107 bytes.
    folder = mkdtempSync(join(tmpdir(), "pgp-"));
    server = await startPage({
      before: ["ip", "netns", "exec", device.name],
      environment: { PORTOLAN_STATE_HOME: folder },
    });
    browser = await startBrowser({ namespace: device.name, rules: "MAP *.example ~NOTFOUND" });
    const context = await browser.newContext({ viewport: { width: 1600, height: 1000 } });
    tab = await context.newPage();
    tab.on("pageerror", (error) => faults.push(error.message));
    tab.on("console", (message) => {
      if (message.type() === "error") faults.push(message.text());
    });
    await tab.goto(server.ready.entryUrl);
    await tab.waitForFunction(() => performance.getEntriesByName("portolan-painted").length > 0);
  }, 60_000);

  afterAll(async () => {
    if (folder !== undefined) await portolan(["gateway", "stop"]).catch(() => undefined);
    await browser?.close();
    await server?.end();
    for (const child of children) child.kill("SIGKILL");
    await device?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  afterEach(() => expect(faults.splice(0)).toEqual([]));

  /** The command in the namespace. */
  async function portolan(words: readonly string[]): Promise<string> {
    const { stdout } = await device.execIn(process.execPath, [commandPath, ...words], {
      environment: { PORTOLAN_STATE_HOME: folder },
    });
    return stdout;
  }

  const routes = async (): Promise<RoutesResult> => JSON.parse(await portolan(["routes", "--json"])) as RoutesResult;

  /** A server in a folder of its own, which is a project of that name. */
  async function startServer(project: string, answer: string): Promise<{ child: ChildProcess; port: number }> {
    const cwd = join(folder, `project-${children.length}`);
    mkdirSync(cwd);
    writeFileSync(join(cwd, "package.json"), JSON.stringify({ name: project }));
    const script =
      `require("http").createServer((q,s)=>{if(q.url==="/broken")s.statusCode=503;s.setHeader("content-type","text/html");s.end(${JSON.stringify(answer)}+q.url)})` +
      `.listen(0,"127.0.0.1",function(){console.log(this.address().port)})`;
    const child = device.spawnIn(process.execPath, ["-e", script], { cwd, stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
    return { child, port: Number(line) };
  }

  async function end(child: ChildProcess): Promise<void> {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** So many requests by name, over a few connections, from the namespace. */
  async function ask(host: string, path: string, count = 1): Promise<void> {
    const script =
      `const h=require("http"),a=new h.Agent({keepAlive:true,maxSockets:8});let n=0;const ask=()=>{if(n++>=${count})return;` +
      `h.get({agent:a,host:"127.0.0.1",port:80,path:${JSON.stringify(path)},headers:{host:${JSON.stringify(host)}}},s=>s.resume().on("end",ask)).on("error",e=>{console.error(e);process.exitCode=1})};` +
      `for(let i=0;i<8;i++)ask();`;
    await device.execIn(process.execPath, ["-e", script]);
  }

  const view = (name: string): Promise<void> =>
    tab.getByRole("navigation", { name: "Views" }).getByRole("button", { name, exact: true }).click();
  const dialog = () => tab.getByRole("dialog");
  const card = (host: string) =>
    tab.locator(".name-card", { has: tab.getByRole("heading", { name: host, exact: true }) });
  const list = () => tab.locator(".requests-table");
  /** What commands do to names is seen with the page's next look, and a machine can be busy. */
  const eventually = <Value>(look: () => Value) => expect.poll(look, { timeout: 8000 });

  test("where no gateway runs it says so, and starts one when that is confirmed", async () => {
    await view("Names");
    await tab.getByRole("heading", { name: "No gateway runs" }).waitFor();
    await tab.getByRole("heading", { name: "No name leads anywhere yet" }).waitFor();
    await tab.getByRole("button", { name: "Start the gateway" }).click();
    await eventually(() => dialog().innerText()).toMatch("gateway serve");
    await dialog().getByRole("button", { name: "Cancel" }).click();
    expect(JSON.parse(await portolan(["gateway", "stop", "--json"]).catch(() => "null"))).toBeNull();
    await tab.getByRole("button", { name: "Start the gateway" }).click();
    await dialog().getByRole("button", { name: "Start it" }).click();
    await eventually(() => dialog().innerText()).toMatch(/The gateway runs: process \d+, port 80 and 443\./);
    await dialog().getByRole("button", { name: "Close" }).click();
    await tab.getByRole("heading", { name: "The gateway runs" }).waitFor();
    await eventually(() => tab.locator(".gateway-facts").innerText()).toMatch(
      /80 http 127\.0\.0\.1, ::1[^]*443 https 127\.0\.0\.1, ::1[^]*Memory/,
    );
  });

  test("a door is given the name of its project, which then opens in the browser", async () => {
    const { port } = await startServer("@acme/Web Shop", "hello from the shop ");
    await view("Building");
    await tab.getByRole("button", { name: new RegExp(`^Open door ${port},`) }).click();
    await tab.getByRole("button", { name: "Give it a name" }).click();
    const name = dialog().getByRole("textbox", { name: "Name" });
    await eventually(() => name.inputValue()).toBe("acme-web-shop");
    await eventually(() => dialog().innerText()).toMatch(
      new RegExp(`http://acme-web-shop\\.localhost/[^]*http://localhost:${port}[^]*Nobody has this name yet`),
    );
    // What the server says against a name is told while it is typed.
    await name.fill("no such name");
    await eventually(() => dialog().getByRole("alert").innerText()).toMatch("ROUTE_NAME_INVALID");
    expect(await dialog().getByRole("button", { name: "Give it this name" }).isDisabled()).toBe(true);
    faults.length = 0;
    await name.fill("shop");
    await eventually(() => dialog().innerText()).toMatch("http://shop.localhost/");
    expect((await portolan(["routes", "--json"]).catch(() => "")).includes("shop")).toBe(false);
    // Enter does what the button does.
    await name.press("Enter");
    await eventually(() => dialog().innerText()).toMatch(`http://shop.localhost/ leads to http://localhost:${port}.`);
    await dialog().getByRole("button", { name: "Close" }).click();
    await eventually(() => tab.locator(".door").innerText()).toMatch(/Its name\s+http:\/\/shop\.localhost\//);
    await eventually(() => tab.locator(".list").innerText()).toMatch("shop.localhost");
    const visitor = await tab.context().newPage();
    await visitor.goto("http://shop.localhost/cart");
    expect(await visitor.innerText("body")).toBe("hello from the shop /cart");
    await visitor.close();
    await tab.getByRole("searchbox").fill("shop.localhost");
    await eventually(() => tab.locator(".list-title").innerText()).toMatch(/^1 open door of /);
    await tab.getByRole("searchbox").fill("");
    await tab.getByRole("button", { name: "Close the door" }).click();
  });

  test("names stand below their host, each with how it stands", async () => {
    const api = await startServer("api", "api ");
    const { routes: before } = await routes();
    const shopPort = Number(new URL(before[0]!.target).port);
    await portolan(["route", "add", "shop/api", String(api.port), "--strip"]);
    await portolan(["route", "add", "*.shop", String(shopPort)]);
    await portolan(["route", "add", "nas", "192.168.1.8:5000"]);
    await portolan(["run", "crashed", "--", "sh", "-c", "exit 3"]).catch(() => undefined);
    await view("Names");
    await eventually(() => card("shop.localhost").innerText()).toMatch(
      new RegExp(
        `/ →[^]*${shopPort}\\s+up Node\\.js[^]*/api →[^]*${api.port}\\s+up Node\\.js[^]*/api taken off[^]*every name below →[^]*${shopPort}`,
      ),
    );
    expect(
      await card("shop.localhost").getByRole("link", { name: "Open shop.localhost/api" }).getAttribute("href"),
    ).toBe("http://shop.localhost/api");
    await eventually(() => card("nas.localhost").innerText()).toMatch("on another device");
    await eventually(() => card("crashed.localhost").innerText()).toMatch("ended with status 3");
    await end(api.child);
    await eventually(() => card("shop.localhost").innerText()).toMatch("not up");
    await card("shop.localhost")
      .getByRole("button", { name: `Door ${shopPort}` })
      .first()
      .click();
    await tab.getByRole("heading", { name: new RegExp(`^${shopPort}`) }).waitFor();
    await tab.getByRole("button", { name: "Close the door" }).click();
  });

  test("a request is told as it happens, whoever was asked, and paths from outside stay text", async () => {
    // The gateway counts for the page from some moment on.
    await eventually(async () => {
      await ask("shop.localhost", "/cart?token=secret");
      return list().innerText();
    }).toMatch(/200\s+GET shop\.localhost\s*\/cart[^]*Node\.js \d+\s*shop\.localhost[^]*ms[^]*127\.0\.0\.1:\d+/);
    await ask("shop.localhost", "/broken");
    await ask("fix.shop.localhost", "/");
    await ask("nobody.localhost", "/%3Cimg%20src=x%20onerror=hacked=1%3E/<b>bold</b>");
    await ask("shop.localhost", "/api/items");
    await eventually(() => list().innerText()).toMatch(/502\s+GET shop\.localhost\s*\/api\/items\s*ECONNREFUSED/);
    const text = await list().innerText();
    expect(text).toMatch(/503\s+GET shop\.localhost\s*\/broken/);
    expect(text).toMatch(/GET fix\.shop\.localhost[^]*by \*\.shop\.localhost/);
    expect(text).toMatch(
      /404\s+GET nobody\.localhost\s*\/%3Cimg%20src=x%20onerror=hacked=1%3E\/<b>bold<\/b>[^]*nobody has this name/,
    );
    expect(text).not.toMatch("secret");
    expect(await list().locator("img, b").count()).toBe(0);
    await eventually(() => card("shop.localhost").innerText()).toMatch(/in a minute, 1 failure/);
  });

  test("thousands are counted, some are listed, and it says how many are not", async () => {
    const sum = tab.locator(".requests-sum");
    const counted = async (): Promise<number[]> =>
      [...(await sum.innerText()).matchAll(/([\d,]+) (?:requests? since|of them)/g)].map(([, digits]) =>
        Number(digits!.replaceAll(",", "")),
      );
    const [before = 0] = await counted();
    await ask("shop.localhost", "/busy", 2000);
    await eventually(async () => (await counted())[0]).toBe(before + 2000);
    const [, leftOut = 0] = await counted();
    expect(leftOut).toBeGreaterThan(1000);
    expect(await list().locator("tbody tr").count()).toBeLessThanOrEqual(200);
    // It stands still while it is read, and counts on.
    await tab.getByRole("button", { name: "Pause" }).click();
    await ask("shop.localhost", "/later");
    await eventually(() => sum.innerText()).toMatch("1 more has come");
    expect(await list().innerText()).not.toMatch("/later");
    await tab.getByRole("button", { name: "Go on" }).click();
    await tab.getByRole("combobox", { name: "Show" }).selectOption("nas.localhost");
    await eventually(() => list().count()).toBe(0);
    await tab.getByRole("combobox", { name: "Show" }).selectOption("shop.localhost");
    await eventually(async () => {
      await ask("nobody.localhost", "/other");
      await ask("shop.localhost", "/mine");
      return (await list().count()) === 0 ? "" : list().innerText();
    }).toMatch("/mine");
    expect(await list().innerText()).not.toMatch("/other");
  });

  test("nobody listens at the gateway when the view is left or the page is hidden", async () => {
    await tab.getByRole("combobox", { name: "Show" }).selectOption("every name");
    const { pid } = (await routes()).gateway!;
    /** Connections to the control socket that stay open: one for each view that follows. */
    const followers = async (): Promise<number> => {
      const { stdout } = await device.execIn("ss", ["-xpHn", "state", "established"]);
      return stdout.split("\n").filter((line) => line.includes(`/gateway/${pid}.new`) && line.includes(`pid=${pid},`))
        .length;
    };
    await eventually(followers).toBe(1);
    await view("Streets");
    await eventually(followers).toBe(0);
    await view("Names");
    await eventually(followers).toBe(1);
    const hide = (hidden: boolean): Promise<void> =>
      tab.evaluate((value) => {
        Object.defineProperty(document, "hidden", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await hide(true);
    await eventually(followers).toBe(0);
    await hide(false);
    await eventually(followers).toBe(1);
  });

  test("a name is removed after a look and a confirmation; the server goes on", async () => {
    const before = (await routes()).routes.find(({ name }) => name === "shop.localhost")!;
    const row = card("shop.localhost");
    await row.getByRole("button", { name: "Remove shop.localhost", exact: true }).click();
    await eventually(() => dialog().innerText()).toMatch(`The name leads to ${before.target}`);
    await tab.keyboard.press("Escape");
    expect((await routes()).routes.map(({ name }) => name)).toContain("shop.localhost");
    await row.getByRole("button", { name: "Remove shop.localhost", exact: true }).click();
    await dialog().getByRole("button", { name: "Remove the name" }).click();
    await eventually(() => dialog().innerText()).toMatch("shop.localhost leads nowhere any more.");
    await dialog().getByRole("button", { name: "Close" }).click();
    // The reader is not lost with the button.
    await eventually(() => tab.evaluate(() => document.activeElement?.id)).toBe("view");
    expect((await routes()).routes.map(({ name }) => name)).not.toContain("shop.localhost");
    const visitor = await tab.context().newPage();
    expect((await visitor.goto(before.target))!.status()).toBe(200);
    await visitor.close();
  });

  test("a name of a program that runs is taken over only when that is asked for", async () => {
    const program = device.spawnIn(
      process.execPath,
      [
        commandPath,
        "run",
        "mine",
        "--",
        process.execPath,
        "-e",
        'require("http").createServer().listen(process.env.PORT,"127.0.0.1")',
      ],
      { env: { PATH: process.env["PATH"], PORTOLAN_STATE_HOME: folder }, stdio: "ignore", cwd: folder },
    );
    children.push(program);
    await eventually(() => card("mine.localhost").innerText()).toMatch(/running[^]*node/);
    await tab.getByRole("button", { name: "Give a name" }).click();
    await dialog().getByRole("textbox", { name: "Name" }).fill("mine");
    await dialog().getByRole("textbox", { name: "Leads to" }).fill("80");
    await eventually(() => dialog().getByRole("alert").innerText()).toMatch("Port 80 is the gateway itself");
    await dialog().getByRole("textbox", { name: "Leads to" }).fill("4321");
    await eventually(() => dialog().innerText()).toMatch(/belongs to process \d+[^]*Nobody listens at port 4321 yet/);
    const button = dialog().getByRole("button", { name: "Give it this name" });
    expect(await button.isDisabled()).toBe(true);
    await dialog().getByRole("checkbox", { name: "Take it over from that program" }).check();
    await button.click();
    await eventually(() => dialog().innerText()).toMatch("mine.localhost/ leads to http://localhost:4321.");
    await dialog().getByRole("button", { name: "Close" }).click();
    await eventually(() => card("mine.localhost").innerText()).toMatch(/4321[^]*not up/);
    const ended = once(program, "exit");
    program.kill("SIGTERM");
    await ended;
    faults.length = 0;
  });

  test("a gateway that ends is seen to end, and its successor is listened to", async () => {
    await portolan(["gateway", "stop"]);
    await tab.getByRole("heading", { name: "No gateway runs" }).waitFor();
    expect(await tab.locator(".requests-sum").innerText()).toMatch("No gateway runs, so nothing passes.");
    await portolan(["gateway", "start"]);
    await tab.getByRole("heading", { name: "The gateway runs" }).waitFor();
    await eventually(async () => {
      await ask("nas.localhost.nobody", "/again");
      return (await list().count()) === 0 ? "" : list().innerText();
    }).toMatch("/again");
  });

  test.each([
    ["light", 1600],
    ["dark", 390],
  ] as const)("axe finds no violation, and nothing is wider than the window: %s, %i px", async (colorScheme, width) => {
    await tab.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await tab.setViewportSize({ width, height: 900 });
    const check = async (place: string): Promise<void> => {
      // Evaluated, not added as a script: the page's policy lets none in.
      await tab.evaluate(axe.source);
      const found = await tab.evaluate(async () => {
        const run = (
          globalThis as unknown as {
            axe: { run(): Promise<{ violations: { id: string; nodes: { failureSummary: string }[] }[] }> };
          }
        ).axe;
        const { violations } = await run.run();
        return {
          violations: violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.failureSummary ?? ""}`),
          wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        };
      });
      expect([place, found]).toEqual([place, { violations: [], wide: 0 }]);
    };
    await check("names");
    await tab.getByRole("button", { name: "Give a name" }).click();
    await dialog().getByRole("textbox", { name: "Name" }).fill("other/path");
    await dialog().getByRole("textbox", { name: "Leads to" }).fill("4000");
    await eventually(() => dialog().innerText()).toMatch("Nobody has this name yet");
    await check("giving a name");
    await dialog().getByRole("button", { name: "Cancel" }).click();
    await tab.getByRole("button", { name: "Remove nas.localhost" }).click();
    await eventually(() => dialog().innerText()).toMatch("192.168.1.8");
    await check("removing a name");
    await tab.keyboard.press("Escape");
  });
});

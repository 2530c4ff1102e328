// Pictures of every view of the page, by day and night, at three widths: npm run screenshots [-- FOLDER]. The README's two go to docs/images.
// They show the demo's servers, so that nothing of this machine is in them, and names in a gateway of their own. As root, on Linux.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const folder = process.argv[2] ?? join(tmpdir(), "portolan-screenshots");
const widths = [390, 1024, 1600];
mkdirSync(folder, { recursive: true });
mkdirSync("docs/images", { recursive: true });

// In namespaces of its own the chart shows neither this machine's name nor what started the command.
const words = ["dist/bin/portolan.cjs", "ui", "--no-open", "--demo", "--json"];
const state = mkdtempSync(join(tmpdir(), "pgs-"));
const environment = { ...process.env, PORTOLAN_STATE_HOME: state };
const server = spawn(
  "unshare",
  [
    "--pid",
    "--fork",
    "--kill-child=SIGTERM",
    "--mount-proc",
    "--uts",
    "sh",
    "-c",
    'hostname harbour && exec "$0" "$@"',
    process.execPath,
    ...words,
  ],
  { stdio: ["ignore", "pipe", "inherit"], env: environment },
);
let ready;
for await (const line of createInterface({ input: server.stdout })) {
  ready = JSON.parse(line);
  if (ready.kind === "ready") break;
}
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
let entryUrl = ready.entryUrl;

/** A fresh tab with the chart, and the address for the next. */
async function open(width, colorScheme) {
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 844 : Math.round(width * 0.62) },
    colorScheme,
  });
  const tab = await context.newPage();
  await tab.goto(entryUrl);
  await tab.waitForFunction(() => performance.getEntriesByName("portolan-painted").length > 0);
  entryUrl = await tab.evaluate(async () => {
    const headers = { authorization: `Bearer ${Object.values(sessionStorage)[0]}` };
    return (await (await fetch("/api/session/invite", { method: "POST", headers })).json()).entryUrl;
  });
  return tab;
}

/** The command beside the page; gives its last line of JSON. */
async function portolan(...rest) {
  const child = spawn(process.execPath, [words[0], ...rest, "--json"], {
    stdio: ["ignore", "pipe", "ignore"],
    env: environment,
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part) => (text += part));
  await once(child, "close");
  return JSON.parse(text.trimEnd().split("\n").at(-1));
}

const { listeners } = await portolan("gateway", "start");
const gatewayPort = listeners[0].port;
const [shop, api, docs] = ready.demoPorts;
await portolan("route", "add", "shop", String(shop));
await portolan("route", "add", "shop/api", String(api), "--strip");
await portolan("route", "add", "*.shop", String(shop));
await portolan("route", "add", "docs", String(docs));
await portolan("route", "add", "later", "1");
const asked = [
  ["shop", "/"],
  ["shop", "/cart"],
  ["shop", "/api/items"],
  ["docs", "/"],
  ["fix-login.shop", "/login"],
  ["later", "/"],
];
let turn = 0;
const asking = setInterval(() => {
  const [name, path] = asked[turn++ % asked.length];
  request({ host: "127.0.0.1", port: gatewayPort, path, headers: { host: `${name}.localhost` } }, (answer) =>
    answer.resume(),
  )
    .on("error", () => undefined)
    .end();
}, 90);

const client = connect(ready.demoPorts[0], "127.0.0.1");
await once(client, "connect");
try {
  for (const scheme of ["light", "dark"]) {
    for (const width of widths) {
      const tab = await open(width, scheme);
      const shoot = async (name) => tab.screenshot({ path: join(folder, `${name}-${scheme}-${width}.png`) });
      const view = (name) =>
        tab.getByRole("navigation", { name: "Views" }).getByRole("button", { name, exact: true }).click();
      await shoot("building");
      for (const name of ["Streets", "Names", "Time", "Learn", "Scan"]) {
        await view(name);
        await tab.locator(".view h2").first().waitFor();
        if (name === "Learn") {
          await tab.getByRole("button", { name: "Next" }).click();
          await tab.getByText("Chapter 2").waitFor();
        }
        if (name === "Scan") {
          await tab.locator(".scan-form button[type=submit]").click();
          await tab.getByText(/asked in/).waitFor();
        }
        if (name === "Names") {
          await tab.locator(".requests-table tbody tr").nth(20).waitFor();
          await tab.screenshot({ path: join(folder, `names-whole-${scheme}-${width}.png`), fullPage: true });
        }
        if (name === "Streets") await tab.locator(".traveller").first().waitFor();
        await shoot(name.toLowerCase());
      }
      await view("Building");
      await tab.getByRole("button", { name: new RegExp(`^Open door ${ready.demoPorts[0]},`) }).click();
      await tab.locator(".door-client").first().waitFor();
      await tab.locator(".door-chart canvas").waitFor();
      await shoot("door");
      if (width === 1600) await tab.screenshot({ path: `docs/images/chart-${scheme}.png` });
      await tab.locator(".door-client").first().click();
      await tab.getByRole("button", { name: "Next stop" }).click();
      await shoot("packet");
      await tab.getByRole("button", { name: "Back to the door" }).click();
      await tab.getByRole("button", { name: "Give it a name" }).click();
      await tab.locator(".name-preview .name-way").waitFor();
      await shoot("name");
      await tab.keyboard.press("Escape");
      await tab.getByRole("button", { name: "Free it" }).click();
      await tab.locator(".free-victims").waitFor();
      await shoot("free");
      await tab.context().close();
    }
  }
  process.stdout.write(`${folder}\n`);
} finally {
  clearInterval(asking);
  client.destroy();
  await browser.close();
  const ended = once(server, "exit");
  // unshare itself takes no SIGTERM while its child runs; when it is gone, the kernel sends the child one.
  server.kill("SIGKILL");
  await ended;
  await portolan("gateway", "stop");
  rmSync(state, { recursive: true, force: true });
}

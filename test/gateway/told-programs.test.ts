/**
 * @module `run` with real programs that do not look at PORT: Flask, Django and Hugo from Debian, Vite in a workspace. Each is told its port by
 * its own words, and answers under its name.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunEvent } from "../../src/operations/run.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  whyNoProgram,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath } from "../support/run-command.ts";

const debianPython = existsSync("/usr/bin/python3") ? null : "`/usr/bin/python3` is not installed (Debian: python3)";
const skip = requireOrSkip(
  "real programs under a name",
  whyNoNetworkNamespaces(),
  debianPython,
  whyNoProgram("hugo", "hugo"),
  existsSync("/usr/lib/python3/dist-packages/flask") ? null : "Flask is not installed (Debian: python3-flask)",
  existsSync("/usr/lib/python3/dist-packages/django") ? null : "Django is not installed (Debian: python3-django)",
);

/** Debian's Python before any other, and this Node. */
const path = `/usr/bin:/bin:${dirname(process.execPath)}:${process.env["PATH"]}`;
const modules = fileURLToPath(new URL("../../node_modules", import.meta.url));

describe.skipIf(skip)("real programs under a name", () => {
  let device: NetworkNamespace;
  const folder = mkdtempSync(join(tmpdir(), "prp-"));
  const children: ChildProcess[] = [];
  const environment = {
    PATH: path,
    HOME: folder,
    PORTOLAN_STATE_HOME: join(folder, "state"),
    NPM_CONFIG_UPDATE_NOTIFIER: "false",
  };

  beforeAll(async () => {
    device = await createNetworkNamespace();
    const write = (name: string, text: string): void => {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    };
    write(
      "flask/app.py",
      'from flask import Flask\napp = Flask("app")\n@app.route("/")\ndef home():\n  return "flask here"\n',
    );
    write(
      "django/urls.py",
      'from django.http import HttpResponse\nfrom django.urls import path\nurlpatterns = [path("", lambda r: HttpResponse("django at " + r.get_host()))]\n',
    );
    write("django/settings.py", 'SECRET_KEY = "x"\nDEBUG = True\nROOT_URLCONF = "urls"\nUSE_TZ = True\n');
    write(
      "django/manage.py",
      'import os, sys\nos.environ["DJANGO_SETTINGS_MODULE"] = "settings"\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n',
    );
    write(
      "hugo/config.toml",
      'baseURL = "https://example.org/"\ntitle = "x"\ndisableKinds = ["taxonomy", "term", "RSS", "sitemap"]\n',
    );
    write("hugo/layouts/index.html", '<html><head></head><body>hugo at {{ "next/" | absURL }}</body></html>\n');
    write("shop/package.json", JSON.stringify({ name: "shop", private: true, workspaces: ["apps/*"] }));
    write("shop/apps/web/package.json", JSON.stringify({ name: "@shop/web", scripts: { dev: "node -e 0 && vite" } }));
    write("shop/apps/web/index.html", "<title>vite here</title>");
    symlinkSync(modules, join(folder, "shop/node_modules"));
  });

  afterAll(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    await device?.execIn(process.execPath, [commandPath, "gateway", "stop"], { environment }).catch(() => undefined);
    await device?.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(name: string, cwd: string, words: readonly string[]): Promise<RunEvent[]> {
    const child = device.spawnIn(process.execPath, [commandPath, "run", "--json", name, "--", ...words], {
      cwd: join(folder, cwd),
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.push(child);
    const told: RunEvent[] = [];
    let said = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
    for await (const line of createInterface({ input: child.stdout! })) {
      if (!line.startsWith('{"kind"')) continue;
      const event = JSON.parse(line) as RunEvent;
      told.push(event);
      if (event.kind === "listening") {
        child.stdout!.resume();
        return told;
      }
    }
    throw new Error(`${words.join(" ")} ended: ${said}`);
  }

  async function fetchIn(host: string): Promise<string> {
    const script = `require("http").get({host:"127.0.0.1",port:80,headers:{host:${JSON.stringify(host)}}},s=>{let t=s.statusCode+" ";s.on("data",d=>t+=d);s.on("end",()=>{console.log(t);process.exit()})})`;
    const { stdout } = await device.execIn(process.execPath, ["-e", script]);
    return stdout.trim();
  }

  test.each([
    ["flask", "flask", ["flask", "--app", "app", "run"], "flask", /^200 flask here$/],
    ["django", "django", ["python3", "manage.py", "runserver"], "manage.py", /^200 django at django\.localhost$/],
    // Its links and its reloading name the address that the reader has, and not the port's.
    [
      "hugo",
      "hugo",
      ["hugo", "server"],
      "hugo",
      /^200 [^]*livereload\.js\?[^"]*port=80&[^]*hugo at http:\/\/hugo\.localhost\/next\//,
    ],
    ["web", "shop", ["npm", "run", "dev", "-w", "@shop/web"], "vite", /^200 [^]*<title>vite here<\/title>/],
  ])("%s", async (name, cwd, words, program, answer) => {
    const told = await run(name, cwd, words);
    expect(told).toMatchObject([
      { kind: "starting", told: program },
      { kind: "listening", expected: true, urls: expect.arrayContaining([`http://${name}.localhost/`]) },
    ]);
    expect(await fetchIn(`${name}.localhost`)).toMatch(answer);
  });
});

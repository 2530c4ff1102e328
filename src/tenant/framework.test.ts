import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { known, unknown } from "../core/index.ts";
import { frameworkTable, libraries, refinements } from "./framework-table.ts";
import { inferFramework } from "./framework.ts";
import type { ProcessFacts } from "./framework.ts";
import { findProject } from "./project.ts";

/** A process by its arguments, parted by ` | `; the executable is the first one unless given. */
function shown(words: string, executable?: string, name?: string): ProcessFacts {
  const argv = words === "" ? [] : words.split(" | ");
  return {
    name: name === undefined ? unknown("gone") : known(name),
    arguments: known(argv),
    executable: executable === undefined ? unknown("permission") : known(executable),
  };
}

const node = "/usr/bin/node";
const python = "/usr/bin/python3.11";
const ruby = "/usr/bin/ruby3.1";
const java = "/usr/lib/jvm/java-17/bin/java";
const beam = "/usr/lib/erlang/erts-13/bin/beam.smp";
const php = "/usr/bin/php8.2";

describe("inferFramework by what a process shows", () => {
  test.each([
    // Node tools: through .bin, by path, global, pnpm, Yarn, npx, Bun.
    ["node | /x/node_modules/.bin/vite", node, "vite"],
    ["node | /x/node_modules/vite/bin/vite.js | --port | 3", node, "vite"],
    ["node | --max-old-space-size=4096 | --require | ./a.js | /x/node_modules/vite/bin/vite.js", node, "vite"],
    ["node | /usr/local/bin/vite | preview", node, "vite"],
    ["node | /x/node_modules/.bin/../vite/bin/vite.js", node, "vite"],
    ["node | /x/node_modules/.pnpm/vite@8.3.8/node_modules/vite/bin/vite.js", node, "vite"],
    ["node | -r | /x/.pnp.cjs | /x/.yarn/cache/vite-npm-8.zip/node_modules/vite/bin/vite.js", node, "vite"],
    ["bun | --bun | /x/node_modules/.bin/vite", "/root/.bun/bin/bun", "vite"],
    ["node | /root/.npm/_npx/ab/node_modules/.bin/live-server | --port=5500", node, "live-server"],
    ["node | /x/node_modules/.bin/next | dev", node, "next"],
    ["next-server (v16.4.5)", node, "next"],
    ["next-server (v16.4.5) |  |  | ", node, "next"],
    ["node | /x/.next/standalone/server.js", node, "next"],
    ["node | .output/server/index.mjs", node, "nuxt"],
    ["node | /x/node_modules/nuxi/bin/nuxi.mjs | dev", node, "nuxt"],
    ["node | /x/node_modules/.bin/astro | dev", node, "astro"],
    ["ng serve --port 4200", node, "angular"],
    ["node | /x/node_modules/@angular/cli/bin/ng.js | serve", node, "angular"],
    ["node | /x/node_modules/.bin/parcel | index.html", node, "parcel"],
    ["webpack", node, "webpack-dev-server"],
    ["node | /x/node_modules/.bin/webpack | serve", node, "webpack-dev-server"],
    ["node | /x/node_modules/react-scripts/scripts/start.js", node, "create-react-app"],
    ["node | /x/node_modules/.bin/remix | vite:dev", node, "remix"],
    ["node | /x/node_modules/@react-router/dev/bin.js | dev", node, "react-router"],
    ["node | /x/node_modules/.bin/gatsby | develop", node, "gatsby"],
    ["node | /x/node_modules/storybook/bin/index.cjs | dev | -p | 6006", node, "storybook"],
    ["node | /x/node_modules/.bin/expo | start", node, "expo"],
    ["node | /x/node_modules/.bin/react-native | start", node, "metro"],
    ["ember", node, "ember"],
    ["node | /x/node_modules/@11ty/eleventy/cmd.cjs | --serve", node, "eleventy"],
    ["node | /x/node_modules/wrangler/bin/wrangler.js | dev", node, "wrangler"],
    [
      "/x/node_modules/@cloudflare/workerd-linux-64/bin/workerd | serve",
      "/x/node_modules/@cloudflare/workerd-linux-64/bin/workerd",
      "wrangler",
    ],
    ["node | /x/node_modules/.bin/browser-sync | start", node, "browser-sync"],
    ["node | /usr/local/bin/http-server", node, "http-server"],
    ["node | /usr/local/bin/serve | -l | 5000", node, "serve"],
    ["node | /x/node_modules/.bin/json-server | db.json", node, "json-server"],
    ["node | /x/node_modules/.bin/ts-node | src/server.ts", node, "ts-node"],
    [
      "node | --require | /x/node_modules/tsx/dist/preflight.cjs | --import | file:///x/node_modules/tsx/dist/loader.mjs | server.ts",
      node,
      "tsx",
    ],
    ["node | /x/node_modules/.bin/nest | start", node, "nest"],
    ["node | /usr/lib/code-server/out/node/entry", node, "code-server"],
    [
      "/root/.vscode-server/bin/ab/node | /root/.vscode-server/bin/ab/out/server-main.js",
      "/root/.vscode-server/bin/ab/node",
      "vscode-server",
    ],
    ["node | server.js", node, "node"],
    ["/opt/node-v20.1.0/bin/node | /srv/serve/serve.js", "/opt/node-v20.1.0/bin/node", "node"],
    ["bun | run | server.ts", "/root/.bun/bin/bun", "bun"],
    ["deno | run | --allow-net | server.ts", "/usr/bin/deno", "deno"],
    // Python.
    ["python | manage.py | runserver | 0.0.0.0:8000", python, "django"],
    ["/x/.venv/bin/python3 | /x/manage.py | runserver", python, "django"],
    ["python3 | -m | uvicorn | app:app | --reload", python, "uvicorn"],
    ["/x/bin/python | /x/bin/uvicorn | app:app", python, "uvicorn"],
    ["/x/bin/python | /x/bin/fastapi | dev", python, "fastapi"],
    ["/x/bin/python | /x/bin/flask | run", python, "flask"],
    ["python3 | -m | flask | run", python, "flask"],
    ["gunicorn: master [shop]", python, "gunicorn"],
    ["/x/bin/python | /x/bin/gunicorn | shop.wsgi", python, "gunicorn"],
    ["/x/bin/python | /x/bin/hypercorn | app", python, "hypercorn"],
    ["python3 | -u | -m | http.server | 8000", python, "python-http-server"],
    ["python3 | -um | http.server", python, "python-http-server"],
    ["/x/bin/python | /x/bin/jupyter-lab", python, "jupyter"],
    ["python3 | -m | ipykernel_launcher | -f | x.json", python, "jupyter-kernel"],
    ["/x/bin/python | /x/bin/streamlit | run | app.py", python, "streamlit"],
    ["python3 | flask.py", python, "python"],
    ["python3 | -c | print(1)", python, "python"],
    // Ruby, PHP, Java, BEAM.
    ["puma 6.4.2 (tcp://localhost:3000) [shop]", ruby, "puma"],
    ["puma: cluster worker 0: 12 [shop]", ruby, "puma"],
    ["ruby | bin/rails | server", ruby, "rails"],
    ["ruby | /usr/bin/bundle | exec | rails | s", ruby, "rails"],
    ["ruby3.1 | /usr/local/bin/jekyll | serve", ruby, "jekyll"],
    ["php | artisan | serve", php, "laravel"],
    ["php | -S | 127.0.0.1:8000 | /x/vendor/laravel/framework/src/server.php", php, "laravel"],
    ["php | -S | localhost:8080 | -t | public", php, "php-server"],
    ["php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)", "/usr/sbin/php-fpm8.2", "php-fpm"],
    ["symfony | server:start", "/usr/bin/symfony", "symfony"],
    ["java | -Xmx1g | -cp | /x/a.jar | org.springframework.boot.loader.JarLauncher", java, "spring-boot"],
    ["java | -cp | /m2/spring-boot-3.2.1.jar:/x/classes | com.example.ShopApplication", java, "spring-boot"],
    [
      "java | -Dcatalina.base=/x | -classpath | /x/bootstrap.jar | org.apache.catalina.startup.Bootstrap | start",
      java,
      "tomcat",
    ],
    ["java | -jar | /x/target/quarkus-app/quarkus-run.jar", java, "quarkus"],
    ["java | -cp | /x/* | kafka.Kafka | server.properties", java, "kafka"],
    [
      "java | --module-path | /x/lib | --add-modules | jdk.net | -m | org.elasticsearch.server/org.elasticsearch.bootstrap.Elasticsearch",
      java,
      "elasticsearch",
    ],
    ["java | -jar | shop.jar", java, "java"],
    [`${beam} | -- | -root | /usr/lib/erlang | -extra | /usr/bin/mix | phx.server`, beam, "phoenix"],
    [`${beam} | -W | w | -pa |  | -s | rabbit | boot`, beam, "rabbitmq"],
    [`${beam} | -- | -root | /x`, beam, "beam"],
    // Build folders, and binaries that say nothing.
    ["/tmp/go-build123/b001/exe/main", "/tmp/go-build123/b001/exe/main", "go"],
    ["target/debug/shop", "/home/me/shop/target/debug/shop", "rust"],
    ["/x/bin/Debug/net8.0/Shop", "/x/bin/Debug/net8.0/Shop", "dotnet"],
    ["dotnet | /x/Shop.dll", "/usr/bin/dotnet", "dotnet"],
    ["/usr/local/bin/shop", "/usr/local/bin/shop", undefined],
    ["bash", "/bin/bash", undefined],
    // Servers, by executable or by what is left to see.
    ["nginx: master process nginx -g daemon off;", "/usr/sbin/nginx", "nginx"],
    ["nginx: worker process", undefined, "nginx"],
    ["/usr/sbin/apache2 | -k | start", "/usr/sbin/apache2", "apache"],
    ["postgres: 15/main: checkpointer ", "/usr/lib/postgresql/15/bin/postgres", "postgresql"],
    ["/usr/bin/redis-server 127.0.0.1:6379", undefined, "redis"],
    ["sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", undefined, "sshd"],
    ["/usr/lib/postfix/sbin/master | -w", "/usr/lib/postfix/sbin/master", "postfix"],
    ["/usr/bin/docker-proxy | -proto | tcp", "/usr/bin/docker-proxy", "docker-proxy"],
    ["master", "/opt/master", undefined],
    ["hugo | server", "/usr/bin/hugo", "hugo"],
    ["httpd | -f", "/bin/busybox", "apache"],
  ])("%s", (words, executable, id) => {
    expect(inferFramework(shown(words, executable))?.value.id).toBe(id);
  });

  test("a short name that Linux cut still tells", () => {
    const facts: ProcessFacts = {
      name: known("gnome-remote-de"),
      arguments: unknown("gone"),
      executable: unknown("gone"),
    };
    expect(inferFramework(facts)?.value.id).toBe("gnome-remote-desktop");
  });

  test("evidence repeats what was seen, and long texts are cut", () => {
    expect(inferFramework(shown("node | /x/node_modules/vite/bin/vite.js", node))).toEqual({
      value: { id: "vite", title: "Vite", role: "dev-server", scheme: "http" },
      basis: "inferred",
      evidence: "arguments name /x/node_modules/vite/bin/vite.js",
    });
    expect(inferFramework(shown("next-server (v16.4.5)", node))?.evidence).toBe("arguments name next-server (v16.4.5)");
    const long = `/${"x".repeat(3000)}/node_modules/.bin/vite`;
    expect(inferFramework(shown(`node | ${long}`, node))?.evidence.length).toBeLessThan(200);
  });
});

describe("inferFramework by port", () => {
  const inspected = "node | --inspect | server.js";
  test.each([
    [inspected, 9229, "inspector"],
    [inspected, 3000, "node"],
    ["node | --inspect-brk=0.0.0.0:9300 | server.js", 9300, "inspector"],
    ["node | --inspect=[::1]:9300 | server.js", 9300, "inspector"],
    ["node | --inspect=9300 | server.js", 9229, "node"],
    ["node | server.js | --inspect", 9229, "node"],
  ])("%s on %i", (words, port, id) => {
    expect(inferFramework(shown(words, node), undefined, [], port)?.value.id).toBe(id);
  });

  test.each([
    ["/usr/sbin/nginx", 80, "http"],
    ["/usr/sbin/nginx", 443, "https"],
    ["/usr/bin/etcd", 2379, "http"],
    ["/usr/bin/etcd", 2380, null],
    ["/usr/bin/kubelet", 10250, "https"],
    ["/usr/bin/postgres", 5432, null],
  ])("%s on %i speaks %s", (executable, port, scheme) => {
    expect(inferFramework(shown(executable, executable), undefined, [], port)?.value.scheme).toBe(scheme);
  });

  test("Chromium's debugging port", () => {
    const chrome = shown("/opt/chrome | --remote-debugging-port=9222", "/opt/google/chrome/chrome");
    expect(inferFramework(chrome, undefined, [], 9222)?.value.id).toBe("chrome-devtools");
    expect(inferFramework(chrome, undefined, [], 5353)?.value.id).toBe("chromium");
  });
});

describe("inferFramework by project and parents", () => {
  let top = "";
  beforeAll(() => {
    top = realpathSync(mkdtempSync(join(tmpdir(), "tenant-framework-")));
  });
  afterAll(() => rmSync(top, { recursive: true, force: true }));

  let count = 0;
  function makeProject(file: string, text: string) {
    const root = join(top, `project${++count}`);
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
    return findProject(root)!;
  }
  const dependencies = (...names: string[]) =>
    JSON.stringify({ name: "p", dependencies: Object.fromEntries(names.map((name) => [name, "1"])) });
  const development = (...names: string[]) =>
    JSON.stringify({ name: "p", devDependencies: Object.fromEntries(names.map((name) => [name, "1"])) });

  test.each([
    ["node | server.js", node, "package.json", dependencies("express"), "express"],
    ["node | dist/main", node, "package.json", dependencies("@nestjs/core", "express"), "nest"],
    ["node | server.js", node, "package.json", dependencies("fastify", "express"), "node"],
    ["node | server.js", node, "package.json", development("express"), "node"],
    ["node | server.js", node, "package.json", dependencies("vite", "next"), "node"],
    ["node | /elsewhere/server.js", node, "package.json", dependencies("express"), "node"],
    ["node | /x/node_modules/.bin/tsx | watch | server.ts", node, "package.json", dependencies("hono"), "hono"],
    ["node | /x/node_modules/.bin/vite", node, "package.json", development("@sveltejs/kit", "vite"), "sveltekit"],
    ["node | /x/node_modules/.bin/vite", node, "package.json", dependencies("express", "vite"), "vite"],
    [
      "/x/bin/python | /x/bin/uvicorn | a:b",
      python,
      "pyproject.toml",
      '[project]\nname = "p"\ndependencies = [\n  "fastapi[all]>=0.1",\n]\n',
      "fastapi",
    ],
    ["python3 | app.py", python, "requirements.txt", "# web\nFlask==3.0\n", "flask"],
    [
      "python3 | app.py",
      python,
      "pyproject.toml",
      "[tool.poetry]\nname = 'p'\n[tool.poetry.dependencies]\npython = '^3'\nflask = '*'\n",
      "flask",
    ],
    ["puma 6.4.2 (tcp://0.0.0.0:3000) [p]", ruby, "Gemfile", "source 'x'\ngem \"rails\", '~> 7'\n", "rails"],
    ["ruby | app.rb", ruby, "Gemfile", "gem 'sinatra'\n", "sinatra"],
    [
      "php | -S | localhost:8000",
      php,
      "composer.json",
      '{"name":"me/p","require":{"symfony/framework-bundle":"7"}}',
      "symfony",
    ],
    [
      "java | -jar | shop.jar",
      java,
      "pom.xml",
      "<project><artifactId>p</artifactId><dependencies><dependency><artifactId>spring-boot-starter-web</artifactId></dependency></dependencies></project>",
      "spring-boot",
    ],
  ])("%s (%s) with %s", (words, executable, file, text, id) => {
    expect(inferFramework(shown(words, executable), makeProject(file, text))?.value.id).toBe(id);
  });

  test("a claim from dependencies says that the process does not show it", () => {
    const found = inferFramework(shown("node | server.js", node), makeProject("package.json", dependencies("express")));
    expect(found?.evidence).toBe("package.json depends on express; the process itself shows only server.js");
  });

  const vite = shown("node | /x/node_modules/.bin/vite", node);
  test.each([
    ["node | /x/node_modules/jest-worker/build/child.js", [vite], "vite"],
    ["node | -e | serve()", [shown("sh | -c | PORT=3 vite --host", "/bin/dash"), shown("npm run dev", node)], "vite"],
    ["node | api.js", [vite], "node"],
    [
      "node | api.js",
      [
        shown("sh | -c | node api.js", "/bin/dash"),
        shown("node | /x/node_modules/.bin/concurrently | vite | node api.js", node),
      ],
      "node",
    ],
    ["node | /x/node_modules/unheard-of/cli.js", [shown("node | /x/node_modules/.bin/nodemon | x", node)], "node"],
    [
      "python3 | -c | from multiprocessing.spawn import spawn_main",
      [shown("/x/bin/python | /x/bin/uvicorn | a:b | --reload", python)],
      "uvicorn",
    ],
  ])("%s under %j", (words, parents, id) => {
    const executable = words.startsWith("node") ? node : python;
    expect(inferFramework(shown(words, executable), undefined, parents)?.value.id).toBe(id);
  });
});

test("random arguments neither throw nor take long", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "node",
      "-m",
      "--inspect",
      "-c",
      "node_modules/",
      "/node_modules/@a",
      ".bin",
      "--",
      "-",
      "",
      "sh",
      "run",
      "npm run",
      "\0",
      "-jar",
    ),
    fc.string({ unit: "binary", maxLength: 20 }),
  );
  const fact = fc.option(fc.oneof(fc.constantFrom(node, python, java, beam, "/bin/sh", "/bin/busybox"), fc.string()), {
    nil: undefined,
  });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), fact, fact, (argv, executable, name) => {
      const facts = { ...shown("", executable, name), arguments: known(argv) };
      const found = inferFramework(facts, undefined, [facts], 9229);
      if (found !== undefined) expect(found.evidence.length).toBeLessThan(500);
    }),
    { numRuns: 2000 },
  );
  const huge = {
    ...shown("", node),
    arguments: known(["node", "a/".repeat(500_000), "x".repeat(1_000_000), "--inspect=".repeat(100_000)]),
  };
  const started = performance.now();
  for (const runtime of [node, python, ruby, php, java, beam, "/bin/sh", "/usr/sbin/nginx"]) {
    inferFramework({ ...huge, executable: known(runtime) }, undefined, [huge], 9229);
  }
  expect(performance.now() - started).toBeLessThan(1000);
});

test("the table's ids are unique, and every id that other tables name is in it", () => {
  const ids = frameworkTable.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const named = [
    ...Object.keys(refinements),
    ...[...Object.values(refinements), ...Object.values(libraries)].flat().map(({ id }) => id),
  ];
  for (const id of named) expect(ids).toContain(id);
  for (const id of [
    "node",
    "bun",
    "deno",
    "python",
    "ruby",
    "php",
    "perl",
    "java",
    "dotnet",
    "beam",
    "go",
    "rust",
    "inspector",
  ]) {
    expect(ids).toContain(id);
  }
});

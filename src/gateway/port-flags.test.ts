import { describe, expect, test } from "vitest";
import { appNameOf, labelOf } from "./app-name.ts";
import { givePort } from "./port-flags.ts";
import type { ScriptPlace, ScriptReader } from "./started-words.ts";

const scripts: Readonly<Record<string, string>> = {
  dev: "vite",
  start: "next start",
  site: "astro dev --host",
  serve: "ng serve",
  nested: "npm run dev",
  loop: "npm run loop",
  both: "tsc && vite",
  group: 'concurrently "vite" "tsc -w"',
  env: "NODE_ENV=development vite --open",
  cross: "cross-env FOO=1 webpack serve",
  fixed: "vite --port 3000",
  express: "node server.js",
  quoted: "storybook dev -c '.story book'",
  build: "vite build",
  preview: "vite preview",
  watch: "nodemon server.js",
  chain: "tsc && npm run codegen && vite --open",
  piped: "vite | cat",
  turbo: "turbo run dev",
  member: "npm run serve",
};

function given(line: string): string {
  return givePort(line.split(" "), 4123, (name) => scripts[name])
    .words.slice(line.split(" ").length)
    .join(" ");
}

describe("flags", () => {
  test.each([
    ["vite", "--port 4123 --strictPort"],
    ["npx vite", "--port 4123 --strictPort"],
    ["npx -y vite@5 preview", "--port 4123 --strictPort"],
    ["./node_modules/.bin/vite dev", "--port 4123 --strictPort"],
    ["node node_modules/vite/bin/vite.js", "--port 4123 --strictPort"],
    ["vite packages/web", "--port 4123 --strictPort"],
    ["vite build", ""],
    ["vite optimize", ""],
    ["vite --port 3000", ""],
    ["vite --port=3000", ""],
    ["vite --help", ""],
    ["vite --open false", "--port 4123 --strictPort"],
    ["vite --mode staging build", ""],
    ["vite --debug optimize", ""],
    ["flask --app shop run", "--port 4123"],
    ["flask --app shop shell", ""],
    ["flask --debug run", "--port 4123"],
    ["ng --verbose serve", "--port 4123"],
    ["next dev", "-p 4123"],
    ["next", "-p 4123"],
    ["next dev --turbopack", "-p 4123"],
    ["next build", ""],
    ["next dev -p 3000", ""],
    ["nuxt dev", "--port 4123"],
    ["npx nuxi dev", "--port 4123"],
    ["astro dev", "--port 4123"],
    ["astro", ""],
    ["ng serve", "--port 4123"],
    ["parcel index.html", "--port 4123"],
    ["parcel src/index.html", "--port 4123"],
    ["webpack serve", "--port 4123"],
    ["webpack-dev-server", "--port 4123"],
    ["react-router dev", "--port 4123"],
    ["remix vite:dev", "--port 4123"],
    ["expo start", "--port 4123"],
    ["storybook dev", "-p 4123"],
    ["wrangler dev", "--port 4123"],
    ["python manage.py runserver", "4123"],
    ["python3 ./manage.py runserver 0.0.0.0:8000", ""],
    ["python3.12 manage.py migrate", ""],
    ["flask run", "--port 4123"],
    ["python -m flask run", "--port 4123"],
    ["uv run uvicorn app:app --reload", "--port 4123"],
    ["poetry run flask run", "--port 4123"],
    ["uvicorn app:app --port 80", ""],
    ["bundle exec rails server", "-p 4123"],
    ["bin/rails s", "-p 4123"],
    ["php artisan serve", "--port=4123"],
    ["hugo server -D", "--port 4123"],
    ["bundle exec jekyll serve", "--port 4123"],
    ["live-server public", "--port=4123 --no-browser"],
    ["python3 -m http.server", "4123"],
    ["python3 -m http.server 8000", ""],
    ["node server.js", ""],
    // Alone they build, or do nothing that listens.
    ["webpack", ""],
    ["webpack --watch", ""],
    ["rspack build", ""],
    ["rspack dev", "--port 4123"],
    ["rsbuild dev", "--port 4123"],
    ["rsbuild", "--port 4123"],
    ["rsbuild build", ""],
    ["nuxt start", "--port 4123"],
    ["python -m django runserver", "4123"],
    ["eleventy --serve", "--port=4123"],
    ["eleventy", ""],
    ["parcel watch index.html", ""],
    ["wrangler pages dev dist", "--port 4123"],
    ["wrangler pages deploy dist", ""],
    ["wrangler deploy", ""],
    ["npx @11ty/eleventy --serve", "--port=4123"],
    ["npx @11ty/eleventy", ""],
    ["hypercorn app:app", "--bind 127.0.0.1:4123"],
    ["hypercorn app:app -b 0.0.0.0:80", ""],
    ["daphne app.asgi:application", "-p 4123"],
    ["fastapi dev main.py", "--port 4123"],
    ["uvicorn app:app --uds /tmp/x", ""],
    ["storybook build", ""],
    ["gunicorn app:app", ""],
    // Through other starters.
    ["bun --bun vite", "--port 4123 --strictPort"],
    ["bunx --bun vite", "--port 4123 --strictPort"],
    ["bun --bun run dev", "--port 4123 --strictPort"],
    ["deno run -A npm:vite", "--port 4123 --strictPort"],
    ["deno run -A npm:astro@5 dev", "--port 4123"],
    ["node --inspect node_modules/next/dist/bin/next dev", "-p 4123"],
    ["dotenv -e .env -- vite", "--port 4123 --strictPort"],
    ["mise exec node@22 -- vite", "--port 4123 --strictPort"],
    ["python -u manage.py runserver", "4123"],
    ["python -W ignore -m django runserver", "4123"],
    ["django-admin runserver", "4123"],
    ["uv run --python 3.12 flask run", "--port 4123"],
    ["uv run -- flask run", "--port 4123"],
    ["uvx --from fastapi-cli fastapi dev", "--port 4123"],
    ["pipenv run python manage.py runserver", "4123"],
    ["./mvnw spring-boot:run", ""],
    ["cargo run", ""],
    ["", ""],
  ])("%s gets %s", (line, added) => expect(given(line)).toBe(added));

  test.each([
    ["npm run dev", "-- --port 4123 --strictPort"],
    ["npm run dev -- --host", "--port 4123 --strictPort"],
    ["npm run dev --", "--port 4123 --strictPort"],
    ["npm start", "-- -p 4123"],
    ["npm run-script site", "-- --port 4123"],
    ["npm run nested", "-- -- --port 4123 --strictPort"],
    ["npm run loop", ""],
    ["npm run both", "-- --port 4123 --strictPort"],
    ["npm run chain", "-- --port 4123 --strictPort"],
    ["npm run piped", ""],
    ["npm run group", ""],
    ["npm run env", "-- --port 4123 --strictPort"],
    ["npm run cross", "-- --port 4123"],
    ["npm run fixed", ""],
    ["npm run dev -- --port 3000", ""],
    ["npm run express", ""],
    ["npm run watch", ""],
    ["npm run quoted", "-- -p 4123"],
    ["npm run build", ""],
    ["npm run preview", "-- --port 4123 --strictPort"],
    ["npm run nothing", ""],
    ["npm install", ""],
    ["npm exec vite", "--port 4123 --strictPort"],
    ["npm exec -- vite", "--port 4123 --strictPort"],
    ["pnpm dev", "--port 4123 --strictPort"],
    ["pnpm run dev", "--port 4123 --strictPort"],
    ["pnpm exec vite", "--port 4123 --strictPort"],
    ["pnpm dlx vite", "--port 4123 --strictPort"],
    ["pnpm install", ""],
    ["yarn dev", "--port 4123 --strictPort"],
    ["yarn run serve", "--port 4123"],
    ["yarn add vite", ""],
    ["bun run dev", "--port 4123 --strictPort"],
    ["bun dev", "--port 4123 --strictPort"],
    ["bunx vite", "--port 4123 --strictPort"],
    ["bun x vite", "--port 4123 --strictPort"],
    ["bun run server.ts", ""],
    ["yarn vite", "--port 4123 --strictPort"],
    ["pnpm vite dev", "--port 4123 --strictPort"],
    ["pnpm run vite", ""],
    ["bun run vite", "--port 4123 --strictPort"],
    ["npm run dev --silent", "-- --port 4123 --strictPort"],
    ["env FOO=1 npm run dev", "-- --port 4123 --strictPort"],
    ["FOO=1 npx vite", "--port 4123 --strictPort"],
  ])("%s gets %s", (line, added) => expect(given(line)).toBe(added));
});

describe("scripts that lie elsewhere", () => {
  const told: [string, ScriptPlace][] = [];
  const reader: ScriptReader = (name, place) => {
    told.push([name, place]);
    return name === "serve" ? "vite" : scripts[name === "dev" ? "member" : name];
  };
  test.each<[string, ScriptPlace | null, string]>([
    ["npm run dev -w web", { workspace: "web" }, "-- -- --port 4123 --strictPort"],
    ["npm -w @shop/web run dev", { workspace: "@shop/web" }, "-- -- --port 4123 --strictPort"],
    ["npm run dev --workspace=web", { workspace: "web" }, "-- -- --port 4123 --strictPort"],
    ["npm --prefix web run dev", { folder: "web" }, "-- -- --port 4123 --strictPort"],
    ["pnpm --filter web dev", { workspace: "web" }, "-- --port 4123 --strictPort"],
    ["pnpm -F web run dev", { workspace: "web" }, "-- --port 4123 --strictPort"],
    ["pnpm -C apps/web dev", { folder: "apps/web" }, "-- --port 4123 --strictPort"],
    ["yarn workspace web dev", { workspace: "web" }, "-- --port 4123 --strictPort"],
    ["yarn workspace web run dev", { workspace: "web" }, "-- --port 4123 --strictPort"],
    ["yarn --cwd web dev", { folder: "web" }, "-- --port 4123 --strictPort"],
    ["bun --cwd web run dev", { folder: "web" }, "-- --port 4123 --strictPort"],
    ["deno task dev", { deno: true }, "-- --port 4123 --strictPort"],
    // Several at once, or a pattern: each would be told the same port.
    ["npm run dev --workspaces", null, ""],
    ["npm run dev -w web -w api", null, ""],
    ["pnpm -r dev", null, ""],
    ["pnpm --filter web... dev", null, ""],
    ["pnpm --filter *web dev", null, ""],
    ["bun --filter web dev", null, ""],
    ["deno task -r dev", null, ""],
  ])("%s", (line, place, added) => {
    told.length = 0;
    const { words } = givePort(line.split(" "), 4123, reader);
    expect(words.slice(line.split(" ").length).join(" ")).toBe(added);
    // What it calls lies beside it.
    expect(told).toEqual(
      place === null
        ? []
        : [
            ["dev", place],
            ["serve", place],
          ],
    );
  });

  test("what starts several programs is told as such, and gets nothing", () => {
    const starterOf = (line: string) => givePort(line.split(" "), 4123, (name) => scripts[name]).starter;
    expect(
      ["turbo run dev", "npx nx run-many -t serve", "npm run turbo", "npm run group", "npm run dev"].map(starterOf),
    ).toEqual(["turbo", "nx", "turbo", "concurrently", null]);
  });

  test("a program that writes whole addresses into its pages is told its name", () => {
    const given = (line: string) =>
      givePort(line.split(" "), 4123, () => undefined, "http://shop.localhost/").words.slice(line.split(" ").length);
    expect(given("hugo server")).toEqual([
      "--port",
      "4123",
      "--baseURL",
      "http://shop.localhost/",
      "--appendPort=false",
      "--liveReloadPort",
      "80",
    ]);
    expect(given("hugo server -b http://x/")).toEqual(["--port", "4123"]);
    expect(given("vite")).toEqual(["--port", "4123", "--strictPort"]);
  });
});

describe("names", () => {
  test.each([
    ["shop", "shop"],
    ["@shop/Web App", "shop-web-app"],
    ["--x--", "x"],
    ["\u00dcber Caf\u00e9", "uber-cafe"],
    ["fix/login#12", "fix-login-12"],
    ["\u4f60\u597d", ""],
    ["x".repeat(80), "x".repeat(40)],
  ])("%s is %s", (text, label) => expect(labelOf(text)).toBe(label));

  test("a folder that is no project gives its own name", () => {
    expect(appNameOf("/nowhere/My Shop")).toBe("my-shop");
    expect(appNameOf("/")).toBe("app");
  });
});

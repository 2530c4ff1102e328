import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseGitHead, parseGitLink } from "./git.ts";
import * as manifests from "./manifests.ts";
import { createProjectCache, findProject, inspectProject } from "./project.ts";

let top = "";
beforeAll(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), "tenant-project-")));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

let count = 0;
/** A new directory with these files, by path. */
function makeTree(files: Readonly<Record<string, string>>): string {
  const root = join(top, `tree${++count}`);
  mkdirSync(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

function git(directory: string, ...words: string[]): string {
  const identity = ["-c", "user.name=A", "-c", "user.email=a@example.invalid", "-c", "init.defaultBranch=main"];
  // GIT_* of the environment, such as a hook's, must not lead to another repository.
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")));
  return execFileSync("git", [...identity, ...words], {
    cwd: directory,
    encoding: "utf8",
    env: environment,
    stdio: "pipe",
  }).trim();
}

describe("findProject names a project by its file", () => {
  test.each([
    ["package.json", '{"name":"shop","version":"1.0.0"}', "shop"],
    ["package.json", '\ufeff{"name":"@me/shop"}', "@me/shop"],
    ["pyproject.toml", '[build-system]\nname = "no"\n[project]\nversion = "1"\nname = "shop" # "no"\n', "shop"],
    ["pyproject.toml", "[tool.poetry]\nname = 'shop'\n[tool.poetry.dependencies]\nflask = '*'\n", "shop"],
    ["pyproject.toml", '[tool.x]\ntext = """\n[project]\nname = "no"\n"""\n[project]\nname = "shop"\n', "shop"],
    ["go.mod", "// comment\nmodule example.org/me/shop\n\ngo 1.22\n", "example.org/me/shop"],
    ["Cargo.toml", '[workspace]\nmembers = [\n  "a",\n]\n[package]\nname = "shop"\n[[bin]]\nname = "no"\n', "shop"],
    [
      "pom.xml",
      '<?xml version="1.0"?><project xmlns="x"><!-- <artifactId>no</artifactId> --><parent><artifactId>no</artifactId></parent>\n<artifactId> shop </artifactId><dependencies><dependency><artifactId>no</artifactId></dependency></dependencies></project>',
      "shop",
    ],
    ["settings.gradle", "pluginManagement {}\nrootProject.name = 'shop'\n", "shop"],
    ["settings.gradle.kts", 'rootProject.name = "shop"\n', "shop"],
    ["composer.json", '{"name":"me/shop","require":{"laravel/framework":"^11"}}', "me/shop"],
    ["mix.exs", 'defmodule Shop.MixProject do\n  def project do\n    [app: :shop, version: "0.1"]\n', "shop"],
    ["deno.json", '{"name":"@me/shop"}', "@me/shop"],
    ["deno.jsonc", '{ // why\n  /* and */ "name": "shop", "url": "http://x//y", }\n', "shop"],
    ["Shop.csproj", "<Project/>", "Shop"],
    ["Shop.sln", "", "Shop"],
  ])("%s", (file, text, name) => {
    const root = makeTree({ [file]: text, "src/deep/x": "" });
    expect(findProject(join(root, "src/deep"))).toEqual({ name, root, marker: file, git: null });
  });

  test.each([
    ["Gemfile", "gem 'rails'\n"],
    ["manage.py", ""],
    ["build.gradle", ""],
    ["package.json", '{"private":true,"scripts":{}}'],
    ["package.json", '{"name":["hostile"],"dependencies":7}'],
    ["package.json", JSON.stringify({ name: "x".repeat(300) })],
    ["pyproject.toml", "[tool.black]\n"],
    ["Cargo.toml", "[workspace]\n"],
  ])("%s without a usable name: the directory's", (file, text) => {
    const root = makeTree({ [file]: text });
    expect(findProject(root)).toMatchObject({ name: root.slice(root.lastIndexOf("/") + 1), marker: file });
  });

  test("a Makefile alone is no project", () => {
    expect(findProject(makeTree({ Makefile: "all:\n" }))).toBeUndefined();
  });

  test("a package.json that only sets options of a folder is passed over", () => {
    const root = makeTree({ "package.json": '{"name":"shop"}', "dist/package.json": '{"type":"module"}' });
    expect(findProject(join(root, "dist"))).toMatchObject({ name: "shop", root });
  });

  test("a directory that was removed still belongs to the project above", () => {
    const root = makeTree({ "package.json": '{"name":"shop"}' });
    expect(findProject(`${root}/dist (deleted)`)).toMatchObject({ name: "shop", root });
  });

  test("a package.json that is cut at 1 MiB, or broken, marks a project without a name", () => {
    for (const text of [JSON.stringify({ name: "shop", filler: "x".repeat(1_100_000) }), '{"name":"shop",', "[]"]) {
      const root = makeTree({ "package.json": text });
      expect(findProject(root)).toMatchObject({ name: root.slice(root.lastIndexOf("/") + 1), marker: "package.json" });
    }
  });

  test("a pipe in the place of a project file does not block", () => {
    const root = makeTree({});
    execFileSync("mkfifo", [join(root, "package.json"), join(root, ".git"), join(root, "go.mod")]);
    expect(findProject(root)).toBeUndefined();
  });
});

describe("findProject in workspaces", () => {
  test.each([
    ["npm", { "package.json": '{"name":"shop","workspaces":["apps/*","!apps/old"]}' }, "shop/web"],
    ["yarn", { "package.json": '{"name":"shop","workspaces":{"packages":["./apps/**"]}}' }, "shop/web"],
    [
      "pnpm",
      { "package.json": '{"name":"shop"}', "pnpm-workspace.yaml": "packages:\n  # c\n  - 'apps/*'\ncatalog:\n  - x\n" },
      "shop/web",
    ],
    ["another folder's", { "package.json": '{"name":"shop","workspaces":["packages/*"]}' }, "web"],
    ["an excluding", { "package.json": '{"name":"shop","workspaces":["apps/*","!apps/web"]}' }, "web"],
  ])("%s pattern", (_, files, name) => {
    const root = makeTree({ ...files, "apps/web/package.json": '{"name":"web"}' });
    expect(findProject(join(root, "apps/web"))).toMatchObject({ name, root: join(root, "apps/web") });
  });

  test("a scope that names the workspace already is not doubled", () => {
    const root = makeTree({
      "package.json": '{"name":"shop","workspaces":["apps/*"]}',
      "apps/web/package.json": '{"name":"@shop/web"}',
    });
    expect(findProject(join(root, "apps/web"))?.name).toBe("@shop/web");
  });
});

describe("findProject in git checkouts", () => {
  test("branch, project inside the checkout, checkout without a project file", () => {
    const root = makeTree({ "app/package.json": '{"name":"shop"}', "notes/x": "" });
    git(root, "init", "-q");
    git(root, "checkout", "-q", "-b", "feature/cart");
    const checkout = { root, branch: "feature/cart", commit: null, worktree: null };
    expect(findProject(join(root, "app"))).toEqual({
      name: "shop",
      root: join(root, "app"),
      marker: "package.json",
      git: checkout,
    });
    const name = root.slice(root.lastIndexOf("/") + 1);
    expect(findProject(join(root, "notes"))).toEqual({ name, root, marker: ".git", git: checkout });
  });

  test("detached head, linked worktree and submodule", () => {
    const root = makeTree({ "package.json": '{"name":"shop"}' });
    git(root, "init", "-q");
    git(root, "add", ".");
    git(root, "commit", "-q", "-m", "x");
    const commit = git(root, "rev-parse", "HEAD");
    git(root, "worktree", "add", "-q", "-b", "hotfix", "../hotfix-tree");
    git(root, "worktree", "add", "-q", "--detach", "../detached-tree");
    const hotfix = join(top, "hotfix-tree");
    expect(findProject(hotfix)?.git).toEqual({ root: hotfix, branch: "hotfix", commit: null, worktree: "hotfix-tree" });
    const detached = join(top, "detached-tree");
    expect(findProject(detached)?.git).toEqual({ root: detached, branch: null, commit, worktree: "detached-tree" });
    const outer = makeTree({});
    git(outer, "init", "-q");
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", root, "sub");
    expect(findProject(join(outer, "sub"))).toMatchObject({
      name: "shop",
      git: { root: join(outer, "sub"), branch: "main", worktree: null },
    });
  });

  test("a checkout within a project's folder is its own project", () => {
    const root = makeTree({ "package.json": '{"name":"outer"}', "inner/x": "" });
    git(join(root, "inner"), "init", "-q");
    expect(findProject(join(root, "inner"))).toMatchObject({ name: "inner", marker: ".git" });
  });

  test("a .git that leads nowhere or to hostile files is none", () => {
    expect(findProject(makeTree({ ".git": "gitdir: /nowhere/at/all\n" }))).toBeUndefined();
    expect(findProject(makeTree({ ".git": "gitdir: \0\n" }))).toBeUndefined();
    expect(findProject(makeTree({ ".git/HEAD": "x".repeat(100_000) }))).toBeUndefined();
    const loop = makeTree({});
    symlinkSync(".git", join(loop, ".git"));
    expect(findProject(loop)).toBeUndefined();
  });
});

describe("findProject stops", () => {
  test("at homes, which count for themselves only, and never takes /", () => {
    const root = makeTree({
      "package.json": '{"name":"machine"}',
      "home/package.json": '{"name":"homes"}',
      "home/me/package.json": '{"name":"mine"}',
      "home/me/app/x": "",
      "home/me/shop/package.json": '{"name":"shop"}',
      "home/you/x": "",
      "srv/package.json": '{"name":"site"}',
      "srv/www/x": "",
      "tmp/package.json": '{"name":"stray"}',
    });
    const name = (directory: string) => findProject(directory, { root })?.name;
    expect(name("/home/me/app")).toBeUndefined();
    expect(name("/home/me")).toBe("mine");
    expect(name("/home/me/shop")).toBe("shop");
    expect(name("/home/you")).toBeUndefined();
    expect(name("/srv/www")).toBe("site");
    expect(name("/srv/../srv/./www/")).toBe("site");
    expect(name("/")).toBeUndefined();
    expect(name("/etc")).toBeUndefined();
    expect(name("/tmp/experiment")).toBeUndefined();
  });

  test("above the caller's own home", () => {
    expect(findProject(join(homedir(), "no-such-directory-of-a-test"))?.root).not.toBe(homedir());
  });

  test.each(["", "relative", "//", "/\0", `/${"x".repeat(5000)}`, `/${"a/".repeat(2000)}`, "/../.."])(
    "at %j",
    (path) => {
      expect(findProject(path)).toBeUndefined();
    },
  );
});

test("a cache answers for the directories in between, and home directories do not speak for those below", () => {
  const root = makeTree({
    "home/me/package.json": '{"name":"mine"}',
    "srv/package.json": '{"name":"site"}',
    "srv/a/b/x": "",
  });
  const cache = createProjectCache();
  const first = inspectProject("/srv/a/b", { root }, cache);
  expect(inspectProject("/srv/a", { root }, cache)).toBe(first);
  expect(inspectProject("/home/me", { root }, cache)?.project.name).toBe("mine");
  expect(inspectProject("/home/me/app", { root }, cache)).toBeUndefined();
});

describe("parsers of hostile files", () => {
  const fragments = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          "[project]",
          "name",
          "=",
          '"',
          "'",
          '"""',
          "'''",
          "[",
          "]",
          "{",
          "}",
          "\n",
          "\r\n",
          "#",
          "\\",
          "\\u",
          "module ",
          "<project>",
          "</project>",
          "<artifactId>",
          "<!--",
          "-->",
          "<![CDATA[",
          "]]>",
          "<",
          ">",
          "rootProject.name",
          "app: :x",
          "gem ",
          "packages:",
          "- ",
          "//",
          "/*",
          "*/",
          ",",
          "ref: ",
          "refs/heads/",
          "gitdir: ",
          '{"name":',
          "[package]",
          "[[a]]",
          "dependencies",
          "../",
          "\0",
          " ",
        ),
        fc.string({ unit: "binary", maxLength: 8 }),
      ),
      { maxLength: 60 },
    )
    .map((pieces) => pieces.join(""));

  const parsers = {
    ...Object.fromEntries(Object.entries(manifests).filter(([name]) => name.startsWith("parse"))),
    readToml: (text: string) => [...manifests.readToml(text)],
    stripJsonComments: manifests.stripJsonComments,
    parseGitHead,
    parseGitLink,
  } as Readonly<Record<string, (text: string) => unknown>>;

  test.each(Object.keys(parsers))("%s neither throws nor makes names up", (name) => {
    fc.assert(
      fc.property(fragments, (text) => {
        const result = parsers[name]!(text) as { name?: unknown } | undefined;
        if (typeof result === "object" && result?.name !== undefined) {
          expect(typeof result.name).toBe("string");
          expect((result.name as string).length).toBeLessThanOrEqual(256);
        }
      }),
      { numRuns: 300 },
    );
  });

  test.each(Object.keys(parsers))("%s is linear", (name) => {
    for (const piece of [
      '"',
      "'",
      "[",
      "<",
      "<a",
      "<!--",
      "/*",
      ",",
      ",\n",
      ",/**/",
      "a.",
      "=",
      '="',
      "\\",
      "<artifactId>",
      "a\n",
      "- \n",
      "gem '",
      '{"a":',
      " ",
    ]) {
      const text = piece.repeat(Math.ceil(65_536 / piece.length));
      const started = performance.now();
      parsers[name]!(text);
      expect(performance.now() - started, JSON.stringify(piece)).toBeLessThan(1000);
    }
  });

  test("random files in every place give a project or none", () => {
    const files = ["package.json", "pyproject.toml", "pom.xml", ".git", "pnpm-workspace.yaml", "deno.jsonc", "Gemfile"];
    const root = makeTree({ "a/b/x": "" });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...files), fc.constantFrom("", "a/", "a/b/"), fragments), { maxLength: 4 }),
        (written) => {
          for (const [file, folder, text] of written) writeFileSync(join(root, folder, file), text);
          const project = findProject("/srv/a/b", { root: "/nowhere" }) ?? findProject(join(root, "a/b"));
          if (project !== undefined) expect(project.root.startsWith(root)).toBe(true);
          for (const [file, folder] of written) rmSync(join(root, folder, file), { force: true });
        },
      ),
      { numRuns: 200 },
    );
  });
});

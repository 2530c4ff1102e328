import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireOrSkip, whyNoProgram } from "../../test/support/netns.ts";
import { appNameOf } from "./app-name.ts";

describe.skipIf(requireOrSkip("names of git's worktrees", whyNoProgram("git", "git")))(
  "names of git's worktrees",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "pan-"));
    const shop = join(folder, "shop");

    const git = (...words: readonly string[]): void => {
      const settings = ["-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "init.defaultBranch=main"];
      execFileSync("git", [...settings, "-C", shop, ...words], {
        stdio: "pipe",
        env: { PATH: process.env["PATH"], HOME: folder },
      });
    };

    beforeAll(() => {
      mkdirSync(join(shop, "packages/web"), { recursive: true });
      git("init", "--quiet");
      writeFileSync(join(shop, "package.json"), JSON.stringify({ name: "@acme/shop", workspaces: ["packages/*"] }));
      writeFileSync(join(shop, "packages/web/package.json"), JSON.stringify({ name: "@acme/web" }));
      git("add", ".");
      git("commit", "--quiet", "--message", "first");
      git("worktree", "add", "--quiet", "-b", "fix/login", "../login");
      git("worktree", "add", "--quiet", "--detach", "../bisect");
      git("worktree", "add", "--quiet", "-b", "develop", "../second");
    });

    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test.each([
      ["shop", "acme-shop"],
      ["shop/packages/web", "acme-web"],
      ["login", "fix-login.acme-shop"],
      ["login/packages/web", "fix-login.acme-web"],
      // Without a branch of its own it is called after the worktree.
      ["bisect", "bisect.acme-shop"],
      ["second", "second.acme-shop"],
    ])("%s is %s", (place, name) => expect(appNameOf(join(folder, place))).toBe(name));

    test("a commit that is no branch's is the project itself, and a branch in the main worktree is not", () => {
      git("checkout", "--quiet", "--detach");
      expect(appNameOf(shop)).toBe("acme-shop");
      git("checkout", "--quiet", "-b", "Try/#2");
      expect(appNameOf(shop)).toBe("try-2.acme-shop");
      git("checkout", "--quiet", "main");
    });
  },
);

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { known, unknown } from "../core/index.ts";
import { inferSupervisor } from "./supervisor.ts";
import type { SupervisedFacts } from "./supervisor.ts";

const id = "0123456789abcdef".repeat(4);

/** A process by its executable, its arguments parted by ` | `, and its control group. */
function shown(executable: string, words = executable, controlGroup?: string): SupervisedFacts {
  return {
    name: unknown("gone"),
    arguments: known(words.split(" | ")),
    executable: known(executable),
    controlGroup: controlGroup === undefined ? unknown("permission") : known(controlGroup),
  };
}

const node = "/usr/bin/node";
const systemd = shown("/usr/lib/systemd/systemd");
const bash = shown("/bin/bash");
const npm = shown(node, "npm run dev");
const shell = shown("/bin/dash", "sh | -c | vite");

describe("inferSupervisor by control group", () => {
  test.each([
    ["0::/system.slice/nginx.service\n", "systemd", "nginx.service"],
    ["12:pids:/system.slice/nginx.service\n0::/system.slice/nginx.service\n", "systemd", "nginx.service"],
    ["0::/system.slice/system-postgresql.slice/postgresql@15-main.service", "systemd", "postgresql@15-main.service"],
    ["0::/system.slice/app.service/workers", "systemd", "app.service"],
    [
      "0::/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service",
      "systemd-user",
      "syncthing.service",
    ],
    ["0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-code-1.scope", undefined, undefined],
    ["0::/user.slice/user-1000.slice/user@1000.service/init.scope", undefined, undefined],
    ["0::/user.slice/user-1000.slice/session-3.scope", undefined, undefined],
    ["0::/init.scope", undefined, undefined],
    ["0::/", undefined, undefined],
    [`0::/system.slice/docker-${id}.scope`, "docker", "0123456789ab"],
    [`4:memory:/docker/${id}\n0::/`, "docker", "0123456789ab"],
    [`0::/machine.slice/libpod-${id}.scope/container`, "podman", "0123456789ab"],
    [`0::/libpod_parent/libpod-${id}`, "podman", "0123456789ab"],
    [
      `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podx.slice/cri-containerd-${id}.scope`,
      "kubernetes",
      "0123456789ab",
    ],
    [`0::/kubepods/besteffort/podx/${id}`, "kubernetes", "0123456789ab"],
    ["0::/lxc.payload.web/system.slice/nginx.service", "lxc", "web"],
  ])("%j", (controlGroup, kind, name) => {
    const found = inferSupervisor(shown(node, "node | x.js", controlGroup), []);
    expect(found?.value).toEqual(kind === undefined ? undefined : { kind, name });
  });
});

describe("inferSupervisor by parents", () => {
  test.each<[string, SupervisedFacts[], string | undefined, string | null | undefined]>([
    ["npm run dev", [shell, npm, bash], "npm", "dev"],
    ["npm start", [shown(node, "npm start |  | ")], "npm", "start"],
    ["npm by path", [shown(node, "node | /usr/lib/node_modules/npm/bin/npm-cli.js | run | dev")], "npm", "dev"],
    ["npx", [shown(node, "node | /usr/lib/node_modules/npm/bin/npx-cli.js | vite")], "npx", "vite"],
    ["pnpm", [shell, shown(node, "node | /usr/lib/node_modules/pnpm/bin/pnpm.cjs | dev")], "pnpm", "dev"],
    ["yarn", [shown(node, "node | /x/.yarn/releases/yarn-4.1.0.cjs | run | dev")], "yarn", "dev"],
    ["bun run", [shown("/root/.bun/bin/bun", "bun | run | dev")], "bun", "dev"],
    [
      "nodemon before npm",
      [shown(node, "node | /x/node_modules/.bin/nodemon | server.js"), shell, npm],
      "nodemon",
      null,
    ],
    ["node --watch", [shown(node, "node | --watch | server.js"), bash], "node-watch", "node --watch"],
    ["tsx watch", [shown(node, "node | /x/node_modules/.bin/tsx | watch | s.ts")], "node-watch", "tsx watch"],
    [
      "concurrently before npm",
      [shell, shown(node, "node | /x/node_modules/.bin/concurrently | a | b"), shell, npm],
      "concurrently",
      null,
    ],
    [
      "turbo",
      [shell, npm, shown("/x/node_modules/turbo-linux-64/bin/turbo", "turbo | run | dev"), npm],
      "turbo",
      "run",
    ],
    ["pm2", [shown(node, "PM2 v5.3.0: God Daemon (/root/.pm2)"), systemd], "pm2", null],
    [
      "supervisord",
      [shown("/usr/bin/python3.11", "/usr/bin/python3 | /usr/bin/supervisord | -n")],
      "supervisord",
      null,
    ],
    [
      "make",
      [shown("/bin/sh", "sh | -c | node x"), shown("/usr/bin/make", "make | -j2 | serve"), bash],
      "make",
      "serve",
    ],
    ["tmux", [bash, shown("/usr/bin/tmux", "tmux: server")], "tmux", null],
    [
      "ssh",
      [bash, shown("/usr/sbin/sshd", "sshd: alice@pts/0"), shown("/usr/sbin/sshd", "sshd: alice [priv]")],
      "ssh-session",
      "alice@pts/0",
    ],
    [
      "tmux within ssh",
      [bash, shown("/usr/bin/tmux", "tmux"), shown("/usr/sbin/sshd", "sshd: alice@pts/0")],
      "tmux",
      null,
    ],
    ["an editor's terminal", [bash, shown("/usr/share/code/code", "code")], "editor", "Visual Studio Code"],
    [
      "an editor's terminal far away",
      [bash, shown("/root/.vscode-server/bin/a/node", "node | /root/.vscode-server/bin/a/out/server-main.js")],
      "editor",
      "Visual Studio Code",
    ],
    [
      "containerd's shim",
      [npm, shown("/usr/bin/containerd-shim-runc-v2", `x | -namespace | moby | -id | ${id}`), systemd],
      "docker",
      "0123456789ab",
    ],
    [
      "conmon",
      [shown("/usr/bin/conmon", `conmon | --api-version | 1 | -c | ${id} | -u | ${id}`), systemd],
      "podman",
      "0123456789ab",
    ],
    ["a plain shell", [bash, systemd], undefined, undefined],
  ])("%s", (_, parents, kind, name) => {
    const found = inferSupervisor(shown(node, "node | x.js"), parents);
    expect(found?.value).toEqual(kind === undefined ? undefined : { kind, name });
  });

  test("podman's monitor, which holds published ports, names its container", () => {
    expect(inferSupervisor(shown("/usr/bin/conmon", `conmon | -c | ${id}`), [systemd])?.value).toEqual({
      kind: "podman",
      name: "0123456789ab",
    });
  });

  test("a unit says more than npm, pm2 more than its unit, a session more than the SSH server's unit", () => {
    const unit = (name: string) => shown(node, "node | x.js", `0::/system.slice/${name}`);
    expect(inferSupervisor(unit("shop.service"), [shell, npm, systemd])?.value.name).toBe("shop.service");
    expect(
      inferSupervisor(unit("pm2-root.service"), [shown(node, "PM2 v5.3.0: God Daemon (/root/.pm2)")])?.value.kind,
    ).toBe("pm2");
    expect(inferSupervisor(unit("ssh.service"), [bash, shown("/usr/sbin/sshd", "sshd: alice@pts/0")])?.value.kind).toBe(
      "ssh-session",
    );
  });
});

test("random facts neither throw nor leave the name unbounded", () => {
  const words = fc.array(
    fc.oneof(
      fc.constantFrom("npm", "run", "-id", "moby", "tmux:", "node", "/x/node_modules/.bin/nodemon", "", "sshd:"),
      fc.string(),
    ),
    { maxLength: 8 },
  );
  const executables = fc.constantFrom(
    node,
    "/usr/bin/conmon",
    "/usr/bin/make",
    "/usr/sbin/sshd",
    "/usr/bin/containerd-shim",
    "/usr/bin/tmux",
    "",
  );
  const groups = fc
    .array(
      fc.oneof(
        fc.constantFrom("0::/", "docker-", id, ".scope", ".service", "\n", "/", ":", "kubepods", "lxc/"),
        fc.string(),
      ),
    )
    .map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(words, executables, groups, (argv, executable, group) => {
      const facts: SupervisedFacts = {
        name: unknown("gone"),
        arguments: known(argv),
        executable: known(executable),
        controlGroup: known(group),
      };
      expect(inferSupervisor(facts, [facts, facts])?.evidence ?? "seen").not.toBe("");
    }),
    { numRuns: 2000 },
  );
});

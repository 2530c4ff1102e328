/**
 * @module `--from ssh:` against a real sshd on loopback: with Portolan over there, with Node alone, and with neither.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ListResult } from "../../src/operations/list.ts";
import { connectTo, listenTcp, portOf, closeServer } from "../support/listeners.ts";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";
import { commandPath, runCommand, type CommandOutcome } from "../support/run-command.ts";

const skip = requireOrSkip(
  "machines over ssh",
  whyNoProgram("sshd", "openssh-server"),
  whyNoProgram("ssh", "openssh-client"),
  process.getuid?.() === 0 ? null : "starting sshd as in these tests takes root",
);

describe.skipIf(skip)("a machine over ssh", () => {
  let folder: string;
  let sshd: ChildProcess;
  let port: number;
  let listener: Server;
  let log = "";

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "portolan-ssh-"));
    const key = (name: string): void =>
      void execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)]);
    key("host");
    key("user");
    execFileSync("cp", [join(folder, "user.pub"), join(folder, "authorized")]);
    // Each way is forced by what there is to be found over there.
    const programs = (name: string, links: Readonly<Record<string, string>>): string => {
      const path = join(folder, name);
      mkdirSync(path);
      for (const [link, target] of Object.entries(links)) symlinkSync(target, join(path, link));
      return path;
    };
    const tools = Object.fromEntries(["tr", "sed", "ls", "sh", "cat"].map((name) => [name, `/usr/bin/${name}`]));
    const portolan = join(folder, "portolan");
    writeFileSync(portolan, `#!/bin/sh\nexec '${process.execPath}' '${commandPath}' "$@"\n`);
    chmodSync(portolan, 0o755);
    const paths = {
      whole: programs("whole", { ...tools, portolan, node: process.execPath }),
      node: programs("node", { ...tools, node: process.execPath }),
      plain: programs("plain", tools),
    };
    const taken = createServer();
    taken.listen(0, "127.0.0.1");
    await once(taken, "listening");
    port = portOf(taken);
    await closeServer(taken);
    const configuration = join(folder, "sshd_config");
    mkdirSync("/run/sshd", { recursive: true });
    // The command that is asked for runs with the PATH that the key's name stands for.
    writeFileSync(
      configuration,
      [
        `Port ${port}`,
        "ListenAddress 127.0.0.1",
        `HostKey ${join(folder, "host")}`,
        `AuthorizedKeysFile ${join(folder, "authorized")}`,
        "StrictModes no",
        "UsePAM no",
        "PermitUserEnvironment no",
        "AcceptEnv TEST_WAY",
        `ForceCommand PATH=$(eval echo \\$PATH_\${TEST_WAY:-whole}) exec /bin/sh -c "$(printf %s "$SSH_ORIGINAL_COMMAND" | sed 's#:/usr/local/bin:/usr/bin:/bin##')"`,
        `SetEnv PATH_whole=${paths.whole} PATH_node=${paths.node} PATH_plain=${paths.plain}`,
        `PidFile ${join(folder, "pid")}`,
        "",
      ].join("\n"),
    );
    writeFileSync(
      join(folder, "config"),
      [
        "Host *",
        `  IdentityFile ${join(folder, "user")}`,
        "  IdentitiesOnly yes",
        "  SendEnv TEST_WAY",
        "  User root",
        `  UserKnownHostsFile ${join(folder, "known")}`,
        "  StrictHostKeyChecking accept-new",
        "",
      ].join("\n"),
    );
    sshd = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", configuration], { stdio: ["ignore", "ignore", "pipe"] });
    sshd.stderr!.setEncoding("utf8").on("data", (text: string) => (log += text));
    while (!log.includes("Server listening")) await once(sshd.stderr!, "data");
    listener = await listenTcp({ host: "127.0.0.1", port: 0 });
  }, 60_000);

  afterAll(async () => {
    if (listener !== undefined) await closeServer(listener);
    if (sshd !== undefined) {
      const ended = once(sshd, "exit");
      sshd.kill("SIGTERM");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const ask = (way: string, words: readonly string[], host = `ssh:127.0.0.1:${port}`): Promise<CommandOutcome> =>
    runCommand([...words, "--from", host], {
      environment: { PORTOLAN_SSH_CONFIG: join(folder, "config"), TEST_WAY: way, HOME: folder },
    });

  test.each(["whole", "node", "plain"])(
    "with what there is (%s), it tells the same sockets and holders",
    async (way) => {
      const there = portOf(listener);
      const client = await connectTo(listener, "127.0.0.1");
      try {
        const outcome = await ask(way, ["list", "--json", "--namespace", "own", String(there)]);
        expect(outcome.stderr, log).toBe("");
        const { services, platform } = JSON.parse(outcome.stdout) as ListResult;
        expect(platform).toBe("linux");
        expect(services).toHaveLength(1);
        expect(services[0]).toMatchObject({
          port: there,
          addresses: ["127.0.0.1"],
          holders: { known: true, value: [{ pid: process.pid, arguments: { known: true } }] },
          reach: { scope: "machine" },
        });
        const who = await ask(way, ["who", String(there)]);
        expect(who.status).toBe(0);
        expect(who.stdout).toContain(`pid ${process.pid}`);
        expect(who.stdout).toMatch(/clients\s+127\.0\.0\.1:\d+/);
        expect(who.stderr).toContain("as it was");
        // Projects rest on files, which only Portolan over there can read.
        expect(services[0]?.project?.value.name ?? null).toBe(way === "whole" ? "portolan" : null);
      } finally {
        client.client.destroy();
        client.accepted.destroy();
      }
    },
    60_000,
  );

  test("what goes wrong is said: refused, unknown, no such host, no ssh, words that are no host", async () => {
    const refused = await ask("whole", ["list"], "ssh:127.0.0.1:1");
    expect([refused.status, refused.stderr.includes("REMOTE_FAILED"), /refused/i.test(refused.stderr)]).toEqual([
      3,
      true,
      true,
    ]);
    const denied = await runCommand(["list", "--from", `ssh:nobody@127.0.0.1:${port}`], {
      environment: { HOME: folder, PORTOLAN_SSH_CONFIG: "/dev/null" },
    });
    expect([denied.status, denied.stderr.includes("REMOTE_FAILED")]).toEqual([3, true]);
    const lacking = await runCommand(["list", "--from", "ssh:127.0.0.1"], { environment: { PATH: folder } });
    expect(lacking.stderr).toContain("no program ssh");
    for (const word of [
      "ssh:-oProxyCommand=id",
      "ssh:a b",
      "ssh:",
      "ssh:host:99999",
      "ssh:$(id)",
      "ssh:x@-y",
      "ssh:-l@x",
    ]) {
      const wrong = await ask("whole", ["list"], word);
      expect([word, wrong.status, wrong.stderr.includes("ARGUMENT_INVALID")]).toEqual([word, 2, true]);
    }
  }, 60_000);
});

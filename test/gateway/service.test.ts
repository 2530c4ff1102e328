/**
 * @module `gateway install` and `uninstall` with a real `systemd --user`; and the system's unit, with a stand-in that takes the place of the
 * system's systemctl, for this machine's own manager is not a test's.
 */
import { execFile } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { writeUserUnit } from "../../src/gateway/index.ts";
import type { GatewayServiceResult } from "../../src/operations/gateway-service.ts";
import type { GatewayResult } from "../../src/operations/gateway.ts";
import { createNetworkNamespace, requireOrSkip, type NetworkNamespace } from "../support/netns.ts";
import { commandPath, runCommand } from "../support/run-command.ts";
import { startUserManager, whyNoUserManager, type UserManager } from "../support/user-manager.ts";

const skip = requireOrSkip("the gateway as a service", whyNoUserManager());

describe.skipIf(skip)("the gateway as a service of a user", () => {
  let device: NetworkNamespace;
  let manager: UserManager;
  const home = mkdtempSync(join(tmpdir(), "pgs-"));
  // What systemd would read as a specifier, a variable, a quote or an escape.
  const state = join(home, 'a %h $HOME "q" \\x41 ü');
  const unit = join(home, ".config/systemd/user/portolan-gateway.service");

  beforeAll(async () => {
    device = await createNetworkNamespace();
    manager = await startUserManager(device, home);
  });

  afterEach(async () => {
    await portolan(["gateway", "uninstall", "--yes"]);
    await portolan(["gateway", "stop"]);
    rmSync(unit, { force: true });
  });

  afterAll(async () => {
    await manager?.end();
    await device?.destroy();
    rmSync(home, { recursive: true, force: true });
  });

  const portolan = (words: readonly string[]) =>
    manager.run(process.execPath, [commandPath, ...words], { environment: { PORTOLAN_STATE_HOME: state } });

  async function json<Result>(words: readonly string[]): Promise<Result> {
    const { stdout, stderr } = await portolan([...words, "--json"]);
    if (stdout === "") throw new Error(`${words.join(" ")}: ${stderr}`);
    return JSON.parse(stdout) as Result;
  }

  const status = () => json<GatewayResult>(["gateway"]);

  async function property(name: string): Promise<string> {
    const { stdout } = await manager.run("systemctl", [
      "--user",
      "show",
      `--property=${name}`,
      "--value",
      "portolan-gateway",
    ]);
    return stdout.trim();
  }

  test("it is proposed, written, started, and takes over from the gateway that ran", async () => {
    await portolan(["gateway", "start"]);
    const before = await status();
    const refused = await portolan(["gateway", "install"]);
    expect([refused.status, existsSync(unit)]).toEqual([1, false]);
    expect(refused.stderr).toMatch(
      /Writes .*portolan-gateway\.service[^]*ExecStart=[^]*Runs[^]*systemctl --user daemon-reload/,
    );
    expect(refused.stderr).toContain(`process ${before.pid}, makes room`);
    const shown = await portolan(["gateway", "install", "--dry-run"]);
    expect([shown.status, existsSync(unit)]).toEqual([0, false]);
    const installed = await json<GatewayServiceResult>(["gateway", "install", "--yes"]);
    expect(installed).toMatchObject({ outcome: "installed", running: true, proposal: { replacesPid: before.pid } });
    expect(statSync(unit).mode & 0o777).toBe(0o644);
    expect(installed.pid).not.toBe(before.pid);
    expect([await property("MainPID"), await property("ActiveState"), await property("UnitFileState")]).toEqual([
      String(installed.pid),
      "active",
      "enabled",
    ]);
    expect((await status()).pid).toBe(installed.pid);
    // The same again changes nothing; other words do.
    expect(await json<GatewayServiceResult>(["gateway", "install", "--yes"])).toMatchObject({
      outcome: "unchanged",
      pid: installed.pid,
    });
    const moved = await json<GatewayServiceResult>(["gateway", "install", "--port", "8088", "--yes"]);
    expect(moved).toMatchObject({
      outcome: "installed",
      listeners: [{ scheme: "http", port: 8088 }, { scheme: "https" }],
    });
    const verified = await manager.run("systemd-analyze", ["--user", "verify", unit]);
    expect(verified).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("a new version takes its place in the service; killed, it is started again", async () => {
    const { pid } = await json<GatewayServiceResult>(["gateway", "install", "--yes"]);
    const after = await json<GatewayResult>(["gateway", "restart"]);
    expect(after.pid).not.toBe(pid);
    expect([await property("MainPID"), await property("ActiveState")]).toEqual([String(after.pid), "active"]);
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
    expect((await status()).pid).toBe(after.pid);
    process.kill(after.pid!, "SIGKILL");
    await expect.poll(async () => (await status()).pid, { timeout: 10_000 }).not.toBe(after.pid);
    await expect.poll(async () => (await status()).running, { timeout: 10_000 }).toBe(true);
    expect(await property("MainPID")).toBe(String((await status()).pid));
  });

  test("stopped, it is the service that is started when a gateway is needed, and none beside it", async () => {
    await portolan(["gateway", "install", "--port", "8089", "--no-https", "--yes"]);
    await portolan(["gateway", "stop"]);
    await expect.poll(() => property("ActiveState")).toBe("inactive");
    const other = await portolan(["gateway", "start", "--port", "8090"]);
    expect([other.status, other.stderr]).toEqual([1, expect.stringContaining("portolan gateway install --port 8090")]);
    expect((await portolan(["route", "add", "shop", "3000"])).stdout).toContain("http://shop.localhost:8089/");
    expect([await property("ActiveState"), await property("MainPID")]).toEqual([
      "active",
      String((await status()).pid),
    ]);
  });

  test("it is removed with everything that was written; what somebody else wrote stays", async () => {
    await portolan(["gateway", "install", "--yes"]);
    const removed = await json<GatewayServiceResult>(["gateway", "uninstall", "--yes"]);
    expect(removed).toMatchObject({ outcome: "removed", running: false });
    expect([existsSync(unit), await property("LoadState")]).toEqual([false, "not-found"]);
    expect((await portolan(["gateway", "uninstall", "--yes"])).status).toBe(1);
    writeFileSync(unit, "[Service]\nExecStart=/bin/true\n");
    for (const action of ["install", "uninstall"]) {
      const refused = await portolan(["gateway", action, "--yes"]);
      expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining("FILE_FOREIGN")]);
    }
    expect(readFileSync(unit, "utf8")).toBe("[Service]\nExecStart=/bin/true\n");
  });

  test("a gateway that cannot listen is told as such", async () => {
    const script = `require("net").createServer().listen(8091,"127.0.0.1",()=>console.log("up"))`;
    const holder = device.spawnIn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    await once(holder.stdout!, "data");
    const failed = await portolan(["gateway", "install", "--port", "8091", "--yes"]);
    expect([failed.status, failed.stderr]).toEqual([1, expect.stringMatching(/GATEWAY_FAILED/)]);
    expect(failed.stderr).toContain("journalctl --user --unit portolan-gateway.service");
    const ended = once(holder, "exit");
    holder.kill("SIGKILL");
    await ended;
  });

  test("every word reaches the program as it was", async () => {
    const folder = join(home, 'my %n "tools" $PATH \\t');
    mkdirSync(folder);
    const script = join(folder, "echo.cjs");
    const seen = join(home, "seen.json");
    writeFileSync(
      script,
      `require("fs").writeFileSync(${JSON.stringify(seen)},JSON.stringify([process.argv.slice(1),process.env.PORTOLAN_STATE_HOME]));` +
        `require("child_process").execFileSync("systemd-notify",["--ready","--pid="+process.pid]);process.on("SIGTERM",()=>process.exit(0));setInterval(()=>{},1e6)`,
    );
    const words = [
      "a b",
      "%h",
      "100%",
      "$HOME",
      "${HOME}",
      '"',
      "'",
      "\\",
      "\\n",
      "",
      ";",
      "é",
      "tab\there",
      "#",
      "--port=1",
    ];
    writeFileSync(
      unit,
      writeUserUnit({
        command: [process.execPath, script, ...words],
        stopCommand: ["/bin/true"],
        stateFolder: state,
        words: [],
        logFolder: null,
      }),
    );
    await manager.run("systemctl", ["--user", "daemon-reload"]);
    const started = await manager.run("systemctl", ["--user", "start", "portolan-gateway"]);
    expect(started).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(JSON.parse(readFileSync(seen, "utf8"))).toEqual([[script, ...words], state]);
    await manager.run("systemctl", ["--user", "stop", "portolan-gateway"]);
  });

  test("sockets that systemd holds are taken, and handed on to a new version", async () => {
    const socket = join(home, ".config/systemd/user/portolan-gateway.socket");
    await portolan(["gateway", "install", "--no-https", "--yes"]);
    await portolan(["gateway", "stop"]);
    await expect.poll(() => property("ActiveState")).toBe("inactive");
    const addresses = ["127.0.0.1:8092", "[::1]:8092"].map((address) => `ListenStream=${address}\n`).join("");
    writeFileSync(socket, `[Socket]\n${addresses}FileDescriptorName=http\nBindIPv6Only=ipv6-only\n`);
    await manager.run("systemctl", ["--user", "daemon-reload"]);
    expect((await manager.run("systemctl", ["--user", "start", "portolan-gateway.socket"])).status).toBe(0);
    expect((await status()).running).toBe(false);
    // Whoever knocks first wakes it.
    const ask = `require("http").get({host:"::1",port:8092,headers:{host:"x.localhost"}},s=>{console.log(s.statusCode);s.destroy()})`;
    expect((await manager.run(process.execPath, ["-e", ask])).stdout).toBe("404\n");
    const first = await status();
    expect(first.listeners).toEqual([{ scheme: "http", addresses: ["127.0.0.1", "::1"], port: 8092 }]);
    const second = await json<GatewayResult>(["gateway", "restart"]);
    expect([second.pid === first.pid, second.listeners]).toEqual([false, first.listeners]);
    expect((await manager.run(process.execPath, ["-e", ask])).stdout).toBe("404\n");
    await manager.run("systemctl", ["--user", "stop", "portolan-gateway.socket", "portolan-gateway.service"]);
    rmSync(socket);
  });
});

describe.skipIf(skip)("the gateway as a service of the system", () => {
  const folder = mkdtempSync(join(tmpdir(), "pgy-"));
  const state = join(folder, "state");
  const log = join(folder, "log");

  beforeAll(() => {
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, "bin"));
    mkdirSync(state);
    writeFileSync(join(folder, "bin/systemctl"), `#!/bin/sh\necho "$*" >> ${log}\ncase "$1" in is-*) exit 1;; esac\n`, {
      mode: 0o755,
    });
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("root writes it, as whoever called sudo, and the stand-in is told what systemd would be", async () => {
    const script =
      'mount -t tmpfs tmpfs /etc/systemd/system; "$@" install --system --yes --json; cat /etc/systemd/system/*; "$@" uninstall --system --yes --json; ls /etc/systemd/system';
    const { stdout } = await promisify(execFile)(
      "unshare",
      ["-m", "sh", "-c", script, "sh", process.execPath, commandPath, "gateway"],
      {
        env: {
          PATH: `${join(folder, "bin")}:${process.env["PATH"]}`,
          HOME: folder,
          SUDO_UID: "1",
          PORTOLAN_STATE_HOME: state,
        },
      },
    );
    const [installed = "", ...lines] = stdout.trimEnd().split("\n");
    expect(JSON.parse(installed)).toMatchObject({ outcome: "installed", proposal: { scope: "system", sudo: null } });
    expect(lines).toContain("User=daemon");
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ outcome: "removed" });
    expect(readFileSync(log, "utf8").trimEnd().split("\n")).toEqual([
      "show --property=Version",
      "daemon-reload",
      "enable portolan-gateway.service",
      "restart portolan-gateway.service",
      "show --property=Version",
      "disable --now portolan-gateway.service",
      "daemon-reload",
    ]);
    const unit = join(folder, "portolan-gateway.service");
    writeFileSync(unit, `${lines.slice(0, -1).join("\n")}\n`);
    const verified = await promisify(execFile)("systemd-analyze", ["verify", unit]);
    expect(verified).toMatchObject({ stdout: "", stderr: "" });
  });

  test("who is not root gets the command that is", async () => {
    const outcome = await runCommand(["gateway", "install", "--system", "--port", "81"], {
      uid: 65_534,
      environment: { HOME: "/nonexistent", PORTOLAN_STATE_HOME: "/nonexistent/state" },
    });
    expect([outcome.status, outcome.stdout]).toEqual([
      3,
      expect.stringContaining(
        `sudo env PORTOLAN_STATE_HOME=/nonexistent/state ${process.execPath} ${commandPath} gateway install --system --port 81\n`,
      ),
    ]);
    const printed = await runCommand(["gateway", "install", "--system", "--print"], {
      uid: 65_534,
      environment: { HOME: "/nonexistent" },
    });
    expect([printed.status, printed.stdout]).toEqual([0, expect.stringContaining("\nUser=nobody\n")]);
  });

  test("the one capability that it names is all that ports 80 and 443 take", async () => {
    const device = await createNetworkNamespace();
    try {
      await device.execIn("sh", ["-c", "echo 1024 > /proc/sys/net/ipv4/ip_unprivileged_port_start"]);
      chownSync(state, 65_534, 65_534);
      const rights = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs"];
      const capability = ["--inh-caps", "-all,+net_bind_service", "--ambient-caps", "+net_bind_service"];
      const child = device.spawnIn(
        "setpriv",
        [...rights, ...capability, process.execPath, commandPath, "gateway", "serve", "--json"],
        { env: { PATH: process.env["PATH"] ?? "", PORTOLAN_STATE_HOME: state }, stdio: ["ignore", "pipe", "inherit"] },
      );
      const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
      expect(JSON.parse(line)).toMatchObject({ listeners: [{ port: 80 }, { port: 443 }], notes: [] });
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      expect((await ended)[0]).toBe(0);
    } finally {
      await device.destroy();
    }
  });
});

/**
 * @module `hosts` on a real /etc/hosts, read by the C library's own resolver: in a mount namespace, where it is another file than this
 * machine's.
 */
import { execFile } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HostsResult } from "../../src/operations/hosts.ts";
import { requireOrSkip, whyNoNetworkNamespaces } from "../support/netns.ts";
import { commandPath, runCommand } from "../support/run-command.ts";

const skip = requireOrSkip("a hosts file", whyNoNetworkNamespaces());
const own = readFileSync("/etc/hosts");

describe.skipIf(skip)("a hosts file", () => {
  let folder: string;
  let hosts: string;
  const original = "127.0.0.1\tlocalhost   # ours\r\n10.9.8.7 other.test\r\n";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pho-"));
    chmodSync(folder, 0o755);
    hosts = join(folder, "hosts");
    writeFileSync(hosts, original);
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
    expect(readFileSync("/etc/hosts")).toEqual(own);
  });

  const environment = (more: Record<string, string> = {}) => ({
    PORTOLAN_STATE_HOME: join(folder, "state"),
    PORTOLAN_HOSTS_FILE: hosts,
    HOME: folder,
    ...more,
  });

  const portolan = (words: readonly string[], options: { uid?: number; more?: Record<string, string> } = {}) =>
    runCommand(words, {
      environment: environment(options.more),
      ...(options.uid === undefined ? {} : { uid: options.uid }),
    });

  async function give(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      const { status, stderr } = await portolan(["route", "add", name, "3000", "--no-start"]);
      const known = !name.endsWith(".") || name.startsWith("other.");
      const wild = name.startsWith("*.");
      expect([status, stderr]).toEqual([
        0,
        known
          ? ""
          : expect.stringContaining(wild ? "a hosts file cannot" : "portolan hosts puts it into the hosts file"),
      ]);
    }
  }

  const proposed = async (words: readonly string[]) =>
    JSON.parse((await portolan(["hosts", "--json", ...words])).stdout) as HostsResult;

  test("is shown first, then written, and is as it was when that is taken out", async () => {
    await give("shop.test.", "api.shop.test.", "local");
    chmodSync(hosts, 0o640);
    chownSync(hosts, 65_534, 65_534);
    const asked = await portolan(["hosts"]);
    expect([asked.status, readFileSync(hosts, "utf8")]).toEqual([1, original]);
    expect(asked.stderr).toMatch(/\+ 127\.0\.0\.1 api\.shop\.test\n +\+ ::1 api\.shop\.test\n[^]*CONFIRMATION_NEEDED/);
    const shown = await portolan(["hosts", "--dry-run"]);
    expect([shown.status, readFileSync(hosts, "utf8")]).toEqual([0, original]);
    const written = await portolan(["route", "hosts", "--yes"]);
    expect([written.status, written.stdout]).toEqual([0, `${hosts} leads api.shop.test, shop.test here.\n`]);
    const lines = ["127.0.0.1 api.shop.test", "::1 api.shop.test", "127.0.0.1 shop.test", "::1 shop.test"];
    expect(readFileSync(hosts, "utf8")).toMatch(
      new RegExp(`^${original}# portolan begin[^\\r\\n]*\\r\\n${lines.join("\\r\\n")}\\r\\n# portolan end\\r\\n$`),
    );
    const { mode, uid, gid } = statSync(hosts);
    expect([mode & 0o777, uid, gid]).toEqual([0o640, 65_534, 65_534]);
    expect((await proposed([])).outcome).toBe("unchanged");
    await portolan(["route", "remove", "api.shop.test."]);
    expect((await proposed(["--yes"])).proposal).toMatchObject({ removed: [{ name: "api.shop.test" }, {}], added: [] });
    expect((await proposed(["--remove", "--yes"])).outcome).toBe("removed");
    expect(readFileSync(hosts, "utf8")).toBe(original);
  });

  test("the system's resolver reads it, also where it is a mount that nothing can be renamed over", async () => {
    await give("shop.test.", "local");
    const script = [
      'mount --bind "$1" /etc/hosts',
      'shift; "$@" || exit 1',
      "getent ahosts shop.test; getent ahosts local.localhost; cat /etc/hosts",
    ].join("\n");
    const { stdout } = await promisify(execFile)(
      "unshare",
      ["-m", "sh", "-c", script, "sh", hosts, process.execPath, commandPath, "hosts", "--all", "--yes", "--json"],
      { env: { PATH: process.env["PATH"], HOME: folder, PORTOLAN_STATE_HOME: join(folder, "state") } },
    );
    const [told = "", ...resolved] = stdout.split("\n");
    expect(JSON.parse(told)).toMatchObject({ outcome: "written", proposal: { path: "/etc/hosts" } });
    const lines = resolved.join("\n");
    expect(lines).toMatch(/^::1 +STREAM shop\.test\n[^]*?^127\.0\.0\.1 +STREAM/m);
    expect(lines).toMatch(/^::1 +STREAM local\.localhost$/m);
    expect(lines).toMatch(/^::1 portolan\.localhost\r$/m);
    expect(readFileSync(hosts, "utf8")).toContain("127.0.0.1 shop.test\r\n");
  });

  test("a link stays a link", async () => {
    await give("shop.test.");
    mkdirSync(join(folder, "real"));
    const real = join(folder, "real/hosts");
    writeFileSync(real, "127.0.0.1 localhost");
    rmSync(hosts);
    symlinkSync("real/hosts", hosts);
    expect((await proposed(["--yes"])).outcome).toBe("written");
    expect([lstatSync(hosts).isSymbolicLink(), readFileSync(real, "utf8").includes("shop.test")]).toEqual([true, true]);
    await portolan(["hosts", "--remove", "--yes"]);
    expect(readFileSync(real, "utf8")).toBe("127.0.0.1 localhost");
  });

  test("a damaged block, and one that somebody changed meanwhile, are left alone", async () => {
    await give("shop.test.");
    writeFileSync(hosts, `${original}# portolan begin\n127.0.0.1 shop.test\n`);
    const before = readFileSync(hosts);
    for (const words of [["--yes"], ["--remove", "--yes"], ["--dry-run"]]) {
      const refused = await portolan(["hosts", ...words]);
      expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/has no end[^]*HOSTS_DAMAGED/)]);
    }
    expect(readFileSync(hosts)).toEqual(before);
  });

  test("wildcards and names that others lead elsewhere are told", async () => {
    await give("*.shop.test.", "other.test.");
    const { stderr, stdout } = await portolan(["hosts", "--dry-run"]);
    expect(stdout).toContain(`Line 2 of ${hosts} leads other.test to 10.9.8.7, and may win.`);
    expect(stderr).toContain("*.shop.test cannot be said in a hosts file");
  });

  test("without the right it prints the command that has it, and changes nothing", async () => {
    await give("shop.test.");
    for (const path of [
      join(folder, "state"),
      join(folder, "state/routes"),
      join(folder, "state/routes/shop.test.json"),
    ])
      chownSync(path, 65_534, 65_534);
    const refused = await portolan(["hosts", "--yes"], { uid: 65_534 });
    expect([refused.status, readFileSync(hosts, "utf8")]).toEqual([3, original]);
    const line = refused.stdout.split("\n").find((one) => one.includes("sudo ")) ?? "";
    expect(line.trim()).toBe(
      `sudo env PORTOLAN_STATE_HOME=${folder}/state PORTOLAN_HOSTS_FILE=${hosts} ${process.execPath} ${commandPath} hosts --yes`,
    );
    // The very words, with sudo left out: here root is nothing that must be asked for.
    await promisify(execFile)("sh", ["-c", line.trim().replace(/^sudo /, "")], { env: { PATH: process.env["PATH"] } });
    expect(readFileSync(hosts, "utf8")).toContain("::1 shop.test");
  });

  test.each([
    ["sudo", { SUDO_UID: "4321" }],
    ["pkexec", { PKEXEC_UID: "4321" }],
    ["doas", { DOAS_USER: "ann" }],
  ])("behind %s the routes are those of whoever typed it", async (_, told) => {
    // A user database of a test's own, in a mount namespace.
    const home = join(folder, "ann");
    const routes = join(home, ".local/state/portolan/routes");
    mkdirSync(routes, { recursive: true });
    await give("ann.test.");
    writeFileSync(join(routes, "ann.test.json"), readFileSync(join(folder, "state/routes/ann.test.json")));
    // What a file claims to be a name and is none reaches no file of root's.
    const evil = JSON.parse(readFileSync(join(routes, "ann.test.json"), "utf8")) as { content: { host: string } };
    evil.content.host = "x.test\n6.6.6.6 bank.test";
    writeFileSync(join(routes, "evil.json"), JSON.stringify(evil));
    const passwd = join(folder, "passwd");
    writeFileSync(passwd, `root:x:0:0::/root:/bin/sh\nann:x:4321:4321::${home}:/bin/sh\n`);
    const { stdout } = await promisify(execFile)(
      "unshare",
      [
        "-m",
        "sh",
        "-c",
        'mount --bind "$1" /etc/passwd; shift; exec "$@"',
        "sh",
        passwd,
        process.execPath,
        commandPath,
        "hosts",
        "--yes",
        "--json",
      ],
      { env: { PATH: process.env["PATH"], HOME: "/root", ...told, PORTOLAN_HOSTS_FILE: hosts } },
    );
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "written", proposal: { added: [{ name: "ann.test" }, {}] } });
    expect(readFileSync(hosts, "utf8")).not.toContain("6.6.6.6");
    expect(existsSync("/root/.local/state/portolan/routes/ann.test.json")).toBe(false);
  });
});

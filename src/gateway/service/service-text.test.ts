import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { askManager, mayFail, serviceManager } from "./installed-service.ts";
import { writeLaunchAgent } from "./launch-agent.ts";
import { quoteWord, readUnitNote, writeSystemUnit, writeUserUnit, type ServiceFacts } from "./systemd-unit.ts";

const facts: ServiceFacts = {
  command: ["/opt/my node/bin/node", "/opt/50%/portolan.cjs", "gateway", "serve", "--log", "/tmp/a & <b>.log"],
  stopCommand: ["/opt/my node/bin/node", "/opt/50%/portolan.cjs", "gateway", "stop"],
  stateFolder: "/home/ann/.local/state/portolan",
  words: ["--log", "/tmp/a & <b>.log"],
  logFolder: "/tmp",
};

describe("a unit of systemd", () => {
  test.each([
    ["plain", "plain", "plain"],
    ["/usr/bin/node", "/usr/bin/node", "/usr/bin/node"],
    ["a b", '"a b"', '"a b"'],
    ["", '""', '""'],
    ["100%", '"100%%"', '"100%%"'],
    ["$HOME", '"$$HOME"', '"$HOME"'],
    ['a"b', '"a\\"b"', '"a\\"b"'],
    ["a\\b", '"a\\\\b"', '"a\\\\b"'],
    ["a\nb", '"a\\x0ab"', '"a\\x0ab"'],
    [";", '";"', '";"'],
  ])("%j is written %j as an argument", (word, argument, value) => {
    expect([quoteWord(word, "argument"), quoteWord(word, "value")]).toEqual([argument, value]);
  });

  test("it says whose it is, and with which words it was made", () => {
    expect(readUnitNote(writeUserUnit(facts))).toEqual({ stateFolder: facts.stateFolder, words: facts.words });
    expect(readUnitNote("[Service]\nExecStart=/bin/true\n")).toBeUndefined();
    const changed = writeUserUnit(facts).replace(/^# portolan: .*$/m, "# portolan: {");
    expect(readUnitNote(changed)).toEqual({ stateFolder: "", words: [] });
  });

  test("the system's runs as the user, with one capability and one folder to write to", () => {
    const unit = writeSystemUnit(facts, "ann");
    expect(unit).toContain(
      "\nUser=ann\nAmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n",
    );
    expect(unit.match(/^ReadWritePaths=.*$/gm)).toEqual([
      "ReadWritePaths=-/home/ann/.local/state/portolan",
      "ReadWritePaths=-/tmp",
    ]);
    expect(unit).toContain("WantedBy=multi-user.target");
  });

  test("it lies where the user's manager looks, and no system but these has one", () => {
    const path = (environment: Record<string, string>) => serviceManager("linux", "user", environment, 1000).path;
    expect(path({ HOME: "/home/ann" })).toBe("/home/ann/.config/systemd/user/portolan-gateway.service");
    expect(path({ HOME: "/home/ann", XDG_CONFIG_HOME: "/x" })).toBe("/x/systemd/user/portolan-gateway.service");
    expect(path({ HOME: "/home/ann", XDG_CONFIG_HOME: "x" })).toContain("/home/ann/.config/");
    for (const [platform, scope] of [
      ["win32", "user"],
      ["darwin", "system"],
      ["freebsd", "user"],
    ] as const)
      expect(() => serviceManager(platform, scope, {}, 0)).toThrow(
        expect.objectContaining({ code: "SERVICE_UNAVAILABLE" }),
      );
  });
});

describe("a LaunchAgent of macOS, from its documentation: launchctl is a stand-in that writes down its words", () => {
  const folder = mkdtempSync(join(tmpdir(), "pla-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("it is a property list that any reader of XML takes, and says whose it is", () => {
    const text = writeLaunchAgent(facts, "/home/ann/gateway.log");
    expect(readUnitNote(text)).toEqual({ stateFolder: facts.stateFolder, words: facts.words });
    // Python's plistlib is a reader that is not ours.
    const script = "import plistlib,sys,json;print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))";
    const read = JSON.parse(execFileSync("python3", ["-c", script], { input: text, encoding: "utf8" })) as object;
    expect(read).toEqual({
      Label: "portolan.gateway",
      ProgramArguments: facts.command,
      EnvironmentVariables: { PORTOLAN_STATE_HOME: facts.stateFolder },
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
      WorkingDirectory: "/",
      StandardOutPath: "/dev/null",
      StandardErrorPath: "/home/ann/gateway.log",
      Umask: 0o077,
    });
  });

  test("launchctl is told to forget the old one and to load the new one", async () => {
    const log = join(folder, "log");
    const program = join(folder, "launchctl");
    writeFileSync(program, `#!/bin/sh\necho "$*" >> ${log}\n[ "$1" != bootout ]\n`);
    chmodSync(program, 0o755);
    const environment = { PATH: `${folder}:/usr/bin:/bin`, HOME: "/Users/ann" };
    const manager = serviceManager("darwin", "user", environment, 501);
    expect(manager.path).toBe("/Users/ann/Library/LaunchAgents/portolan.gateway.plist");
    const failed: string[] = [];
    const { signal } = new AbortController();
    for (const command of [...manager.install, manager.start, ...manager.uninstall.before])
      if ((await askManager(command, environment, signal)) !== null && !mayFail(command))
        failed.push(command.join(" "));
    expect(failed).toEqual([]);
    expect(readFileSync(log, "utf8").trimEnd().split("\n")).toEqual([
      "bootout gui/501/portolan.gateway",
      "enable gui/501/portolan.gateway",
      "bootstrap gui/501 /Users/ann/Library/LaunchAgents/portolan.gateway.plist",
      "kickstart gui/501/portolan.gateway",
      "bootout gui/501/portolan.gateway",
    ]);
    expect(await askManager(["no-such-manager"], environment, signal)).toBe("there is no no-such-manager");
  });
});

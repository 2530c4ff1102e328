/**
 * @module `kill` on real processes: every holder and nobody else, gently first, and never the wrong one.
 */
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { connect } from "node:net";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import {
  applyKill,
  kill,
  pickPort,
  proposeKill,
  releasePorts,
  type KillEvent,
  type KillInput,
  type KillProposal,
  type KillResult,
} from "../../src/index.ts";
import type { CallOptions } from "../../src/index.ts";
import { bundleSource } from "../support/bundle.ts";
import { endHolders, startHolder, startProgram } from "../support/holders.ts";
import { requireOrSkip, whyNoNetworkNamespaces, whyNoProgram } from "../support/netns.ts";
import { runCommand } from "../support/run-command.ts";
import type { ReuseReport } from "./kill-reuse-child.ts";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "portolan-kill-"));
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;

afterEach(async () => {
  await endHolders();
  releasePorts();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function takePort(): Promise<number> {
  return pickPort({ within: "15000-15899" });
}

async function finish(
  work: AsyncGenerator<KillEvent, KillResult, void>,
): Promise<{ events: KillEvent[]; result: KillResult }> {
  const events: KillEvent[] = [];
  for (;;) {
    const step = await work.next();
    if (step.done === true) return { events, result: step.value };
    events.push(step.value);
  }
}

function killNow(input: KillInput, options?: CallOptions) {
  return finish(kill({ yes: true, otherUsers: true, ...input }, options));
}

const listener = `s = hold("127.0.0.1", port)\nsay("ready")\ntime.sleep(60)`;

describe.skipIf(
  requireOrSkip(
    "kill",
    process.platform === "linux" ? null : "it reads Linux's sockets",
    whyNoProgram("python3", "python3"),
  ),
)("kill", () => {
  test("ends the holder and nobody else, and says when the port is free", async () => {
    const [port, other] = [await takePort(), await takePort()];
    const holder = await startHolder(listener, port);
    const bystander = await startHolder(listener, other);
    const { events, result } = await killNow({ targets: [`:::${port}`] });
    expect(events.map(({ kind }) => kind)).toEqual(["signalled", "freed"]);
    expect(result).toMatchObject({
      complete: true,
      outcome: "freed",
      ports: [{ port, transport: "tcp", free: true, successor: null }],
      processes: [{ pid: holder.pid, signals: ["SIGTERM"], ended: true, problem: null }],
    });
    expect(await holder.ended).toBe("SIGTERM");
    expect(bystander.isRunning()).toBe(true);
  });

  test("two holders on two families both go", async () => {
    const port = await takePort();
    const ipv4 = await startHolder(`s = hold("0.0.0.0", port)\nsay("ready")\ntime.sleep(60)`, port);
    const ipv6 = await startHolder(`s = hold("::1", port)\nsay("ready")\ntime.sleep(60)`, port);
    const { result } = await killNow({ targets: [String(port)] });
    expect(result.outcome).toBe("freed");
    expect(result.processes.map(({ pid }) => pid).toSorted()).toEqual([ipv4.pid, ipv6.pid].toSorted());
    expect(await ipv4.ended).toBe("SIGTERM");
    expect(await ipv6.ended).toBe("SIGTERM");
  });

  test("every member of a SO_REUSEPORT group goes, and every process that shares one socket by fork", async () => {
    const port = await takePort();
    const group = [
      await startHolder(`s = hold("0.0.0.0", port, reuse_port=True)\nsay("ready")\ntime.sleep(60)`, port),
      await startHolder(
        `s = hold("0.0.0.0", port, reuse_port=True)\nsay("ready")\nsay(os.fork())\ntime.sleep(60)`,
        port,
      ),
    ];
    // Parent and child each say what fork(2) has told them.
    await group[1]!.nextLine();
    await group[1]!.nextLine();
    const proposal = await proposeKill({ targets: [String(port)] });
    expect(proposal.victims).toHaveLength(3);
    const { result } = await finish(applyKill(proposal));
    expect(result.outcome).toBe("freed");
    expect(result.processes.every(({ ended }) => ended)).toBe(true);
    for (const holder of group) expect(await holder.ended).toBe("SIGTERM");
  });

  test("what ignores SIGTERM gets SIGKILL after the grace, and not before", async () => {
    const port = await takePort();
    const holder = await startHolder(`signal.signal(signal.SIGTERM, signal.SIG_IGN)\n${listener}`, port);
    const { events, result } = await killNow({ targets: [String(port)], grace: "300ms" });
    expect(events.map(({ kind }) => kind)).toEqual(["signalled", "escalated", "freed"]);
    const escalated = events.find((event) => event.kind === "escalated");
    expect(escalated?.kind === "escalated" && escalated.afterMs).toBeGreaterThanOrEqual(300);
    expect(result.processes[0]).toMatchObject({ pid: holder.pid, signals: ["SIGTERM", "SIGKILL"], ended: true });
    expect(await holder.ended).toBe("SIGKILL");
  });

  test("it is the socket that is waited for: who closes it may go on", async () => {
    const port = await takePort();
    const holder = await startHolder(
      `s = hold("127.0.0.1", port)\nsignal.signal(signal.SIGTERM, lambda *_: s.close())\nsay("ready")\nwhile True: time.sleep(1)`,
      port,
    );
    const { result } = await killNow({ targets: [String(port)], grace: "10s" });
    expect(result).toMatchObject({ outcome: "freed", processes: [{ signals: ["SIGTERM"], ended: false }] });
    expect(holder.isRunning()).toBe(true);
  });

  test("clients of the port live, also one whose own port has the number", async () => {
    const port = await takePort();
    const holder = await startHolder(
      `s = hold("127.0.0.1", port)\nsay("ready")\nconnections = []\nwhile True: connections.append(s.accept())`,
      port,
    );
    const client = await startHolder(
      `c = socket.create_connection(("127.0.0.1", port))\nsay("ready")\ntime.sleep(60)`,
      port,
    );
    // A connection that leaves from the same number at another address, to somebody else.
    const far = await takePort();
    const server = await startHolder(`s = hold("127.0.0.1", port)\nsay("ready")\nc = s.accept()\ntime.sleep(60)`, far);
    const namesake = await startHolder(
      `c = socket.socket()\nc.bind(("127.0.0.2", int(port)))\nc.connect(("127.0.0.1", ${far}))\nsay("ready")\ntime.sleep(60)`,
      port,
    );
    const { result } = await killNow({ targets: [String(port)] });
    expect(result.processes.map(({ pid }) => pid)).toEqual([holder.pid]);
    expect(result.outcome).toBe("freed");
    for (const one of [client, server, namesake]) expect(one.isRunning()).toBe(true);
  });

  test("UDP and TCP are told apart", async () => {
    const port = await takePort();
    const udp = await startHolder(
      `s = hold("127.0.0.1", port, kind=socket.SOCK_DGRAM)\nsay("ready")\ntime.sleep(60)`,
      port,
    );
    const tcp = await startHolder(listener, port);
    expect((await killNow({ targets: [`udp:${port}`] })).result.outcome).toBe("freed");
    expect(await udp.ended).toBe("SIGTERM");
    expect(tcp.isRunning()).toBe(true);
    expect((await killNow({ targets: [String(port)], transport: "udp" })).result.outcome).toBe("nothing-there");
    expect(tcp.isRunning()).toBe(true);
  });

  test("a socket that is bound and does not listen holds its port too", async () => {
    const port = await takePort();
    const holder = await startHolder(`s = hold("127.0.0.1", port, listen=False)\nsay("ready")\ntime.sleep(60)`, port);
    const { result } = await killNow({ targets: [String(port)] });
    expect(result.outcome).toBe("freed");
    expect(await holder.ended).toBe("SIGTERM");
  });

  test("--tree takes descendants along", async () => {
    const port = await takePort();
    const code = `s = hold("127.0.0.1", port)\ns.set_inheritable(False)\nimport subprocess\nchild = subprocess.Popen(["sleep", "60"])\nsay("ready")\nsay(child.pid)\ntime.sleep(60)`;
    const holder = await startHolder(code, port);
    const child = Number(await holder.nextLine());
    const { result } = await killNow({ targets: [String(port)], tree: true });
    expect(result.processes.map(({ pid }) => pid)).toEqual([holder.pid, child]);
    expect(result.processes.every(({ ended }) => ended)).toBe(true);
  });

  test("a proposal that has gone stale does nothing", async () => {
    const port = await takePort();
    const first = await startHolder(listener, port);
    const proposal = await proposeKill({ targets: [String(port)] });
    first.process.kill("SIGKILL");
    await first.ended;
    const second = await startHolder(listener, port);
    await expect(finish(applyKill(proposal))).rejects.toMatchObject({
      code: "PROPOSAL_STALE",
      details: { pid: first.pid },
    });
    expect(second.isRunning()).toBe(true);
    // Somebody who has joined was not agreed to either.
    const agreed = await proposeKill({ targets: [String(port)] });
    const joined = await startHolder(`s = hold("::1", port)\nsay("ready")\ntime.sleep(60)`, port);
    await expect(finish(applyKill(agreed))).rejects.toMatchObject({ code: "PROPOSAL_STALE" });
    expect([second.isRunning(), joined.isRunning()]).toEqual([true, true]);
  });

  test("a proposal is plain data", async () => {
    const port = await takePort();
    const holder = await startHolder(listener, port);
    const proposal = JSON.parse(JSON.stringify(await proposeKill({ targets: [String(port)] }))) as KillProposal;
    expect((await finish(applyKill(proposal))).result.outcome).toBe("freed");
    expect(await holder.ended).toBe("SIGTERM");
  });

  test("what starts it again is named, with what to stop instead", async () => {
    const port = await takePort();
    const code = `import socket,sys,time\ns=socket.socket()\ns.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\ns.bind(("127.0.0.1",int(sys.argv[1])))\ns.listen()\nprint("ready",flush=True)\ntime.sleep(20)`;
    const loop = await startProgram("bash", [
      "-c",
      `for turn in 1 2; do python3 -c "$1" "$2"; done`,
      "loop",
      code,
      String(port),
    ]);
    const { result } = await killNow({ targets: [String(port)] });
    expect(result.outcome).toBe("not-freed");
    expect(result.ports[0]?.successor).toMatchObject({
      broughtBy: expect.stringContaining(`(pid ${loop.pid})`),
      stopInstead: `kill ${loop.pid}`,
    });
    loop.process.kill("SIGKILL");
    await loop.ended;
    expect((await killNow({ targets: [String(port)] })).result.outcome).toBe("freed");
  });

  test("nodemon's restart is told as nodemon's", async () => {
    const port = await takePort();
    // A stand-in by its name and place, as the chart knows nodemon: real nodemon waits for a change of files before it starts again.
    const place = join(folder, "node_modules", "nodemon", "bin");
    mkdirSync(place, { recursive: true });
    const script = join(place, "nodemon.js");
    writeFileSync(
      script,
      `const { spawn } = require("node:child_process");
       let turns = 0;
       let child;
       process.once("SIGTERM", () => { child.kill(); process.exit(0); });
       (function start() {
         child = spawn(process.execPath, ["-e", 'require("node:net").createServer().listen(${port}, "127.0.0.1", () => console.log("ready"))'], { stdio: "inherit" });
         child.once("exit", () => { if (++turns < 3) start(); });
       })();`,
    );
    const nodemon = await startProgram(process.execPath, [script]);
    const { result } = await killNow({ targets: [String(port)] });
    expect(result.proposal.victims[0]?.supervisor?.kind).toBe("nodemon");
    expect(result.ports[0]?.successor).toMatchObject({ broughtBy: "nodemon", stopInstead: `kill ${nodemon.pid}` });
    nodemon.process.kill("SIGTERM");
    await nodemon.ended;
  });

  test("process 1, itself and its ancestors are kept, each with the reason", async () => {
    const { createHost } = await import("../../src/index.ts");
    const host = createHost();
    const port = await takePort();
    const holder = await startHolder(listener, port);
    // The kernel's answer, but as if this process, its parent and process 1 held the socket.
    const asked: CallOptions = {
      host: {
        ...host,
        async snapshot(request) {
          const snapshot = await host.snapshot(request);
          const pids = [1, process.pid, process.ppid, holder.pid];
          return {
            ...snapshot,
            interfaces: snapshot.interfaces,
            limits: snapshot.limits,
            blindSpots: snapshot.blindSpots,
            holdersOf: () => ({ known: true, value: pids.map((pid) => ({ pid, fileDescriptors: [3] })) }),
          };
        },
      },
    };
    const { victims } = await proposeKill({ targets: [String(port)] }, asked);
    const actions = new Map(victims.map(({ pid, action, reason }) => [pid, { action, reason }]));
    expect(actions.get(1)).toMatchObject({ action: "refuse", reason: expect.stringContaining("process 1") });
    expect(actions.get(process.pid)).toMatchObject({
      action: "refuse",
      reason: expect.stringContaining("this very process"),
    });
    expect(actions.get(process.ppid)).toMatchObject({ action: "refuse" });
    expect(actions.get(holder.pid)).toMatchObject({ action: "signal" });
  });

  test("a project's listeners go by its name or folder, others stay", async () => {
    const shop = join(folder, "shop");
    mkdirSync(shop, { recursive: true });
    writeFileSync(join(shop, "package.json"), JSON.stringify({ name: "shop-of-the-test" }));
    const [first, second] = [await takePort(), await takePort()];
    const inside = await startHolder(listener, first, { cwd: shop });
    const outside = await startHolder(listener, second);
    const named = await proposeKill({ project: "shop-of-the-test" });
    expect(named.ports.map(({ port }) => port)).toEqual([first]);
    const { result } = await killNow({ project: "." }, { workingDirectory: shop });
    expect(result.outcome).toBe("freed");
    expect(await inside.ended).toBe("SIGTERM");
    expect(outside.isRunning()).toBe(true);
  });

  test("orphans of ended terminals are found, and nothing that somebody looks after", async () => {
    const home = join(folder, "orphan");
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "package.json"), JSON.stringify({ name: "orphan-of-the-test" }));
    const [first, second] = [await takePort(), await takePort()];
    const cared = await startHolder(listener, second, { cwd: home });
    // A session whose leader starts the listener in the background and ends, as a closed terminal's shell does.
    const code = `import socket,sys,time,os\ns=socket.socket()\ns.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\ns.bind(("127.0.0.1",int(sys.argv[1])))\ns.listen()\nprint(os.getpid(),flush=True)\ntime.sleep(60)`;
    const { stdout } = await run("setsid", [
      "--wait",
      "bash",
      "-c",
      `cd "$3" && { python3 -c "$1" "$2" 2>/dev/null & } | head -1`,
      "session",
      code,
      String(first),
      home,
    ]);
    const pid = Number(stdout.trim());
    const proposal = await proposeKill({ orphans: true, targets: ["15000-15899"] });
    expect(proposal.victims.map((victim) => victim.pid)).toEqual([pid]);
    expect((await finish(applyKill(proposal))).result.outcome).toBe("freed");
    expect(cared.isRunning()).toBe(true);
  });

  test("an abort stops before SIGKILL", async () => {
    const port = await takePort();
    const holder = await startHolder(`signal.signal(signal.SIGTERM, signal.SIG_IGN)\n${listener}`, port);
    const abort = new AbortController();
    const work = kill({ targets: [String(port)], yes: true, grace: "20s" }, { signal: abort.signal });
    expect((await work.next()).value).toMatchObject({ kind: "signalled" });
    abort.abort();
    const { result } = await finish(work);
    expect(result).toMatchObject({ complete: false, processes: [{ signals: ["SIGTERM"], ended: false }] });
    expect(holder.isRunning()).toBe(true);
  });

  test("a container is stopped by its engine (a stand-in for docker), and without it the port is kept with the reason", async () => {
    const port = await takePort();
    const tools = join(folder, "bin");
    mkdirSync(tools, { recursive: true });
    // The process that holds a published port of Docker bears this name; comm has 15 bytes.
    const proxy = join(tools, "docker-proxy");
    writeFileSync(
      proxy,
      `#!/usr/bin/env python3\nimport socket,sys,time\ns=socket.socket()\ns.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\ns.bind(("127.0.0.1",int(sys.argv[1])))\ns.listen()\nopen("/proc/self/comm","w").write("docker-proxy")\nprint("ready",flush=True)\ntime.sleep(60)\n`,
    );
    const id = "0123456789abcdef".repeat(4);
    writeFileSync(
      join(tools, "docker"),
      `#!/bin/sh\necho "$@" >> ${tools}/calls\ncase "$1" in ps) echo ${id};; stop) kill "$(cat ${tools}/pid)";; esac\n`,
    );
    for (const name of ["docker-proxy", "docker"]) chmodSync(join(tools, name), 0o755);
    const holder = await startProgram("python3", [proxy, String(port)]);
    writeFileSync(join(tools, "pid"), String(holder.pid));
    const without = await proposeKill({ targets: [String(port)] }, { environment: { PATH: "/nowhere" } });
    expect(without.victims[0]).toMatchObject({ action: "refuse", reason: expect.stringContaining("not installed") });
    const environment = { PATH: `${tools}:${process.env["PATH"]}` };
    const { events, result } = await killNow({ targets: [String(port)], grace: "2s" }, { environment });
    expect(events.map(({ kind }) => kind)).toEqual(["stopping-container", "freed"]);
    expect(result).toMatchObject({ outcome: "freed", processes: [{ signals: [], problem: null }] });
    expect(result.proposal.victims[0]?.container).toEqual({ engine: "docker", id: id.slice(0, 12) });
    expect(await holder.ended).toBe("SIGTERM");
  });

  test("nothing there, nothing named, and signals that are none", async () => {
    const port = await takePort();
    expect((await killNow({ targets: [String(port)] })).result.outcome).toBe("nothing-there");
    await expect(killNow({})).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    await expect(killNow({ targets: [String(port)], signal: "NOPE" })).rejects.toMatchObject({
      code: "ARGUMENT_INVALID",
    });
    await expect(killNow({ targets: ["70000"] })).rejects.toMatchObject({ code: "PORT_INVALID" });
    await expect(finish(kill({ targets: [String(port)] }))).resolves.toMatchObject({
      result: { outcome: "nothing-there" },
    });
    const holder = await startHolder(listener, port);
    await expect(finish(kill({ targets: [String(port)] }))).rejects.toMatchObject({ code: "CONFIRMATION_NEEDED" });
    const declined = await finish(kill({ targets: [String(port)] }, { confirm: () => Promise.resolve(false) }));
    expect(declined.result.outcome).toBe("declined");
    expect(holder.isRunning()).toBe(true);
  });

  test("a connection that the holder had accepted does not count as the holder's", async () => {
    const port = await takePort();
    const holder = await startHolder(`s = hold("127.0.0.1", port)\nsay("ready")\nc = s.accept()\ntime.sleep(60)`, port);
    const client = connect(port, "127.0.0.1");
    client.on("error", () => undefined);
    await once(client, "connect");
    const { result } = await killNow({ targets: [String(port)] });
    expect(result.outcome).toBe("freed");
    expect(await holder.ended).toBe("SIGTERM");
    client.destroy();
  });
});

describe.skipIf(requireOrSkip("kill as another user", isRoot ? null : "starting processes of other users takes root"))(
  "kill and users",
  () => {
    test("an ordinary user is told whose it is, and nothing is done", async () => {
      const port = await takePort();
      const holder = await startHolder(listener, port);
      const outcome = await runCommand(["kill", String(port), "--yes"], {
        uid: nobody,
        environment: { HOME: "/nonexistent" },
      });
      expect(outcome.status).toBe(1);
      expect(outcome.stdout).toContain("which you may not look into");
      expect(holder.isRunning()).toBe(true);
    });

    test("as root --yes does not cover another user's process, --other-users does", async () => {
      const port = await takePort();
      const holder = await startHolder(listener, port, { uid: nobody });
      const kept = await runCommand(["kill", String(port), "--yes"]);
      expect(kept.status).toBe(1);
      expect(kept.stdout).toContain("--other-users");
      expect(holder.isRunning()).toBe(true);
      const freed = await runCommand(["kill", String(port), "--yes", "--other-users"]);
      expect(freed.status).toBe(0);
      expect(await holder.ended).toBe("SIGTERM");
    });

    test("root by sudo is the user who called it", async () => {
      const port = await takePort();
      const holder = await startHolder(listener, port, { uid: nobody });
      const freed = await runCommand(["kill", String(port), "--yes"], { environment: { SUDO_UID: String(nobody) } });
      expect(freed.status).toBe(0);
      expect(await holder.ended).toBe("SIGTERM");
    });
  },
);

describe.skipIf(requireOrSkip("pid reuse", whyNoNetworkNamespaces(), whyNoProgram("unshare", "util-linux")))(
  "a pid that is reused",
  () => {
    test("is never shot, by the descriptor or by the start time", async () => {
      const bundle = await bundleSource({ reuse: "test/exactness/kill-reuse-child.ts" });
      try {
        // A namespace of few pids, in which they come round soon; its own process 1 takes care of nobody.
        const [major = 0, minor = 0] = release().split(".").map(Number);
        // Linux gives every pid namespace a limit of its own from 6.14 on; before, this would be the whole machine's.
        const limit = major > 6 || (major === 6 && minor >= 14) ? "echo 500 > /proc/sys/kernel/pid_max; " : "";
        const script = `${limit}exec "$0" "$1"`;
        const { stdout } = await run(
          "unshare",
          [
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
            script,
            process.execPath,
            bundle.pathOf("reuse"),
          ],
          {
            timeout: 60_000,
            env: { PATH: process.env["PATH"] },
          },
        );
        const report = JSON.parse(stdout) as ReuseReport;
        const met = { samePid: true, signal: "gone", survived: true };
        expect(report.handles).toEqual([
          { exact: true, ...met },
          { exact: false, ...met },
        ]);
        expect(report.proposal).toEqual({ samePid: true, code: "PROPOSAL_STALE", survived: true });
      } finally {
        bundle.remove();
      }
    });
  },
);

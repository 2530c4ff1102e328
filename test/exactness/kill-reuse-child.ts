/**
 * @module Inside a pid namespace of its own: a pid that is reused between looking and shooting is never shot. Bundled, run as its root.
 *
 * Prints one line of JSON, `ReuseReport`.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { openProcess, readProcessIdentity } from "../../src/act/index.ts";
import { isPortolanError } from "../../src/core/index.ts";
import { applyKill, proposeKill } from "../../src/index.ts";

/** What happened to the bystanders. */
export interface ReuseReport {
  /** A handle that was opened on the first process, after its pid had gone to another. */
  readonly handles: readonly {
    readonly exact: boolean;
    readonly samePid: boolean;
    readonly signal: string;
    readonly survived: boolean;
  }[];
  /** A proposal that was made before. */
  readonly proposal: { readonly samePid: boolean; readonly code: string; readonly survived: boolean };
}

/** The next process gets this pid (pid_namespaces(7)). */
function choosePid(pid: number): void {
  writeFileSync("/proc/sys/kernel/ns_last_pid", String(pid - 1));
}

async function startListener(port: number): Promise<ChildProcess> {
  const code = `require("node:net").createServer().listen(${port}, "127.0.0.1", () => console.log("ready"))`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout!, "data");
  return child;
}

async function endIt(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** A process that has the pid of one that was ended. */
async function replace(child: ChildProcess): Promise<ChildProcess> {
  const { pid } = child;
  await endIt(child);
  choosePid(pid!);
  const bystander = spawn("sleep", ["60"], { stdio: "ignore" });
  await once(bystander, "spawn");
  return bystander;
}

/** It is there when a signal that does nothing finds it, after every signal sent before has had its effect. */
async function survives(child: ChildProcess): Promise<boolean> {
  const probe = spawn("true", { stdio: "ignore" });
  await once(probe, "exit");
  return child.exitCode === null && child.signalCode === null && child.kill(0);
}

async function main(): Promise<void> {
  const handles: ReuseReport["handles"][number][] = [];
  for (const exact of [true, false]) {
    const victim = await startListener(15_901);
    const handle = openProcess(victim.pid!, readProcessIdentity(victim.pid!)!, { exact })!;
    const bystander = await replace(victim);
    const signal = handle.signal("SIGKILL");
    handles.push({
      exact: handle.exact,
      samePid: bystander.pid === victim.pid,
      signal,
      survived: await survives(bystander),
    });
    handle.close();
    await endIt(bystander);
  }
  const victim = await startListener(15_902);
  const proposal = await proposeKill({ targets: ["15902"] });
  const bystander = await replace(victim);
  let code = "none";
  try {
    const work = applyKill(proposal);
    while ((await work.next()).done !== true);
  } catch (error) {
    code = isPortolanError(error) ? error.code : String(error);
  }
  const report: ReuseReport = {
    handles,
    proposal: { samePid: bystander.pid === victim.pid, code, survived: await survives(bystander) },
  };
  await endIt(bystander);
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

void main();

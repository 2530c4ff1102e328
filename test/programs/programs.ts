/**
 * @module The real programs that tests start side by side: how they are installed, started, awaited and ended.
 */
import { execFile, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { waitForLock } from "../../src/store/index.ts";
import type { NetworkNamespace } from "../support/netns.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));

/** How long `npm ci` may take, milliseconds. */
export const installDeadlineMs = 240_000;
/** How long the programs may take until all of them listen, milliseconds. */
const startDeadlineMs = 30_000;
/** How long a program may take to end after SIGTERM, milliseconds. */
const endDeadlineMs = 5_000;

/** One program, as its project folder describes it. */
export interface Program {
  /** Folder below this one. */
  readonly folder: string;
  /** Name in its package.json. */
  readonly project: string;
  readonly port: number;
  /** Id and title in the table of frameworks. */
  readonly framework: { readonly id: string; readonly title: string };
  /** Whether its socket takes IPv6 too. */
  readonly ipv6: boolean;
  /** What only this application's answer contains, and what only this framework writes into it. */
  readonly marks: readonly RegExp[];
}

export const programs: readonly Program[] = [
  {
    folder: "node-api",
    project: "harbour-api",
    port: 80,
    framework: { id: "node", title: "Node.js" },
    ipv6: true,
    marks: [/^\{"application":"harbour-api"/],
  },
  {
    folder: "parcel-app",
    project: "harbour-parcel",
    port: 1234,
    framework: { id: "parcel", title: "Parcel" },
    ipv6: true,
    marks: [/<title>harbour-parcel<\/title>/, /src="\/parcel-app\.[0-9a-f]+\.js"/],
  },
  {
    folder: "vite-app",
    project: "harbour-vite",
    port: 5173,
    framework: { id: "vite", title: "Vite" },
    ipv6: true,
    marks: [/<title>harbour-vite<\/title>/, /src="\/@vite\/client"/],
  },
  {
    folder: "static-site",
    project: "harbour-site",
    port: 5500,
    framework: { id: "live-server", title: "Live Server" },
    ipv6: false,
    marks: [/<title>harbour-site<\/title>/, /injected by live-server/],
  },
];

/** Folder of a program's project. */
export function rootOf(program: Program): string {
  return join(folder, program.folder);
}

/** Installs the programs unless they are there as the lockfile names them, once however many tests ask. Says so when it does. */
export async function installPrograms(): Promise<void> {
  const lock = await waitForLock("test-programs", installDeadlineMs);
  try {
    await installOnce();
  } finally {
    lock.release();
  }
}

async function installOnce(): Promise<void> {
  // npm writes this file last: a cut-short installation has none.
  const installed = await stat(join(folder, "node_modules/.package-lock.json")).catch(() => null);
  const wanted = await stat(join(folder, "package-lock.json"));
  if (installed !== null && installed.mtimeMs >= wanted.mtimeMs) return;
  const startMs = performance.now();
  console.log(`test/programs: npm ci, at most ${installDeadlineMs / 1000} s`);
  await promisify(execFile)("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: folder,
    timeout: installDeadlineMs,
    killSignal: "SIGKILL",
  });
  console.log(`test/programs: npm ci took ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
}

interface Running {
  readonly program: Program;
  readonly child: ChildProcess;
  output: string;
}

/** Programs that run. */
export interface RunningPrograms {
  /** Ends all of them and their children, and removes what they wrote. */
  end(): Promise<void>;
}

/**
 * Starts every program at once in a namespace, by `npm start` in its project folder, and resolves when all of them listen.
 * @throws Error with what the programs printed, when one of them ends or does not listen in time
 */
export async function startPrograms(namespace: NetworkNamespace): Promise<RunningPrograms> {
  const home = await mkdtemp(join(tmpdir(), "portolan-programs-"));
  const running = programs.map((program) => startProgram(program, namespace, home));
  const end = async (): Promise<void> => {
    await Promise.all(running.map(({ child }) => endGroup(child)));
    await rm(home, { recursive: true, force: true });
  };
  try {
    await waitForPorts(namespace, running);
  } catch (error) {
    await end();
    throw error;
  }
  return { end };
}

function startProgram(program: Program, namespace: NetworkNamespace, home: string): Running {
  const words = ["start"];
  // What Parcel keeps from one run must not decide the next one.
  if (program.framework.id === "parcel") words.push("--", "--cache-dir", `${home}/cache`, "--dist-dir", `${home}/dist`);
  const child = namespace.spawnIn("npm", words, {
    cwd: rootOf(program),
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      NO_COLOR: "1",
      NPM_CONFIG_UPDATE_NOTIFIER: "false",
      PARCEL_DISABLE_TELEMETRY: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, so that npm, its shell and the program can be ended together.
    detached: true,
  });
  const started: Running = { program, child, output: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => (started.output += text));
  }
  child.once("error", (error) => (started.output += String(error)));
  return started;
}

async function waitForPorts(namespace: NetworkNamespace, running: readonly Running[]): Promise<void> {
  const deadlineMs = performance.now() + startDeadlineMs;
  for (;;) {
    const listening = await listListeningPorts(namespace);
    if (programs.every(({ port }) => listening.has(port))) return;
    const ended = running.find(({ child }) => child.pid === undefined || hasEnded(child));
    if (ended !== undefined) throw new Error(`${ended.program.project} ended.\n${reportOutput(running)}`);
    if (performance.now() > deadlineMs) {
      throw new Error(`Only ${[...listening].join(", ")} listen in time.\n${reportOutput(running)}`);
    }
    await delay(50);
  }
}

/** From the kernel itself, so that what is tested does not decide when the test begins. */
async function listListeningPorts(namespace: NetworkNamespace): Promise<Set<number>> {
  const { stdout } = await namespace.execIn("cat", ["/proc/net/tcp", "/proc/net/tcp6"]);
  const listening = stdout.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A /gm);
  return new Set(Array.from(listening, ([, port = ""]) => Number.parseInt(port, 16)));
}

function reportOutput(running: readonly Running[]): string {
  return running.map(({ program, output }) => `${program.project}: ${output}`).join("\n");
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const ended = hasEnded(child) ? Promise.resolve() : once(child, "close");
  signalGroup(child.pid, "SIGTERM");
  await Promise.race([ended, delay(endDeadlineMs, undefined, { ref: false })]);
  // Whatever of the group outlived its leader.
  signalGroup(child.pid, "SIGKILL");
  await ended;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody of the group is left.
  }
}

/**
 * @module Processes that one benchmark starts, pinned to processors, measured with everything they started, and ended with it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** Longest time until a program listens, milliseconds. */
const startTimeoutMs = 15_000;
/** Longest time until it has ended after it was asked to, milliseconds. */
const endTimeoutMs = 3000;
/** One tick of /proc/PID/stat, microseconds (sysconf(3), _SC_CLK_TCK is 100 on Linux). */
const tickUs = 10_000;

const children = [];

/**
 * Starts a program on one processor and waits until it listens at every port.
 * @param {{ name: string, folder: string, processor: string, program: string, words: readonly string[],
 *   environment?: Record<string, string>, ports: readonly number[] }} what
 * @returns {Promise<number>} its process id
 */
export async function startPinned({ name, folder, processor, program, words, environment = {}, ports }) {
  const logPath = join(folder, `${name.replaceAll(/\W+/g, "-")}.log`);
  const log = openSync(logPath, "w");
  const child = spawn("taskset", ["--cpu-list", processor, program, ...words], {
    cwd: folder,
    stdio: ["ignore", log, log],
    env: { PATH: process.env.PATH, HOME: folder, LANG: "C.UTF-8", ...environment },
  });
  closeSync(log);
  children.push(child);
  const deadlineMs = performance.now() + startTimeoutMs;
  for (const port of ports) {
    while (!(await answers(port))) {
      const over = child.exitCode !== null || child.signalCode !== null || performance.now() > deadlineMs;
      if (over)
        throw new Error(readFileSync(logPath, "utf8").trim().split("\n").slice(-3).join(" ") || "it said nothing");
      await pause(20);
    }
  }
  return child.pid;
}

async function answers(port) {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Ends what was started here: those of these ids, or everything. */
export async function endProcesses(pids) {
  await Promise.all(
    children.map(async (child) => {
      if (pids !== undefined && !pids.includes(child.pid)) return;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), endTimeoutMs);
      await ended;
      clearTimeout(timer);
    }),
  );
}

function familyOf(pid) {
  try {
    const own = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
    return [pid, ...own.flatMap(familyOf)];
  } catch {
    return [];
  }
}

/** Processor time of a process and its children, microseconds. */
export function processorUs(pid) {
  for (let attempt = 0; ; attempt++) {
    try {
      return familyOf(pid).reduce((sum, member) => sum + ticksOf(member), 0) * tickUs;
    } catch (error) {
      // A child ended meanwhile: its time is its parent's now.
      if (attempt === 9 || error.code !== "ENOENT") throw error;
    }
  }
}

/** What it took itself, and what those of its children took that have ended. */
function ticksOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
}

/** Resident memory of a process and its children, MiB: pages that several of them share are counted in parts (proc(5), Pss). */
export function residentMib(pid) {
  let kib = 0;
  for (const member of familyOf(pid))
    kib += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${member}/smaps_rollup`, "utf8"))[1]);
  return kib / 1024;
}

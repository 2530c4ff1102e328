/**
 * @module Programs that hold ports, for tests that free them: started, awaited until they do, ended by their pid.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";

/** A program that runs until it is ended. */
export interface HolderProgram {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Next line of its output. */
  nextLine(): Promise<string>;
  /** Still there, and no zombie. */
  readonly isRunning: () => boolean;
  /** Resolves with the signal or status that ended it. */
  readonly ended: Promise<string>;
}

const running = new Set<HolderProgram>();

/** What every Python program here begins with: `hold(address, port)` makes a listening socket. */
const prelude = `
import os, signal, socket, sys, time
def hold(address, port, reuse_port=False, v6only=True, listen=True, kind=socket.SOCK_STREAM):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, kind)
    if kind == socket.SOCK_STREAM: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
    s.bind((address, port))
    if listen and kind == socket.SOCK_STREAM: s.listen()
    return s
def say(*words): print(*words, flush=True)
port = int(sys.argv[1])
`;

/** Starts a Python program with the port as its argument, and waits for its first line. */
export async function startHolder(
  code: string,
  port: number,
  options: { uid?: number; cwd?: string } = {},
): Promise<HolderProgram> {
  return startProgram("python3", ["-c", `${prelude}${code}`, String(port)], options);
}

/** Starts a program and waits for its first line. */
export async function startProgram(
  command: string,
  words: readonly string[],
  options: { uid?: number; cwd?: string; environment?: Record<string, string> } = {},
): Promise<HolderProgram> {
  const child = spawn(command, [...words], {
    stdio: ["ignore", "pipe", "inherit"],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    cwd: options.cwd ?? "/",
    env: { PATH: process.env["PATH"], ...options.environment },
  });
  const lines: Interface = createInterface({ input: child.stdout });
  const waiting: string[] = [];
  const readers: ((line: string) => void)[] = [];
  lines.on("line", (line) => {
    const reader = readers.shift();
    if (reader === undefined) waiting.push(line);
    else reader(line);
  });
  const ended = once(child, "exit").then(([code, signal]) => String(signal ?? code));
  const program: HolderProgram = {
    process: child,
    pid: child.pid!,
    nextLine: () => {
      const line = waiting.shift();
      return line === undefined ? new Promise((resolve) => readers.push(resolve)) : Promise.resolve(line);
    },
    isRunning: () => child.exitCode === null && child.signalCode === null,
    ended,
  };
  running.add(program);
  await Promise.race([
    program.nextLine(),
    ended.then((how) => {
      throw new Error(`The program ended before it was ready: ${how}`);
    }),
  ]);
  return program;
}

/** Ends every program that is left, and waits for its end. */
export async function endHolders(): Promise<void> {
  for (const program of running) {
    if (program.isRunning()) program.process.kill("SIGKILL");
    await program.ended;
  }
  running.clear();
}

/**
 * @module Runs one of the system's own programs and keeps what it prints, within limits of time and size. Never by a shell.
 */
import { PortolanError } from "../core/index.ts";

/** Most characters of a program's complaint that an error repeats. */
const longestComplaint = 500;

/** A program and its words. */
export interface CaptureRequest {
  readonly program: string;
  readonly words: readonly string[];
  /** Text for its standard input. Default: nothing. */
  readonly input?: string;
  /** Default 20,000. */
  readonly timeoutMs?: number;
  /** Most bytes that it may print. Default 256 MiB. */
  readonly limitBytes?: number;
  /** What to do when there is no such program. Default: the hint of READER_UNAVAILABLE. */
  readonly missingHint?: string;
  /** Stops it; what it has printed so far is given with `complete: false`. */
  readonly signal?: AbortSignal | undefined;
}

/** What it printed. */
export interface Captured {
  readonly output: Buffer;
  readonly complaint: string;
  /** `null` when it was stopped. */
  readonly exitStatus: number | null;
  /** False when it was stopped by the signal. */
  readonly complete: boolean;
}

const defaultTimeoutMs = 20_000;
const defaultLimitBytes = 1 << 28;
const longestErrorBytes = 1 << 16;

/** Months and messages in English, whatever the user's language: what is parsed must have one form. */
function childEnvironment(): NodeJS.ProcessEnv {
  if (process.platform === "win32") return process.env;
  return { ...process.env, LC_ALL: "C", LANG: "C", PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin` };
}

/**
 * Runs a program to its end.
 * @throws READER_UNAVAILABLE when there is no such program; HOST_READ_FAILED when it takes too long or prints too much
 */
export async function capture(request: CaptureRequest): Promise<Captured> {
  const { program, words, input, timeoutMs = defaultTimeoutMs, limitBytes = defaultLimitBytes, signal } = request;
  if (signal?.aborted === true) return { output: Buffer.alloc(0), complaint: "", exitStatus: null, complete: false };
  // Loaded when it is needed, because every start of the command would pay for it.
  const { spawn } = process.getBuiltinModule("node:child_process");
  return await new Promise((resolve, reject) => {
    const child = spawn(program, [...words], {
      stdio: ["pipe", "pipe", "pipe"],
      env: childEnvironment(),
      windowsHide: true,
    });
    const chunks: Buffer[] = [];
    const complaints: Buffer[] = [];
    let size = 0;
    let complaintSize = 0;
    let failure: PortolanError | undefined;
    let complete = true;
    function stop(): void {
      child.kill("SIGKILL");
      // A grandchild may keep the pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
    }
    const timer = setTimeout(() => {
      failure = new PortolanError("HOST_READ_FAILED", `${program} did not end within ${timeoutMs} ms.`, {
        details: { program, timeoutMs, hint: "Try again, or take another --reader." },
      });
      stop();
    }, timeoutMs);
    function abort(): void {
      complete = false;
      stop();
    }
    signal?.addEventListener("abort", abort, { once: true });
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limitBytes) {
        chunks.push(chunk);
        return;
      }
      failure ??= new PortolanError("HOST_READ_FAILED", `${program} printed more than ${limitBytes} bytes.`, {
        details: { program, limitBytes },
      });
      stop();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      complaintSize += chunk.length;
      if (complaintSize <= longestErrorBytes) complaints.push(chunk);
    });
    function settle(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
    child.once("error", (error) => {
      settle();
      reject(describeStartFailure(request, error));
    });
    child.once("close", (exitStatus) => {
      settle();
      if (failure !== undefined) {
        reject(failure);
        return;
      }
      const complaint = Buffer.concat(complaints).toString("utf8").trim().slice(0, longestComplaint);
      resolve({ output: Buffer.concat(chunks), complaint, exitStatus, complete });
    });
    // It may end before it has read everything, which its exit status tells.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input ?? "");
  });
}

/** Runs a program that answers at once; `undefined` when it cannot be run, fails, takes longer or prints more than 4 MiB. */
export function captureText(program: string, words: readonly string[], timeoutMs = 5000): string | undefined {
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { status, stdout, error } = spawnSync(program, [...words], {
    stdio: ["ignore", "pipe", "ignore"],
    env: childEnvironment(),
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    maxBuffer: 1 << 22,
    encoding: "utf8",
    windowsHide: true,
  });
  return error === undefined && status === 0 ? stdout : undefined;
}

function describeStartFailure({ program, missingHint }: CaptureRequest, error: Error): PortolanError {
  const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
  return new PortolanError(
    "READER_UNAVAILABLE",
    missing ? `There is no program ${program} here.` : `${program} could not be started: ${error.message}`,
    { details: { program, ...(missing && missingHint !== undefined ? { hint: missingHint } : {}) }, cause: error },
  );
}

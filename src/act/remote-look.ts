/**
 * @module Looks at another machine over ssh(1): one connection, arguments as a list, a constant remote command.
 */
import { spawn } from "node:child_process";
import { PortolanError, quote } from "../core/index.ts";
import { nodeScript, remoteCommand } from "./remote-scripts.ts";

/** Who to ask. */
export interface RemoteHost {
  /** `host` or `user@host`, as ssh takes it. */
  readonly destination: string;
  readonly port: number | null;
}

/** What came back: a snapshot's JSON, or records to be unpacked. */
export interface RemoteAnswer {
  readonly way: "snapshot" | "node" | "plain";
  readonly bytes: Buffer;
}

const largestAnswer = 256 * 1024 * 1024;
const connectSeconds = 15;
/** The whole look, milliseconds; a machine with thousands of processes and no Node takes a while. */
const patienceMs = 180_000;
const longestComplaint = 400;
/** From asking ssh to end until it is ended, milliseconds. */
const killAfterMs = 2000;

/**
 * Reads `[user@]host[:port]`, the host an IPv6 address in brackets or not.
 * @throws ARGUMENT_INVALID
 */
export function parseRemoteHost(text: string): RemoteHost {
  const match =
    /^(?:([A-Za-z0-9_.][A-Za-z0-9_.+-]*)@)?(\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[A-Za-z0-9_.][A-Za-z0-9_.-]*)(?::(\d{1,5}))?$/.exec(
      text,
    );
  const port = match?.[3] === undefined ? null : Number(match[3]);
  if (match === null || port === 0 || (port ?? 1) > 65_535) {
    throw new PortolanError("ARGUMENT_INVALID", `${quote(text)} is no host for ssh.`, {
      details: { argument: "from", given: text, hint: "Write ssh:host, ssh:user@host or ssh:user@host:port." },
    });
  }
  const host = match[2]!.replace(/^\[(.*)\]$/, "$1");
  return { destination: match[1] === undefined ? host : `${match[1]}@${host}`, port };
}

/**
 * Asks. ssh itself may ask for a password on the terminal.
 * @param environment PORTOLAN_SSH_CONFIG names a configuration file for ssh (its -F)
 * @throws REMOTE_FAILED with what ssh said; ABORTED
 */
export function lookRemotely(
  { destination, port }: RemoteHost,
  {
    signal,
    environment,
  }: { readonly signal: AbortSignal; readonly environment: Readonly<Record<string, string | undefined>> },
): Promise<RemoteAnswer> {
  const configuration = environment["PORTOLAN_SSH_CONFIG"];
  const words = [
    "-T",
    ...(configuration === undefined || configuration === "" ? [] : ["-F", configuration]),
    "-o",
    `ConnectTimeout=${connectSeconds}`,
    ...(port === null ? [] : ["-p", String(port)]),
    "--",
    destination,
    remoteCommand,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn("ssh", words, { stdio: ["pipe", "pipe", "pipe"], env: { ...environment } });
    const chunks: Buffer[] = [];
    let length = 0;
    let complaint = "";
    const end = (): void => {
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), killAfterMs).unref();
    };
    const timer = setTimeout(end, patienceMs);
    signal.addEventListener("abort", end, { once: true });
    const fail = (why: string, cause?: unknown): void => {
      clearTimeout(timer);
      reject(
        signal.aborted
          ? new PortolanError("ABORTED", `Looking at ${quote(destination)} was stopped.`)
          : new PortolanError("REMOTE_FAILED", `${quote(destination)}: ${why}`, { details: { destination }, cause }),
      );
    };
    child.once("error", (error: NodeJS.ErrnoException) => {
      fail(
        error.code === "ENOENT"
          ? "there is no program ssh on this machine."
          : `ssh failed (${error.code ?? error.message}).`,
        error,
      );
    });
    child.stdout.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > largestAnswer) end();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-longestComplaint);
    });
    // Whoever does not read the script has no use for it.
    child.stdin.on("error", () => undefined);
    child.stdin.end(nodeScript);
    let status: number | null = null;
    let waitsFor = 2;
    // Whoever else keeps its standard error open is not waited for.
    const finish = (): void => {
      waitsFor -= 1;
      if (waitsFor > 0) return;
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      child.stderr.destroy();
      const bytes = Buffer.concat(chunks);
      if (length > largestAnswer) return fail(`it answered with more than ${largestAnswer >> 20} MiB.`);
      const answer = readAnswer(bytes);
      if (answer !== undefined) return resolve(answer);
      const said = complaint.trim().split("\n").at(-1) ?? "";
      fail(said === "" ? `ssh ended with status ${status} and no answer.` : `ssh said ${quote(said)}`);
    };
    child.stdout.once("end", finish);
    child.once("exit", (code) => {
      status = code;
      finish();
    });
  });
}

/** The last of the ways that were tried; `undefined` when none came to its end. */
function readAnswer(bytes: Buffer): RemoteAnswer | undefined {
  for (const way of ["plain", "node", "snapshot"] as const) {
    const mark = `@${way}\n`;
    const at = bytes.indexOf(mark);
    // Records are of other machines' making: a mark in the middle of them stands behind a space.
    if (at < 0 || (at > 0 && bytes[at - 1] !== 10)) continue;
    const rest = bytes.subarray(at + mark.length);
    const ended =
      way === "snapshot"
        ? rest.indexOf("\n@failed\n") < 0 && rest.length > 0
        : rest.subarray(-6).toString() === "@end\n".padStart(6, "\n");
    return ended ? { way, bytes: rest } : undefined;
  }
  return undefined;
}

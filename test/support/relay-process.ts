/**
 * @module `portolan forward` in a process of its own, and what that process holds.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { listRelays, type RelayCounts } from "../../src/gateway/index.ts";
import { commandPath } from "./run-command.ts";

const probePath = fileURLToPath(new URL("gateway-probe.mjs", import.meta.url));

/** A relay's process and its state folder. */
export interface RelayProcess {
  readonly folder: string;
  readonly child: ChildProcess;
  /** Where it listens, in the order of its words. */
  readonly ports: readonly number[];
  /** What it says of its relays, at its control socket. */
  counts(): Promise<RelayCounts[]>;
  /** What it holds once its garbage is collected: file descriptors, bytes outside of the heap, and what is open by Node's names. */
  holds(): Promise<{ descriptors: number; outsideBytes: number; resources: Readonly<Record<string, number>> }>;
  /** Ends it as Ctrl-C does. @returns its last line */
  stop(): Promise<unknown>;
  close(): Promise<void>;
}

/** Starts `portolan WORDS --json` and waits until it listens. */
export async function startRelayProcess(words: readonly string[]): Promise<RelayProcess> {
  const folder = mkdtempSync(join(tmpdir(), "prp-"));
  const child = spawn(process.execPath, [commandPath, ...words, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      PORTOLAN_STATE_HOME: folder,
      GATEWAY_PROBE: folder,
      NODE_OPTIONS: `--import=${probePath}`,
    },
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = once(child, "close");
  const lines = createInterface({ input: child.stdout });
  let last = "";
  lines.on("line", (line) => (last = line));
  const [first] = (await Promise.race([
    once(lines, "line"),
    ended.then(() => Promise.reject(new Error(`The relay did not start: ${said}`))),
  ])) as [string];
  const { forwards } = JSON.parse(first) as { forwards: { listen: { port: number } }[] };
  return {
    folder,
    child,
    ports: forwards.map(({ listen }) => listen.port),
    counts: async () => (await listRelays(folder)).flatMap(({ relays }) => relays.map(({ counts }) => counts)),
    holds: () => readHoldings(folder, child.pid!),
    stop: async () => {
      child.kill("SIGINT");
      await ended;
      return JSON.parse(last);
    },
    close: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function readHoldings(folder: string, pid: number): ReturnType<RelayProcess["holds"]> {
  const socket = connect(join(folder, `probe-${pid}.sock`));
  let text = "";
  for await (const part of socket.setEncoding("utf8")) text += part as string;
  const told = JSON.parse(text) as { external: number; resources: Record<string, number> };
  // Its control socket, and whoever asks there.
  const { PipeWrap: _asking, ...resources } = told.resources;
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    outsideBytes: told.external,
    resources,
  };
}

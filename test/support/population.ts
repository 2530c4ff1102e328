/**
 * @module Thousands of real sockets of every kind in many processes, with the truth about who holds which.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { NetworkNamespace } from "./netns.ts";

const program = fileURLToPath(new URL("population/population.py", import.meta.url));

/** How many of what. */
export interface PopulationPlan {
  /** Listening sockets, TCP and UDP; at least two for each process, at most 20,000. Default 2,000. */
  readonly listeners?: number;
  /** Processes that hold them, at most 200. Default 50. */
  readonly processes?: number;
  /** Established connections whose both ends are here. Default 20,000. */
  readonly pairs?: number;
  /** Sockets in TIME_WAIT, which live for 60 s. Default 0. */
  readonly timeWait?: number;
  /** Where to open them. Default: the namespace of this process. */
  readonly namespace?: NetworkNamespace;
  /** Program file, for callers that are bundled into another folder. */
  readonly programPath?: string;
}

/** A listening socket as it was opened. */
export interface TrueListener {
  readonly transport: "tcp" | "udp";
  readonly family: "ipv4" | "ipv6";
  readonly address: string;
  readonly port: number;
  readonly v6only: boolean | null;
  readonly inode: number;
  /** In order of pid. */
  readonly holders: readonly { readonly pid: number; readonly fileDescriptors: readonly number[] }[];
}

/** What stands, and how to end it. */
export interface Population {
  readonly listeners: readonly TrueListener[];
  /** Each connection has exactly one of these ports at one end, and both its ends are held by that process alone. */
  readonly hubs: readonly { readonly pid: number; readonly port: number }[];
  /** The processes that hold sockets. */
  readonly pids: readonly number[];
  /** Opens what is missing of `timeWait` again, and resolves with how many there are. */
  topUpTimeWait(): Promise<number>;
  /** Ends every process of it and waits for that. Safe to call twice. */
  stop(): Promise<void>;
}

type Told = Pick<Population, "listeners" | "hubs" | "pids">;

/** Resolves when every socket stands. */
export async function startPopulation(plan: PopulationPlan = {}): Promise<Population> {
  const { listeners = 2000, processes = 50, pairs = 20_000, timeWait = 0, namespace } = plan;
  const words = [plan.programPath ?? program, JSON.stringify({ listeners, processes, pairs, timeWait })];
  // Debian's own Python, not one that a version manager puts first in PATH.
  const python = "/usr/bin/python3";
  const child =
    namespace === undefined
      ? spawn(python, words, { stdio: ["pipe", "pipe", "inherit"] })
      : namespace.spawnIn(python, words, { stdio: ["pipe", "pipe", "inherit"] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("the population has no pipes");
  const ended = once(child, "exit");
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  stdin.on("error", () => undefined); // Its end is told by `exit`.

  async function readAnswer(): Promise<unknown> {
    const line = await lines.next();
    if (line.done === true) throw new Error(`the population ended early: ${String(await ended)}`);
    return JSON.parse(line.value);
  }

  const told = (await readAnswer()) as Told;
  return {
    listeners: told.listeners,
    hubs: told.hubs,
    pids: told.pids,
    async topUpTimeWait() {
      stdin.write("top up\n");
      return ((await readAnswer()) as { timeWait: number }).timeWait;
    },
    async stop() {
      // Its processes end when their first one closes its pipes, and that one waits for them.
      stdin.end();
      await ended;
    },
  };
}

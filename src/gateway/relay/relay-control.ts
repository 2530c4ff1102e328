/**
 * @module Asking the relays of a user: each process that has some listens at a socket of its own, `relays/PID.sock` in the state folder.
 */
import { readdirSync, rmSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { RelayCounts } from "./relay-counts.ts";
import type { RelayPlace, RelayTrace, RelayWish } from "./relay-wish.ts";

/** One relay of a process. */
export interface RelayStatus {
  readonly wish: RelayWish;
  /** Where it listens: the wished port, or the one that it got for 0. */
  readonly place: RelayPlace;
  readonly counts: RelayCounts;
}

/** What a process with relays says of itself. */
export interface RelayProcessStatus {
  readonly pid: number;
  readonly version: string;
  readonly startedAtMs: number;
  readonly workingDirectory: string;
  readonly relays: readonly RelayStatus[];
}

/** Longest time for an answer, milliseconds. Who does not answer is left out. */
const answerTimeoutMs = 5000;
/** Time between two looks for relays that have come meanwhile, milliseconds. */
const lookMs = 500;

/** Where the relays of a user listen for questions. */
export function relaysFolder(stateFolder: string): string {
  return join(stateFolder, "relays");
}

/** Every process with relays that runs, lowest pid first. Sockets at which nobody listens any more are removed. */
export async function listRelays(stateFolder: string): Promise<readonly RelayProcessStatus[]> {
  const found = await Promise.all(socketsOf(stateFolder).map(({ path }) => askStatus(path)));
  return found.filter((status) => status !== null).sort((one, other) => one.pid - other.pid);
}

/**
 * Every connection of every relay when it has ended, of those that come meanwhile too, until the signal aborts or `goesOn` says that nobody
 * waits any more once the last one has ended.
 */
export async function* followRelays(
  stateFolder: string,
  signal: AbortSignal,
  goesOn: () => boolean,
): AsyncGenerator<RelayTrace, void, void> {
  const followed = new Map<string, Socket>();
  const told: RelayTrace[] = [];
  let wake: () => void = () => undefined;
  const follow = async (): Promise<void> => {
    for (const { path } of socketsOf(stateFolder)) {
      if (followed.has(path)) continue;
      const socket = await openSocket(path);
      if (socket === null) continue;
      followed.set(path, socket);
      socket.once("close", () => {
        followed.delete(path);
        wake();
      });
      socket.write(`${JSON.stringify({ do: "trace" })}\n`);
      const lines = createInterface({ input: socket });
      lines.on("error", () => socket.destroy());
      lines.on("line", (line) => {
        const { trace } = readLine(line) as { trace?: RelayTrace };
        if (trace !== undefined) told.push(trace);
        wake();
      });
    }
  };
  const onAbort = (): void => wake();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    while (!signal.aborted) {
      await follow();
      yield* told.splice(0);
      if (followed.size === 0 && !goesOn()) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, lookMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        if (told.length > 0 || signal.aborted) wake();
      });
      yield* told.splice(0);
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    for (const socket of followed.values()) socket.destroy();
  }
}

function readLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return {};
  }
}

interface ControlSocket {
  readonly path: string;
}

function socketsOf(stateFolder: string): readonly ControlSocket[] {
  const folder = relaysFolder(stateFolder);
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+\.sock$/.test(name))
      .map((name) => ({ path: join(folder, name) }));
  } catch {
    // There is none, or it is another user's.
    return [];
  }
}

/** `null` when nobody listens there; what a process that was killed left behind is removed. */
function openSocket(path: string): Promise<Socket | null> {
  const before = numberOf(path);
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      socket.on("error", () => socket.destroy());
      resolve(socket);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      // Another process of that number may have put its own there meanwhile.
      if (error.code === "ECONNREFUSED" && before !== null && numberOf(path) === before) remove(path);
      resolve(null);
    });
  });
}

/** Number of the file of a socket; `null` for anything else, and for what may not be looked at. */
function numberOf(path: string): number | null {
  try {
    const file = statSync(path, { throwIfNoEntry: false });
    return file?.isSocket() === true ? file.ino : null;
  } catch {
    return null;
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder may not be written: it stays, and is in nobody's way.
  }
}

async function askStatus(path: string): Promise<RelayProcessStatus | null> {
  const socket = await openSocket(path);
  if (socket === null) return null;
  socket.setTimeout(answerTimeoutMs, () => socket.destroy());
  socket.write(`${JSON.stringify({ do: "status" })}\n`);
  const lines = createInterface({ input: socket });
  socket.once("close", () => lines.close());
  try {
    for await (const line of lines) {
      const answer = readLine(line) as Partial<RelayProcessStatus> & { error?: string };
      return answer.relays === undefined ? null : (answer as RelayProcessStatus);
    }
    return null;
  } finally {
    socket.destroy();
  }
}

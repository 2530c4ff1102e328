/**
 * @module One application's life within a project that is up: it waits for others, starts, says where it listens, and starts again when it may.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  readLines,
  readProcessIdentity,
  requestStatus,
  startApp,
  type AppProcess,
  type FamilyLeader,
} from "../act/index.ts";
import { PortolanError, formatDuration, linkAbort, type Port } from "../core/index.ts";
import { watchForListener } from "../gateway/index.ts";
import type { Host } from "../host/host.ts";
import type { AcquiredPort } from "../lease/index.ts";
import type { PlannedApp } from "../project/index.ts";
import type { NamedApp } from "./named-app.ts";
import type { UpEvent, UpResult } from "./up-schemas.ts";

/** What starts a program. */
export interface AppCommand {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Program whose words were completed by its port. */
  readonly told: string | null;
}

/** What an application needs of its project. */
export interface House {
  readonly host: Host;
  /** Aborts when all are to end. */
  readonly ending: AbortSignal;
  readonly tell: (event: UpEvent) => boolean;
  /** The applications that one comes after. */
  readonly needsOf: (app: PlannedApp) => readonly AppLife[];
  readonly commandOf: (app: AppLife) => AppCommand;
  /** Has it written down that a program runs. */
  readonly onStarted: () => Promise<void>;
  readonly onFailed: (name: string, exitStatus: number) => void;
  /** Ends what a program that is started again has left behind. */
  readonly clearAway: (app: AppLife) => Promise<void>;
}

/** Whom another application waits for is ready by then, milliseconds. */
const usualReadyTimeoutMs = 60_000;
/** Restarts in a row, and the pause before the first of them, milliseconds; each later one is twice as long. */
const mostRestarts = 5;
const firstPauseMs = 500;
/** Who has run for so long has not failed to start: its restarts are counted anew, milliseconds. */
const steadyMs = 60_000;
/** What a program that has ended said is waited for no longer, milliseconds: another that it started may keep the pipe open for good. */
const lastWordsMs = 500;
/** How long one question by HTTP may take, and the time between two, milliseconds. */
const askTimeoutMs = 5000;
const askPaceMs = 100;

/** How a program ended. */
interface AppEnd {
  readonly pid: number;
  readonly exitStatus: number;
  readonly signal: NodeJS.Signals | null;
}

/** An application, and what has become of it. */
export class AppLife {
  readonly planned: PlannedApp;
  /** What tells all that it starts from other processes. */
  readonly mark: string;
  acquired: AcquiredPort | null = null;
  /** Where it listens: at its own port, or at the one that it took. */
  port: Port | null = null;
  named: NamedApp | null = null;
  /** Its process, now or last. */
  leader: FamilyLeader | null = null;
  /** The process that is being started in this moment. */
  starting: Promise<AppProcess> | null = null;
  state: UpResult["apps"][number]["state"] = "not-started";
  end: AppEnd | null = null;
  restarts = 0;
  readonly #house: House;
  readonly #readyTimeoutMs: number | null;
  /** Settled once: whether it became ready. */
  readonly #ready: Promise<boolean>;
  #settle = (_ready: boolean): void => undefined;
  #isReady = false;
  #readers: readonly ReturnType<typeof readLines>[] = [];

  /** @param awaited another waits for it */
  constructor(planned: PlannedApp, awaited: boolean, mark: string, house: House) {
    this.planned = planned;
    this.mark = mark;
    this.#house = house;
    const usual = awaited && planned.ready.by !== "exit" ? usualReadyTimeoutMs : null;
    this.#readyTimeoutMs = planned.readyTimeoutMs ?? usual;
    this.#ready = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get name(): string {
    return this.planned.name;
  }

  get urls(): string[] {
    return [...(this.named?.urls ?? [])];
  }

  /** It has a process that has not ended. */
  get runs(): boolean {
    return this.leader !== null && this.end === null;
  }

  /** Goes on reading what it says. */
  resume(): void {
    for (const reader of this.#readers) reader.resume();
  }

  /** Until it has ended for good. */
  async live(): Promise<void> {
    try {
      if (await this.#untilNeeded()) await this.#runUntilDone();
    } finally {
      this.#settle(false);
    }
  }

  /** Waits for what it said last. */
  async lastWords(): Promise<void> {
    await atMost(Promise.all(this.#readers.map(({ ended }) => ended)), lastWordsMs);
  }

  /** True when all that come before are ready; false when one of them never will be, or all are to end. */
  async #untilNeeded(): Promise<boolean> {
    const { ending, tell, needsOf, onFailed } = this.#house;
    const needs = needsOf(this.planned);
    const missing = needs.filter((need) => !need.#isReady).map(({ name }) => name);
    if (missing.length > 0) tell({ kind: "waiting", app: this.name, for: missing });
    for (const need of needs) {
      const isReady = await Promise.race([need.#ready, untilAborted(ending)]);
      if (ending.aborted) return false;
      if (isReady === true) continue;
      this.#say(`is not started: ${need.name} was never ready.`);
      onFailed(need.name, need.end?.exitStatus === 0 ? 1 : (need.end?.exitStatus ?? 1));
      return false;
    }
    return true;
  }

  async #runUntilDone(): Promise<void> {
    const { ending, tell, clearAway } = this.#house;
    for (let inRow = 0; !ending.aborted; inRow += 1) {
      const startedMs = performance.now();
      const end = await this.#runOnce(startedMs);
      if (end === null) return;
      if (performance.now() - startedMs >= steadyMs) inRow = 0;
      const failed = end.exitStatus !== 0 && !ending.aborted;
      const again = failed && this.planned.restart === "on-failure" && inRow < mostRestarts;
      const restartInMs = again ? firstPauseMs * 2 ** inRow : null;
      tell({ kind: "ended", app: this.name, ...end, restartInMs });
      if (ending.aborted) return;
      if (restartInMs === null) {
        this.state = failed ? "failed" : "ended";
        if (failed) this.#fail(end.exitStatus);
        else if (this.planned.ready.by === "exit") this.#markReady(startedMs);
        return;
      }
      await clearAway(this);
      await pause(restartInMs, undefined, { signal: ending }).catch(() => undefined);
      if (!ending.aborted) this.restarts += 1;
    }
  }

  /** Starts it and waits for its end; `null` when it could not be started. */
  async #runOnce(startedMs: number): Promise<AppEnd | null> {
    const { tell, commandOf, onStarted } = this.#house;
    const { words, environment, told } = commandOf(this);
    let child: AppProcess;
    try {
      this.starting = startApp({ words, environment, workingDirectory: this.planned.directory });
      child = await this.starting;
    } catch (error) {
      // Its program was there a moment ago.
      this.#say((error as Error).message);
      this.state = "failed";
      this.#fail(error instanceof PortolanError ? error.exitStatus : 1);
      return null;
    } finally {
      this.starting = null;
    }
    const { pid } = child;
    this.leader = { pid, identity: readProcessIdentity(pid) ?? null };
    this.end = null;
    // Unless it ends by itself.
    this.state = "stopped";
    tell({ kind: "starting", app: this.name, pid, port: this.port, told, attempt: this.restarts });
    this.#readers = [this.#read(child, "stdout"), this.#read(child, "stderr")];
    await onStarted();
    await this.named?.belongsTo(pid);
    const watching = this.#watch(child, startedMs);
    const { exitStatus, signal } = await child.ended;
    this.end = { pid, exitStatus, signal };
    await this.lastWords();
    await watching;
    return this.end;
  }

  #read(child: AppProcess, stream: "stdout" | "stderr"): ReturnType<typeof readLines> {
    return readLines(stream === "stdout" ? child.output : child.errors, ({ text, continued }) =>
      this.#house.tell({ kind: "line", app: this.name, stream, text, continued }),
    );
  }

  /** Says where it listens and that it is ready, or that it is too late. */
  async #watch(child: AppProcess, startedMs: number): Promise<void> {
    const { ready } = this.planned;
    if (ready.by === "started") this.#markReady(startedMs);
    const linked = linkAbort(this.#house.ending);
    void child.ended.then(linked.abort);
    const timeoutMs = this.#isReady ? null : this.#readyTimeoutMs;
    const timer = timeoutMs === null ? undefined : setTimeout(() => this.#tooLate(timeoutMs), timeoutMs);
    try {
      const port = await this.#untilListening(child.pid, linked.signal);
      if (port === null || (ready.by === "http" && !(await this.#untilAnswers(port, ready.path, linked.signal))))
        return;
      if (ready.by !== "exit") this.#markReady(startedMs);
    } finally {
      // One that is ready when it ends can still be too late.
      if (ready.by === "exit") await untilAborted(linked.signal);
      clearTimeout(timer);
      linked.release();
    }
  }

  async #untilListening(pid: number, signal: AbortSignal): Promise<Port | null> {
    if (this.port === null || (this.planned.ready.by === "exit" && this.named === null)) return null;
    const found = await watchForListener(this.port, pid, this.#house.host, signal);
    if (found === null) return null;
    const { port, host, expected } = found;
    if (!expected || host !== "localhost") {
      this.port = port;
      await this.named?.leadTo(port, host);
    }
    this.#house.tell({ kind: "listening", app: this.name, port, expected, urls: this.urls });
    return port;
  }

  /** Asks until the answer tells of no failure. */
  async #untilAnswers(port: Port, path: string, signal: AbortSignal): Promise<boolean> {
    const secure = this.planned.protocol === "https";
    while (!signal.aborted) {
      for (const address of ["127.0.0.1", "::1"]) {
        const url = { secure, address, host: `localhost:${port}`, port, path };
        const status = await requestStatus(url, { signal, timeoutMs: askTimeoutMs });
        if (typeof status === "number" && status < 400) return true;
      }
      await pause(askPaceMs, undefined, { signal }).catch(() => undefined);
    }
    return false;
  }

  #markReady(startedMs: number): void {
    if (this.#isReady) return;
    this.#isReady = true;
    const elapsedMs = Math.round(performance.now() - startedMs);
    this.#house.tell({ kind: "ready", app: this.name, how: this.planned.ready.by, elapsedMs, urls: this.urls });
    this.#settle(true);
  }

  #tooLate(timeoutMs: number): void {
    if (this.#isReady) return;
    const { ready } = this.planned;
    const what =
      ready.by === "exit"
        ? "has not ended"
        : ready.by === "http"
          ? `does not answer at ${ready.path}`
          : `does not listen at port ${this.port}`;
    this.#say(`${what} after ${formatDuration(timeoutMs)}.`);
    this.#fail(1);
  }

  #fail(exitStatus: number): void {
    this.#settle(false);
    this.#house.onFailed(this.name, exitStatus);
  }

  #say(text: string): void {
    this.#house.tell({ kind: "said", app: this.name, text });
  }
}

/** Resolves with nothing when the signal aborts. */
export function untilAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

/** Waits for the work, but no longer than that. */
async function atMost(work: Promise<unknown>, timeMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeMs);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

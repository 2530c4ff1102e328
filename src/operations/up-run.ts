/**
 * @module A project that runs: ports and names of all taken first, applications looked after, everything ended together.
 */
import {
  endFamily,
  listFamily,
  listenForEndSignals,
  readProcessIdentity,
  requireProgram,
  signalFamily,
  type Family,
} from "../act/index.ts";
import { givePort, routeName, variablesForNode } from "../gateway/index.ts";
import {
  environmentOf,
  familyOf,
  markVariable,
  recordPathOf,
  removeUpRecord,
  startGuard,
  wordsOf,
  writeUpRecord,
  type Guard,
  type ProjectFile,
  type ProjectPlan,
} from "../project/index.ts";
import { stateFolderOf } from "../store/index.ts";
import { readScripts } from "../tenant/index.ts";
import type { OperationContext } from "./operation.ts";
import type { PacedChannel } from "./paced-stream.ts";
import { atCommand, neighbourVariables, takeName, takePort, type LeaseHome } from "./up-app.ts";
import { AppLife, untilAborted, type AppCommand, type House } from "./up-life.ts";
import { describePlan, describeResult } from "./up-results.ts";
import { HeldRoutes } from "./up-routes.ts";
import type { UpEvent, UpResult } from "./up-schemas.ts";

/** How a project is to run. */
export interface RunWish {
  readonly keepGoing: boolean;
  readonly force: boolean;
  readonly graceMs: number;
  /** This process is to listen for signals itself. */
  readonly ownsSignals: boolean;
}

/** Variables that are about one application. */
const ownVariables = ["PORTOLAN_NAME", "PORTOLAN_URL", "PORTOLAN_PLAIN_URL", "PORT"] as const;
/** What a program that is started again has left behind gets this time to end, milliseconds. */
const leftoverGraceMs = 2000;
/** Signals so soon after the first are the same wish: npm passes Ctrl-C on to what has got it from the terminal already. Milliseconds. */
const sameWishMs = 400;
/** Exit status after a second Ctrl-C (128 + SIGINT). */
const interruptedStatus = 130;

/** Runs a project from its first port to its last process. */
export class ProjectRun {
  readonly #file: ProjectFile;
  readonly #plan: ProjectPlan;
  readonly #wish: RunWish;
  readonly #context: OperationContext;
  readonly #channel: PacedChannel<UpEvent>;
  readonly #stateFolder: string;
  readonly #recordPath: string;
  readonly #startedAtMs: number;
  readonly #apps: readonly AppLife[];
  readonly #held: HeldRoutes;
  /** Aborts when all are to end. */
  readonly #ending = new AbortController();
  /** Aborts when nothing is waited for any more. */
  readonly #hurry = new AbortController();
  #guard: Guard | null = null;
  #recording: Promise<void> = Promise.resolve();
  #stoppedBy: string | null = null;
  #firstSignal: NodeJS.Signals = "SIGTERM";
  #exitStatus: number | null = null;

  constructor(
    file: ProjectFile,
    plan: ProjectPlan,
    wish: RunWish,
    context: OperationContext,
    channel: PacedChannel<UpEvent>,
  ) {
    this.#file = file;
    this.#plan = plan;
    this.#wish = wish;
    this.#context = context;
    this.#channel = channel;
    this.#startedAtMs = context.nowMs();
    this.#stateFolder = stateFolderOf(context.environment);
    this.#recordPath = recordPathOf(this.#stateFolder, file.folder, process.pid);
    this.#held = new HeldRoutes(this.#stateFolder, file, wish.force);
    const token = `${process.pid}.${this.#startedAtMs.toString(36)}`;
    const awaited = new Set(plan.apps.flatMap(({ after }) => after));
    const house = this.#house();
    this.#apps = plan.apps.map(
      (planned) => new AppLife(planned, awaited.has(planned.name), `${token}.${planned.name}`, house),
    );
  }

  /**
   * @throws before anything has started: PORT_TAKEN, PORTS_EXHAUSTED, ROUTE_TAKEN, GATEWAY_FAILED, COMMAND_NOT_FOUND, COMMAND_NOT_STARTED,
   * PROJECT_FILE_INVALID, STORE_FAILED, LEASE_STORE_FAILED, ABORTED
   */
  async run(home: LeaseHome, signal: AbortSignal): Promise<UpResult> {
    // Until this process ends: a signal while the last is told is no reason to end otherwise.
    if (this.#wish.ownsSignals) this.#listen();
    const onAbort = (): void => this.#stop("abort", "SIGTERM");
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    try {
      await this.#prepare(home);
      return await this.#runAll();
    } finally {
      signal.removeEventListener("abort", onAbort);
      await this.#giveBack();
    }
  }

  #house(): House {
    return {
      host: this.#context.host,
      ending: this.#ending.signal,
      tell: this.#channel.tell,
      needsOf: ({ after }) => this.#apps.filter(({ name }) => after.includes(name)),
      commandOf: (app) => this.#commandOf(app),
      onStarted: () => this.#record(),
      onFailed: (name, exitStatus) => {
        this.#exitStatus ??= exitStatus;
        if (!this.#wish.keepGoing) this.#stop(name, "SIGTERM");
      },
      clearAway: async (app) => {
        // Meanwhile its name is kept for it.
        await app.named?.belongsTo(process.pid);
        await endFamily(await this.#familyOf([app]), {
          signal: "SIGTERM",
          graceMs: leftoverGraceMs,
          hurry: this.#ending.signal,
        });
      },
    };
  }

  #listen(): void {
    let firstMs: number | undefined;
    listenForEndSignals({
      onEnd: (signal) => {
        firstMs ??= performance.now();
        // Somebody means it.
        if (performance.now() - firstMs > sameWishMs) this.#hurry.abort();
        this.#stop(signal, signal);
      },
      onStop: () => signalFamily(this.#groupsOf(this.#apps), "SIGSTOP"),
      onContinue: () => signalFamily(this.#groupsOf(this.#apps), "SIGCONT"),
    });
  }

  /** Ports and names of all, and everything that can be wrong with a command. */
  async #prepare(home: LeaseHome): Promise<void> {
    for (const app of this.#apps) {
      app.acquired = await takePort(app.planned, home, this.#context);
      app.port = app.acquired?.port ?? null;
    }
    for (const app of this.#apps) app.named = await takeName(app.planned, app.port, this.#wish.force, this.#context);
    await this.#held.take(this.#context);
    for (const app of this.#apps) {
      const { words, environment } = this.#commandOf(app);
      try {
        requireProgram(words[0]!, { environment, workingDirectory: app.planned.directory });
      } catch (error) {
        throw atCommand(this.#file, app.planned, error);
      }
    }
    await this.#record();
    this.#guard = startGuard(this.#recordPath, this.#context.environment);
    this.#channel.onCaughtUp(() => {
      for (const app of this.#apps) app.resume();
    });
  }

  async #runAll(): Promise<UpResult> {
    this.#channel.tell({ kind: "plan", ...describePlan(this.#file, this.#plan, this.#apps) });
    const all = Promise.all(this.#apps.map((app) => app.live()));
    // Whatever goes wrong with one is told when the others have ended.
    all.catch(() => this.#stop("failure", "SIGTERM"));
    await Promise.race([all.catch(() => undefined), untilAborted(this.#ending.signal)]);
    const left = await this.#endAll();
    await all;
    await Promise.all(this.#apps.map((app) => app.lastWords()));
    return describeResult(this.#file, this.#plan, this.#apps, {
      stoppedBy: this.#stoppedBy,
      exitStatus: this.#exitStatus ?? (this.#hurry.signal.aborted ? interruptedStatus : 0),
      left,
    });
  }

  /** The first reason counts. */
  #stop(by: string, signal: NodeJS.Signals): void {
    if (this.#ending.signal.aborted) return;
    this.#stoppedBy = by;
    this.#firstSignal = signal;
    if (this.#apps.some(({ runs }) => runs)) this.#channel.tell({ kind: "stopping", by, signal });
    this.#ending.abort();
  }

  /** Ends everything. @returns what could not be ended */
  async #endAll(): Promise<readonly number[]> {
    // What is being started in this moment is to end as well.
    for (const app of this.#apps) await app.starting?.catch(() => undefined);
    const family = await this.#familyOf(this.#apps);
    if (family.leaders.length === 0 || listFamily(family).length === 0) return [];
    return endFamily(family, {
      signal: this.#firstSignal,
      graceMs: this.#wish.graceMs,
      hurry: this.#hurry.signal,
    });
  }

  /** What starts a program, with the ports as they are now. */
  #commandOf({ planned, acquired, named, mark }: AppLife): AppCommand {
    const caller: Record<string, string | undefined> = { ...this.#context.environment };
    // What another run or up has told this process is about somebody else.
    for (const name of ownVariables) delete caller[name];
    const given: Record<string, string> = {
      // One without a name may well ask those that have one.
      ...variablesForNode(this.#stateFolder, this.#context.environment),
      ...named?.environment,
      [markVariable]: mark,
    };
    for (const other of this.#apps) Object.assign(given, neighbourVariables(other.planned, other.port, other.named));
    if (acquired !== null) given["PORT"] = String(acquired.port);
    // Their output is a pipe, but what they colour is seen on a terminal.
    const colored = this.#context.terminal?.().color === true;
    if (colored && caller["NO_COLOR"] === undefined && caller["FORCE_COLOR"] === undefined) given["FORCE_COLOR"] = "1";
    const environment = environmentOf(this.#file, planned, caller, given);
    const words = wordsOf(this.#file, planned, environment);
    if (!planned.flags || planned.shell || acquired === null) return { words, environment, told: null };
    const scripts = readScripts(planned.directory);
    const completed = givePort(words, acquired.port, (name) =>
      Object.hasOwn(scripts, name) ? scripts[name] : undefined,
    );
    return { words: completed.words, environment, told: completed.program };
  }

  #groupsOf(apps: readonly AppLife[]): Family {
    return {
      leaders: apps.flatMap(({ leader }) => leader ?? []),
      marks: apps.map(({ mark }) => `${markVariable}=${mark}`),
      spared: [],
    };
  }

  async #familyOf(apps: readonly AppLife[]): Promise<Family> {
    const family = await familyOf(this.#stateFolder, this.#groupsOf(apps));
    return this.#guard === null ? family : { ...family, spared: [...family.spared, this.#guard.pid] };
  }

  /** Writes down what there is, after what was written before. */
  #record(): Promise<void> {
    const write = (): Promise<void> =>
      writeUpRecord(this.#recordPath, {
        pid: process.pid,
        identity: readProcessIdentity(process.pid) ?? null,
        folder: this.#file.folder,
        file: this.#file.path,
        startedAtMs: this.#startedAtMs,
        names: this.#apps.map(({ name }) => name),
        marks: this.#groupsOf(this.#apps).marks,
        apps: this.#apps.flatMap(({ name, leader }) => (leader === null ? [] : [{ name, ...leader }])),
        routes: [
          ...this.#apps.flatMap(({ named }) => (named === null ? [] : [routeName(named.place)])),
          ...this.#held.names,
        ],
      });
    this.#recording = this.#recording.then(write, write);
    return this.#recording;
  }

  async #giveBack(): Promise<void> {
    for (const { state, end, named, acquired } of this.#apps) {
      // The name of one that failed stays and tells how.
      await named?.end(state === "failed" && end !== null ? end : undefined);
      acquired?.lock.release();
    }
    await this.#held.giveBack();
    await this.#recording.catch(() => undefined);
    removeUpRecord(this.#recordPath);
    this.#guard?.release();
  }
}

/**
 * @module `watch` on a terminal: events change the model, keys change what is shown, and a frame follows, ten times a second at most.
 */
import { hostname } from "node:os";
import type { ReadStream, WriteStream } from "node:tty";
import { openInBrowser } from "../../act/index.ts";
import { isPortolanError, linkAbort } from "../../core/index.ts";
import type { OperationContext } from "../../operations/operation.ts";
import { runWatch, type WatchInput, type WatchResult } from "../../operations/watch.ts";
import { connectionLines, doorLines, outcomeText, proposalLines } from "./door.ts";
import { leastRowsForBuilding, paintFrame, type Mode } from "./frame.ts";
import { KeyReader, type Key } from "./keys.ts";
import { Model, sortKeys, type Row } from "./model.ts";
import { Surface } from "./surface.ts";

/** Shortest time between two frames, milliseconds. */
const frameMs = 100;
/** A lone Escape is one when nothing has followed it for so long, milliseconds. */
const escapeMs = 60;
const followMs = 1000;
/** How long a word for the reader stays, milliseconds. */
const noteMs = 6000;

/** Shows the live table until the reader leaves it. */
export async function openScreen(input: WatchInput, context: OperationContext): Promise<WatchResult> {
  const linked = linkAbort(context.signal);
  const screen = new Screen({ ...context, signal: linked.signal }, () => linked.abort());
  const { faces, ...others } = context;
  void faces;
  screen.start();
  try {
    const events = runWatch(input, { ...others, signal: linked.signal });
    for (;;) {
      const step = await events.next();
      if (step.done === true) return step.value;
      screen.take(step.value);
    }
  } finally {
    linked.abort();
    screen.stop();
  }
}

class Screen {
  readonly #context: OperationContext;
  readonly #leave: () => void;
  readonly #surface: Surface;
  readonly #model = new Model();
  readonly #keys = new KeyReader();
  readonly #host = hostname();
  readonly #color: boolean;
  #mode: Mode = { kind: "table" };
  /** What an answer of y does. */
  #onYes: (() => Promise<void>) | null = null;
  #note: { readonly text: string; readonly untilMs: number } | null = null;
  #building = true;
  #paused = false;
  #top = 0;
  #tableRows = 10;
  #nextFrameMs = 0;
  #frameTimer: NodeJS.Timeout | undefined;
  #escapeTimer: NodeJS.Timeout | undefined;
  #followTimer: NodeJS.Timeout | undefined;
  #clockTimer: NodeJS.Timeout | undefined;

  constructor(context: OperationContext, leave: () => void) {
    this.#context = context;
    this.#leave = leave;
    this.#color = context.terminal?.().color ?? false;
    this.#surface = new Surface(process.stdin as ReadStream, process.stdout as WriteStream);
  }

  start(): void {
    process.stdin.setEncoding("utf8");
    process.stdin.on("data", this.#onData);
    process.stdin.once("end", this.#leave);
    process.stdin.on("error", this.#leave);
    process.stdout.on("error", this.#leave);
    process.stdout.on("resize", this.#onResize);
    process.on("SIGHUP", this.#leave);
    process.on("SIGTSTP", this.#onSuspend);
    process.on("SIGCONT", this.#onContinue);
    // Whatever ends the process, the terminal is given back; writing to a terminal is synchronous.
    process.on("exit", this.#onExit);
    this.#surface.open();
    this.#clockTimer = setInterval(() => this.#tick(), 1000);
    this.#request();
  }

  stop(): void {
    process.stdin.off("data", this.#onData);
    process.stdout.off("resize", this.#onResize);
    process.off("SIGHUP", this.#leave);
    process.off("SIGTSTP", this.#onSuspend);
    process.off("SIGCONT", this.#onContinue);
    clearInterval(this.#clockTimer);
    for (const timer of [this.#frameTimer, this.#escapeTimer, this.#followTimer]) clearTimeout(timer);
    this.#surface.close();
    process.off("exit", this.#onExit);
  }

  take(event: Parameters<Model["take"]>[0]): void {
    this.#model.take(event, performance.now());
    this.#request();
  }

  readonly #onExit = (): void => this.#surface.close();

  readonly #onResize = (): void => {
    this.#surface.invalidate();
    this.#request();
  };

  readonly #onSuspend = (): void => {
    this.#surface.close();
    // The system's own answer to the signal is to stop; that needs the handler out of the way.
    process.off("SIGTSTP", this.#onSuspend);
    process.kill(process.pid, "SIGTSTP");
  };

  readonly #onContinue = (): void => {
    process.off("SIGTSTP", this.#onSuspend);
    process.on("SIGTSTP", this.#onSuspend);
    this.#surface.open();
    this.#request();
  };

  readonly #onData = (text: string): void => {
    clearTimeout(this.#escapeTimer);
    for (const key of this.#keys.take(text)) this.#press(key);
    if (!this.#keys.waits) return;
    this.#escapeTimer = setTimeout(() => {
      for (const key of this.#keys.flush()) this.#press(key);
    }, escapeMs);
  };

  /** Once a second: the clock, and marks that have had their time. */
  #tick(): void {
    if (!this.#paused) this.#model.forget(performance.now());
    this.#request();
  }

  #request(): void {
    if (this.#frameTimer !== undefined || this.#paused) return;
    const waitMs = Math.max(0, this.#nextFrameMs - performance.now());
    this.#frameTimer = setTimeout(() => {
      this.#frameTimer = undefined;
      this.#paint();
    }, waitMs);
  }

  #paint(): void {
    if (this.#surface.busy) {
      this.#surface.whenReady(() => this.#request());
      return;
    }
    const nowMs = performance.now();
    this.#nextFrameMs = nowMs + frameMs;
    if (this.#note !== null && this.#note.untilMs < nowMs) this.#note = null;
    const { columns, rows } = this.#surface;
    const frame = paintFrame({
      columns,
      rows,
      color: this.#color,
      model: this.#model,
      mode: this.#mode,
      host: this.#host,
      clock: new Date().toTimeString().slice(0, 8),
      paused: this.#paused,
      building: this.#building && rows >= leastRowsForBuilding,
      note: this.#note?.text ?? null,
      top: this.#top,
      nowMs,
    });
    this.#top = frame.top;
    if (frame.tableRows > 0) this.#tableRows = frame.tableRows;
    this.#surface.show(frame.lines);
  }

  #say(text: string): void {
    this.#note = { text, untilMs: performance.now() + noteMs };
    this.#request();
  }

  #press(key: Key): void {
    if (key.kind === "interrupt") this.#leave();
    else if (key.kind === "suspend") this.#onSuspend();
    else if (this.#mode.kind === "filter") this.#pressInFilter(key);
    else if (this.#mode.kind === "table") this.#pressInTable(key);
    else this.#pressElsewhere(key);
    // A paused table answers keys all the same.
    if (this.#paused) this.#paint();
    this.#request();
  }

  #pressInFilter(key: Key): void {
    const model = this.#model;
    if (key.kind === "text") model.filter = (model.filter + key.text).slice(0, 200);
    else if (key.kind === "backspace") model.filter = Array.from(model.filter).slice(0, -1).join("");
    else if (key.kind === "enter") this.#mode = { kind: "table" };
    else if (key.kind === "escape") {
      model.filter = "";
      this.#mode = { kind: "table" };
    } else this.#move(key);
  }

  #pressElsewhere(key: Key): void {
    const onYes = this.#onYes;
    clearTimeout(this.#followTimer);
    this.#mode = { kind: "table" };
    this.#onYes = null;
    if (onYes !== null) {
      if (key.kind === "text" && key.text.toLowerCase() === "y") void this.#try(onYes);
      else this.#say("Nobody was ended.");
    } else if (key.kind === "text" && key.text === "q") this.#leave();
  }

  #pressInTable(key: Key): void {
    if (key.kind === "enter") this.#showDoor();
    else if (key.kind === "escape") this.#model.filter = "";
    else if (key.kind === "text") this.#pressLetter(key.text);
    else this.#move(key);
  }

  #pressLetter(letter: string): void {
    const model = this.#model;
    const actions: Readonly<Record<string, () => void>> = {
      q: this.#leave,
      j: () => this.#move({ kind: "down" }),
      k: () => this.#move({ kind: "up" }),
      "/": () => (this.#mode = { kind: "filter" }),
      "?": () => (this.#mode = { kind: "help" }),
      s: () => (model.sort = sortKeys[(sortKeys.indexOf(model.sort) + 1) % sortKeys.length]!),
      S: () => (model.reverse = !model.reverse),
      b: () => (this.#building = !this.#building),
      " ": () => (this.#paused = !this.#paused),
      d: () => this.#showDoor(),
      o: () => void this.#try(() => this.#open()),
      c: () => this.#copy(),
      x: () => void this.#try(() => this.#proposeFreeing()),
      f: () => void this.#try(() => this.#follow()),
    };
    if (/^[1-9]$/.test(letter)) model.sort = sortKeys[Number(letter) - 1] ?? model.sort;
    else actions[letter]?.();
  }

  #move(key: Key): void {
    const shown = this.#model.shown();
    if (shown.length === 0) return;
    const index = shown.findIndex((row) => row.key === this.#model.selected);
    const steps: Readonly<Record<string, number>> = {
      up: -1,
      down: 1,
      pageUp: -this.#tableRows,
      pageDown: this.#tableRows,
    };
    const step = steps[key.kind];
    const next =
      key.kind === "home"
        ? 0
        : key.kind === "end"
          ? shown.length - 1
          : step === undefined
            ? index
            : index < 0
              ? 0
              : index + step;
    this.#model.selected = shown[Math.min(shown.length - 1, Math.max(0, next))]?.key ?? null;
  }

  /** The row that the reader stands on, or the first one. */
  get #here(): Row | undefined {
    const shown = this.#model.shown();
    return shown.find((row) => row.key === this.#model.selected) ?? shown[0];
  }

  #showDoor(): void {
    const row = this.#here;
    if (row === undefined) return;
    const { port, transport } = row.service;
    this.#mode = {
      kind: "text",
      title: ` ${port}/${transport}`,
      lines: doorLines(row.service),
      keys: "any key goes back",
    };
  }

  async #open(): Promise<void> {
    const url = this.#here?.service.localUrl ?? this.#here?.service.urls[0];
    if (url === undefined || url === null) this.#say("Nothing says that it speaks HTTP.");
    else
      this.#say((await openInBrowser(url, this.#context.environment)) ? `Opening ${url}` : `No browser here: ${url}`);
  }

  #copy(): void {
    const row = this.#here;
    if (row === undefined) return;
    const text = row.service.localUrl ?? row.service.reach.addresses[0]?.endpoint ?? `localhost:${row.service.port}`;
    this.#surface.send(`\u001b]52;c;${Buffer.from(text).toString("base64")}\u0007`);
    this.#say(`${text} was handed to the terminal's clipboard.`);
  }

  async #proposeFreeing(): Promise<void> {
    const row = this.#here;
    if (row === undefined) return;
    const { port, transport } = row.service;
    const { proposeKill } = await import("../../operations/kill-proposal.ts");
    const wish = { targets: [String(port)], ...((transport === "tcp" || transport === "udp") && { transport }) };
    const proposal = await proposeKill(wish, this.#context);
    const count = proposal.victims.filter(({ action }) => action !== "refuse").length;
    this.#mode = {
      kind: "text",
      title: ` Free port ${port}/${transport}?`,
      lines: proposalLines(proposal),
      keys:
        count === 0
          ? "nobody can be ended; any key goes back"
          : `y ends ${count === 1 ? "it" : `these ${count}`}; any other key does nothing`,
    };
    this.#request();
    if (count === 0) return;
    this.#onYes = async () => {
      const { applyKill } = await import("../../operations/kill-apply.ts");
      this.#say(`Freeing port ${port} …`);
      const steps = applyKill(proposal, this.#context);
      for (;;) {
        const step = await steps.next();
        if (step.done !== true) continue;
        this.#say(outcomeText(step.value));
        return;
      }
    };
  }

  async #follow(): Promise<void> {
    const row = this.#here;
    if (row === undefined) return;
    const { port, transport } = row.service;
    const { runConnections } = await import("../../operations/connections.ts");
    const look = async (): Promise<void> => {
      const wish = {
        port: [String(port)],
        limit: 200,
        ...((transport === "tcp" || transport === "udp") && { transport }),
      };
      const result = await runConnections(wish, this.#context);
      const { totals } = result;
      this.#mode = {
        kind: "text",
        title: ` ${port}/${transport}: ${totals.matching} connections`,
        lines: connectionLines(result),
        keys: "looked at once a second; any key goes back",
      };
      this.#request();
      this.#followTimer = setTimeout(() => {
        if (this.#mode.kind === "text") void this.#try(look);
      }, followMs);
    };
    await look();
  }

  /** What fails is told and does not end the watch. */
  async #try(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#say(isPortolanError(error) ? `${error.message} ${error.hint}` : String(error));
    }
  }
}

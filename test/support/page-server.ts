/**
 * @module `portolan ui` as a child process: started, entered, spoken to byte by byte, ended.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { request, type IncomingHttpHeaders } from "node:http";
import { createInterface } from "node:readline";
import type { UiEvent } from "../../src/operations/ui.ts";
import { commandPath } from "./run-command.ts";

type ReadyEvent = Extract<UiEvent, { kind: "ready" }>;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A running server. */
export interface PageServer {
  readonly child: ChildProcess;
  readonly ready: ReadyEvent;
  readonly port: number;
  /** What it had to say before it was ready. */
  readonly warnings: readonly string[];
  /** What it wrote on standard error until now. */
  readonly said: () => string;
  /** The token of the printed address. */
  readonly token: string;
  /** One request; `host` and every other header as given, nothing added but what Node must. */
  ask(path: string, wish?: { method?: string; headers?: Record<string, string>; body?: string }): Promise<Answer>;
  /** Exchanges a token (default: the printed one) for a key. */
  enter(token?: string): Promise<string>;
  /** A call of an operation with a key. */
  call(name: string, input: object, key: string): Promise<Answer>;
  /** A fresh address. */
  invite(key: string): Promise<string>;
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** How a server is started. */
export interface PageWish {
  readonly words?: readonly string[];
  readonly environment?: Record<string, string>;
  readonly uid?: number;
  readonly cwd?: string;
  /** Words before the command, e.g. those that enter a network namespace. */
  readonly before?: readonly string[];
}

/** Starts `portolan ui --no-open` and waits until it is ready. */
export async function startPage(wish: PageWish = {}): Promise<PageServer> {
  const { words = ["--no-open"], environment = {}, uid, cwd, before = [] } = wish;
  const [program, ...rest] = [...before, process.execPath, commandPath, "ui", ...words, "--json"];
  const child = spawn(program!, rest, {
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
    ...(cwd === undefined ? {} : { cwd }),
  });
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
  const warnings: string[] = [];
  const ready = await firstReady(child, warnings, () => said);
  const { port, hostname } = new URL(ready.url);
  const token = new URLSearchParams(new URL(ready.entryUrl).hash.slice(1)).get("token") ?? "";
  const ask: PageServer["ask"] = (path, { method = "GET", headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        { host: hostname.replaceAll(/[[\]]/g, ""), port, path, method, headers, agent: false },
        (incoming) => {
          let text = "";
          incoming.setEncoding("utf8").on("data", (part: string) => (text += part));
          incoming.once("error", reject);
          incoming.once("end", () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }));
        },
      );
      outgoing.once("error", reject);
      outgoing.end(body);
    });
  const post = (path: string, value: unknown, key?: string): Promise<Answer> =>
    ask(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key !== undefined && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify(value),
    });
  return {
    child,
    ready,
    port: Number(port),
    warnings,
    said: () => said,
    token,
    ask,
    enter: async (given = token) => {
      const answer = await post("/api/session", { token: given });
      if (answer.status !== 200) throw new Error(`not let in: ${answer.status} ${answer.text}`);
      return (JSON.parse(answer.text) as { key: string }).key;
    },
    call: (name, input, key) => post(`/api/${name}`, input, key),
    invite: async (key) => {
      const answer = await post("/api/session/invite", {}, key);
      return (JSON.parse(answer.text) as { entryUrl: string }).entryUrl;
    },
    end: async (signal = "SIGTERM") => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, "exit");
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}

async function firstReady(child: ChildProcess, warnings: string[], said: () => string): Promise<ReadyEvent> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const event = JSON.parse(line) as UiEvent;
    if (event.kind === "ready") return event;
    warnings.push(event.text);
  }
  throw new Error(`portolan ui ended before it was ready: ${said()}`);
}

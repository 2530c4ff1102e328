/**
 * @module `ui`: the server from its start to its end, and what the user is told of it.
 */
import { hostname } from "node:os";
import { openInBrowser } from "../../act/index.ts";
import { PortolanError, formatSocketAddress, linkAbort, parseIpAddress, type LinkedAbort } from "../../core/index.ts";
import { runDemo } from "../../operations/demo.ts";
import type { OperationContext } from "../../operations/operation.ts";
import type { UiEvent, UiInput, UiResult } from "../../operations/ui.ts";
import { version } from "../../operations/version.generated.ts";
import { createApp } from "./app.ts";
import { writeEntryFile, type EntryFile } from "./entry-file.ts";
import { startMetrics } from "./metrics.ts";
import { readPageFiles } from "./page-files.ts";
import { listen } from "./server.ts";
import { Sessions, digestOf } from "./sessions.ts";

const loopback = "127.0.0.1";
/** The environment of a process is its user's to read (man 5 proc_pid_environ); its arguments are everybody's. */
const metricsKeyName = "PORTOLAN_METRICS_KEY";
const metricsKeyForm = /^[\w-]{16,100}$/;

/**
 * Serves the page until the context's signal aborts.
 * @throws ADDRESS_INVALID, LISTEN_FAILED
 */
export async function* openPage(input: UiInput, context: OperationContext): AsyncGenerator<UiEvent, UiResult, void> {
  const address = parseIpAddress(input.bind ?? loopback).address;
  const linked = linkAbort(context.signal);
  const sessions = new Sessions(context.nowMs);
  const startedAt = new Date(context.nowMs()).toISOString();
  const demo = input.demo === true ? await startDemo(context, linked) : null;
  const metrics = input.metrics === true ? startMetrics({ ...context, signal: linked.signal }) : null;
  const isReader = readerTest(context.environment);
  let url = "";
  const app = createApp({
    context: serverContext(context, linked),
    sessions,
    files: await readPageFiles(),
    about: () => ({
      version,
      hostName: hostname(),
      platform: process.platform,
      startedAt,
      userId: context.userId,
      demoPorts: demo?.ports ?? null,
      url,
    }),
    entryUrl: (host) => `http://${host}/#token=${sessions.issueToken()}`,
    metrics:
      metrics === null
        ? null
        : (header) => metrics.text(sessions.admitted, sessions.accepts(header) || isReader(header)),
  });
  let entryFile: EntryFile | undefined;
  let server: Awaited<ReturnType<typeof listen>> | undefined;
  try {
    server = await listen(app, address, input.port ?? 0);
    url = `http://${formatSocketAddress(visitableAddress(address), server.port)}/`;
    const entryUrl = `${url}#token=${sessions.issueToken()}`;
    let opened = false;
    if (input.open !== false) {
      // The file has a token of its own: the printed one stays good when no browser comes.
      entryFile = await writeEntryFile(`${url}#token=${sessions.issueToken()}`, context.environment);
      opened = await openInBrowser(entryFile.path, context.environment);
      if (!opened) await entryFile.remove();
    }
    if (!isLoopback(address)) yield { kind: "said", text: openWarning(address, server.port) };
    yield {
      kind: "ready",
      url,
      entryUrl,
      entryFile: opened ? (entryFile?.path ?? null) : null,
      opened,
      metricsUrl: metrics === null ? null : `${url}metrics`,
      demoPorts: demo === null ? null : [...demo.ports],
    };
    await untilAborted(context.signal);
    return { complete: true, url, sessions: sessions.admitted };
  } finally {
    linked.abort();
    await entryFile?.remove();
    await server?.close();
    await Promise.all([demo?.ended, metrics?.ended]);
  }
}

/** Whether an `Authorization` header shows the key that the environment gives readers of the counts. */
function readerTest(environment: OperationContext["environment"]): (authorization: string | undefined) => boolean {
  const key = environment[metricsKeyName] ?? "";
  if (key === "") return () => false;
  if (!metricsKeyForm.test(key)) {
    throw new PortolanError(
      "ARGUMENT_INVALID",
      `${metricsKeyName} is not accepted: 16 to 100 letters, digits, - and _.`,
      {
        details: { argument: metricsKeyName },
      },
    );
  }
  const expected = digestOf(`Bearer ${key}`);
  return (authorization) => authorization !== undefined && digestOf(authorization) === expected;
}

/** What an operation may do for a request: it reads no files of the caller's and asks nobody on a terminal. */
function serverContext(context: OperationContext, { signal }: LinkedAbort): OperationContext {
  const { terminal, faces, ...others } = context;
  void terminal;
  void faces;
  return {
    ...others,
    signal,
    progress: () => undefined,
    readText: () => Promise.reject(new PortolanError("FILE_UNREADABLE", "Files are not read over HTTP.")),
    confirm: () =>
      Promise.reject(new PortolanError("CONFIRMATION_NEEDED", "Over HTTP a change is proposed first, then applied.")),
  };
}

/** An address that a browser here can open, for one that stands for all. */
function visitableAddress(address: string): string {
  if (address === "0.0.0.0") return loopback;
  return address === "::" ? "::1" : address;
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

function openWarning(address: string, port: number): string {
  const who = address === "0.0.0.0" || address === "::" ? "Every device that reaches this machine" : "Other devices";
  return (
    `${who} can open port ${port} now. Only who has a token gets in, but what is sent is not encrypted: ` +
    "do this in a network that you trust."
  );
}

interface RunningDemo {
  readonly ports: readonly number[];
  readonly ended: Promise<void>;
}

/** Starts the servers of `demo`; they end with the linked signal. */
async function startDemo(context: OperationContext, { signal }: LinkedAbort): Promise<RunningDemo> {
  const steps = runDemo({}, { ...context, signal });
  const first = await steps.next();
  const ports =
    first.done !== true && first.value.kind === "started" ? first.value.servers.map(({ port }) => port) : [];
  const ended = (async () => {
    while ((await steps.next()).done !== true);
  })();
  return { ports, ended };
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/**
 * @module `demo`: three real servers at one address on three ports, the chart of them, and what each answers.
 */
import * as v from "valibot";
import {
  demoHeader,
  endDemoServers,
  requestPage,
  startDemoServers,
  waitForEnd,
  type DemoServer,
} from "../act/index.ts";
import { isPortolanError, knownOr } from "../core/index.ts";
import { defineOperation } from "./define-operation.ts";
import { describeServices } from "./look.ts";
import type { OperationContext } from "./operation.ts";
import { optionalSwitch } from "./parameters.ts";
import { listOf, portSchema, serviceSchema, type ListedService } from "./schemas.ts";

const inputSchema = v.object({
  lan: optionalSwitch(
    "Let other devices in: bind every address instead of 127.0.0.1, so that a phone can open the pages",
  ),
  once: optionalSwitch("End after the answers instead of waiting for Ctrl-C"),
});

const serverSchema = v.object({
  name: v.string(),
  what: v.string(),
  pid: v.number(),
  address: v.pipe(v.string(), v.description("Address it is bound to")),
  port: portSchema,
  wantedPort: v.pipe(
    v.nullable(portSchema),
    v.description("The port it asked for first; it has another when that was taken"),
  ),
});

const answerSchema = v.object({
  name: v.pipe(v.string(), v.description("The server that was started on this port")),
  url: v.string(),
  status: v.pipe(v.nullable(v.number()), v.description("HTTP status; null when there was no answer")),
  firstLine: v.pipe(v.string(), v.description("First line of the body, or the error's code")),
  answeredBy: v.pipe(v.nullable(v.string()), v.description("The server whose process signed the answer")),
  pid: v.pipe(v.nullable(v.number()), v.description("Process that signed the answer")),
});

const outputSchema = v.object({
  complete: v.boolean(),
  servers: listOf(serverSchema),
  answers: listOf(answerSchema),
});

const eventSchema = v.variant("kind", [
  v.object({ kind: v.literal("started"), servers: listOf(serverSchema) }),
  v.object({
    kind: v.literal("chart"),
    services: v.pipe(listOf(serviceSchema), v.description("The servers as list shows them")),
    unsupported: v.pipe(v.boolean(), v.description("This system's sockets cannot be read yet: there is no chart")),
  }),
  v.object({ kind: v.literal("answer"), ...answerSchema.entries }),
  v.object({ kind: v.literal("waiting") }),
  v.object({ kind: v.literal("ended"), name: v.string(), pid: v.number(), port: portSchema }),
]);

export type DemoInput = v.InferInput<typeof inputSchema>;
export type DemoResult = v.InferOutput<typeof outputSchema>;
export type DemoEvent = v.InferOutput<typeof eventSchema>;
type Server = v.InferOutput<typeof serverSchema>;
type Answer = v.InferOutput<typeof answerSchema>;

/** How long a server may take to answer, milliseconds. */
const answerDeadlineMs = 5000;

/** Runs `demo`. However it is left, its servers have ended when it returns. */
export async function* runDemo(
  input: DemoInput,
  context: OperationContext,
): AsyncGenerator<DemoEvent, DemoResult, void> {
  const { signal } = context;
  const answers: Answer[] = [];
  const running = await start(input.lan === true, signal);
  const servers = running.map(({ name, what, pid, address, port, wantedPort }) => {
    return { name, what, pid, address, port, wantedPort };
  });
  if (running.length === 0) return { complete: false, servers, answers };
  try {
    yield { kind: "started", servers };
    const services = await chartOf(servers, context);
    yield { kind: "chart", services: services ?? [], unsupported: services === null };
    for (const server of servers) {
      for (const url of urlsOf(server, services ?? [])) {
        if (signal.aborted) return { complete: false, servers, answers };
        const answer = await ask(server, url, servers, signal);
        answers.push(answer);
        yield { kind: "answer", ...answer };
      }
    }
    if (signal.aborted) return { complete: false, servers, answers };
    if (input.once !== true) {
      yield { kind: "waiting" };
      let left = running;
      while (left.length > 0) {
        const ended = await waitForEnd(left, signal);
        if (ended === undefined) break;
        left = left.filter((server) => server !== ended);
        yield { kind: "ended", name: ended.name, pid: ended.pid, port: ended.port };
      }
    }
    return { complete: true, servers, answers };
  } finally {
    await endDemoServers(running);
  }
}

/** The servers, or none when the signal came first. */
async function start(everywhere: boolean, signal: AbortSignal): Promise<readonly DemoServer[]> {
  try {
    return await startDemoServers({ everywhere, signal });
  } catch (error) {
    if (isPortolanError(error, "ABORTED")) return [];
    throw error;
  }
}

/** The rows of these servers as `list` tells them, or `null` where this system cannot be read. */
async function chartOf(servers: readonly Server[], context: OperationContext): Promise<ListedService[] | null> {
  const pids = new Set(servers.map(({ pid }) => pid));
  try {
    const snapshot = await context.host.snapshot({ states: "listening", signal: context.signal });
    const rows = describeServices(snapshot).filter(({ holders }) =>
      knownOr(holders, []).some(({ pid }) => pids.has(pid)),
    );
    const order = (row: ListedService): number => servers.findIndex(({ port }) => port === row.port);
    return rows.sort((left, right) => order(left) - order(right));
  } catch (error) {
    if (isPortolanError(error, "HOST_UNSUPPORTED")) return null;
    throw error;
  }
}

/** Every URL at which the server answers. It speaks HTTP, whatever its port is usually for. */
function urlsOf(server: Server, services: readonly ListedService[]): string[] {
  const row = services.find(({ port, transport }) => port === server.port && transport === "tcp");
  const urls = (row?.reach.addresses ?? [])
    .filter(({ family }) => family === "ipv4")
    .map(({ address }) => `http://${address}:${server.port}/`);
  return urls.length > 0 ? urls : [`http://127.0.0.1:${server.port}/`];
}

async function ask({ name }: Server, url: string, servers: readonly Server[], signal: AbortSignal): Promise<Answer> {
  const answer = await requestPage(url, { signal, timeoutMs: answerDeadlineMs });
  if (!answer.answered) return { name, url, status: null, firstLine: answer.code, answeredBy: null, pid: null };
  const signature = /^\w+ (\d{1,10})$/.exec(String(answer.headers[demoHeader]))?.[1];
  const pid = signature === undefined ? null : Number(signature);
  const answeredBy = servers.find((server) => server.pid === pid)?.name ?? null;
  return { name, url, status: answer.status, firstLine: answer.firstLine, answeredBy, pid };
}

/** The declaration of `demo`. */
export const demoOperation = defineOperation({
  name: "demo",
  summary: "Three real servers at one address, each behind its own port: started, charted, asked",
  description:
    "Starts a Node API, a static site and a live page as three processes at 127.0.0.1, on ports 3000, 5500 and 1234 or the next free ones. " +
    "Shows their rows of the chart, sends each a request at every address and says which application answered. They end with Ctrl-C, " +
    "which is the command's normal end. Exit status 0, or 130 when it was interrupted before the last answer.",
  effect: "exec",
  faces: ["cli"],
  positional: [],
  examples: [
    { command: "demo", note: "until Ctrl-C; open the pages in a browser meanwhile" },
    { command: "demo --lan", note: "a phone in the same network can open them too" },
    { command: "demo --once", note: "show it and end" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runDemo,
});

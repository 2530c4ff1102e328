/**
 * @module `gateway`: the process that leads names to servers.
 */
import { resolve } from "node:path";
import * as v from "valibot";
import { PortolanError, isPortolanError, parseDuration, parseIpAddress, quoteForShell } from "../core/index.ts";
import {
  askGateway,
  ensureGateway,
  gatewayCommand,
  gatewayLogPath,
  readGatewayStatus,
  readUserService,
  untilGatewayEnded,
  readAuthorityNames,
  type GatewayStatus,
} from "../gateway/index.ts";
import { stateFolderOf } from "../store/index.ts";
import { authorityStatusSchema, readAuthorityStatus } from "./authority-status.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { optionalChoice, optionalInteger, optionalSwitch, optionalText } from "./parameters.ts";
import { listOf, portSchema, timeSchema } from "./schemas.ts";

/** How a gateway is to serve. @param actions that take these wishes */
export function serveEntries(actions: readonly string[]) {
  return {
    port: optionalInteger("Port for HTTP (default 80 where the kernel gives it, else 4280)", 1, 65_535, {
      placeholder: "PORT",
      short: "p",
      actions,
    }),
    httpsPort: optionalInteger("Port for HTTPS (default 443 where the kernel gives it, else 4281)", 1, 65_535, {
      placeholder: "PORT",
      actions,
    }),
    https: optionalSwitch("Serve HTTPS as well", { offDescription: "Serve HTTP alone", actions }),
    bind: optionalText("Address to listen at (default both loopback addresses; any other lets other devices in)", {
      placeholder: "IP",
      actions,
    }),
    caNames: optionalText(
      "Names beside localhost that certificates may be for, each with every name below: test,shop.test",
      { placeholder: "NAMES", actions },
    ),
    log: optionalText("Write each request to this file, a line of JSON each", { placeholder: "FILE", actions }),
  };
}

const inputSchema = v.object({
  action: optionalChoice(
    ["status", "start", "stop", "restart", "serve"],
    "What to do (default status); serve stays in the foreground",
  ),
  ...serveEntries(["start", "restart", "serve"]),
  drain: optionalText(
    "With stop and restart: what is open may go on for so long (default: stop ends it, restart waits)",
    {
      placeholder: "DURATION",
      actions: ["stop", "restart"],
    },
  ),
});

export const listenerSchema = v.object({
  scheme: v.picklist(["http", "https"]),
  addresses: listOf(v.string()),
  port: portSchema,
});

const eventSchema = v.object({
  kind: v.literal("ready"),
  listeners: listOf(listenerSchema),
  notes: v.pipe(listOf(v.string()), v.description("Why a usual port is not among them, and what to do about it")),
});

const outputSchema = v.object({
  complete: v.boolean(),
  action: v.string(),
  running: v.pipe(v.boolean(), v.description("Whether a gateway runs now")),
  changed: v.pipe(v.boolean(), v.description("Whether this started, replaced or ended one")),
  pid: v.nullable(v.number()),
  version: v.nullable(v.string()),
  startedAt: v.nullable(timeSchema),
  listeners: listOf(listenerSchema),
  notes: listOf(v.string()),
  requests: v.pipe(v.nullable(v.number()), v.description("Since it was started")),
  openConnections: v.nullable(v.number()),
  residentBytes: v.nullable(v.number()),
  authority: v.pipe(
    v.optional(v.nullable(authorityStatusSchema)),
    v.description("With status: the certificate authority, and where it is trusted; null when there is none"),
  ),
  logFile: v.pipe(v.string(), v.description("Where it writes what goes wrong")),
});

export type GatewayInput = v.InferInput<typeof inputSchema>;
export type GatewayEvent = v.InferOutput<typeof eventSchema>;
export type GatewayResult = v.InferOutput<typeof outputSchema>;

/** Longest time that can be told to the gateway's clock, milliseconds. */
const foreverMs = 2 ** 31;

/** Runs `gateway`. */
export async function* runGateway(
  asWritten: GatewayInput,
  context: OperationContext,
): AsyncGenerator<GatewayEvent, GatewayResult, void> {
  const input = withWholePaths(asWritten, context);
  const { action = "status" } = input;
  const stateFolder = stateFolderOf(context.environment);
  const { signal, environment } = context;
  if (action === "serve") {
    yield* serve(input, context, stateFolder);
    return describeStatus(action, stateFolder, null, true);
  }
  if (action === "start") {
    const words = serveWords(input);
    const { status, started } = await ensureGateway({ stateFolder, words, environment, signal });
    const result = describeStatus(action, stateFolder, status, started);
    if (started || words.length === 0 || isSame(words, status.words)) return result;
    const note = `It was started before, with other words. To give it these: ${commandFor(words, status)}`;
    return { ...result, notes: [...result.notes, note] };
  }
  if (action === "stop") {
    const asked = await askGateway(stateFolder, { do: "stop", drainMs: drainOf(input, 0) });
    if (asked !== null) await untilGatewayEnded(stateFolder, signal);
    return describeStatus(action, stateFolder, null, asked !== null);
  }
  if (action === "restart") {
    const words = serveWords(input);
    const status = await readGatewayStatus(stateFolder);
    if (status === null) throw new PortolanError("GATEWAY_STOPPED", "No gateway runs that could be replaced.");
    if (words.length > 0 && !keepsAddresses(words, status))
      throw new PortolanError("GATEWAY_FAILED", "A gateway that is replaced keeps its addresses.", {
        details: { hint: commandFor(words, status) },
      });
    // Without words nothing but the version changes: a service keeps the words of its file, any other those that it was started with.
    const kept = words.length > 0 ? words : (readUserService(stateFolder, environment)?.words ?? status.words ?? []);
    await replace(gatewayCommand(kept), drainOf(input, foreverMs), stateFolder);
    return describeStatus(action, stateFolder, await readGatewayStatus(stateFolder), true);
  }
  return {
    ...describeStatus(action, stateFolder, await readGatewayStatus(stateFolder), false),
    authority: await readAuthorityStatus(stateFolder, context),
  };
}

async function* serve(
  input: GatewayInput,
  context: OperationContext,
  stateFolder: string,
): AsyncGenerator<GatewayEvent, void, void> {
  const { gateway } = context.faces ?? {};
  if (gateway === undefined) throw new PortolanError("FACE_MISSING", "This program brings no gateway.");
  const options = {
    stateFolder,
    httpPort: input.port ?? null,
    httpsPort: input.https === false ? (false as const) : (input.httpsPort ?? null),
    addresses: addressesOf(input),
    accessLog: input.log ?? null,
    extraNames: input.caNames === undefined ? [] : readAuthorityNames(input.caNames),
    words: serveWords(input),
    signal: context.signal,
    nowMs: context.nowMs,
    environment: context.environment,
  };
  for await (const { listeners, notes } of gateway(options))
    yield { kind: "ready", listeners: listeners.map(describeListener), notes: [...notes] };
}

function addressesOf({ bind }: GatewayInput): readonly string[] | null {
  return bind === undefined ? null : [parseIpAddress(bind).address];
}

/** @throws GATEWAY_STOPPED; GATEWAY_FAILED when the new one does not come up */
async function replace(command: readonly string[], drainMs: number, stateFolder: string): Promise<void> {
  try {
    const asked = await askGateway(stateFolder, { do: "replace", command, drainMs });
    if (asked === null) throw new PortolanError("GATEWAY_STOPPED", "No gateway runs that could be replaced.");
  } catch (error) {
    if (!isPortolanError(error, "GATEWAY_FAILED")) throw error;
    const hint = `The one that runs goes on. What the new one said is in ${gatewayLogPath(stateFolder)}`;
    throw new PortolanError("GATEWAY_FAILED", error.message, { details: { hint }, cause: error });
  }
}

/**
 * Whether a gateway with these words can take the place of the one that runs: the kernel gives nobody a port at every address while
 * another socket has it at one. An older gateway does not say how it was started.
 */
function keepsAddresses(words: readonly string[], { words: own }: GatewayStatus): boolean {
  const addressOf = (all: readonly string[]): string => (all.includes("--bind") ? all[all.indexOf("--bind") + 1]! : "");
  return own === undefined || addressOf(words) === addressOf(own);
}

/** What to type to give the gateway that runs these words. */
function commandFor(words: readonly string[], status: GatewayStatus): string {
  const told = words.map(quoteForShell).join(" ");
  return keepsAddresses(words, status)
    ? `portolan gateway restart ${told}`
    : `portolan gateway stop && portolan gateway start ${told}`;
}

/** The gateway's process has another working directory than whoever starts it. */
export function withWholePaths<Wish extends Pick<GatewayInput, "log">>(
  wish: Wish,
  { workingDirectory }: OperationContext,
): Wish {
  return wish.log === undefined ? wish : { ...wish, log: resolve(workingDirectory, wish.log) };
}

function isSame(words: readonly string[], others: readonly string[] | undefined): boolean {
  return JSON.stringify(words) === JSON.stringify(others);
}

/** The same wishes as words for the process that serves. */
export function serveWords(input: GatewayInput): string[] {
  addressesOf(input);
  if (input.caNames !== undefined) readAuthorityNames(input.caNames);
  return [
    ...(input.port === undefined ? [] : ["--port", String(input.port)]),
    ...(input.httpsPort === undefined ? [] : ["--https-port", String(input.httpsPort)]),
    ...(input.https === false ? ["--no-https"] : []),
    ...(input.bind === undefined ? [] : ["--bind", input.bind]),
    ...(input.caNames === undefined ? [] : ["--ca-names", input.caNames]),
    ...(input.log === undefined ? [] : ["--log", input.log]),
  ];
}

function drainOf({ drain }: GatewayInput, usualMs: number): number {
  return drain === undefined ? usualMs : parseDuration(drain, "--drain");
}

export function describeListener({
  scheme,
  addresses,
  port,
}: GatewayStatus["listeners"][number]): GatewayResult["listeners"][number] {
  return { scheme, addresses: [...addresses], port: port as GatewayResult["listeners"][number]["port"] };
}

function describeStatus(
  action: string,
  stateFolder: string,
  status: GatewayStatus | null,
  changed: boolean,
): GatewayResult {
  return {
    complete: true,
    action,
    running: status !== null,
    changed,
    pid: status?.pid ?? null,
    version: status?.version ?? null,
    startedAt: status === null ? null : new Date(status.startedAtMs).toISOString(),
    listeners: (status?.listeners ?? []).map(describeListener),
    notes: [...(status?.notes ?? [])],
    requests: status?.requests ?? null,
    openConnections: status?.openConnections ?? null,
    residentBytes: status?.residentBytes ?? null,
    logFile: gatewayLogPath(stateFolder),
  };
}

/** The declaration of `gateway`. */
export const gatewayOperation = defineOperation({
  name: "gateway",
  summary: "The process that leads names to applications",
  description:
    "One process answers at port 80 of this machine's loopback addresses, or at 4280 where that takes a privilege, and passes each request to the application " +
    "whose name it was sent to. It is started when first needed, by run and route; it keeps running until gateway stop. restart lets a new one take the listening " +
    "sockets, so that no connection is refused, while the old one answers what is open; it keeps the words that the old one was started with, unless it is given others. Exit status 1: status found none running.",
  effect: "exec",
  faces: ["cli"],
  positional: ["action"],
  examples: [
    { command: "gateway", note: "whether it runs, and where" },
    { command: "gateway start --port 8088", note: "at a port of your choice" },
    { command: "gateway restart", note: "a new version, nothing refused meanwhile" },
    { command: "gateway stop --drain 10s", note: "what is open may end first" },
    { command: "gateway install", note: "as a service of yours: see gateway-service" },
    { command: "gateway export --format nginx", note: "for the engine that a team runs: see gateway-export" },
    { command: "gateway trust", note: "lets browsers trust its certificates: portolan trust --help" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runGateway,
});

/**
 * @module `scan`: what answers on some devices, and what it proves to be.
 */
import * as v from "valibot";
import { PortSet } from "../core/index.ts";
import {
  isOwnTarget,
  printerPorts,
  runScan as runScanOf,
  type FoundDoor,
  type ScanOptions,
  type ScanOutcome,
  type ScanProgress,
  type ScanTarget,
  type TargetList,
} from "../scan/index.ts";
import { defineOperation } from "./define-operation.ts";
import { describeDoor } from "./describe-door.ts";
import { streamEvents } from "./event-stream.ts";
import type { OperationContext } from "./operation.ts";
import {
  onCommandLine,
  optionalChoice,
  optionalInteger,
  optionalSwitch,
  optionalText,
  optionalTexts,
} from "./parameters.ts";
import { choosePorts, type ChosenPorts } from "./scan-ports.ts";
import { doorSchema, engineSchema, hostSchema, type ListedHost } from "./scan-schemas.ts";
import { chooseTargets } from "./scan-targets.ts";
import { listOf, timeSchema } from "./schemas.ts";

const inputSchema = v.object({
  targets: optionalTexts(
    "Whom to ask: addresses, names, networks (192.168.1.0/24), ranges (10.0.0.1-20), or lan for the networks of this machine's " +
      "own interfaces; nothing: this machine itself",
    { placeholder: "TARGET" },
  ),
  file: optionalText("Targets from this file too, one or more a line, # for comments; - is standard input", {
    placeholder: "FILE",
    ...onCommandLine,
  }),
  exclude: optionalText("Leave these out: addresses, names, networks, ranges, with commas between", {
    placeholder: "LIST",
  }),
  port: optionalText("These ports, as a set: 22,80,8000-8100,..1023,ssh", { placeholder: "SET", short: "p" }),
  top: optionalInteger("The first N ports of our own order (docs/scanning.md)", 1, 65_535, { placeholder: "N" }),
  allPorts: optionalSwitch("Every port, 1 to 65535"),
  udp: optionalSwitch("UDP instead of TCP; without a choice of ports those that a known protocol uses"),
  both: optionalSwitch("TCP and UDP"),
  identify: optionalSwitch("Ask open ports what they are; default true", {
    offDescription: "Only find open ports, do not ask them what they are",
  }),
  open: optionalSwitch("Tell only what is open"),
  rate: optionalInteger("Most new connections a second", 1, 1_000_000, { placeholder: "N" }),
  retries: optionalInteger(
    "Repetitions for ports that do not answer; default: as many as the measured loss asks for",
    0,
    10,
    {
      placeholder: "N",
    },
  ),
  engine: optionalChoice(["node", "blocking-reuse", "epoll"], "Ask in this way; default: the fastest that works here"),
  yes: optionalSwitch("Confirm that more than 65,536 addresses (a /16) are meant", onCommandLine),
});

const outputSchema = v.object({
  complete: v.boolean(),
  startedAt: timeSchema,
  elapsedMs: v.number(),
  ports: v.pipe(
    v.object({ tcp: v.string(), udp: v.string() }),
    v.description("The ports that were asked, as sets; this machine itself may have been asked at more than others"),
  ),
  asked: v.pipe(v.number(), v.description("Ports asked, over all devices")),
  devices: v.pipe(v.number(), v.description("Devices asked")),
  hosts: v.pipe(listOf(hostSchema), v.description("Each device with what was found on it")),
  unresolved: v.pipe(
    listOf(v.object({ name: v.string(), where: v.nullable(v.string()) })),
    v.description("Names without address, which were passed over; with the line of the file they stood in"),
  ),
  engines: listOf(engineSchema),
  remarks: v.pipe(
    listOf(v.string()),
    v.description("Why better ways of asking were not used, and of whom not everything was asked"),
  ),
});

const eventSchema = v.object({ kind: v.literal("door"), ...doorSchema.entries });

export type ScanInput = v.InferInput<typeof inputSchema>;
export type ScanResult = v.InferOutput<typeof outputSchema>;
export type ScanEvent = v.InferOutput<typeof eventSchema>;

/** Targets that are asked at the same ports. */
interface Part {
  readonly targets: Iterable<ScanTarget>;
  readonly targetCount: number;
  readonly ports: ChosenPorts;
}

/** Runs `scan`. */
export async function* runScan(
  input: ScanInput,
  context: OperationContext,
): AsyncGenerator<ScanEvent, ScanResult, void> {
  const startedAtMs = context.nowMs();
  const targets = await chooseTargets(input, context);
  const parts = cutParts(targets, input);
  const isWanted = ({ state }: { readonly state: string }): boolean => input.open !== true || state === "open";
  const outcomes = yield* streamEvents<ScanEvent, ScanOutcome[]>(context.signal, async (emit, signal) => {
    const done: ScanOutcome[] = [];
    const watch = watchParts(parts, context);
    for (const part of parts) {
      const onDoor = (door: FoundDoor): void => {
        watch.tellIdentified(door);
        if (isWanted(door)) emit({ kind: "door", ...describeDoor(door) });
      };
      const outcome = await scanPart(part, input, { signal, nowMs: context.nowMs, onDoor, onProgress: watch.report });
      watch.finish(outcome);
      done.push(outcome);
    }
    return done;
  });
  const hosts = outcomes.flatMap((outcome) => outcome.hosts.map((host) => describeHost(host, isWanted)));
  const portsOf = (transport: "tcp" | "udp"): string =>
    parts.reduce((all, { ports }) => all.union(ports[transport]), PortSet.empty).toString();
  return {
    complete: outcomes.every(({ complete }) => complete),
    startedAt: new Date(startedAtMs).toISOString(),
    elapsedMs: context.nowMs() - startedAtMs,
    ports: { tcp: portsOf("tcp"), udp: portsOf("udp") },
    asked: outcomes.reduce((sum, outcome) => sum + outcome.total - countUnasked(outcome), 0),
    devices: targets.count,
    unresolved: targets.unresolved.map(({ text, where }) => ({ name: text, where })),
    hosts: input.open === true ? hosts.filter(({ doors }) => doors.length > 0) : hosts,
    engines: outcomes.flatMap(({ engines }) => engines.map(describeEngine)),
    remarks: [...new Set(outcomes.flatMap(({ remarks }) => remarks))],
  };
}

/** This machine itself is asked at other ports than others, unless ports were chosen. */
function cutParts(targets: TargetList, input: ScanInput): readonly Part[] {
  const ownPorts = choosePorts(input, true);
  const ports = choosePorts(input, false);
  if (ports.tcp.equals(ownPorts.tcp)) return [{ targets, targetCount: targets.count, ports }];
  let ownCount = 0;
  for (const target of targets) if (isOwnTarget(target)) ownCount += 1;
  return [
    { targets: pick(targets, isOwnTarget), targetCount: ownCount, ports: ownPorts },
    {
      targets: pick(targets, (target) => !isOwnTarget(target)),
      targetCount: targets.count - ownCount,
      ports,
    },
  ].filter(({ targetCount }) => targetCount > 0);
}

/** The targets that pass, made one by one again for each reader. */
function pick(targets: Iterable<ScanTarget>, passes: (target: ScanTarget) => boolean): Iterable<ScanTarget> {
  return {
    *[Symbol.iterator]() {
      for (const target of targets) if (passes(target)) yield target;
    },
  };
}

function scanPart({ targets, targetCount, ports }: Part, input: ScanInput, options: ScanOptions): Promise<ScanOutcome> {
  const request = {
    targets,
    targetCount,
    tcpPorts: ports.tcp,
    udpPorts: ports.udp,
    namedPorts: ports.named,
    identify: input.identify !== false,
    retries: input.retries ?? null,
    packetsPerSecond: input.rate ?? null,
    engine: input.engine ?? null,
  };
  return runScanOf(request, options);
}

/** Adds up the progress of parts that are scanned one after the other. */
function watchParts(parts: readonly Part[], context: OperationContext) {
  const startedMs = context.nowMs();
  const total = parts.reduce((sum, { targetCount, ports: { tcp, udp, named } }) => {
    const skipped = tcp.intersect(printerPorts).difference(named);
    return sum + targetCount * (tcp.size - skipped.size + udp.size);
  }, 0);
  const before = { done: 0, open: 0, identified: 0 };
  // After the last port was asked only identifications go on, of which each door tells.
  let last = { done: 0, open: 0, identified: 0 };
  const report = ({ done, open, identified }: Pick<ScanProgress, "done" | "open" | "identified">): void => {
    last = { done, open, identified };
    const doneNow = before.done + done;
    const elapsedMs = context.nowMs() - startedMs;
    const remainingMs =
      doneNow === 0 || elapsedMs < 1000 ? null : Math.round((elapsedMs * Math.max(total - doneNow, 0)) / doneNow);
    context.progress(
      `${doneNow} of ${total} ports asked, ${before.open + open} open, ${before.identified + identified} identified`,
      { done: Math.min(doneNow, total), total, remainingMs },
    );
  };
  return {
    report,
    tellIdentified: ({ identification }: FoundDoor): void => {
      if (identification !== null) report({ ...last, identified: last.identified + 1 });
    },
    finish: ({ total: asked, hosts }: ScanOutcome): void => {
      const doors = hosts.flatMap((host) => host.doors);
      before.done += asked;
      before.open += doors.filter(({ state }) => state === "open").length;
      before.identified += doors.filter(({ identification }) => identification !== null).length;
      last = { done: 0, open: 0, identified: 0 };
    },
  };
}

/** Ports that an interrupt spared. */
function countUnasked({ hosts }: ScanOutcome): number {
  let count = 0;
  for (const { states } of hosts) for (const state of states) if (state.reason === "not-asked") count += state.count;
  return count;
}

function describeHost(
  { target, doors, states, answered }: ScanOutcome["hosts"][number],
  isWanted: (door: { readonly state: string }) => boolean,
): ListedHost {
  return {
    address: target.address,
    family: target.family,
    host: target.name,
    answered,
    doors: doors.filter(isWanted).map(describeDoor),
    states: states.filter(isWanted),
  };
}

function describeEngine({ name, cells, tally }: ScanOutcome["engines"][number]): ScanResult["engines"][number] {
  const { attempts, repeated, measuredLoss, smoothedRoundTripMs, widestWindow, exhausted } = tally;
  return {
    name,
    asked: cells,
    attempts,
    repeated,
    measuredLoss,
    roundTripMs: smoothedRoundTripMs,
    widestWindow,
    exhausted,
  };
}

/** The declaration of `scan`. */
export const scanOperation = defineOperation({
  name: "scan",
  summary: "What is open on some devices, and what it proves to be by its handshake",
  description:
    "Asks ports by ordinary connections, without privileges, and asks open ones what they are. Without a target it is this machine " +
    "itself, every TCP port of it; of other devices the first 1,000 ports of our own order. Printers' ports (9100 to 9107) are left " +
    "out unless each is named, because printers print what they receive. No password is ever tried. " +
    "Scan only what is yours or whose owner agreed. Exit status 0 when the scan is complete, also when nothing is open; 1 when some " +
    "names had no address; 130 when it was interrupted, with what was found until then.",
  effect: "network",
  faces: ["cli", "http", "mcp"],
  positional: ["targets"],
  examples: [
    { command: "scan", note: "every TCP port of this machine" },
    { command: "scan 192.168.1.8", note: "the usual ports of one device" },
    { command: "scan 192.168.1.0/24 -p 22,80,443 --open", note: "who has these open" },
    { command: "scan --file hosts.txt --exclude 10.0.0.5 --csv", note: "a list of devices, as a spreadsheet" },
    { command: "scan 10.0.0.1 --udp -p 53,123,161", note: "by UDP" },
    { command: "scan nas --all-ports --no-identify", note: "only which ports are open, nothing asked" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runScan,
});

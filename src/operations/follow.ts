/**
 * @module `follow`: the chart of this machine, and then every change of it as it comes.
 */
import * as v from "valibot";
import { PortolanError, parseDuration, quote } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { watchListeners } from "../observe/index.ts";
import { defineOperation } from "./define-operation.ts";
import { filterEntries, ownReachEntries } from "./filter-entries.ts";
import { describeServices } from "./look.ts";
import type { OperationContext } from "./operation.ts";
import { onCommandLine, optionalSwitch, optionalText } from "./parameters.ts";
import { listOf, serviceSchema, timeSchema, type ListedService } from "./schemas.ts";
import { selectServices } from "./select.ts";

const usualInterval = "500ms";
const shortestIntervalMs = 20;
const longestIntervalMs = 3_600_000;

const inputSchema = v.object({
  ...filterEntries,
  interval: optionalText(
    `What lives longer than this is not missed (default ${usualInterval}; from ${shortestIntervalMs}ms to 1h)`,
    { placeholder: "DURATION" },
  ),
  ...ownReachEntries,
  showSecrets: optionalSwitch("Show passwords and tokens in arguments instead of ***", onCommandLine),
});

const aspectSchema = v.picklist(["holders", "addresses", "reach", "project", "sockets"]);

/** What `follow` tells; `watch` tells it too. */
export const followEventSchemas = [
  v.object({
    kind: v.literal("start"),
    at: timeSchema,
    services: v.pipe(listOf(serviceSchema), v.description("What listens when the watch begins")),
  }),
  v.object({ kind: v.literal("appeared"), at: timeSchema, service: serviceSchema }),
  v.object({
    kind: v.literal("changed"),
    at: timeSchema,
    service: serviceSchema,
    aspects: v.pipe(listOf(aspectSchema), v.description("What is different")),
  }),
  v.object({
    kind: v.literal("disappeared"),
    at: timeSchema,
    service: v.pipe(serviceSchema, v.description("As it was last seen")),
    seenForMs: v.pipe(v.number(), v.description("Between the first sight and this one; at least 0")),
  }),
  v.object({
    kind: v.literal("missed"),
    at: timeSchema,
    sightings: v.pipe(v.number(), v.description("So many changes were merged, because the reader was too slow")),
    gapMs: v.pipe(
      v.number(),
      v.description(
        "Longest time before this in which nobody looked: more than the interval when the machine or the reader was too slow",
      ),
    ),
  }),
] as const;

const eventSchema = v.variant("kind", [...followEventSchemas]);

const outputSchema = v.object({
  complete: v.boolean(),
  startedAt: timeSchema,
  endedAt: timeSchema,
  appeared: v.number(),
  changed: v.number(),
  disappeared: v.number(),
  longestGapMs: v.pipe(
    v.number(),
    v.description("Longest time between two looks: more than the interval when the machine was too busy"),
  ),
});

export type FollowInput = v.InferInput<typeof inputSchema>;
export type FollowEvent = v.InferOutput<typeof eventSchema>;
export type FollowResult = v.InferOutput<typeof outputSchema>;
type Aspect = v.InferOutput<typeof aspectSchema>;

/** From so many intervals on a pause between two looks is told at once. */
const mostGap = 1.5;

/** A row that the reader knows of. */
interface Told {
  readonly service: ListedService;
  readonly sinceMs: number;
}

/** Runs `follow` until the context's signal aborts. */
export async function* runFollow(
  input: FollowInput,
  context: OperationContext,
): AsyncGenerator<FollowEvent, FollowResult, void> {
  const intervalMs = readInterval(input.interval ?? usualInterval);
  const user = input.user === "me" && context.userId !== null ? String(context.userId) : input.user;
  const selection = selectServices({ ...input, user });
  const showSecrets = input.showSecrets === true;
  const startedAt = new Date(context.nowMs()).toISOString();
  const counts = { appeared: 0, changed: 0, disappeared: 0 };
  let longestGapMs = 0;
  let told: ReadonlyMap<string, Told> | undefined;
  for await (const sighting of watchListeners(context.host, { intervalMs, signal: context.signal })) {
    const at = new Date(sighting.atMs).toISOString();
    longestGapMs = Math.round(sighting.longestGapMs);
    if (sighting.missed > 0 || sighting.gapMs > intervalMs * mostGap) {
      yield { kind: "missed", at, sightings: sighting.missed, gapMs: Math.round(sighting.gapMs) };
    }
    const { snapshot, changedPorts } = sighting;
    const before = told;
    // Only what has changed is worked out anew.
    const concerned = before === undefined || changedPorts === null ? snapshot : narrow(snapshot, changedPorts);
    const described = describeServices(concerned, { showSecrets }).filter((service) => selection.accepts(service));
    const kept =
      concerned === snapshot ? [] : [...(before ?? [])].filter(([, { service }]) => !changedPorts!.has(service.port));
    told = new Map([...kept, ...keyServices(described, before, sighting.atMs)]);
    if (before === undefined) {
      yield { kind: "start", at, services: described };
      continue;
    }
    for (const event of compare(before, told, at, sighting.atMs)) {
      if (event.kind !== "start" && event.kind !== "missed") counts[event.kind] += 1;
      yield event;
    }
  }
  return {
    // It has no other end than being stopped.
    complete: true,
    startedAt,
    endedAt: new Date(context.nowMs()).toISOString(),
    ...counts,
    longestGapMs,
  };
}

/** The same snapshot with the sockets on some ports alone. Nothing that is told of a service depends on other ports. */
function narrow(snapshot: Snapshot, ports: ReadonlySet<number>): Snapshot {
  const sockets = snapshot.sockets.filter(({ local }) => ports.has(local.port));
  return Object.create(snapshot, { sockets: { value: sockets } }) as Snapshot;
}

function readInterval(text: string): number {
  const intervalMs = parseDuration(text, "--interval");
  if (intervalMs >= shortestIntervalMs && intervalMs <= longestIntervalMs) return intervalMs;
  throw new PortolanError(
    "ARGUMENT_INVALID",
    `--interval: ${quote(text)} is not between ${shortestIntervalMs}ms and 1h.`,
    {
      details: { argument: "interval", given: text },
    },
  );
}

/**
 * Rows by what makes them the same from one sighting to the next: port, transport and the process that leads. A row of which no socket is
 * left is another one, also when the same process opened the port again.
 */
function keyServices(
  services: readonly ListedService[],
  before: ReadonlyMap<string, Told> | undefined,
  nowMs: number,
): Map<string, Told> {
  const keyed = new Map<string, Told>();
  const keyOfInode = new Map<number, string>();
  for (const [key, { service }] of before ?? []) for (const { inode } of service.sockets) keyOfInode.set(inode, key);
  for (const service of services) {
    const earlier = service.sockets.map(({ inode }) => keyOfInode.get(inode)).find((key) => key !== undefined);
    const since = earlier === undefined || keyed.has(earlier) ? undefined : before?.get(earlier)?.sinceMs;
    const key = since === undefined ? `${service.transport}/${service.port} ${service.sockets[0]!.inode}` : earlier!;
    keyed.set(key, { service, sinceMs: since ?? nowMs });
  }
  return keyed;
}

function* compare(
  before: ReadonlyMap<string, Told>,
  now: ReadonlyMap<string, Told>,
  at: string,
  nowMs: number,
): Generator<FollowEvent, void> {
  // What has gone first: who takes over a port comes after who leaves it.
  for (const [key, { service, sinceMs }] of before) {
    if (!now.has(key)) yield { kind: "disappeared", at, service, seenForMs: Math.max(0, nowMs - sinceMs) };
  }
  for (const [key, { service }] of now) {
    const earlier = before.get(key)?.service;
    if (earlier === undefined) yield { kind: "appeared", at, service };
    else {
      const aspects = differences(earlier, service);
      if (aspects.length > 0) yield { kind: "changed", at, service, aspects };
    }
  }
}

/** What is compared of a row, by aspect; backlogs and memory move all the time and are no change. */
const aspects: Readonly<Record<Aspect, (service: ListedService) => unknown>> = {
  holders: ({ holders }) => (holders.known ? holders.value.map(({ pid, role }) => [pid, role]) : holders.why),
  addresses: ({ addresses }) => addresses,
  reach: ({ reach }) => [reach.scope, reach.ipv4, reach.ipv6, reach.addresses.map(({ endpoint }) => endpoint)],
  project: ({ project }) => [project?.value.root ?? null, project?.value.git?.branch ?? null],
  sockets: ({ sockets }) => sockets.map(({ inode }) => inode),
};

function differences(earlier: ListedService, now: ListedService): Aspect[] {
  return (Object.keys(aspects) as Aspect[]).filter(
    (aspect) => JSON.stringify(aspects[aspect](earlier)) !== JSON.stringify(aspects[aspect](now)),
  );
}

/** The declaration of `follow`. */
export const followOperation = defineOperation({
  name: "follow",
  summary: "What listens on this machine, and every change of it as it comes",
  description:
    "The same as list --follow. Tells what listens, and then what appears, changes and disappears, until Ctrl-C or until the reader goes " +
    "away. The socket table is read often enough that nothing that lives longer than the interval is missed; who holds a socket is asked " +
    "only when one is new. Looks at the caller's own network namespace. A line of JSON an event with --json or --ndjson.",
  effect: "read",
  faces: ["cli"],
  positional: ["filter"],
  examples: [
    { command: "follow", note: "everything that comes and goes" },
    { command: "list --follow 3000-3999", note: "the same, of these ports" },
    { command: "follow --ndjson | jq .kind", note: "for a program" },
    { command: "follow --interval 50ms", note: "short-lived listeners too" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runFollow,
});

/**
 * @module `diff`: what is different between two looks at a machine, or at two machines.
 */
import * as v from "valibot";
import { knownOr } from "../core/index.ts";
import { ownHostName, type Host } from "../host/index.ts";
import { readContainers } from "../tenant/index.ts";
import { defineOperation } from "./define-operation.ts";
import { describeServices } from "./look.ts";
import { openMachine } from "./open-machine.ts";
import type { OperationContext } from "./operation.ts";
import { requiredText } from "./parameters.ts";
import { blindSpotSchema, listOf, serviceSchema, timeSchema, type ListedService } from "./schemas.ts";

const sideDescription = "A file of portolan snapshot, ssh:[user@]host, or live for this machine now";

const inputSchema = v.object({
  before: requiredText(sideDescription, { placeholder: "BEFORE" }),
  after: requiredText(sideDescription, { placeholder: "AFTER" }),
});

const sideSchema = v.object({ source: v.string(), name: v.string(), takenAt: timeSchema });

const aspectSchema = v.picklist(["process", "program", "addresses", "reach", "project", "container"]);

const outputSchema = v.object({
  complete: v.boolean(),
  equal: v.boolean(),
  before: sideSchema,
  after: sideSchema,
  appeared: v.pipe(listOf(serviceSchema), v.description("Services that only the second look has")),
  disappeared: v.pipe(listOf(serviceSchema), v.description("Services that only the first look has")),
  changed: listOf(
    v.object({
      aspects: v.pipe(listOf(aspectSchema), v.description("process: another process of the same program, a restart")),
      before: serviceSchema,
      after: serviceSchema,
    }),
  ),
  interfaces: v.pipe(
    listOf(
      v.object({ address: v.string(), interfaceName: v.string(), change: v.picklist(["appeared", "disappeared"]) }),
    ),
    v.description("Addresses of interfaces that only one of the looks has"),
  ),
  limits: listOf(v.object({ name: v.string(), before: v.unknown(), after: v.unknown() })),
  blindSpots: v.pipe(listOf(blindSpotSchema), v.description("What either look could not see")),
});

export type DiffInput = v.InferInput<typeof inputSchema>;
export type DiffResult = v.InferOutput<typeof outputSchema>;
type Aspect = v.InferOutput<typeof aspectSchema>;

/** Runs `diff`. */
export async function runDiff(input: DiffInput, context: OperationContext): Promise<DiffResult> {
  const before = await look(input.before, context);
  const after = await look(input.after, context);
  const pairs = pairServices(before.services, after.services);
  const changed = pairs.both.flatMap(([left, right]) => {
    const aspects = differingAspects(left, right);
    return aspects.length === 0 ? [] : [{ aspects, before: left, after: right }];
  });
  const interfaces = [
    ...only(before.addresses, after.addresses).map((one) => ({ ...one, change: "disappeared" as const })),
    ...only(after.addresses, before.addresses).map((one) => ({ ...one, change: "appeared" as const })),
  ];
  const limits = Object.keys(before.limits).flatMap((name) => {
    const [left, right] = [before.limits[name], after.limits[name]];
    return JSON.stringify(left) === JSON.stringify(right) ? [] : [{ name, before: left, after: right }];
  });
  const { left: disappeared, right: appeared } = pairs;
  const differences = disappeared.length + appeared.length + changed.length + interfaces.length + limits.length;
  return {
    complete: !context.signal.aborted && before.complete && after.complete,
    equal: differences === 0,
    before: before.side,
    after: after.side,
    appeared,
    disappeared,
    changed,
    interfaces,
    limits,
    blindSpots: [...before.blindSpots, ...after.blindSpots],
  };
}

async function look(source: string, context: OperationContext) {
  const isLive = source === "live";
  const machine: { host: Host; name: string } = isLive
    ? { host: context.host, name: ownHostName() }
    : await openMachine(source, context);
  const snapshot = await machine.host.snapshot({ states: "listening", namespaces: "all", signal: context.signal });
  const containers = await readContainers(snapshot, context.environment, context.signal);
  const { unprivilegedPortStart, ephemeralRange, reservedPorts, v6onlyDefault } = snapshot.limits;
  return {
    side: { source, name: machine.name, takenAt: new Date(snapshot.takenAtMs).toISOString() },
    complete: snapshot.complete,
    services: describeServices(snapshot, { containers }),
    addresses: snapshot.interfaces.flatMap(({ name, addresses }) =>
      addresses.map(({ address }) => ({ address, interfaceName: name })),
    ),
    limits: { unprivilegedPortStart, ephemeralRange, reservedPorts, v6onlyDefault } as Record<string, unknown>,
    blindSpots: snapshot.blindSpots,
  };
}

/** What makes a row the same on both sides: port, transport and place; of several there, the most alike go together. */
function pairServices(left: readonly ListedService[], right: readonly ListedService[]) {
  const rest = new Map<string, ListedService[]>();
  for (const service of right) {
    const key = keyOf(service);
    const list = rest.get(key);
    if (list === undefined) rest.set(key, [service]);
    else list.push(service);
  }
  const both: [ListedService, ListedService][] = [];
  const leftOnly: ListedService[] = [];
  for (const service of left) {
    const candidates = rest.get(keyOf(service)) ?? [];
    const likeness = (candidate: ListedService): number => -differingAspects(service, candidate).length;
    const best = candidates.toSorted((a, b) => likeness(b) - likeness(a))[0];
    if (best === undefined) leftOnly.push(service);
    else {
      candidates.splice(candidates.indexOf(best), 1);
      both.push([service, best]);
    }
  }
  return { both, left: leftOnly, right: [...rest.values()].flat() };
}

function keyOf({ transport, port, networkNamespace, container }: ListedService): string {
  const place =
    networkNamespace === null
      ? ""
      : (container?.value.name ?? networkNamespace.names[0] ?? knownOr(networkNamespace.id, "?"));
  return `${port}/${transport} ${place}`;
}

/** What is compared, by aspect. A restart keeps the program and changes the process. */
const aspects: Readonly<Record<Aspect, (service: ListedService) => unknown>> = {
  process: ({ holders }) => (holders.known ? holders.value.map(({ pid }) => pid) : holders.why),
  program: ({ holders, title }) => [
    title?.value ?? null,
    holders.known
      ? [...new Set(holders.value.map(({ executable, name }) => knownOr(executable, knownOr(name, ""))))]
      : null,
  ],
  addresses: ({ addresses }) => addresses.toSorted(),
  reach: ({ reach }) => [reach.scope, reach.addresses.map(({ endpoint }) => endpoint).toSorted()],
  project: ({ project }) => [project?.value.root ?? null, project?.value.git?.branch ?? null],
  container: ({ container }) => [container?.value.name ?? null, container?.value.image ?? null],
};

function differingAspects(left: ListedService, right: ListedService): Aspect[] {
  return (Object.keys(aspects) as Aspect[]).filter(
    (aspect) =>
      JSON.stringify(aspects[aspect](left)) !== JSON.stringify(aspects[aspect](right)) ||
      (aspect === "process" && haveRestarted(left, right)),
  );
}

/** Start times are worked out from a clock in steps of ten milliseconds, anew for each look. */
const clockSlackMs = 2000;

/** Whether the same numbers belong to other processes. */
function haveRestarted(left: ListedService, right: ListedService): boolean {
  const startsOf = ({ holders }: ListedService): number[] =>
    knownOr(holders, []).map(({ startedAt }) => Date.parse(knownOr(startedAt, "")));
  const [before, after] = [startsOf(left), startsOf(right)];
  return before.some((startMs, index) => Math.abs(startMs - after[index]!) > clockSlackMs);
}

function only<T>(these: readonly T[], those: readonly T[]): T[] {
  const known = new Set(those.map((one) => JSON.stringify(one)));
  return these.filter((one) => !known.has(JSON.stringify(one)));
}

/** The declaration of `diff`. */
export const diffOperation = defineOperation({
  name: "diff",
  summary: "What is different between two looks at a machine, or between two machines",
  description:
    "Services that came, went or changed (another process, program, address, reach, project or container), addresses of interfaces, and " +
    "the kernel's limits. Exit status 0 when nothing differs, 1 when something does.",
  effect: "read",
  faces: ["cli"],
  positional: ["before", "after"],
  examples: [
    { command: "diff before.json live", note: "what has changed here since" },
    { command: "diff monday.json friday.json", note: "between two looks" },
    { command: "diff ssh:one.example ssh:two.example", note: "between two machines" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runDiff,
});

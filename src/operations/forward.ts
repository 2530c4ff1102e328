/**
 * @module `forward`: a port here that leads to a port there.
 */
import * as v from "valibot";
import { PortolanError, formatSocketAddress, parseDuration, parseIpAddress } from "../core/index.ts";
import {
  findLoop,
  readRelayPairs,
  type ForwardWish,
  type RelayPair,
  type RelayProcessStatus,
  type RunningRelays,
} from "../gateway/index.ts";
import { ownAddresses } from "../plan/index.ts";
import type { ProjectFile } from "../project/index.ts";
import { defineOperation } from "./define-operation.ts";
import { openAllRelays } from "./open-all-relays.ts";
import type { OperationContext } from "./operation.ts";
import { optionalChoice, optionalInteger, optionalSwitch, optionalText, optionalTexts } from "./parameters.ts";
import { describeCounts, describePlace, noteForPlace, relayCountsSchema, relayPlaceSchema } from "./relay-schemas.ts";
import { listOf } from "./schemas.ts";

/** Entries of an input that hold for all relays of a command. */
export const relayTermEntries = {
  bind: optionalText(
    "Address to listen at where none is written (default 127.0.0.1; any other lets other devices in)",
    {
      placeholder: "IP",
    },
  ),
  acceptProxy: optionalSwitch("Clients begin with a header of the PROXY protocol, 1 or 2; who does not is refused"),
  idle: optionalText("End a connection on which nothing moved for so long (default never; UDP 2m)", {
    placeholder: "DURATION",
  }),
  maxConnections: optionalInteger("Most connections at once of each place (default 4096); more wait", 1, 1_000_000, {
    placeholder: "NUMBER",
  }),
  maxPerTarget: optionalInteger(
    "Most connections at once to each server (default 4096); more are refused",
    1,
    1_000_000,
    {
      placeholder: "NUMBER",
    },
  ),
};

const inputSchema = v.object({
  pairs: optionalTexts(
    "Where to listen and where to lead, in turns: 8080, 127.0.0.1:8080, *:8080, 8000-8010; 5500, 192.168.1.8:5500, nas.local:5500; /udp behind for UDP",
    { placeholder: "LISTEN TARGET" },
  ),
  udp: optionalSwitch("Over UDP, where the words do not say"),
  sendProxy: optionalChoice(["1", "2"], "Tell servers who the client is, by the PROXY protocol of this version", {
    placeholder: "VERSION",
  }),
  ...relayTermEntries,
});

const forwardSchema = v.object({
  listen: relayPlaceSchema,
  target: v.pipe(v.string(), v.description("Host and port")),
  sendProxy: v.nullable(v.picklist([1, 2])),
});

const eventSchema = v.object({
  kind: v.literal("ready"),
  forwards: listOf(forwardSchema),
  acceptProxy: v.boolean(),
  notes: v.pipe(listOf(v.string()), v.description("Who else gets in, and what does not work")),
});

const outputSchema = v.object({
  complete: v.boolean(),
  forwards: listOf(v.object({ ...forwardSchema.entries, counts: relayCountsSchema })),
});

export type ForwardInput = v.InferInput<typeof inputSchema>;
export type ForwardEvent = v.InferOutput<typeof eventSchema>;
export type ForwardResult = v.InferOutput<typeof outputSchema>;

const loopback = "127.0.0.1";
/** Also `--max-connections` and `--max-per-target`. */
const usualMost = 4096;
/** Time between two lines of what is going on, milliseconds. */
const paceMs = 1000;

/** Runs `forward` until the context's signal aborts. */
export async function* runForward(
  input: ForwardInput,
  context: OperationContext,
): AsyncGenerator<ForwardEvent, ForwardResult, void> {
  const wishes = input.pairs === undefined ? await readProject(input, context) : readForwards(input);
  refuseLoops(wishes, context);
  const relays = await openAllRelays(
    wishes.map((wish) => ({ wish })),
    context,
  );
  try {
    const ready = relays.status();
    yield { kind: "ready", ...describeReady(ready, relays, context), acceptProxy: input.acceptProxy === true };
    await untilStopped(relays, context);
    return { complete: true, forwards: describeForwards(relays.status()) };
  } finally {
    await relays.close({ drainMs: 0 });
  }
}

/**
 * What the words wish for.
 * @throws RELAY_PLACE_INVALID, ARGUMENT_INVALID, ADDRESS_INVALID
 */
export function readForwards(input: ForwardInput): ForwardWish[] {
  const { pairs: words = [] } = input;
  if (words.length === 0 || words.length % 2 === 1) {
    const what = words.length === 0 ? "Nothing was named" : `${words.at(-1)} has no target`;
    throw new PortolanError("ARGUMENT_INVALID", `${what}: forward takes places and targets in turns.`, {
      details: {
        argument: "pairs",
        hint: "For example: portolan forward 8080 192.168.1.8:5500; portolan forward list tells what runs.",
      },
    });
  }
  const terms = readRelayTerms(input);
  const sendProxy = input.sendProxy === undefined ? null : input.sendProxy === "1" ? 1 : 2;
  const defaults = { transport: input.udp === true ? "udp" : "tcp", bind: readBind(input.bind) } as const;
  const pairs = words.flatMap((word, index) =>
    index % 2 === 0 ? readRelayPairs(word, words[index + 1]!, defaults) : [],
  );
  const wishes = pairs.map((pair): ForwardWish => ({ kind: "forward", ...pair, ...terms, sendProxy }));
  refuseTwice(wishes);
  const overUdp = wishes.some(({ listen }) => listen.transport === "udp");
  if (overUdp && (terms.acceptProxy || sendProxy !== null))
    throw new PortolanError("ARGUMENT_INVALID", "Headers of the PROXY protocol are read and written over TCP alone.", {
      details: { argument: terms.acceptProxy ? "acceptProxy" : "sendProxy", hint: "Give UDP a command of its own." },
    });
  return wishes;
}

/** The forwards of the project's file. @throws ARGUMENT_INVALID, PROJECT_FILE_INVALID */
async function readProject(input: ForwardInput, context: OperationContext): Promise<ForwardWish[]> {
  // Flags alone are about places that were forgotten.
  if (Object.values(input).some((given) => given !== undefined)) return readForwards(input);
  // What reads such files is loaded for them alone.
  const { readRelayFile } = await import("./project-relays.ts");
  return readForwardEntries(readRelayFile("forwards", "portolan forward 8080 192.168.1.8:5500", context));
}

/** All that a project's file has. @throws PROJECT_FILE_INVALID, RELAY_PLACE_INVALID */
export async function readForwardEntries(file: ProjectFile): Promise<ForwardWish[]> {
  const { readEntry } = await import("./project-relays.ts");
  const wishes = file.forwards.flatMap((entry) =>
    readEntry(file, entry, [], () => {
      const { listen, to, sendProxy, acceptProxy, idle, maxConnections, maxPerTarget } = entry;
      const version = sendProxy === undefined ? undefined : sendProxy === 1 ? "1" : "2";
      const pairs = [String(listen), String(to)];
      return readForwards({ pairs, sendProxy: version, acceptProxy, idle, maxConnections, maxPerTarget });
    }),
  );
  refuseTwice(wishes);
  return wishes;
}

/** Terms that hold for all relays of a command. @throws ARGUMENT_INVALID */
export function readRelayTerms(input: {
  readonly acceptProxy?: boolean | undefined;
  readonly idle?: string | undefined;
  readonly maxConnections?: number | undefined;
  readonly maxPerTarget?: number | undefined;
}): Pick<ForwardWish, "acceptProxy" | "idleMs" | "mostConnections" | "mostToTarget"> {
  const idleMs = input.idle === undefined ? 0 : parseDuration(input.idle, "--idle");
  return {
    acceptProxy: input.acceptProxy === true,
    idleMs: idleMs === 0 ? null : idleMs,
    mostConnections: input.maxConnections ?? usualMost,
    mostToTarget: input.maxPerTarget ?? usualMost,
  };
}

/** @throws ADDRESS_INVALID */
export function readBind(bind: string | undefined): string {
  if (bind === undefined) return loopback;
  if (bind === "*") return "::";
  const { address, zone } = parseIpAddress(bind);
  return zone === null ? address : `${address}%${zone}`;
}

function refuseTwice(wishes: readonly ForwardWish[]): void {
  const seen = new Set<string>();
  for (const { listen } of wishes) {
    const key = `${listen.transport} ${listen.address} ${listen.port}`;
    if (seen.has(key) && listen.port !== 0)
      throw new PortolanError(
        "RELAY_PLACE_INVALID",
        `${formatSocketAddress(listen.address, listen.port)} leads to two targets.`,
        { details: { hint: "One place leads to one target; portolan share leads by what is said." } },
      );
    seen.add(key);
  }
}

/** @throws RELAY_LOOP */
export function refuseLoops(pairs: readonly RelayPair[], { host }: OperationContext): void {
  let own: ReadonlySet<string> = new Set();
  try {
    own = ownAddresses(host.readInterfaces());
  } catch {
    // What leads to an address of this machine is ended when it comes back.
  }
  const loop = findLoop(pairs, own);
  if (loop === null) return;
  const places = loop.map(({ listen }) => formatSocketAddress(listen.address, listen.port));
  const meant = loop.find(({ target }) => target.host === "localhost")?.target.port;
  throw new PortolanError("RELAY_LOOP", `${[...places, places[0]].join(" leads to ")}: it goes round.`, {
    details: {
      places,
      // Localhost is either loopback address, this one among them.
      ...(meant === undefined ? {} : { hint: `Write the address that is meant: 127.0.0.1:${meant}, [::1]:${meant}.` }),
    },
  });
}

function describeForwards({ relays }: RelayProcessStatus): ForwardResult["forwards"] {
  return relays.map(({ wish, place, counts }) => ({
    ...describeForward(wish as ForwardWish, place),
    counts: describeCounts(counts),
  }));
}

function describeForward(
  { target, sendProxy }: ForwardWish,
  place: ForwardWish["listen"],
): v.InferOutput<typeof forwardSchema> {
  return { listen: describePlace(place), target: formatSocketAddress(target.host, target.port), sendProxy };
}

function describeReady(
  { relays }: RelayProcessStatus,
  { problem }: RunningRelays,
  context: OperationContext,
): Pick<ForwardEvent, "forwards" | "notes"> {
  const notes = relays.map(({ place }) => noteForPlace(place, context)).filter((note) => note !== null);
  const believes = notes.length > 0 && relays.some(({ wish }) => wish.acceptProxy);
  return {
    forwards: relays.map(({ wish, place }) => describeForward(wish as ForwardWish, place)),
    notes: [
      ...notes,
      ...(believes ? ["Whoever gets in can say by a PROXY header that they are anybody."] : []),
      ...(problem === null ? [] : [problem]),
    ],
  };
}

/** Says on the status line what is going on, until it is stopped. */
export function untilStopped(relays: RunningRelays, { signal, progress }: OperationContext): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setInterval(() => {
      const all = relays.status().relays.map(({ counts }) => counts);
      const sum = (count: (one: (typeof all)[number]) => number): number =>
        all.reduce((total, one) => total + count(one), 0);
      const total = sum((one) => one.total);
      if (total > 0) progress(`${sum(({ open: now }) => now)} open, ${total} so far`);
    }, paceMs);
    signal.addEventListener(
      "abort",
      () => {
        clearInterval(timer);
        resolve();
      },
      { once: true },
    );
  });
}

/** The declaration of `forward`. */
export const forwardOperation = defineOperation({
  name: "forward",
  summary: "A port here that leads to a port there",
  description:
    "forward LISTEN TARGET passes on what comes to LISTEN, byte by byte, and what the server answers, until Ctrl-C: TCP or UDP, IPv4 to IPv6 and back, as many pairs as you like. " +
    "LISTEN is 8080 (at 127.0.0.1), 127.0.0.1:8080, [::1]:8080, *:8080 (every address, IPv4 and IPv6), 0 (any free port), or a range 8000-8010, which leads to a range of the same length or to one port. " +
    "TARGET is 5500 (this machine, at whichever loopback address answers), 192.168.1.8:5500, [::1]:80 or nas.local:5500. /udp behind either, or --udp, means UDP. All listen, or none does. " +
    "An end in one direction, a slow reader and a reset are passed on as what they are. portolan trace tells each connection when it is over, portolan forward list what runs.",
  effect: "exec",
  faces: ["cli"],
  positional: ["pairs"],
  examples: [
    { command: "forward 8080 192.168.1.8:5500", note: "port 8080 of this machine is port 5500 of that one" },
    { command: "forward '*:8080' 3000", note: "lets other devices in" },
    { command: "forward '[::1]:5432' 127.0.0.1:5432", note: "for a program that asks for IPv6" },
    { command: "forward 8000-8010 nas.local:8000-8010", note: "eleven ports" },
    { command: "forward 5353/udp 192.168.1.1:53", note: "UDP" },
    { command: "forward 8080 3000 --send-proxy 2", note: "the server is told who the client is" },
    { command: "forward", note: "the forwards of portolan.config.json" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runForward,
});

/**
 * @module `share`: many servers behind one port, told apart by what their clients say first.
 */
import { PortolanError } from "../core/index.ts";
import { type RelayPair, type RunningRelays, type ShareWish } from "../gateway/index.ts";
import { createDemultiplexer } from "../gateway/relay/index.ts";
import { defineOperation } from "./define-operation.ts";
import { readBind, readRelayTerms, refuseLoops, untilStopped } from "./forward.ts";
import { openAllRelays } from "./open-all-relays.ts";
import type { OperationContext } from "./operation.ts";
import { describeCounts, noteForPlace } from "./relay-schemas.ts";
import { describeShare } from "./share-results.ts";
import {
  shareEventSchema,
  shareInputSchema,
  shareOutputSchema,
  type ShareEvent,
  type ShareInput,
  type ShareResult,
} from "./share-schemas.ts";
import { protocolFlags, readShareWords, type ReadShare } from "./share-wish.ts";

const example = "portolan share 443 --ssh :22 --tls :8443 --http :8080";

/** Runs `share` until the context's signal aborts. */
export async function* runShare(
  input: ShareInput,
  context: OperationContext,
): AsyncGenerator<ShareEvent, ShareResult, void> {
  const shares = await readShares(input, context);
  // Each end by itself: a circle through several of them is noticed when somebody goes round.
  for (const pair of shares.flatMap(({ wish }) => pairsOf(wish))) refuseLoops([pair], context);
  const relays = await openAllRelays(
    shares.map(({ wish }) => ({ wish, chooser: createDemultiplexer(wish) })),
    context,
  );
  try {
    yield readyEvent(
      relays,
      shares.flatMap(({ notes }) => notes),
      context,
    );
    await untilStopped(relays, context);
    const { relays: ended } = relays.status();
    return {
      complete: true,
      shares: ended.map(({ wish, place, counts }) => ({
        ...describeShare(wish as ShareWish, place),
        counts: describeCounts(counts),
      })),
    };
  } finally {
    await relays.close({ drainMs: 0 });
  }
}

/**
 * What the words wish for, or the project's file.
 * @throws ARGUMENT_INVALID, RELAY_PLACE_INVALID, PROJECT_FILE_INVALID
 */
async function readShares(input: ShareInput, context: OperationContext): Promise<readonly ReadShare<ShareWish>[]> {
  const given = Object.keys(input).filter((key) => input[key] !== undefined);
  if (given.length === 0) {
    // What reads such files is loaded for them alone.
    const { readRelayFile } = await import("./project-relays.ts");
    const { readShareEntries } = await import("./share-project.ts");
    return readShareEntries(readRelayFile("shares", example, context));
  }
  const { listen } = input;
  if (listen === undefined)
    throw new PortolanError("ARGUMENT_INVALID", "Nothing says where to listen.", {
      details: { hint: `For example: ${example}` },
    });
  const flags = protocolFlags.map(({ flag }) => [flag, input[flag] as readonly string[] | undefined] as const);
  const read = readShareWords({
    ...input,
    listen,
    bind: readBind(input.bind),
    sendProxy: input.sendProxy === undefined ? undefined : input.sendProxy === "1" ? 1 : 2,
    protocols: new Map(flags.filter((entry): entry is readonly [string, readonly string[]] => entry[1] !== undefined)),
  });
  return [{ wish: { ...read.wish, ...readRelayTerms(input) }, notes: read.notes }];
}

function pairsOf({ listen, rules, silent, fallback }: ShareWish): RelayPair[] {
  const ends = [...rules, ...(silent === null ? [] : [silent]), ...(fallback === null ? [] : [fallback])];
  return ends.map(({ target }) => ({ listen, target }));
}

function readyEvent(relays: RunningRelays, notes: readonly string[], context: OperationContext): ShareEvent {
  const places = relays.status().relays;
  const outside = places.map(({ place }) => noteForPlace(place, context)).filter((note) => note !== null);
  return {
    kind: "ready",
    shares: places.map(({ wish, place }) => describeShare(wish as ShareWish, place)),
    notes: [...notes, ...outside, ...(relays.problem === null ? [] : [relays.problem])],
  };
}

/** The declaration of `share`. */
export const shareOperation = defineOperation({
  name: "share",
  summary: "Many servers behind one port, told apart by what their clients say first",
  description:
    "share LISTEN with a flag for each server: the first bytes of a connection decide which one it goes to, and are passed on untouched. Protocols are told by how they begin, TLS also by the name and the protocols that its hello offers, " +
    "HTTP/1 by Host; HTTP/2 without TLS packs its name, so that it has none here. A name goes before a protocol alone. TARGET is 5432 or :5432 (this machine), 192.168.1.8:5432, nas.local:22; TARGET,proxy=2 for a server that wants a header of the PROXY protocol. " +
    "Clients of SMTP, FTP, POP3, IMAP, MySQL, VNC, Telnet and NATS say nothing before the server has: whoever says nothing for the wait goes where --silent says, which one of their flags says as well. " +
    "It is decided as soon as nothing that may still come would change it; 16 KiB are looked at. What fits no rule goes to --fallback, or is closed. Runs until Ctrl-C; portolan trace tells each connection with what it was seen to be, portolan share list what runs.",
  effect: "exec",
  faces: ["cli"],
  positional: ["listen"],
  examples: [
    { command: "share 443 --ssh :22 --tls :8443 --http :8080", note: "three servers at one port" },
    {
      command: "share 8443 --name app.localhost=:3000 --name '*.shop.test'=:3001 --tls :8444",
      note: "by the name that is asked for",
    },
    { command: "share 8443 --alpn h2=:8444 --tls :8445", note: "by what TLS offers" },
    {
      command: "share 2525 --postgres :5432 --redis :6379 --smtp :25 --wait 1s",
      note: "mail's clients wait, and are known by that",
    },
    {
      command: "share '*:443' --ssh :22 --tls :8443,proxy=2 --fallback :8080",
      note: "other devices too; one server is told who they are",
    },
    { command: "share", note: "the shares of portolan.config.json" },
  ],
  input: shareInputSchema,
  output: shareOutputSchema,
  event: shareEventSchema,
  run: runShare as never,
});

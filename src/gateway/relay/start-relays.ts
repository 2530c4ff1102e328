/**
 * @module The relays of one process: all of them listen or none does, and whoever has the same user may ask about them.
 */
import { join } from "node:path";
import { listenForControl, type Control } from "../engine/control-server.ts";
import { relaysFolder, type RelayProcessStatus } from "./relay-control.ts";
import { RelayHub } from "./relay-hub.ts";
import { forwardChooser } from "./forward-chooser.ts";
import type { RelaysOptions, RunningRelays } from "./open-relays.ts";
import type { Chooser, ForwardWish, ShareWish } from "./relay-wish.ts";
import type { RunningRelay } from "./running-relay.ts";
import { startTcpRelay } from "./tcp-relay.ts";
import { startUdpRelay } from "./udp-relay.ts";

/** Longest path of a Unix socket (unix(7)): 107 bytes and a NUL; macOS has four less. */
const longestSocketPath = 103;

/** A relay to start. A share brings its chooser; a forward has its own. */
export type RelayStart = { readonly wish: ForwardWish } | { readonly wish: ShareWish; readonly chooser: Chooser };

/**
 * Starts them.
 * @throws LISTEN_FAILED, whose `details.error` is the system's; nothing listens then
 */
export async function startRelays(starts: readonly RelayStart[], options: RelaysOptions): Promise<RunningRelays> {
  const hub = new RelayHub({ nowMs: options.nowMs });
  const relays: RunningRelay[] = [];
  try {
    for (const start of starts) relays.push(await startOne(start, hub));
  } catch (error) {
    await Promise.all(relays.map((relay) => relay.close({ drainMs: 0 })));
    throw error;
  }
  const startedAtMs = options.nowMs();
  const status = (): RelayProcessStatus => ({
    pid: process.pid,
    version: options.version,
    startedAtMs,
    workingDirectory: options.workingDirectory,
    relays: relays.map((relay) => ({ wish: relay.wish, place: relay.place, counts: relay.counts() })),
  });
  const { control, problem } = await startControl(options.stateFolder, status, hub);
  let closing: Promise<void> | undefined;
  return {
    status,
    problem,
    close: ({ drainMs }) => {
      closing ??= (async () => {
        await Promise.all(relays.map((relay) => relay.close({ drainMs })));
        control?.close();
      })();
      return closing;
    },
  };
}

function startOne(start: RelayStart, hub: RelayHub): Promise<RunningRelay> {
  const { wish } = start;
  if (wish.listen.transport === "udp") return startUdpRelay(wish as ForwardWish, hub);
  return startTcpRelay(wish, "chooser" in start ? start.chooser : forwardChooser(wish as ForwardWish), hub);
}

/** That it cannot be asked about is no reason not to relay. */
async function startControl(
  stateFolder: string,
  status: () => RelayProcessStatus,
  hub: RelayHub,
): Promise<{ readonly control: Control | null; readonly problem: string | null }> {
  const path = join(relaysFolder(stateFolder), `${process.pid}.sock`);
  const refuse = (): never => {
    throw new Error("a relay does not do that");
  };
  if (Buffer.byteLength(path) > longestSocketPath)
    return { control: null, problem: `${path} is too long for a socket: portolan trace will not see what comes here.` };
  try {
    const control = await listenForControl(path, {
      status,
      reload: refuse,
      stop: refuse,
      replace: refuse,
      trace: (tell) => hub.listen(tell),
      traffic: refuse,
    } satisfies RelayActions);
    return { control, problem: null };
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    return {
      control: null,
      problem: `${path} could not be made (${why}): portolan trace will not see what comes here.`,
    };
  }
}

type RelayActions = Parameters<typeof listenForControl>[1];

/**
 * @module What `run` says of a program that does not listen: what it waits for, what the program was told, what it does instead, what to do.
 */
import { listDescendants } from "../act/index.ts";
import { formatDuration, knownOr, quote, type Port } from "../core/index.ts";
import type { GivenPort } from "../gateway/index.ts";
import type { Host } from "../host/host.ts";

/** A program is given this time to listen before a word is said, milliseconds: most development servers are up by then. */
export const usualPatienceMs = 10_000;

/** What the program was told, and by which means. */
export interface ToldPort {
  readonly port: Port;
  readonly given: GivenPort;
  /** As the user wrote it. */
  readonly command: readonly string[];
  /** The bound socket itself was handed over. */
  readonly socket: boolean;
  /** `--no-flags`. */
  readonly flagsRefused: boolean;
  /** Host name that leads there. */
  readonly route: string;
  /** Time that it has had, milliseconds. */
  readonly afterMs: number;
}

/** The sentences, when nothing listens after that time. */
export async function describeSilence(told: ToldPort, pid: number, host: Host): Promise<string> {
  const instead = await findInstead(pid, host);
  return [
    `${told.route} is not up: after ${formatDuration(told.afterMs)} nothing listens at port ${told.port} yet.`,
    howTold(told),
    ...(instead.length === 0 ? [] : [`Instead it has ${instead.join(", ")}.`]),
    adviceFor(told),
    "It is still waited for; portolan doctor looks for what stands in the way.",
  ].join(" ");
}

function howTold({ port, given, command, socket }: ToldPort): string {
  if (socket) return "The program got the bound socket as descriptor 3 (LISTEN_FDS), and PORT.";
  const added = given.words.slice(command.length).join(" ");
  if (given.program !== null) return `${quote(given.program)} was told by ${quote(added)}, and by PORT=${port}.`;
  return `The program was told by the environment alone, PORT=${port}.`;
}

function adviceFor({ given, flagsRefused, socket, command }: ToldPort): string {
  if (socket) return "A program that takes no socket needs run without --socket.";
  if (given.starter !== null)
    return `${given.starter} has to hand PORT on, or each of its programs needs a portolan run of its own.`;
  if (given.program !== null)
    return "If it is still starting, all is well; otherwise what it says above may tell what is wrong.";
  const shell = `portolan run -- sh -c 'exec ${command[0] ?? "PROGRAM"} … --port "$PORT"'`;
  return (
    `If it does not look at PORT, tell it in its own words${flagsRefused ? ", or leave out --no-flags" : ""}: ` +
    `${shell}. If it has a port of its own, portolan run --prefer THAT-PORT gives it that one.`
  );
}

/** What else the program and those that it started have open to others: another TCP port is found sooner, and its name leads there. */
async function findInstead(pid: number, host: Host): Promise<string[]> {
  const family = new Set([pid, ...listDescendants([pid])]);
  const snapshot = await host.snapshot({ states: "listening", holders: "all" }).catch(() => null);
  if (snapshot === null) return [];
  const held = snapshot.sockets
    .filter((socket) => knownOr(snapshot.holdersOf(socket), []).some((holder) => family.has(holder.pid)))
    .map(({ transport, local }) => ({ port: local.port, text: `${transport} port ${local.port}` }))
    .toSorted((one, other) => one.port - other.port);
  return [...new Set(held.map(({ text }) => text))].slice(0, mostTold);
}

const mostTold = 5;

/**
 * @module `run`: a program with a port of its own.
 */
import * as v from "valibot";
import { openListeningSockets, startChild } from "../act/index.ts";
import { acquireNamedPort, acquirePorts, checkName, readReservations, reservedPorts } from "../lease/index.ts";
import { defineOperation } from "./define-operation.ts";
import { leaseHome, portWishEntries, wishOf } from "./lease-parts.ts";
import type { OperationContext } from "./operation.ts";
import { optionalSwitch, requiredTexts } from "./parameters.ts";
import { listOf, portSchema } from "./schemas.ts";

const inputSchema = v.object({
  command: requiredTexts("Program and arguments, as they are", { placeholder: "COMMAND", passThrough: true }),
  ...portWishEntries,
  socket: optionalSwitch("Pass the bound socket itself, as systemd does (LISTEN_FDS), to programs that accept it"),
});

const startingEntries = {
  port: portSchema,
  name: v.nullable(v.string()),
  socketsPassed: v.pipe(v.number(), v.description("Listening sockets that it got, from descriptor 3 on")),
};

const outputSchema = v.object({
  complete: v.boolean(),
  ...startingEntries,
  pid: v.pipe(v.number(), v.description("The program's process")),
  command: listOf(v.string()),
  exitStatus: v.pipe(v.number(), v.description("The program's; 128 and the signal's number when a signal ended it")),
  signal: v.pipe(v.nullable(v.string()), v.description("Signal that ended it")),
});

const eventSchema = v.object({ kind: v.literal("starting"), ...startingEntries });

export type RunInput = v.InferInput<typeof inputSchema>;
export type RunResult = v.InferOutput<typeof outputSchema>;
export type RunEvent = v.InferOutput<typeof eventSchema>;

/** Runs `run`. Signals to this process go to the program. The port is nobody else's until the program has ended. */
export async function* runRun(input: RunInput, context: OperationContext): AsyncGenerator<RunEvent, RunResult, void> {
  const wish = wishOf(input);
  const { file, project } = await leaseHome(context);
  const surroundings = { host: context.host, signal: context.signal, random: Math.random, nowMs: context.nowMs };
  const acquired =
    input.name === undefined
      ? (
          await acquirePorts(
            { ...wish, count: 1, contiguous: false, reserved: reservedPorts(readReservations(file)), start: null },
            surroundings,
          )
        )[0]!
      : await acquireNamedPort({ name: checkName(input.name), project }, wish, file, surroundings);
  const { port, lock } = acquired;
  try {
    const sockets =
      input.socket === true ? openListeningSockets(port, wish.transports, wish.addresses ?? ["::"]) : undefined;
    const starting = { port, name: input.name ?? null, socketsPassed: sockets?.descriptors.length ?? 0 };
    let child: Awaited<ReturnType<typeof startChild>>;
    try {
      // Told before, so that it does not come in between what the program says.
      yield { kind: "starting", ...starting };
      child = await startChild({
        words: input.command,
        environment: { ...context.environment, PORT: String(port) },
        workingDirectory: context.workingDirectory,
        ...(sockets === undefined ? {} : { descriptors: sockets.descriptors }),
      });
    } finally {
      // The program has its own copies; ours would keep the port open after it.
      sockets?.close();
    }
    const { exitStatus, signal } = await child.ended;
    return { complete: true, ...starting, pid: child.pid, command: input.command, exitStatus, signal };
  } finally {
    lock.release();
  }
}

/** The declaration of `run`. */
export const runOperation = defineOperation({
  name: "run",
  summary: "A program with a port of its own, in PORT",
  description:
    "The program gets a free port in the environment variable PORT, and nobody else gets that port as long as run looks after it: until the program has ended. " +
    "Its input, output, signals and exit status are its own. With --socket the port is bound before the program starts and handed over as " +
    "descriptor 3 (sd_listen_fds(3)), so that nobody can come between. What stands behind -- belongs to the program. Exit status: the program's; " +
    "127 when there is no such program, 126 when it cannot be executed.",
  effect: "exec",
  faces: ["cli"],
  positional: ["command"],
  examples: [
    { command: "run -- npm run dev", note: "npm's script finds its port in PORT" },
    { command: "run --name web -- node server.js", note: "this project's port for web, the same every day" },
    { command: "run --prefer 3000 -- npx serve", note: "3000 if it is free" },
    { command: "run --socket -- systemd-aware-server", note: "the bound socket itself" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runRun,
});

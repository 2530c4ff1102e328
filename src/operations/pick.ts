/**
 * @module `pick`: free ports, promised to the caller for a while.
 */
import * as v from "valibot";
import { PortolanError, formatDuration, parseDuration, quote } from "../core/index.ts";
import {
  acquireNamedPort,
  acquirePorts,
  checkName,
  monotonicMs,
  readReservations,
  reservedPorts,
  writeLeaseRecords,
  type AcquiredPort,
} from "../lease/index.ts";
import { defineOperation } from "./define-operation.ts";
import { leaseHome, portWishEntries, wishOf } from "./lease-parts.ts";
import type { OperationContext } from "./operation.ts";
import { optionalInteger, optionalSwitch, optionalText } from "./parameters.ts";
import { listOf, portSchema } from "./schemas.ts";

/** How long a promise lasts when nothing else is said. */
const usualTtl = "60s";
/** Longest promise: a day. What is to last is reserved. */
const longestTtlMs = 86_400_000;
const mostPorts = 10_000;

const inputSchema = v.object({
  count: optionalInteger("How many (default 1)", 1, mostPorts, { placeholder: "N" }),
  ...portWishEntries,
  contiguous: optionalSwitch("Neighbours, ascending"),
  ttl: optionalText(`How long nobody else gets them, unless somebody binds them before (default ${usualTtl})`, {
    placeholder: "DURATION",
  }),
});

const outputSchema = v.object({
  complete: v.boolean(),
  ports: listOf(portSchema),
  ttlMs: v.pipe(v.number(), v.description("How long Portolan gives them to nobody else, milliseconds from now")),
  name: v.nullable(v.string()),
  project: v.pipe(v.nullable(v.string()), v.description("Folder of the project in which the name means this port")),
});

export type PickInput = v.InferInput<typeof inputSchema>;
export type PickResult = v.InferOutput<typeof outputSchema>;

/** Runs `pick`. */
export async function runPick(input: PickInput, context: OperationContext): Promise<PickResult> {
  const count = input.count ?? 1;
  const ttlMs = parseDuration(input.ttl ?? usualTtl, "--ttl");
  if (ttlMs < 1 || ttlMs > longestTtlMs) {
    throw new PortolanError(
      "ARGUMENT_INVALID",
      `--ttl: ${quote(input.ttl ?? "")} is not from 1 ms to ${formatDuration(longestTtlMs)}.`,
      {
        details: { argument: "ttl", hint: "portolan reserve NAME keeps a port for good." },
      },
    );
  }
  const wish = wishOf(input);
  const { file, project } = await leaseHome(context);
  const surroundings = { host: context.host, signal: context.signal, random: Math.random, nowMs: context.nowMs };
  let acquired: AcquiredPort[];
  if (input.name === undefined) {
    const reserved = reservedPorts(readReservations(file));
    const contiguous = input.contiguous === true;
    acquired = await acquirePorts({ ...wish, count, contiguous, reserved, start: null }, surroundings);
  } else {
    if (count > 1) {
      throw new PortolanError("ARGUMENT_INVALID", "--name names one port: ask for each by a name of its own.", {
        details: { argument: "name" },
      });
    }
    acquired = [await acquireNamedPort({ name: checkName(input.name), project }, wish, file, surroundings)];
  }
  try {
    // Whoever reads the records holds the port's lock, so the promise must stand before this caller's locks go.
    const ports = acquired.map(({ port }) => port);
    writeLeaseRecords(ports, monotonicMs() + ttlMs);
    return {
      complete: true,
      ports,
      ttlMs,
      name: input.name ?? null,
      project: input.name === undefined ? null : project,
    };
  } finally {
    for (const { lock } of acquired) lock.release();
  }
}

/** The declaration of `pick`. */
export const pickOperation = defineOperation({
  name: "pick",
  summary: "A free port that nobody else gets meanwhile",
  description:
    "Prints ports, one a line. Each was tried by binding it at every address of both families, and no other call of Portolan on this machine, " +
    "by any user, gets it until its time is over. By default it is none that the kernel assigns by itself, none that browsers refuse, and nobody's " +
    "usual port. With --name it is the same port for the same name in the same project, every day; a git worktree has its own. Exit status 0, " +
    "1 when there are not enough, 3 when the promise could not be written down.",
  effect: "change",
  faces: ["cli"],
  positional: ["count"],
  examples: [
    { command: "pick", note: "one free port" },
    { command: "pick --name web", note: "this project's port for web, today as yesterday" },
    { command: "pick --prefer 3000,3001 --in 3000-3999", note: "3000 if it is free, else the next" },
    { command: "pick 5 --contiguous", note: "five in a row" },
    { command: "pick --both --ttl 5m", note: "free for TCP and UDP, kept for five minutes" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runPick,
});

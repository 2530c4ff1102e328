/**
 * @module Another machine, or this one at another time: opened from a file or over ssh, to be looked at like the live one.
 */
import * as v from "valibot";
import { PortolanError, quote } from "../core/index.ts";
import { createSavedHost, readSavedMachine, type Host, type SavedMachine } from "../host/index.ts";
import { largestSnapshotBytes, readSnapshotText, unpackSnapshot } from "../store/index.ts";
import { claimSchema, listOf } from "./schema-parts.ts";
import { containerSchema, frameworkSchema, projectSchema, supervisorSchema } from "./schemas.ts";

/** Where a machine is. */
export interface MachineSource {
  readonly host: Host;
  /** Name of the machine, raw. */
  readonly name: string;
  /** Milliseconds since the Unix epoch. */
  readonly takenAtMs: number;
}

/** What opening may touch. */
export interface OpeningContext {
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Text of standard input, where `readInput` is not given. */
  readonly readText: (path: string) => Promise<string>;
  /** Bytes of standard input, at most so many. */
  readonly readInput?: (mostBytes: number) => Promise<Buffer>;
  readonly progress: (message: string) => void;
}

const factsSchema = v.object({
  tenants: v.optional(
    v.record(
      v.string(),
      v.object({
        project: v.nullable(claimSchema(projectSchema)),
        framework: v.nullable(claimSchema(frameworkSchema)),
        supervisor: v.nullable(claimSchema(supervisorSchema)),
      }),
    ),
  ),
  engines: v.optional(
    listOf(
      v.object({
        engine: v.picklist(["docker", "podman"]),
        id: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
        name: v.nullable(v.string()),
        image: v.nullable(v.string()),
        composeProject: v.nullable(v.string()),
        composeService: v.nullable(v.string()),
        pod: v.nullable(v.string()),
        published: containerSchema.entries.published,
        owner: v.nullable(v.number()),
      }),
    ),
  ),
});

/**
 * Opens what `--from` names: a file of `portolan snapshot`, `-` for standard input, or `ssh:[user@]host[:port]`.
 * @throws FILE_UNREADABLE, SNAPSHOT_INVALID, REMOTE_FAILED, ARGUMENT_INVALID
 */
export async function openMachine(source: string, context: OpeningContext): Promise<MachineSource> {
  if (source.startsWith("ssh:")) {
    const { readRemoteMachine } = await import("./remote-machine.ts");
    return openDocument(await readRemoteMachine(source.slice(4), context));
  }
  if (source !== "-") return openDocument(parseDocument(readSnapshotText(source), source));
  const name = "standard input";
  const text =
    context.readInput === undefined
      ? await context.readText("-")
      : unpackSnapshot(await context.readInput(largestSnapshotBytes), name);
  return openDocument(parseDocument(text, name));
}

/**
 * JSON of a document.
 * @throws SNAPSHOT_INVALID
 */
export function parseDocument(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PortolanError("SNAPSHOT_INVALID", `${quote(name)} is no JSON.`, { cause: error });
  }
}

/** @throws SNAPSHOT_INVALID */
export function openDocument(document: unknown): MachineSource {
  const machine = readSavedMachine(document);
  const facts = v.safeParse(factsSchema, machine.facts, { abortEarly: true });
  if (!facts.success) {
    const path = `facts.${v.getDotPath(facts.issues[0]) ?? ""}`;
    throw new PortolanError("SNAPSHOT_INVALID", `It is no snapshot: ${path}: ${facts.issues[0].message}.`, {
      details: { path },
    });
  }
  const checked: SavedMachine = { ...machine, facts: facts.output };
  return { host: createSavedHost(checked), name: machine.hostName, takenAtMs: machine.takenAtMs };
}

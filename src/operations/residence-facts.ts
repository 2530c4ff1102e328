/**
 * @module What the record keeps of a service: bounded, with secrets masked, read back with suspicion.
 */
import * as v from "valibot";
import { knownOr } from "../core/index.ts";
import { listOf, type ListedService } from "./schemas.ts";

/** Longest texts that are kept, characters. */
const mostText = 400;
const mostArguments = 1000;

const text = v.pipe(v.string(), v.maxLength(mostArguments + 1));

/** The facts as they are kept, and as `history` tells them. */
export const residenceFactsSchema = v.object({
  service: v.pipe(v.nullable(text), v.description("The strongest claim of what it was")),
  basis: v.nullable(v.picklist(["assigned", "convention", "inferred", "proved"])),
  addresses: listOf(text),
  reach: v.picklist(["namespace", "machine", "networks", "everywhere", "nowhere"]),
  process: v.nullable(text),
  pid: v.nullable(v.number()),
  processStartedAt: v.nullable(text),
  uid: v.nullable(v.number()),
  user: v.nullable(text),
  project: v.nullable(text),
  root: v.nullable(text),
  branch: v.nullable(text),
  framework: v.nullable(text),
  container: v.nullable(text),
  command: v.pipe(v.nullable(text), v.description("Its arguments, secrets masked, cut when they are long")),
});

export type ResidenceFacts = v.InferOutput<typeof residenceFactsSchema>;

/**
 * What is kept of a service whose arguments are masked.
 * @param pid the holder that is meant when there are several; the first when it is `null` or not among them
 */
export function residenceFactsOf(service: ListedService, pid: number | null = null): ResidenceFacts {
  const holders = knownOr(service.holders, []);
  const holder = holders.find((one) => one.pid === pid) ?? holders[0];
  const project = service.project?.value;
  const cut = (value: string | null | undefined): string | null => cutText(value ?? null, mostText);
  return {
    service: cut(service.title?.value),
    basis: service.title?.basis ?? null,
    addresses: service.addresses.slice(0, 16).map((address) => address.slice(0, mostText)),
    reach: service.reach.scope,
    process: holder === undefined ? null : cut(knownOr(holder.name, null)),
    pid: holder?.pid ?? null,
    processStartedAt: holder === undefined ? null : knownOr(holder.startedAt, null),
    uid: holder === undefined ? (service.sockets[0]?.uid ?? null) : knownOr(holder.uid, null),
    user: holder === undefined ? null : cut(knownOr(holder.userName, null)),
    project: cut(project?.name),
    root: cut(project?.root),
    branch: cut(project?.git?.branch),
    framework: cut(service.framework?.value.title),
    container: cut(service.container?.value.name ?? service.container?.value.id),
    command: holder === undefined ? null : cutText(knownOr(holder.arguments, null)?.join(" ") ?? null, mostArguments),
  };
}

function cutText(value: string | null, most: number): string | null {
  return value === null || value.length <= most ? value : `${value.slice(0, most)}…`;
}

/** Reads facts back; `null` when they are not what this version writes. */
export function readResidenceFacts(json: string): ResidenceFacts | null {
  try {
    const read = v.safeParse(residenceFactsSchema, JSON.parse(json));
    return read.success ? read.output : null;
  } catch {
    return null;
  }
}

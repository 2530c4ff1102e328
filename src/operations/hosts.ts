/**
 * @module `hosts`: names of routes in the hosts file of this machine, proposed first.
 */
import * as v from "valibot";
import { PortolanError } from "../core/index.ts";
import {
  gatewayHost,
  hostsPath,
  mayWriteHostsFile,
  readGatewayStatus,
  readHostsFile,
  readHostsText,
  readRoutes,
  replaceHostsFile,
  writeHostsText,
  type GatewayStatus,
  type HostLine,
  type HostsText,
} from "../gateway/index.ts";
import { waitForLock } from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import { findInvokingUser, wordsAsRoot } from "./invoking-user.ts";
import type { OperationContext } from "./operation.ts";
import { onCommandLine, optionalSwitch } from "./parameters.ts";
import { listOf } from "./schemas.ts";

const inputSchema = v.object({
  all: optionalSwitch(
    "The names below .localhost too, for programs that do not know what they mean (Safari, Node, old resolvers)",
  ),
  remove: optionalSwitch("Take Portolan's lines out again"),
  yes: optionalSwitch("Do it without asking", { short: "y", ...onCommandLine }),
  dryRun: optionalSwitch("Say what would be done, and do nothing", { short: "n", ...onCommandLine }),
});

const lineSchema = v.object({ address: v.string(), name: v.string() });

const proposalSchema = v.object({
  path: v.string(),
  added: v.pipe(listOf(lineSchema), v.description("Lines that come")),
  removed: v.pipe(listOf(lineSchema), v.description("Lines that go")),
  kept: v.pipe(listOf(lineSchema), v.description("Lines that are there and stay")),
  wildcards: v.pipe(listOf(v.string()), v.description("Names that a hosts file cannot say")),
  conflicts: v.pipe(
    listOf(v.object({ line: v.number(), address: v.string(), name: v.string() })),
    v.description("Lines of others that lead one of these names elsewhere"),
  ),
  sudo: v.pipe(
    v.nullable(listOf(v.string())),
    v.description("The same command with root's rights, where it takes them and they are missing"),
  ),
});

const outputSchema = v.object({
  complete: v.boolean(),
  outcome: v.picklist(["written", "removed", "unchanged", "proposed", "declined", "not-permitted"]),
  proposal: proposalSchema,
});

export type HostsInput = v.InferInput<typeof inputSchema>;
export type HostsProposal = v.InferOutput<typeof proposalSchema>;
export type HostsResult = v.InferOutput<typeof outputSchema>;

/** How long another Portolan may change the file, milliseconds. */
const lockDeadlineMs = 10_000;

/** Runs `hosts`: proposes, has it confirmed, applies. */
export async function runHosts(input: HostsInput, context: OperationContext): Promise<HostsResult> {
  const planned = await planHosts(input, context);
  const { proposal } = planned;
  const ended = (outcome: HostsResult["outcome"]): HostsResult => ({ complete: true, outcome, proposal });
  if (planned.after === planned.before) return ended("unchanged");
  if (input.dryRun === true) return ended("proposed");
  if (proposal.sudo !== null) return ended("not-permitted");
  if (input.yes !== true && !(await context.confirm(proposal))) return ended("declined");
  await applyHosts(planned, context);
  return ended(input.remove === true ? "removed" : "written");
}

interface Planned {
  readonly proposal: HostsProposal;
  /** The whole file, a byte a character. */
  readonly before: string;
  readonly after: string;
}

/** @throws HOSTS_DAMAGED, FILE_UNREADABLE, STORE_FAILED */
async function planHosts(input: HostsInput, context: OperationContext): Promise<Planned> {
  const { stateFolder } = await findInvokingUser(context);
  const path = hostsPath(context.environment);
  const before = readHostsFile(path);
  const text = readHostsText(before);
  const { names, wildcards } = input.remove === true ? { names: [], wildcards: [] } : namesOf(stateFolder, input);
  const addresses = addressesOf(names.length === 0 ? null : await readGatewayStatus(stateFolder));
  const lines = names.flatMap((name) => addresses.map((address): HostLine => ({ address, name })));
  const has = (list: readonly HostLine[], one: HostLine): boolean =>
    list.some(({ address, name }) => address === one.address && name === one.name);
  return {
    before,
    after: writeHostsText(text, lines),
    proposal: {
      path,
      added: lines.filter((line) => !has(text.names, line)),
      removed: text.names.filter((line) => !has(lines, line)).map((line) => ({ ...line })),
      kept: lines.filter((line) => has(text.names, line)),
      wildcards,
      conflicts: conflictsOf(text, names, addresses),
      sudo: mayWriteHostsFile(path) ? null : wordsAsRoot(["hosts", ...wordsOf(input)], context),
    },
  };
}

/** What a hosts file can hold of the routes' names: no wildcards, each name once. */
function namesOf(stateFolder: string, { all }: HostsInput): { names: string[]; wildcards: string[] } {
  const hosts = new Set(readRoutes(stateFolder).routes.map(({ host }) => host));
  if (all === true) hosts.add(gatewayHost);
  const wanted = [...hosts].filter((host) => all === true || !isLocal(host)).toSorted();
  return {
    // What lies in a file of the user's is put into one of root's: it is a name, or it is left out.
    names: wanted.filter((host) => /^[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?$/.test(host) && host !== "localhost"),
    wildcards: wanted.filter((host) => host.startsWith("*.")),
  };
}

/** Names that every browser takes for this machine by itself (RFC 6761, section 6.3). */
function isLocal(host: string): boolean {
  return host.endsWith(".localhost");
}

/** Where the gateway can be met: both loopback addresses, unless it listens elsewhere. */
function addressesOf(status: GatewayStatus | null): readonly string[] {
  const loopbacks = ["127.0.0.1", "::1"];
  const listened = new Set((status?.listeners ?? []).flatMap(({ addresses }) => addresses));
  if (listened.size === 0 || listened.has("::")) return loopbacks;
  if (listened.has("0.0.0.0")) return ["127.0.0.1"];
  return [...listened];
}

function conflictsOf(
  { foreign }: HostsText,
  names: readonly string[],
  addresses: readonly string[],
): HostsProposal["conflicts"] {
  const wanted = new Set(names);
  return foreign
    .filter(({ name, address }) => wanted.has(name) && !addresses.includes(address))
    .map((line) => ({ ...line }));
}

function wordsOf({ all, remove, yes }: HostsInput): string[] {
  return [
    ...(all === true ? ["--all"] : []),
    ...(remove === true ? ["--remove"] : []),
    ...(yes === true ? ["--yes"] : []),
  ];
}

/** @throws PROPOSAL_STALE when the file has changed since */
async function applyHosts({ before, after, proposal: { path } }: Planned, context: OperationContext): Promise<void> {
  const { environment, signal } = context;
  const lock = await waitForLock("hosts", lockDeadlineMs, signal);
  try {
    if (readHostsFile(path) !== before)
      throw new PortolanError("PROPOSAL_STALE", `${path} has changed since.`, { details: { path } });
    await replaceHostsFile(path, after, environment, signal);
  } finally {
    lock.release();
  }
}

/** The declaration of `hosts`. */
export const hostsOperation = defineOperation({
  name: "hosts",
  summary: "Lead other names here: the routes' names in this machine's hosts file",
  description:
    "Names below .localhost are this machine's own in browsers; another one (portolan route add shop.test. 3000) leads here only when the machine resolves it so. hosts puts such names into " +
    "/etc/hosts, both loopback addresses each, in a block of its own, shows it first and asks; everything else in the file stays as it is, byte for byte. --all takes the names below .localhost " +
    "as well. With sudo it means the routes of whoever typed it. Wildcards cannot be said in a hosts file. Exit status 0; 1 not done; 3 it takes root, and the command to type is printed.",
  effect: "change",
  faces: ["cli"],
  positional: [],
  examples: [
    { command: "hosts", note: "the same as portolan route hosts" },
    { command: "hosts --all", note: "for Safari, Node, and old resolvers" },
    { command: "hosts --dry-run", note: "what would be written" },
    { command: "hosts --remove", note: "the file as it was" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runHosts,
});

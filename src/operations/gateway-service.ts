/**
 * @module `gateway install` and `gateway uninstall`: the gateway as a service that is there after every login, proposed first.
 */
import { dirname } from "node:path";
import * as v from "valibot";
import { PortolanError } from "../core/index.ts";
import {
  askManager,
  gatewayCommand,
  gatewayLogPath,
  mayFail,
  readGatewayStatus,
  readUnitNote,
  removeServiceFile,
  serviceManager,
  untilGatewayEnded,
  writeLaunchAgent,
  writeServiceFile,
  writeSystemUnit,
  writeUserUnit,
  type ServiceFacts,
  type ServiceManager,
} from "../gateway/index.ts";
import { readTextFile } from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import { describeListener, listenerSchema, serveEntries, serveWords, withWholePaths } from "./gateway.ts";
import { findInvokingUser, wordsAsRoot, type InvokingUser } from "./invoking-user.ts";
import type { OperationContext } from "./operation.ts";
import { onCommandLine, optionalSwitch, requiredChoice } from "./parameters.ts";
import { listOf } from "./schemas.ts";

const inputSchema = v.object({
  action: requiredChoice(["install", "uninstall"], "What to do"),
  // What can be wished of the process that serves is wished of the service.
  ...serveEntries(["install"]),
  system: optionalSwitch("A service of the whole system that runs as you and may open port 80; takes root"),
  print: optionalSwitch("Print the service's file, and do nothing", onCommandLine),
  yes: optionalSwitch("Do it without asking", { short: "y", ...onCommandLine }),
  dryRun: optionalSwitch("Say what would be done, and do nothing", { short: "n", ...onCommandLine }),
});

const proposalSchema = v.object({
  action: v.picklist(["install", "uninstall"]),
  manager: v.picklist(["systemd", "launchd"]),
  scope: v.picklist(["user", "system"]),
  path: v.pipe(v.string(), v.description("The service's file")),
  before: v.pipe(v.nullable(v.string()), v.description("What it holds now; null without a file")),
  content: v.pipe(v.nullable(v.string()), v.description("What it holds afterwards; null when it is removed")),
  commands: v.pipe(listOf(listOf(v.string())), v.description("What the manager of services is told, in this order")),
  replacesPid: v.pipe(
    v.nullable(v.number()),
    v.description("The gateway that runs now, and makes room for the service"),
  ),
  sudo: v.pipe(
    v.nullable(listOf(v.string())),
    v.description("The same command with root's rights, where it takes them and they are missing"),
  ),
  notes: listOf(v.string()),
});

const outputSchema = v.object({
  complete: v.boolean(),
  outcome: v.picklist([
    "installed",
    "unchanged",
    "removed",
    "nothing-there",
    "proposed",
    "declined",
    "printed",
    "not-permitted",
  ]),
  proposal: proposalSchema,
  running: v.pipe(v.boolean(), v.description("Whether a gateway runs now")),
  pid: v.nullable(v.number()),
  listeners: listOf(listenerSchema),
});

export type GatewayServiceInput = v.InferInput<typeof inputSchema>;
export type GatewayServiceProposal = v.InferOutput<typeof proposalSchema>;
export type GatewayServiceResult = v.InferOutput<typeof outputSchema>;
type Outcome = GatewayServiceResult["outcome"];

/** Runs `gateway-service`: proposes, has it confirmed, applies. */
export async function runGatewayService(
  input: GatewayServiceInput,
  context: OperationContext,
  platform: string = process.platform,
): Promise<GatewayServiceResult> {
  const user = await findInvokingUser(context);
  const manager = serviceManager(platform, input.system === true ? "system" : "user", context.environment, user.uid);
  const proposal = await proposeService(input, { manager, user }, context);
  const ended = (outcome: Outcome): Promise<GatewayServiceResult> => conclude(outcome, proposal, user);
  if (input.print === true) return ended("printed");
  if (proposal.content === null && proposal.before === null) return ended("nothing-there");
  if (input.dryRun === true) return ended("proposed");
  if (proposal.sudo !== null) return ended("not-permitted");
  await refuseSilentManager(manager, context);
  if (await isDone(proposal, manager, user, context)) return ended("unchanged");
  if (input.yes !== true && !(await context.confirm(proposal))) return ended("declined");
  await applyService(proposal, manager, user, context);
  return ended(proposal.content === null ? "removed" : "installed");
}

interface Place {
  readonly manager: ServiceManager;
  readonly user: InvokingUser;
}

/**
 * Says what would be done. Nothing is changed.
 * @throws FILE_FOREIGN when the service's file is somebody else's
 */
async function proposeService(
  input: GatewayServiceInput,
  { manager, user }: Place,
  context: OperationContext,
): Promise<GatewayServiceProposal> {
  const before = readTextFile(manager.path);
  if (before !== null && readUnitNote(before) === undefined && input.print !== true) {
    throw new PortolanError("FILE_FOREIGN", `${manager.path} was not written by portolan gateway install.`, {
      details: { path: manager.path },
    });
  }
  const content = input.action === "install" ? writeFile(input, { manager, user }, context) : null;
  const running = await readGatewayStatus(user.stateFolder);
  const { before: first, after } = manager.uninstall;
  const forRoot = manager.scope === "system" && context.userId !== 0;
  return {
    action: input.action,
    manager: manager.kind,
    scope: manager.scope,
    path: manager.path,
    before,
    content,
    commands: (content === null ? [...first, ...after] : manager.install).map((command) => [...command]),
    replacesPid: content === null ? null : (running?.pid ?? null),
    sudo: forRoot
      ? wordsAsRoot(["gateway", input.action, "--system", ...serveWords(wishesOf(input, context))], context)
      : null,
    notes: content === null ? [] : notesFor(input, manager, context),
  };
}

function writeFile(input: GatewayServiceInput, { manager, user }: Place, context: OperationContext): string {
  const wished = wishesOf(input, context);
  const words = serveWords(wished);
  const command = gatewayCommand(words);
  const facts: ServiceFacts = {
    command,
    // As everywhere, what is open may end first.
    stopCommand: [...command.slice(0, 2), "gateway", "stop", "--drain", "10s"],
    stateFolder: user.stateFolder,
    words,
    logFolder: wished.log === undefined ? null : dirname(wished.log),
  };
  if (manager.kind === "launchd") return writeLaunchAgent(facts, gatewayLogPath(user.stateFolder));
  if (manager.scope === "user") return writeUserUnit(facts);
  if (user.name === null)
    throw new PortolanError("SERVICE_UNAVAILABLE", "The user database does not say who the gateway would run as.");
  return writeSystemUnit(facts, user.name);
}

/** What is wished of the gateway; a service has another working directory. */
function wishesOf(input: GatewayServiceInput, context: OperationContext): Omit<GatewayServiceInput, "action"> {
  const { action: _, ...wished } = input;
  return withWholePaths(wished, context);
}

function notesFor(input: GatewayServiceInput, { kind, scope }: ServiceManager, context: OperationContext): string[] {
  const notes: string[] = [];
  const [, command = ""] = gatewayCommand([]);
  if (/[\\/]_npx[\\/]/.test(command))
    notes.push(
      "This is npx's own copy, which may be removed at any time: npm install --global portolan gives one that stays.",
    );
  if (kind !== "systemd") return notes;
  if (scope === "user") {
    const user = context.environment["USER"] ?? "";
    const lingers = user !== "" && readTextFile(`/var/lib/systemd/linger/${encodeURIComponent(user)}`) !== null;
    if (!lingers)
      notes.push("The service runs while you are logged in. loginctl enable-linger keeps it running without you.");
  } else {
    const own = serviceManager("linux", "user", context.environment, context.userId).path;
    if (readTextFile(own) !== null)
      notes.push(
        `${own} would be a second service, and the two would take turns: portolan gateway uninstall removes it.`,
      );
    if (input.bind !== undefined) notes.push("Other devices are let in from the moment the machine starts.");
  }
  return notes;
}

/** @throws SERVICE_UNAVAILABLE */
async function refuseSilentManager({ kind, probe }: ServiceManager, context: OperationContext): Promise<void> {
  const failure = await askManager(probe, context.environment, context.signal);
  if (failure === null) return;
  const hint =
    kind === "systemd"
      ? "It is there in a session of your own (a login, ssh; not su or a container). portolan gateway install --print prints the unit."
      : "It is there in a session with a screen. portolan gateway install --print prints the file.";
  throw new PortolanError("SERVICE_UNAVAILABLE", `The manager of services cannot be asked: ${failure}.`, {
    details: { command: probe, hint },
  });
}

/** Nothing is left to do: the file is the same, and the manager has it running. */
async function isDone(
  { content, before }: GatewayServiceProposal,
  { kind, start, scope }: ServiceManager,
  { stateFolder }: InvokingUser,
  { environment, signal }: OperationContext,
): Promise<boolean> {
  if (content === null || content !== before || kind !== "systemd") return false;
  const unit = start.at(-1)!;
  const systemctl = ["systemctl", ...(scope === "user" ? ["--user"] : [])];
  for (const question of ["is-enabled", "is-active"])
    if ((await askManager([...systemctl, question, "--quiet", unit], environment, signal)) !== null) return false;
  return (await readGatewayStatus(stateFolder)) !== null;
}

/**
 * Does what was proposed.
 * @throws PROPOSAL_STALE when the file is another one by now; GATEWAY_FAILED, STORE_FAILED
 */
async function applyService(
  proposal: GatewayServiceProposal,
  manager: ServiceManager,
  { stateFolder }: InvokingUser,
  { environment, signal }: OperationContext,
): Promise<void> {
  const { path, content, before } = proposal;
  if (readTextFile(path) !== before)
    throw new PortolanError("PROPOSAL_STALE", `${path} is another file by now.`, { details: { path } });
  const tell = async (commands: readonly (readonly string[])[]): Promise<void> => {
    for (const command of commands) {
      const failure = await askManager(command, environment, signal);
      if (failure === null || mayFail(command)) continue;
      throw new PortolanError("GATEWAY_FAILED", `${command.join(" ")}: ${failure}`, {
        details: { command: [...command], path, hint: `${manager.log} tells more. The file stays at ${path}.` },
      });
    }
  };
  if (content === null) {
    const ran = await readGatewayStatus(stateFolder);
    await tell(manager.uninstall.before);
    removeServiceFile(manager);
    await tell(manager.uninstall.after);
    if (ran !== null && manager.scope === "user" && (await readGatewayStatus(stateFolder)) === null)
      await untilGatewayEnded(stateFolder, signal);
    return;
  }
  writeServiceFile(manager, content, stateFolder);
  await tell(manager.install);
}

async function conclude(
  outcome: Outcome,
  proposal: GatewayServiceProposal,
  { stateFolder }: InvokingUser,
): Promise<GatewayServiceResult> {
  const status = await readGatewayStatus(stateFolder);
  return {
    complete: true,
    outcome,
    proposal,
    running: status !== null,
    pid: status?.pid ?? null,
    listeners: (status?.listeners ?? []).map(describeListener),
  };
}

/** The declaration of `gateway-service`. */
export const gatewayServiceOperation = defineOperation({
  name: "gateway-service",
  summary: "The gateway as a service: there after every login, started again when it fails",
  description:
    "portolan gateway install writes a user unit for systemd, or a LaunchAgent on macOS, shows it, asks, and starts it; a gateway that runs already makes room. From then on whatever needs the " +
    "gateway starts this service, and none beside it. --system takes root and writes a unit for the whole system that runs as you and may open port 80: with sudo, as whoever typed it. gateway " +
    "uninstall removes exactly what was written, and touches no file of anybody else's. Exit status 0; 1 not done, or nothing there to remove; 3 it takes root, or there is no such manager here.",
  effect: "change",
  faces: ["cli"],
  positional: ["action"],
  examples: [
    { command: "gateway install", note: "shows what it would do, and asks" },
    { command: "gateway install --port 8080 --yes", note: "with words for the gateway, without asking" },
    { command: "gateway install --print --system", note: "a unit that may open port 80, to look at" },
    { command: "gateway uninstall", note: "the gateway starts when it is needed, as before" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: (input, context) => runGatewayService(input, context),
});

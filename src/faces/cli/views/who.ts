/**
 * @module How `who` looks.
 */
import { formatSocketAddress, knownOr } from "../../../core/index.ts";
import type { WhoResult } from "../../../operations/who.ts";
import { blank, paragraph, span, verbatim, type Block, type Line, type Span } from "../print/document.ts";
import type { View } from "../view.ts";
import { blindSpotNotes } from "./blind-spots.ts";
import { identificationBlocks } from "./identification.ts";
import { fact, meaningBlocks } from "./meaning.ts";
import { ageText, bytesText, containerName, titleCell } from "./service-cells.ts";

type ToldPort = WhoResult["ports"][number];
type HeldService = ToldPort["services"][number];
type Holder = Extract<HeldService["holders"], { known: true }>["value"][number];

const mostClients = 8;
const mostHolders = 6;
const longestArguments = 300;

/** The view of `who`. */
export const whoView: View<WhoResult> = {
  result(result) {
    const nowMs = Date.parse(result.takenAt);
    const blocks: Block[] = [];
    for (const port of result.ports) {
      if (blocks.length > 0) blocks.push(blank);
      blocks.push(...portBlocks(port, nowMs));
    }
    if (result.ports.length < result.asked) {
      if (blocks.length > 0) blocks.push(blank);
      blocks.push(paragraph(`${result.asked - result.held} of the ${result.asked} ports asked are free.`));
    }
    return blocks;
  },
  notes: (result, context) =>
    blindSpotNotes(
      result.blindSpots,
      result.ports.flatMap((port) => port.services),
      context,
    ),
  exitStatus: (result) => (result.held > 0 ? 0 : 1),
};

function portBlocks(port: ToldPort, nowMs: number): Block[] {
  const blocks: Block[] = [];
  const elsewhere = port.services.length > 0;
  if (port.services.every(({ networkNamespace }) => networkNamespace !== null)) {
    const state: Line =
      port.port === 0
        ? [" is no door: a program that asks for it is given any free port."]
        : [
            " is ",
            span("free", "good"),
            `: nobody listens on it${elsewhere ? " in this network namespace" : ""}, by TCP or UDP. If somebody should: `,
            span(`portolan doctor ${port.port}`, "strong"),
          ];
    blocks.push(paragraph([span(`Port ${port.port}`, "strong"), ...state]));
    for (const { port: other, name, why } of port.nearby ?? [])
      blocks.push(paragraph([span(String(other), "strong"), ` is held by ${name}: ${why}.`]));
  }
  for (const service of port.services) {
    if (blocks.length > 0) blocks.push(blank);
    blocks.push(...serviceBlocks(service, nowMs));
  }
  blocks.push(...meaningBlocks(port));
  return blocks;
}

function serviceBlocks(service: HeldService, nowMs: number): Block[] {
  const name = titleCell(service);
  const blocks: Block[] = [
    paragraph([span(`Port ${service.port}/${service.transport}`, "strong"), " is held: ", ...name]),
  ];
  if (service.title !== null)
    blocks.push(fact("because", span(`${service.title.basis}: ${service.title.evidence}`, "dim")));
  blocks.push(...holderBlocks(service, nowMs));
  blocks.push(...containerBlocks(service));
  const project = service.project?.value;
  if (project !== undefined) {
    const git = project.git;
    const branch =
      git === null
        ? ""
        : git.branch !== null
          ? `, branch ${git.branch}`
          : git.commit !== null
            ? `, commit ${git.commit.slice(0, 12)}`
            : "";
    const worktree = git === null || git.worktree === null ? "" : `, worktree ${git.worktree}`;
    blocks.push(fact("project", span(project.name, "strong"), ` in ${project.root}${branch}${worktree}`));
  }
  blocks.push(...nameBlocks(service));
  const supervisor = service.supervisor?.value;
  if (supervisor !== undefined && service.container?.value.engine !== supervisor.kind) {
    blocks.push(fact("kept by", supervisor.kind, supervisor.name === null ? "" : ` ${supervisor.name}`));
  }
  const identification = service.identification ?? null;
  if (identification !== null) blocks.push(...identificationBlocks(identification));
  blocks.push(...reachBlocks(service), ...clientBlocks(service));
  return blocks;
}

/** The names that lead here: where they are opened, or the bare names while no gateway runs. */
function nameBlocks({ routeNames = [], routeUrls = [] }: HeldService): Block[] {
  if (routeUrls.length > 0) return routeUrls.map((url, index) => fact(index === 0 ? "named" : "", span(url, "link")));
  return routeNames.map((name, index) =>
    fact(index === 0 ? "named" : "", span(name, "strong"), span(" once a gateway runs: portolan gateway start", "dim")),
  );
}

function containerBlocks({ container, networkNamespace, behind, publishedAt }: HeldService): Block[] {
  const blocks: Block[] = [];
  if (container !== null) {
    const { engine, id, image, composeProject, composeService, pod } = container.value;
    const parts = [`${engine} ${id}`];
    if (image !== null) parts.push(`image ${image}`);
    if (composeProject !== null) {
      parts.push(`compose ${composeProject}${composeService === null ? "" : `, service ${composeService}`}`);
    }
    if (pod !== null) parts.push(`pod ${pod}`);
    blocks.push(fact("container", span(containerName(container.value), "strong"), ` (${parts.join("; ")})`));
  }
  if (behind !== null) {
    const answering = knownOr(behind.holders, []).map(({ pid, name }) => `${knownOr(name, "?")} ${pid}`);
    const who = answering.length === 0 ? "" : `: ${answering.slice(0, mostHolders).join(", ")}`;
    blocks.push(fact("leads to", `port ${behind.port} in the container${who}`));
  }
  if (networkNamespace !== null) {
    const names = networkNamespace.names.length === 0 ? "" : ` ${networkNamespace.names.join(", ")}`;
    blocks.push(
      fact("in", `another network namespace,${names} ${knownOr(networkNamespace.id, "whose number is hidden")}`),
    );
  }
  if (publishedAt.length > 0) blocks.push(fact("published", `at ${publishedAt.join(", ")}`));
  return blocks;
}

function holderBlocks(service: HeldService, nowMs: number): Block[] {
  const holders = service.holders;
  if (!holders.known) {
    const words =
      holders.why === "permission"
        ? `a process of user ${service.sockets[0]?.uid ?? "?"} that you may not look into`
        : holders.why === "gone"
          ? "a process that has just ended"
          : "this reader cannot tell";
    return [fact("held by", span(words, "warning"))];
  }
  const leader = holders.value[0];
  if (leader === undefined) return [fact("held by", "the kernel, or a process in another pid namespace")];
  const blocks: Block[] = [fact("held by", ...holderLine(leader, nowMs))];
  const argv = knownOr(leader.arguments, []);
  if (argv.length > 0) blocks.push(fact("command", clipText(argv.join(" "))));
  const folder = knownOr(leader.workingDirectory, undefined);
  if (folder !== undefined) blocks.push(fact("folder", folder));
  if (leader.executableDeleted) {
    blocks.push(fact("beware", span("its program file was replaced or removed since it started", "warning")));
  }
  for (const [index, other] of holders.value.slice(1, 1 + mostHolders).entries()) {
    blocks.push(fact(index === 0 ? "and by" : "", ...holderLine(other, nowMs)));
  }
  const more = holders.value.length - 1 - mostHolders;
  if (more > 0) blocks.push(fact("", span(`and ${more} more processes`, "dim")));
  if (service.parents.length > 0) {
    const chain = service.parents.map((parent) => `${knownOr(parent.name, "?")} ${parent.pid}`);
    blocks.push(fact("started by", chain.join(" ← ")));
  }
  return blocks;
}

function holderLine(holder: Holder, nowMs: number): Line {
  const user = knownOr(holder.userName, null) ?? knownOr(holder.uid, null);
  const startedAt = knownOr(holder.startedAt, undefined);
  const memory = knownOr(holder.memoryBytes, undefined);
  const facts = [
    `pid ${holder.pid}`,
    user === null ? "" : `user ${user}`,
    startedAt === undefined
      ? ""
      : `for ${ageText(startedAt, nowMs)} (since ${startedAt.replace("T", " ").replace(/\.\d+Z$/, " UTC")})`,
    memory === undefined ? "" : bytesText(memory),
  ].filter((text) => text !== "");
  return [span(knownOr(holder.name, "?"), "strong"), ` ${facts.join(", ")}`];
}

function reachBlocks(service: HeldService): Block[] {
  const blocks: Block[] = [fact("reach", service.reach.reason)];
  const { localUrl } = service;
  const urls = service.reach.addresses.filter((reachable) => reachable.url !== null);
  const localOnly = !urls.some(({ url, audience }) => url === localUrl && audience !== "this-machine");
  if (localUrl !== null && localOnly) blocks.push(placeLine("open at", span(localUrl, "link"), "this machine"));
  for (const { url, audience, interfaceName, certain } of urls) {
    // localhost stands for all of this machine's own addresses.
    const alreadyTold = localOnly && (url === localUrl || localUrl?.includes("//localhost") === true);
    if (url === null || (audience === "this-machine" && alreadyTold)) continue;
    const where = audience === "this-machine" ? "this machine" : `through ${interfaceName}`;
    const label = blocks.length === 1 ? "open at" : "";
    blocks.push(placeLine(label, span(url, "link"), certain ? where : `${where}, not certain`));
  }
  if (urls.length === 0) {
    for (const [index, reachable] of service.reach.addresses.entries()) {
      blocks.push(placeLine(index === 0 ? "at" : "", span(reachable.endpoint), reachable.interfaceName));
    }
  }
  for (const taken of service.reach.taken) {
    blocks.push(
      fact("beware", span(`${taken.address} is answered by another, more specific socket on this port`, "warning")),
    );
  }
  return blocks;
}

/** A place where it answers, whole, so that it can be copied. */
function placeLine(label: string, place: Span, note: string): Block {
  return verbatim("  ", span(label.padEnd(12), "dim"), place, span(`  ${note}`, "dim"));
}

function clientBlocks(service: HeldService): Block[] {
  const clients = service.clients;
  if (service.transport === "udp") return [];
  if (clients.length === 0) return [fact("clients", "none connected now")];
  const lines = clients.slice(0, mostClients).map((client, index) => {
    const program = client.process === null ? "" : `  ${knownOr(client.process.name, "?")} ${client.process.pid}`;
    const state = client.state === "ESTABLISHED" ? "" : `  ${client.state}`;
    return fact(
      index === 0 ? "clients" : "",
      formatSocketAddress(client.remote.address, client.remote.port),
      span(`${program}${state}`, "dim"),
    );
  });
  if (clients.length > mostClients) lines.push(fact("", span(`and ${clients.length - mostClients} more`, "dim")));
  return lines;
}

function clipText(text: string): string {
  return text.length <= longestArguments ? text : `${text.slice(0, longestArguments)}… (${text.length} characters)`;
}

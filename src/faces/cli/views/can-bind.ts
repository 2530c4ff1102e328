/**
 * @module How `can-bind` looks.
 */
import { formatSocketAddress, knownOr } from "../../../core/index.ts";
import type { CanBindResult } from "../../../operations/can-bind.ts";
import { paragraph, span, verbatim, type Block } from "../print/document.ts";
import type { View } from "../view.ts";
import { blindSpotNotes } from "./blind-spots.ts";

type Answer = CanBindResult["answers"][number];
type Obstacle = Answer["obstacles"][number];

/** Most sockets in the way that are told one by one. */
const mostObstacles = 5;

/** The view of `can-bind`. */
export const canBindView: View<CanBindResult> = {
  result: (result) => result.answers.flatMap((answer) => answerBlocks(answer, result)),
  notes: (result, context) => blindSpotNotes(result.blindSpots, [], context),
  exitStatus: ({ answers }) => (answers.every(({ bind, listen }) => bind === "yes" && listen !== "no") ? 0 : 1),
};

function answerBlocks(answer: Answer, { unprivilegedPortStart }: CanBindResult): Block[] {
  const { endpoint, transport, bind, error, reason, obstacles, warnings } = answer;
  const where = transport === "udp" ? `${endpoint} (UDP)` : endpoint;
  const blocks: Block[] = [];
  if (bind === "yes") {
    const then = transport === "tcp" ? "can be bound, and a program can listen there." : "can be bound.";
    blocks.push(paragraph([span("Yes", "good"), `: ${where} ${then}`]));
  } else if (bind === "no") {
    blocks.push(
      paragraph([
        span("No", "bad"),
        `: ${where} gives ${error ?? "an error"}. ${obstacles.length === 0 ? reason : ""}`,
      ]),
    );
  } else {
    blocks.push(
      paragraph([
        span("It depends", "warning"),
        `: ${where} can be bound, or gives ${error ?? "an error"}. ${obstacles.length === 0 ? reason : ""}`,
      ]),
    );
  }
  for (const obstacle of obstacles.slice(0, mostObstacles)) blocks.push(...obstacleBlocks(obstacle));
  if (obstacles.length > mostObstacles) {
    blocks.push(paragraph(`and ${obstacles.length - mostObstacles} sockets more.`, { indent: 2 }));
  }
  if (error === "EACCES") blocks.push(...privilegeBlocks(answer, knownOr(unprivilegedPortStart, 1024)));
  for (const { message } of warnings) {
    blocks.push(paragraph([span("Beware", "warning"), `: ${message}`], { indent: 2, hang: 10 }));
  }
  return blocks;
}

function obstacleBlocks(obstacle: Obstacle): Block[] {
  const { reason, hidden } = obstacle;
  const open =
    hidden.length === 0 ? "" : ` No file shows ${hidden.map((what) => hiddenWords[what] ?? what).join(", ")}.`;
  return [
    paragraph([span(holderText(obstacle), "strong"), ` ${doingText(obstacle)}${meetingText(obstacle)}.`], {
      indent: 2,
      hang: 4,
    }),
    paragraph(`${reason}${open}`, { indent: 4 }),
  ];
}

const hiddenWords: Readonly<Record<string, string>> = {
  uid: "whose it is",
  order: "which of them was bound last",
  history: "who was on the port before",
  SO_REUSEADDR: "its SO_REUSEADDR",
  SO_REUSEPORT: "its SO_REUSEPORT",
  IPV6_V6ONLY: "its IPV6_V6ONLY",
  SO_BINDTODEVICE: "its interface",
};

function holderText({ holders, project, uid, inode }: Obstacle): string {
  const first = knownOr(holders, [])[0];
  if (first === undefined) {
    if (inode === 0) return "What is left of a connection";
    return holders.known ? "A socket without a process that can be seen" : `A process of the user with id ${uid}`;
  }
  const others = knownOr(holders, []).length - 1;
  const more = others > 0 ? ` and ${others} more` : "";
  return `${knownOr(first.name, "a process")} (pid ${first.pid}${more}${project === null ? "" : `, ${project}`})`;
}

const doings: Readonly<Record<string, string>> = {
  LISTEN: "listens at",
  UNCONNECTED: "receives at",
  BOUND: "has bound",
  TIME_WAIT: "has ended a moment ago at",
};

function doingText({ state, local, remote }: Obstacle): string {
  const own = formatSocketAddress(local.address, local.port);
  const doing = doings[state];
  if (doing !== undefined) return `${doing} ${own}`;
  const to = remote === null ? "" : ` with ${formatSocketAddress(remote.address, remote.port)}`;
  return `has a connection (${state}) at ${own}${to}`;
}

function meetingText({ meeting, local }: Obstacle): string {
  if (meeting === "it-has-all") return `, which is every address`;
  if (meeting === "you-want-all") return `, which is one of the addresses that you want`;
  if (meeting === "dual-stack") {
    return local.address.includes(":") && !local.address.includes(".")
      ? ", and an IPv6 socket that is not IPv6-only takes IPv4 as well"
      : ", and the IPv6 wildcard that you want takes IPv4 as well";
  }
  return "";
}

function privilegeBlocks({ port }: Answer, start: number): Block[] {
  return [
    paragraph(`A port from ${start} on needs no privilege. To allow lower ones to everybody on this machine:`, {
      indent: 2,
    }),
    verbatim("    ", span(`sudo sysctl net.ipv4.ip_unprivileged_port_start=${port}`, "link")),
    paragraph("To allow them to one program:", { indent: 2 }),
    verbatim("    ", span("sudo setcap cap_net_bind_service=+ep PROGRAM", "link")),
  ];
}

/**
 * @module How `can-bind` looks.
 */
import { formatSocketAddress, knownOr } from "../../../core/index.ts";
import type { CanBindResult } from "../../../operations/can-bind.ts";
import { blank, paragraph, span, verbatim, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";
import { blindSpotNotes } from "./blind-spots.ts";
import { ageText } from "./service-cells.ts";

type Answer = CanBindResult["answers"][number];
type Obstacle = Answer["obstacles"][number];
type HiddenOption = Obstacle["hidden"][number];

/** Most sockets in the way that are told one by one. */
const mostObstacles = 5;

/** The view of `can-bind`. */
export const canBindView: View<CanBindResult> = {
  result(result) {
    const told = result.answers.map((answer) => answerBlocks(answer, result));
    // Answers of one line each need no room between them.
    const spaced = told.some((blocks) => blocks.length > 1);
    return told.flatMap((blocks, index) => (spaced && index > 0 ? [blank, ...blocks] : blocks));
  },
  notes: ({ answers, blindSpots }, context) => {
    const hidden = answers.flatMap(({ obstacles }) =>
      obstacles.flatMap(({ holders }) => (holders.known ? [] : [{ holders }])),
    );
    return blindSpotNotes(blindSpots, hidden, context);
  },
  exitStatus: ({ answers }) => (answers.every(({ bind, listen }) => bind === "yes" && listen !== "no") ? 0 : 1),
};

function answerBlocks(answer: Answer, { unprivilegedPortStart, takenAt }: CanBindResult): Block[] {
  const { error, obstacles, warnings } = answer;
  const blocks: Block[] = [paragraph(firstLine(answer))];
  for (const obstacle of obstacles.slice(0, mostObstacles)) {
    blocks.push(...obstacleBlocks(obstacle, answer, Date.parse(takenAt)));
  }
  if (obstacles.length > mostObstacles) {
    blocks.push(paragraph(`and ${obstacles.length - mostObstacles} sockets more.`, { indent: 2 }));
  }
  if (error === "EACCES") blocks.push(...privilegeBlocks(answer, knownOr(unprivilegedPortStart, 1024)));
  for (const { message } of warnings) {
    blocks.push(paragraph([span("Beware", "warning"), `: ${message}`], { indent: 2, hang: 10 }));
  }
  return blocks;
}

function firstLine({ endpoint, transport, bind, error, reason, obstacles }: Answer): Line {
  const where = transport === "udp" ? `${endpoint} (UDP)` : endpoint;
  // With sockets in the way each has its own reason below.
  const why = obstacles.length === 0 ? ` ${reason}` : "";
  if (bind === "yes") {
    const then = transport === "tcp" ? "can be bound, and a program can listen there." : "can be bound.";
    return [span("Yes", "good"), `: ${where} ${then}`];
  }
  if (bind === "no") return [span("No", "bad"), `: ${where} gives ${error}.${why}`];
  const condition = conditionText(obstacles);
  const open =
    condition === undefined
      ? `${where} can be bound, or gives ${error}.`
      : `${where} can be bound if ${condition}, and gives ${error} otherwise.`;
  return [span("It depends", "warning"), `: ${open}${why}`];
}

/** What has to hold for a yes, where one hidden option decides. */
const conditions: Readonly<Partial<Record<HiddenOption, { readonly one: string; readonly all: string }>>> = {
  SO_REUSEADDR: { one: "the socket below has set SO_REUSEADDR", all: "all sockets below have set SO_REUSEADDR" },
  SO_REUSEPORT: { one: "the socket below has set SO_REUSEPORT", all: "all sockets below have set SO_REUSEPORT" },
  IPV6_V6ONLY: { one: "the socket below is IPv6-only", all: "all sockets below are IPv6-only" },
};

function conditionText(obstacles: readonly Obstacle[]): string | undefined {
  const hidden = new Set(obstacles.flatMap((obstacle) => obstacle.hidden));
  const [only] = hidden;
  const condition = hidden.size === 1 && only !== undefined ? conditions[only] : undefined;
  return obstacles.length === 1 ? condition?.one : condition?.all;
}

function obstacleBlocks(obstacle: Obstacle, answer: Answer, nowMs: number): Block[] {
  const { reason, hidden } = obstacle;
  const open = hidden.length === 0 ? "" : ` No file shows ${joinWords(hidden.map((what) => hiddenWords[what]))}.`;
  return [
    paragraph([...holderLine(obstacle, nowMs), ` ${doingText(obstacle)}${meetingText(obstacle, answer)}.`], {
      indent: 2,
      hang: 4,
    }),
    paragraph(`${reason}${open}`, { indent: 4 }),
  ];
}

const hiddenWords: Readonly<Record<HiddenOption, string>> = {
  uid: "whose it is",
  order: "which of them was bound last",
  history: "who was on the port before",
  SO_REUSEADDR: "its SO_REUSEADDR",
  SO_REUSEPORT: "its SO_REUSEPORT",
  IPV6_V6ONLY: "its IPV6_V6ONLY",
  SO_BINDTODEVICE: "its interface",
};

function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)!}`;
}

function holderLine({ holders, project, uid, inode }: Obstacle, nowMs: number): Line {
  if (inode === 0) return [span("What is left of a connection", "strong")];
  if (!holders.known) return [span(`A process of the user with id ${uid}`, "strong"), " that you may not look into"];
  const [first, ...others] = holders.value;
  if (first === undefined) return [span("A socket of the kernel or of another pid namespace", "strong")];
  const startedAt = knownOr(first.startedAt, undefined);
  const user = knownOr(first.userName, null);
  const facts = [
    `pid ${first.pid}${others.length === 0 ? "" : ` and ${others.length} more`}`,
    user === null ? "" : `user ${user}`,
    project === null ? "" : `project ${project}`,
    startedAt === undefined ? "" : `for ${ageText(startedAt, nowMs)}`,
  ].filter((text) => text !== "");
  return [span(knownOr(first.name, "A process"), "strong"), ` (${facts.join(", ")})`];
}

const doings: Readonly<Record<string, string>> = {
  LISTEN: "listens at",
  UNCONNECTED: "receives at",
  BOUND: "has bound",
  TIME_WAIT: "ended a moment ago at",
};

function doingText({ state, local, remote }: Obstacle): string {
  const own = formatSocketAddress(local.address, local.port);
  const doing = doings[state];
  if (doing !== undefined) return `${doing} ${own}`;
  const to = remote === null ? "" : ` with ${formatSocketAddress(remote.address, remote.port)}`;
  return `has a connection (${state}) at ${own}${to}`;
}

function meetingText({ meeting, local }: Obstacle, { address }: Answer): string {
  if (meeting === "it-has-all") return `, which covers ${address}`;
  if (meeting === "you-want-all") return `, which ${address} covers`;
  if (meeting === "same-address") return local.address === address ? "" : ", which is the same address";
  return local.address.includes(":") && !local.address.includes(".")
    ? ", and an IPv6 socket that is not IPv6-only takes IPv4 as well"
    : `, and ${address} takes IPv4 as well`;
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

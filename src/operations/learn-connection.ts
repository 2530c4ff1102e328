/**
 * @module Chapters 5 and 6 of the lesson: what a connection looks like, and two servers that want the same port.
 */
import { tryToBindUdp, tryToListen, type Attempt, type ExperimentServer, type SocketEnd } from "../act/index.ts";
import { formatSocketAddress, knownOr, PortolanError } from "../core/index.ts";
import {
  lookOrUnknown,
  rowsFigure,
  withExperiment,
  type ChapterWriter,
  type Figure,
  type Lesson,
} from "./learn-lesson.ts";
import { readLimitsOrUnknown } from "./ranges.ts";

/** Where the lesson's web server would like to wait; the kernel chooses when all are taken. */
const serverPorts = [8080, 8000, 8888, 0];

const connectionOutline = {
  title: "What a browser's connection looks like",
  paragraphs: [
    "A connection has two ends, and each end needs a port: the server's, at which you ring, and one of your own, to which the answer " +
      "comes back. You never choose your own. The system lends your browser one for each connection, an ephemeral port.",
  ],
};

/** Chapter 5. */
export const writeConnectionChapter: ChapterWriter = withExperiment(connectionOutline, async (lesson, outline) => {
  const server = await openServer(lesson, "127.0.0.1", serverPorts);
  const connections = [await server.connect(), await server.connect()];
  const clientPorts = connections.map(({ client }) => client.port);
  const arrows = connections.map(({ client, server: door }, index) => [
    String(index + 1),
    endText(client),
    "→",
    endText(door),
  ]);
  return {
    title: outline.title,
    paragraphs: [
      ...outline.paragraphs,
      "This lesson has just opened a server and called it twice, as a browser does that loads a page and its pictures. " +
        "Below are both calls, and then every socket of them as the kernel tells it:",
    ],
    figures: [rowsFigure(["CALL", "CLIENT", "", "SERVER"], arrows), ...(await kernelView(lesson, server, connections))],
    afterwards: [
      `Both calls ring at the same door, ${server.port}. The system lent them ports ${clientPorts.join(" and ")}. ${lentFrom(lesson, clientPorts)}`,
      "All four numbers together tell one connection from another: both addresses and both ports. That is how two tabs of one browser, " +
        "open at the same site, never get each other's answers.",
      `The server itself still waits at ${server.port}. Each connection is a socket of its own, so one door serves thousands of callers.`,
    ],
  };
});

/** The listener and both sockets of each connection, as the kernel's tables show them. */
async function kernelView(
  { context }: Lesson,
  server: SocketEnd,
  connections: readonly { readonly client: SocketEnd; readonly server: SocketEnd }[],
): Promise<Figure[]> {
  const look = await lookOrUnknown(context, { states: "all", ports: [server.port] });
  if (!look.known) return [];
  const wanted: readonly (readonly [here: SocketEnd, there: SocketEnd | null])[] = [
    [server, null],
    ...connections.flatMap(({ client, server: accepted }) => [
      [client, accepted] as const,
      [accepted, client] as const,
    ]),
  ];
  const rows = wanted.flatMap(([here, there]) => {
    const socket = look.value.sockets.find(
      ({ transport, local, remote }) => transport === "tcp" && isSame(local, here) && isSame(remote, there),
    );
    if (socket === undefined) return [];
    const holder = knownOr(look.value.holdersOf(socket), [])[0];
    return [
      [endText(here), there === null ? "anybody" : endText(there), socket.state, holder ? `pid ${holder.pid}` : ""],
    ];
  });
  return [rowsFigure(["THIS END", "OTHER END", "STATE", "HELD BY"], rows)];
}

function isSame(left: SocketEnd | null, right: SocketEnd | null): boolean {
  return left?.address === right?.address && left?.port === right?.port;
}

function endText({ address, port }: SocketEnd): string {
  return formatSocketAddress(address, port);
}

function lentFrom({ context }: Lesson, ports: readonly number[]): string {
  const range = readLimitsOrUnknown(context).ephemeralRange;
  if (!range.known) return "Which range it lends from cannot be read on this system yet.";
  const { first, last } = range.value;
  const inside = ports.every((port) => port >= first && port <= last);
  return inside
    ? `Both lie in the range that it lends from, ${first} to ${last}.`
    : `It says that it lends from ${first} to ${last}.`;
}

const conflictOutline = {
  title: "Why addresses alone would not do",
  paragraphs: [
    "Without ports a message would only say which machine it is for. With two applications waiting, the system could not know whose it " +
      "is, and a machine could run only one application that others can reach.",
  ],
};

/** Chapter 6. */
export const writeConflictChapter: ChapterWriter = withExperiment(conflictOutline, async (lesson, outline) => {
  const first = await openServer(lesson, "127.0.0.1", [0]);
  const { port } = first;
  const again = keepIfBound(lesson, await tryToListen("127.0.0.1", port));
  const elsewhere = keepIfBound(lesson, await tryToListen("127.0.0.2", port));
  const byUdp = keepIfBound(lesson, await tryToBindUdp("127.0.0.1", port));
  const afterwards: string[] = [];
  if (!again.ok) {
    afterwards.push(
      `The second server did not get it. The kernel said ${again.refusal.code}${errnoText(again)}, in words: ${again.refusal.meaning}. ` +
        `Node prints it as “listen ${again.refusal.code}: ${again.refusal.meaning} 127.0.0.1:${port}”. ` +
        "It is no fault of the program: somebody else lives at that door.",
    );
  }
  if (elsewhere.ok) {
    afterwards.push(
      "At another address of the same machine the same number was free: a door is an address and a port together.",
    );
  } else if (elsewhere.refusal.code === "EADDRNOTAVAIL") {
    afterwards.push(
      "127.0.0.2 is no address of this machine. On Linux all that begins with 127 is the machine's own, elsewhere often 127.0.0.1 alone.",
    );
  }
  if (byUdp.ok) afterwards.push("By UDP it was free as well: that is the other building.");
  afterwards.push(
    `What to do when you meet it: portolan who ${port} names the one who holds the port. Then end that program, or give yours another port.`,
  );
  return {
    title: outline.title,
    paragraphs: [
      ...outline.paragraphs,
      "For the same reason one door has one tenant, unless several have agreed beforehand to share it. Watch: a first server takes a port, and others ask for the same number.",
    ],
    figures: [
      rowsFigure(
        ["ASKED FOR", "THE KERNEL SAYS", "BY"],
        [
          [`tcp 127.0.0.1:${port}`, "granted", "the first server"],
          [`tcp 127.0.0.1:${port}`, answerText(again), "a second one"],
          [`tcp 127.0.0.2:${port}`, answerText(elsewhere), "a third one"],
          [`udp 127.0.0.1:${port}`, answerText(byUdp), "a fourth one"],
        ],
      ),
    ],
    afterwards,
  };
});

/** Listens at the first port of the list that is free. */
async function openServer(lesson: Lesson, address: string, ports: readonly number[]): Promise<ExperimentServer> {
  let refusal = "";
  for (const port of ports) {
    const attempt = await tryToListen(address, port);
    if (attempt.ok) {
      lesson.keep(() => attempt.bound.close());
      return attempt.bound;
    }
    refusal = `${attempt.refusal.code}: ${attempt.refusal.meaning}`;
  }
  throw new PortolanError("LISTEN_FAILED", `The lesson could not open a port at ${address} (${refusal}).`, {
    details: { address },
  });
}

function keepIfBound(lesson: Lesson, attempt: Attempt): Attempt {
  if (attempt.ok) lesson.keep(() => attempt.bound.close());
  return attempt;
}

function answerText(attempt: Attempt): string {
  return attempt.ok ? "granted" : attempt.refusal.code;
}

function errnoText(attempt: Attempt & { readonly ok: false }): string {
  return attempt.refusal.errno === null ? "" : ` (error ${attempt.refusal.errno})`;
}

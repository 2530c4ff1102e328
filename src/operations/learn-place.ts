/**
 * @module Chapters 1 and 2 of the lesson: what an address does, and what a port does.
 */
import { tryToListen } from "../act/index.ts";
import { isLoopbackAddress, isPortolanError, knownOr } from "../core/index.ts";
import { describeInterface } from "./interfaces.ts";
import { describeServices, programNameOf } from "./look.ts";
import type { OperationContext } from "./operation.ts";
import { lookOrUnknown, rowsFigure, type ChapterWriter } from "./learn-lesson.ts";

const audienceWords = {
  "this-machine": "this machine",
  link: "direct neighbours",
  "private-network": "the same network",
  internet: "the internet",
} as const;

/** Chapter 1. */
export const writeAddressChapter: ChapterWriter = async ({ context }) => {
  const rows = readAddresses(context);
  const count = rows?.length ?? 0;
  return {
    title: "What an address does",
    paragraphs: [
      "An IP address is a street address. Whatever is sent to it finds one device among all others: the network reads the address, " +
        "and nothing else, to decide where a message goes.",
      rows === null
        ? "Every machine can call itself 127.0.0.1. Its other addresses cannot be read on this system yet."
        : `This machine has ${count === 1 ? "one address" : `${count} addresses`} right now:`,
    ],
    figures: rows === null || count === 0 ? [] : [rowsFigure(["ADDRESS", "USABLE BY", "INTERFACE"], rows)],
    afterwards: [
      ...describeLoopback(rows?.map(([address]) => address ?? "")),
      "An address finds the device. It does not say which application there should get the message. That is the next chapter.",
    ],
  };
};

/** What the machine's own addresses for itself are, and what is missing here; without a reader, what every machine has. */
function describeLoopback(addresses: readonly string[] | undefined): string[] {
  const own = addresses?.filter(isLoopbackAddress) ?? ["127.0.0.1"];
  const [are, them, they, mean] = own.length === 1 ? ["is", "it", "it", "means"] : ["are", "them", "they", "mean"];
  const sentences = [
    own.length === 0
      ? "It has no address by which it could call itself, such as 127.0.0.1: its loopback interface is down."
      : `${own.join(" and ")} ${are} the house calling itself. Nobody outside can use ${them}: on every machine ${they} ${mean} that machine.`,
  ];
  if (addresses !== undefined && !addresses.some((address) => address.includes(":"))) {
    sentences.push("It has no IPv6 address now, so only IPv4 can be shown. Ports are the same with both.");
  }
  return sentences;
}

/** Each address with who can use it; `null` where this system cannot be read. */
function readAddresses(context: OperationContext): string[][] | null {
  try {
    return context.host
      .readInterfaces()
      .map(describeInterface)
      .filter(({ up }) => knownOr(up, true))
      .flatMap(({ name, addresses }) =>
        addresses.map(({ address, audience }) => [address, audienceWords[audience], name]),
      );
  } catch (error) {
    if (isPortolanError(error, "HOST_UNSUPPORTED")) return null;
    throw error;
  }
}

/** Chapter 2. */
export const writePortChapter: ChapterWriter = async (lesson) => {
  const { application, address, port, holder, own } = await findTenant(lesson);
  return {
    title: "What a port does",
    paragraphs: [
      "A port is an apartment number. The address has brought the message to the building; the port says at which door to ring. " +
        "Behind each door that is open lives one application.",
      own
        ? "Nobody else answers here now, so this lesson has just opened a door of its own:"
        : "Here is one door of this machine that is open right now:",
    ],
    figures: [
      rowsFigure(
        ["PART", "HERE", "IT SAYS"],
        [
          ["address", address, "which building"],
          ["port", port, "which apartment"],
          ["application", application, "who lives there"],
          ["process", holder, "its number in this system"],
        ],
      ),
    ],
    afterwards: [
      "An application that wants to be found asks the system for a port and waits there. That is called listening. " +
        "When it ends, the apartment is free again.",
      `Address and port together are written with a colon between them: ${address.includes(":") ? `[${address}]` : address}:${port}. ` +
        "A web address hides the number when it is the usual one: http:// means port 80, https:// means 443.",
    ],
  };
};

interface Tenant {
  readonly application: string;
  readonly address: string;
  readonly port: string;
  readonly holder: string;
  readonly own: boolean;
}

/** A service of this machine that somebody is seen to hold, else a door that the lesson opens. */
async function findTenant({ context, keep }: Parameters<ChapterWriter>[0]): Promise<Tenant> {
  const look = await lookOrUnknown(context, { states: "listening" });
  if (look.known) {
    for (const service of describeServices(look.value)) {
      const leader = knownOr(service.holders, [])[0];
      const bound = service.sockets[0];
      if (service.transport !== "tcp" || leader === undefined || bound === undefined) continue;
      const reachable = service.reach.addresses[0]?.address ?? bound.local.address;
      const program = programNameOf(look.value.processOf(leader.pid)) ?? knownOr(leader.name, "an application");
      const project = service.project?.value.name;
      const application = project === undefined ? program : `${program} (${project})`;
      return { application, address: reachable, port: String(service.port), holder: `pid ${leader.pid}`, own: false };
    }
  }
  const attempt = await tryToListen("127.0.0.1", 0);
  if (!attempt.ok) {
    const { code, meaning } = attempt.refusal;
    return { application: `none: ${code}, ${meaning}`, address: "127.0.0.1", port: "0", holder: "none", own: true };
  }
  keep(() => attempt.bound.close());
  const { address, port } = attempt.bound;
  const again = await lookOrUnknown(context, { states: "listening", ports: [port] });
  const socket = again.known ? again.value.sockets.find(({ local }) => local.port === port) : undefined;
  const pid = again.known && socket !== undefined ? knownOr(again.value.holdersOf(socket), [])[0]?.pid : undefined;
  const holder = pid === undefined ? "this very command" : `pid ${pid}`;
  return { application: "this lesson", address, port: String(port), holder, own: true };
}

/**
 * @module Which connections a person asked for.
 */
import {
  PortSet,
  PortolanError,
  ipv4OfMapped,
  isPortolanError,
  knownOr,
  networkOf,
  parseIpAddress,
  quote,
  socketStates,
  type Socket,
  type SocketState,
} from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { resolveServiceName } from "../registry/index.ts";
import type { Direction, JoinedConnection } from "./connection-join.ts";
import { looksOf } from "./connection-looks.ts";
import { isInNamespace } from "./select.ts";

/** What narrows the connections. Every given filter must accept one. */
export interface ConnectionFilter {
  readonly port?: readonly string[] | undefined;
  readonly process?: string | undefined;
  readonly pid?: number | undefined;
  readonly remote?: string | undefined;
  readonly state?: string | undefined;
  readonly transport?: "tcp" | "udp" | undefined;
  readonly direction?: Direction | undefined;
  readonly namespace?: string | undefined;
}

/** A compiled filter. */
export interface ConnectionSelection {
  /** Ports of which one end must have one; `undefined` for all. */
  readonly ports: PortSet | undefined;
  accepts(connection: JoinedConnection, snapshot: Snapshot): boolean;
}

type Test = (connection: JoinedConnection, snapshot: Snapshot) => boolean;

/**
 * Compiles a filter.
 * @throws PORT_SET_INVALID, ADDRESS_INVALID, ARGUMENT_INVALID
 */
export function selectConnections(filter: ConnectionFilter): ConnectionSelection {
  const tests: Test[] = [];
  const words = filter.port ?? [];
  const ports = words.length === 0 ? undefined : PortSet.parse(words.join(","), resolveServiceName);
  if (ports !== undefined) {
    tests.push(({ near }) => ports.has(near.local.port) || (near.remote !== null && ports.has(near.remote.port)));
  }
  const { transport, direction, pid, process: program } = filter;
  if (transport !== undefined) tests.push(({ near }) => near.transport === transport);
  if (direction !== undefined) tests.push((connection) => connection.direction === direction);
  if (filter.state !== undefined) {
    const states = readStates(filter.state);
    tests.push(({ near, far }) => states.has(near.state) || (far !== null && states.has(far.state)));
  }
  if (filter.remote !== undefined) {
    const isThere = readNetwork(filter.remote);
    tests.push(
      ({ near, far }) =>
        (near.remote !== null && isThere(near.remote.address)) ||
        (far !== null && far.remote !== null && isThere(far.remote.address)),
    );
  }
  const { namespace } = filter;
  if (namespace !== undefined) {
    if (namespace === "") throw new PortolanError("ARGUMENT_INVALID", `--namespace needs a name, a number or "own".`);
    tests.push(({ nearLook, far, farLook }, snapshot) => {
      const looks = looksOf(snapshot);
      const isWanted = (look: number): boolean => isNamed(looks[look], look, namespace);
      return isWanted(nearLook) || (far !== null && farLook !== nearLook && isWanted(farLook));
    });
  }
  if (pid !== undefined) tests.push(someHolder((holder) => holder === pid));
  if (program !== undefined) {
    if (program === "") throw new PortolanError("ARGUMENT_INVALID", "--process needs some text to look for.");
    const answers = new Map<number, boolean>();
    tests.push(
      someHolder((holder, snapshot) => {
        let answer = answers.get(holder);
        if (answer === undefined) answers.set(holder, (answer = mentions(snapshot, holder, program.toLowerCase())));
        return answer;
      }),
    );
  }
  return { ports, accepts: (connection, snapshot) => tests.every((test) => test(connection, snapshot)) };
}

/** As `isInNamespace` of select.ts: `own`, a name, `net:[4026532181]` or the number alone. */
function isNamed(look: Snapshot | undefined, index: number, wanted: string): boolean {
  if (look === undefined) return false;
  const networkNamespace = index === 0 ? null : { id: look.networkNamespace, names: look.namespaceNames ?? [] };
  return isInNamespace({ networkNamespace }, wanted);
}

/** A test of the processes at both ends. */
function someHolder(isWanted: (pid: number, snapshot: Snapshot) => boolean): Test {
  const holds = (socket: Socket | null, snapshot: Snapshot): boolean =>
    socket !== null && knownOr(snapshot.holdersOf(socket), []).some(({ pid }) => isWanted(pid, snapshot));
  return ({ near, far }, snapshot) => holds(near, snapshot) || holds(far, snapshot);
}

function mentions(snapshot: Snapshot, pid: number, wanted: string): boolean {
  const { name, executable, arguments: argv } = snapshot.processOf(pid);
  return [knownOr(name, ""), knownOr(executable, ""), ...knownOr(argv, [])].some((text) =>
    text.toLowerCase().includes(wanted),
  );
}

/** Names by which `ss` and others call states. */
const otherStateNames: Readonly<Record<string, SocketState>> = {
  ESTAB: "ESTABLISHED",
  SYN_RECV: "SYN_RECEIVED",
  FIN_WAIT1: "FIN_WAIT_1",
  FIN_WAIT2: "FIN_WAIT_2",
  CLOSE: "CLOSED",
};

/** @throws ARGUMENT_INVALID */
function readStates(text: string): ReadonlySet<SocketState> {
  const states = new Set<SocketState>();
  for (const word of text.split(",")) {
    const name = word.trim().toUpperCase().replaceAll("-", "_");
    const state = socketStates.find((candidate) => candidate === name) ?? otherStateNames[name];
    if (state === undefined || !connectionStates.includes(state)) {
      throw new PortolanError("ARGUMENT_INVALID", `--state ${quote(word)} is no state of a connection.`, {
        details: {
          argument: "state",
          given: word,
          hint: `Write one or several with commas between them: ${connectionStates.join(", ").toLowerCase()}.`,
        },
      });
    }
    states.add(state);
  }
  return states;
}

/** A socket in another state has no peer. */
const connectionStates: readonly SocketState[] = socketStates.filter(
  (state) => state !== "LISTEN" && state !== "UNCONNECTED" && state !== "BOUND",
);

/**
 * An address, or a network as `10.0.0.0/8`; IPv4-mapped addresses count as the IPv4 addresses in them.
 * @throws ADDRESS_INVALID
 */
function readNetwork(text: string): (address: string) => boolean {
  const [, head, length] = /^(.*)\/(\d{1,3})$/.exec(text) ?? [];
  let address: string;
  let bits: number;
  let network: string;
  try {
    const parsed = parseIpAddress(head ?? text);
    const inner = ipv4OfMapped(parsed.address);
    address = inner ?? parsed.address;
    const family = inner === undefined ? parsed.family : "ipv4";
    bits = length === undefined ? (family === "ipv4" ? 32 : 128) : Number(length);
    if (inner !== undefined && length !== undefined) bits = Math.max(0, bits - 96);
    network = networkOf(address, bits);
  } catch (error) {
    if (!isPortolanError(error, "ADDRESS_INVALID")) throw error;
    throw new PortolanError("ADDRESS_INVALID", `--remote ${quote(text)} is neither an IP address nor a network.`, {
      details: {
        argument: "remote",
        given: text,
        hint: "Write an address such as 10.0.0.8 or 2001:db8::8, or a network such as 10.0.0.0/8.",
      },
      cause: error,
    });
  }
  const isIpv6 = address.includes(":");
  const answers = new Map<string, boolean>();
  return (given) => {
    let answer = answers.get(given);
    if (answer === undefined) {
      const candidate = ipv4OfMapped(given) ?? given;
      answer = candidate.includes(":") === isIpv6 && networkOf(candidate, bits) === network;
      answers.set(given, answer);
    }
    return answer;
  };
}

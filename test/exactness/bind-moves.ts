/**
 * @module Moves of a program with sockets, for sequences that are tried on the kernel and foretold by the bind rules.
 */
import { array, boolean, constantFrom, nat, oneof, record, type Arbitrary } from "fast-check";

/**
 * Addresses that sequences bind and connect to. `10.77.9.2` and `fd00:77:9::2` belong to the namespace, `10.77.10.9` by a route, their
 * neighbours to nobody.
 */
export const moveAddresses = [
  "0.0.0.0",
  "127.0.0.1",
  "127.0.0.2",
  "127.0.0.6",
  "10.77.9.2",
  "10.77.9.3",
  "10.77.9.255",
  "10.77.10.9",
  "::",
  "::1",
  "fd00:77:9::2",
  "fd00:77:9::3",
  "::ffff:127.0.0.1",
  "::ffff:0.0.0.0",
  "ff02::77",
  "fe80::77",
] as const;

/** How many sockets a sequence has at most. */
export const slotCount = 6;
/** Ports of a sequence: three ordinary ones, a privileged one, and that of the first socket that has one. */
export const portChoices = 5;

/** One move. Moves that make no sense at their time are passed over. */
export type Move =
  | {
      readonly do: "open";
      readonly slot: number;
      readonly transport: "tcp" | "udp";
      readonly family: "ipv4" | "ipv6";
      readonly otherUser: boolean;
    }
  | {
      readonly do: "set";
      readonly slot: number;
      readonly option: "SO_REUSEADDR" | "SO_REUSEPORT" | "IPV6_V6ONLY" | "SO_BINDTODEVICE";
      readonly on: boolean;
    }
  | { readonly do: "bind"; readonly slot: number; readonly address: string; readonly port: number }
  | { readonly do: "listen"; readonly slot: number }
  | { readonly do: "connect"; readonly slot: number; readonly address: string; readonly port: number }
  /** From this socket, or from the first that listens when this one does not. */
  | { readonly do: "accept"; readonly slot: number; readonly into: number }
  | { readonly do: "close"; readonly slot: number };

const slot = nat({ max: slotCount - 1 });
const port = nat({ max: portChoices - 1 });
const address = constantFrom(...moveAddresses);

/** Addresses of a family; rare ones now and then, so that most sequences meet. */
function addressOf(family: "ipv4" | "ipv6", common: readonly string[]): Arbitrary<string> {
  const rare = moveAddresses.filter((text) => text.includes(":") === (family === "ipv6"));
  return oneof({ weight: 6, arbitrary: constantFrom(...common) }, { weight: 1, arbitrary: constantFrom(...rare) });
}
const bindable = {
  ipv4: addressOf("ipv4", ["0.0.0.0", "0.0.0.0", "127.0.0.1", "127.0.0.1", "10.77.9.2"]),
  ipv6: addressOf("ipv6", ["::", "::", "::1", "::ffff:127.0.0.1", "fd00:77:9::2"]),
};
const reachable = {
  ipv4: constantFrom("127.0.0.1", "127.0.0.1", "10.77.9.2"),
  ipv6: constantFrom("::1", "::1", "::ffff:127.0.0.1", "fd00:77:9::2"),
};
const meetingPort = oneof({ weight: 6, arbitrary: constantFrom(0) }, { weight: 1, arbitrary: port });

/** A socket on its way: opened, given options, bound, perhaps listening. Most programs do no other thing. */
const life: Arbitrary<readonly Move[]> = record({
  slot,
  transport: constantFrom("tcp", "tcp", "udp"),
  family: constantFrom("ipv4", "ipv6"),
  otherUser: oneof({ weight: 3, arbitrary: constantFrom(false) }, { weight: 1, arbitrary: boolean() }),
  reuseAddress: boolean(),
  reusePort: boolean(),
  v6only: constantFrom(false, false, true),
  device: constantFrom(false, false, false, false, true),
  ipv4: bindable.ipv4,
  ipv6: bindable.ipv6,
  port: meetingPort,
  listens: boolean(),
}).map((wish): readonly Move[] => {
  const set = (option: Extract<Move, { do: "set" }>["option"], on: boolean): Move[] =>
    on ? [{ do: "set", slot: wish.slot, option, on }] : [];
  return [
    {
      do: "open",
      slot: wish.slot,
      transport: wish.transport as "tcp" | "udp",
      family: wish.family as "ipv4" | "ipv6",
      otherUser: wish.otherUser,
    },
    ...set("SO_REUSEADDR", wish.reuseAddress),
    ...set("SO_REUSEPORT", wish.reusePort),
    ...set("IPV6_V6ONLY", wish.v6only && wish.family === "ipv6"),
    ...set("SO_BINDTODEVICE", wish.device),
    { do: "bind", slot: wish.slot, address: wish.family === "ipv4" ? wish.ipv4 : wish.ipv6, port: wish.port },
    ...(wish.listens && wish.transport === "tcp" ? [{ do: "listen" as const, slot: wish.slot }] : []),
  ];
});

/** A connection made, accepted, and ended from either side, so that TIME_WAIT is left on either. */
const visit: Arbitrary<readonly Move[]> = record({
  server: slot,
  client: slot,
  child: slot,
  family: constantFrom("ipv4", "ipv6"),
  ipv4: reachable.ipv4,
  ipv6: reachable.ipv6,
  port: meetingPort,
  bound: boolean(),
  end: constantFrom("none", "client", "child", "both"),
}).map((wish): readonly Move[] => {
  const { client, child } = wish;
  return [
    { do: "open", slot: client, transport: "tcp", family: wish.family as "ipv4" | "ipv6", otherUser: false },
    ...(wish.bound
      ? [
          { do: "set" as const, slot: client, option: "SO_REUSEADDR" as const, on: true },
          { do: "bind" as const, slot: client, address: wish.family === "ipv4" ? "0.0.0.0" : "::", port: 1 },
        ]
      : []),
    { do: "connect", slot: client, address: wish.family === "ipv4" ? wish.ipv4 : wish.ipv6, port: wish.port },
    { do: "accept", slot: wish.server, into: child },
    ...(wish.end === "client" || wish.end === "both" ? [{ do: "close" as const, slot: client }] : []),
    ...(wish.end === "child" || wish.end === "both" ? [{ do: "close" as const, slot: child }] : []),
  ];
});

const single: Arbitrary<readonly Move[]> = oneof(
  record({
    do: constantFrom("open" as const),
    slot,
    transport: constantFrom("tcp" as const, "udp" as const),
    family: constantFrom("ipv4" as const, "ipv6" as const),
    otherUser: boolean(),
  }),
  record({
    do: constantFrom("set" as const),
    slot,
    option: constantFrom("SO_REUSEADDR", "SO_REUSEPORT", "IPV6_V6ONLY", "SO_BINDTODEVICE" as const),
    on: boolean(),
  }) as Arbitrary<Move>,
  record({ do: constantFrom("bind" as const), slot, address, port }),
  record({ do: constantFrom("listen" as const), slot }),
  record({ do: constantFrom("connect" as const), slot, address, port }),
  record({ do: constantFrom("accept" as const), slot, into: slot }),
  record({ do: constantFrom("close" as const), slot }),
).map((move): readonly Move[] => [move]);

/** Sequences of moves, about twenty each. */
export const sequences: Arbitrary<readonly Move[]> = array(
  oneof({ weight: 5, arbitrary: life }, { weight: 2, arbitrary: visit }, { weight: 4, arbitrary: single }),
  { minLength: 3, maxLength: 12 },
).map((parts) => parts.flat());

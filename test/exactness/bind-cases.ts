/**
 * @module Sequences in which the bind rules once disagreed with the kernel, shrunk.
 */
import type { Move } from "./bind-moves.ts";

/** Each with what it taught. */
export const bindCases: readonly { readonly taught: string; readonly moves: readonly Move[] }[] = [
  {
    taught: "a global IPv6 address can be bound through any interface",
    moves: [
      { do: "open", slot: 0, transport: "tcp", family: "ipv6", otherUser: false },
      { do: "set", slot: 0, option: "SO_BINDTODEVICE", on: true },
      { do: "bind", slot: 0, address: "fd00:77:9::2", port: 0 },
    ],
  },
  {
    taught: "multicast of a link needs an interface as link-local addresses do",
    moves: [
      { do: "open", slot: 0, transport: "udp", family: "ipv6", otherUser: false },
      { do: "bind", slot: 0, address: "ff02::77", port: 0 },
    ],
  },
  {
    taught:
      "a socket with both options that joined by SO_REUSEADDR opens the port to later ones with SO_REUSEPORT alone",
    moves: [
      { do: "open", slot: 1, transport: "tcp", family: "ipv4", otherUser: false },
      { do: "set", slot: 1, option: "SO_REUSEADDR", on: true },
      { do: "bind", slot: 1, address: "0.0.0.0", port: 0 },
      { do: "open", slot: 0, transport: "tcp", family: "ipv4", otherUser: false },
      { do: "set", slot: 0, option: "SO_REUSEADDR", on: true },
      { do: "set", slot: 0, option: "SO_REUSEPORT", on: true },
      { do: "bind", slot: 0, address: "0.0.0.0", port: 0 },
      { do: "open", slot: 0, transport: "tcp", family: "ipv4", otherUser: false },
      { do: "set", slot: 0, option: "SO_REUSEPORT", on: true },
      { do: "bind", slot: 0, address: "0.0.0.0", port: 0 },
    ],
  },
  {
    taught: "a socket with SO_REUSEPORT at IPv4 addresses opens the port to those at IPv6 addresses, whoever is there",
    moves: [
      { do: "open", slot: 0, transport: "tcp", family: "ipv6", otherUser: false },
      { do: "bind", slot: 0, address: "::1", port: 0 },
      { do: "open", slot: 1, transport: "tcp", family: "ipv4", otherUser: false },
      { do: "set", slot: 1, option: "SO_REUSEPORT", on: true },
      { do: "bind", slot: 1, address: "0.0.0.0", port: 0 },
      { do: "open", slot: 1, transport: "tcp", family: "ipv6", otherUser: false },
      { do: "set", slot: 1, option: "SO_REUSEPORT", on: true },
      { do: "bind", slot: 1, address: "::", port: 0 },
    ],
  },
  {
    taught: "UDP asks IPv6 sockets with SO_REUSEPORT last, though they came later",
    moves: [
      { do: "open", slot: 0, transport: "udp", family: "ipv4", otherUser: false },
      { do: "set", slot: 0, option: "SO_REUSEADDR", on: true },
      { do: "bind", slot: 0, address: "0.0.0.0", port: 0 },
      { do: "open", slot: 1, transport: "udp", family: "ipv6", otherUser: false },
      { do: "set", slot: 1, option: "SO_REUSEADDR", on: true },
      { do: "set", slot: 1, option: "SO_REUSEPORT", on: true },
      { do: "bind", slot: 1, address: "::", port: 0 },
      { do: "open", slot: 2, transport: "udp", family: "ipv4", otherUser: false },
      { do: "set", slot: 2, option: "SO_REUSEPORT", on: true },
      { do: "bind", slot: 2, address: "0.0.0.0", port: 0 },
    ],
  },
  {
    taught: "a connected IPv6 socket is in the way of IPv4 sockets alone, not of IPv6 sockets at IPv4 addresses",
    moves: [
      { do: "open", slot: 0, transport: "tcp", family: "ipv6", otherUser: false },
      { do: "bind", slot: 0, address: "::", port: 0 },
      { do: "listen", slot: 0 },
      { do: "open", slot: 1, transport: "tcp", family: "ipv6", otherUser: false },
      { do: "connect", slot: 1, address: "::1", port: 0 },
      { do: "accept", slot: 0, into: 2 },
      { do: "close", slot: 0 },
      { do: "open", slot: 3, transport: "tcp", family: "ipv6", otherUser: false },
      { do: "bind", slot: 3, address: "::ffff:0.0.0.0", port: 0 },
      { do: "open", slot: 4, transport: "tcp", family: "ipv4", otherUser: false },
      { do: "bind", slot: 4, address: "0.0.0.0", port: 0 },
    ],
  },
  {
    taught: "a connection that its process has let go of is told as root's, whoever made it",
    moves: [
      { do: "open", slot: 0, transport: "tcp", family: "ipv4", otherUser: true },
      { do: "set", slot: 0, option: "SO_REUSEPORT", on: true },
      { do: "bind", slot: 0, address: "0.0.0.0", port: 0 },
      { do: "listen", slot: 0 },
      { do: "open", slot: 1, transport: "tcp", family: "ipv4", otherUser: false },
      { do: "connect", slot: 1, address: "127.0.0.1", port: 0 },
      { do: "accept", slot: 0, into: 2 },
      { do: "close", slot: 2 },
      { do: "open", slot: 3, transport: "tcp", family: "ipv4", otherUser: true },
      { do: "set", slot: 3, option: "SO_REUSEPORT", on: true },
      { do: "bind", slot: 3, address: "0.0.0.0", port: 0 },
    ],
  },
];

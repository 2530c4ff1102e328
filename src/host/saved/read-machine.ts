/**
 * @module A saved machine out of a document that anybody may have written.
 */
import { isWildcardAddress, known, socketStates, transports, tryParseIpAddress, unknown } from "../../core/index.ts";
import type { Known, Port } from "../../core/index.ts";
import type { SnapshotFacts } from "../host.ts";
import {
  boolean,
  decodeDocument,
  integer,
  listOf,
  mismatch,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from "./decoders.ts";
import type { Decoder } from "./decoders.ts";
import { savedMachineVersion, type SavedMachine } from "./saved-machine.ts";

const count = integer(0, Number.MAX_SAFE_INTEGER);
/** 9999-12-31, after which dates have no usual form. */
const latestMs = 253_402_300_799_999;
const processId = integer(0, 4_194_304);
const userId = integer(0, 4_294_967_295);
const port = integer(0, 65_535) as Decoder<Port>;
const family = oneOf(["ipv4", "ipv6"]);

const unknownReason = oneOf(["permission", "gone", "unsupported"]);

function knownOf<T>(decoder: Decoder<T>): Decoder<Known<T>> {
  const told = object({ value: decoder });
  const untold = object({ why: unknownReason });
  return (value) => {
    const isKnown = typeof value === "object" && value !== null ? (value as { known?: unknown }).known : undefined;
    if (isKnown === true) return known(told(value).value);
    if (isKnown === false) return unknown(untold(value).why);
    return mismatch('a fact: {"known": true, "value": …} or {"known": false, "why": …}');
  };
}

/** An address in its canonical form. */
const address: Decoder<string> = (value) => {
  const given = typeof value === "string" && value.length <= 64 ? value : mismatch("an IP address");
  const parsed = isWildcardAddress(given) ? given : tryParseIpAddress(given)?.address;
  return parsed === given ? given : mismatch("an IP address in its canonical form");
};

const socketAddress = object({ address, port });

const holder = object({ pid: processId, fileDescriptors: listOf(integer(0, 2_147_483_647), 1_000_000) });

const traffic = object({
  bytesAcknowledged: count,
  bytesSent: nullable(count),
  bytesReceived: count,
  roundTripMicroseconds: nullable(count),
  roundTripDeviationMicroseconds: nullable(count),
  idleSendMs: count,
  idleReceiveMs: count,
});

const socket = object({
  transport: oneOf(transports),
  family,
  state: oneOf(socketStates),
  local: socketAddress,
  remote: nullable(socketAddress),
  v6only: nullable(knownOf(boolean)),
  boundInterface: knownOf(nullable(text(256))),
  inode: count,
  uid: userId,
  receiveQueue: count,
  sendQueue: knownOf(count),
  traffic: optional(knownOf(traffic)),
  holders: knownOf(listOf(holder, 100_000)),
});

const prefix: Decoder<number> = integer(0, 128);

const networkInterface = object({
  name: text(256),
  index: knownOf(count),
  up: knownOf(boolean),
  loopback: boolean,
  hardwareAddress: knownOf(nullable(text(256))),
  mtuBytes: knownOf(count),
  addresses: listOf(object({ address, family, prefixLength: prefix }), 100_000),
  leadsOutside: optional(knownOf(boolean)),
  defaultRoute: object({ ipv4: knownOf(boolean), ipv6: knownOf(boolean) }),
});

const flagOfFamilies = object({ ipv4: knownOf(boolean), ipv6: knownOf(boolean) });

const bounds = object({ first: port, last: port });
const portRange: typeof bounds = (value) => {
  const range = bounds(value);
  return range.first <= range.last ? range : mismatch("a range whose first port is not above its last");
};

const limits = object({
  unprivilegedPortStart: knownOf(integer(0, 65_536)),
  ephemeralRange: knownOf(portRange),
  reservedPorts: knownOf(text(1_000_000)),
  mayBindPrivileged: knownOf(boolean),
  v6onlyDefault: knownOf(boolean),
  localNetworks: optional(knownOf(listOf(text(64), 100_000))),
  nonlocalBind: optional(flagOfFamilies),
});

const longestText = 4 << 20;

const process = object({
  pid: processId,
  parentPid: knownOf(processId),
  name: knownOf(text(4096)),
  arguments: knownOf(listOf(text(longestText), 1_000_000)),
  uid: knownOf(userId),
  userName: knownOf(nullable(text(1024))),
  startTimeMs: knownOf(integer(0, latestMs)),
  workingDirectory: knownOf(text(65_536)),
  executable: knownOf(text(65_536)),
  executableDeleted: boolean,
  memoryBytes: knownOf(count),
  controlGroup: knownOf(text(65_536)),
});

const blindSpot = object({
  what: oneOf(["holders", "sockets", "processes", "interfaces"]),
  why: unknownReason,
  count: nullable(count),
  message: text(),
});

const look = object({
  networkNamespace: knownOf(text(64)),
  namespaceNames: listOf(text(4096), 10_000),
  namespaceMembers: listOf(processId, 10_000),
  reader: text(64),
  sockets: listOf(socket),
  interfaces: listOf(networkInterface, 100_000),
  limits,
});

/** Rooms further down read these themselves. */
const facts: Decoder<SnapshotFacts> = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as SnapshotFacts)
    : mismatch("an object");

const version: Decoder<typeof savedMachineVersion> = (value) => {
  if (value === savedMachineVersion) return savedMachineVersion;
  return mismatch(
    typeof value === "number"
      ? `${savedMachineVersion}: it was written by a later version of Portolan`
      : `${savedMachineVersion}`,
  );
};

const machine = object({
  portolanSnapshot: version,
  madeBy: text(256),
  hostName: text(1024),
  takenAtMs: integer(0, latestMs),
  complete: boolean,
  platform: text(64),
  holdersComplete: boolean,
  looks: listOf(look, 100_000),
  processes: listOf(process),
  blindSpots: listOf(blindSpot, 10_000),
  facts,
});

/**
 * Checks a document.
 * @param document what JSON.parse made of a file
 * @throws SNAPSHOT_INVALID naming the place and what was expected there
 */
export function readSavedMachine(document: unknown): SavedMachine {
  return decodeDocument(document, (value) => {
    const read = machine(value);
    if (read.looks.length === 0) mismatch("a document with at least one entry in looks");
    return read as SavedMachine;
  });
}

/**
 * @module The vocabulary of Portolan: ports, addresses, endpoints, sockets, claims, errors. Pure and browser-safe.
 */
export { claim, claimBases, compareClaims, strongestClaim, type Claim, type ClaimBasis } from "./claim.ts";
export { formatDuration, longestDurationMs, parseDuration } from "./duration.ts";
export { countEdits, nearestName } from "./edit-distance.ts";
export { PortolanError, errorTable, isPortolanError, type ErrorCode, type ErrorDetails } from "./errors.ts";
export {
  audienceOf,
  ipv4OfMapped,
  isLinkLocalAddress,
  isLoopbackAddress,
  isMulticastAddress,
  isWildcardAddress,
  networkOf,
} from "./address-audience.ts";
export { canonicalAddressFromBytes } from "./address-bytes.ts";
export { addressFromNumber, addressToNumber, bitsOfFamily } from "./address-number.ts";
export { formatIpAddress, parseIpAddress, tryParseIpAddress, type IpAddress } from "./ip-address.ts";
export {
  formatEndpoint,
  formatSocketAddress,
  parseEndpoint,
  type Endpoint,
  type EndpointHost,
  type ParseEndpointOptions,
} from "./endpoint.ts";
export { known, knownOr, unknown, type Known, type UnknownReason } from "./known.ts";
export {
  describePortProblem,
  highestPort,
  isPort,
  lowestPort,
  parsePort,
  portCount,
  toPort,
  type Port,
} from "./port.ts";
export { PortSet } from "./port-set.ts";
export { longestPortSetText, type PortNameResolver } from "./port-set-grammar.ts";
export {
  type AddressAudience,
  type FamilyReach,
  type Reach,
  type ReachScope,
  type ReachableAddress,
  type TakenAddress,
} from "./reach.ts";
export { linkAbort, type LinkedAbort } from "./linked-abort.ts";
export {
  isListening,
  socketStates,
  transports,
  type IpFamily,
  type Socket,
  type SocketAddress,
  type SocketState,
  type SocketTraffic,
  type Transport,
} from "./socket.ts";
export { lazyPattern, quote, quoteForShell } from "./text.ts";
export { escapeForTerminal, escapeJsonForTerminal } from "./terminal-escape.ts";
export { takeColumns, widthOf } from "./terminal-width.ts";

/**
 * @module The scan room's door: what answers on a device, and what it proves to be.
 */
export { portOutcomes, type PortReason, type PortState, type ScanEngine } from "./engine.ts";
export type { Identification, IdentifiedLayer } from "./identification.ts";
export { identifyEndpoint, type EndpointAnswer, type EndpointOptions } from "./identify-endpoint.ts";
export { askResolver } from "./ask-resolver.ts";
export { tryDoor, type DoorOutcome } from "./try-door.ts";
export { readTrustedCertificates } from "./trusted-certificates.ts";
export { readTextFile, readTextStream } from "./read-text.ts";
export { resolveName } from "./resolve-name.ts";
export { printerPorts } from "./printer-ports.ts";
export { runScan, type ScanOptions } from "./run-scan.ts";
export type {
  FoundDoor,
  ScanOutcome,
  ScannedHost,
  ScanProgress,
  ScanRequest,
  ScanTarget,
  StateSummary,
} from "./scan-types.ts";
export {
  isOwnTarget,
  mostUnconfirmed,
  parseTargets,
  readTargetWords,
  type OwnNetwork,
  type TargetList,
  type TargetOptions,
  type TargetWord,
} from "./targets.ts";
export { topPorts, usualTopCount } from "./top-ports.ts";

/**
 * @module What a scan is asked and what it answers.
 */
import type { PortSet } from "../core/index.ts";
import type { Identification } from "./identification.ts";
import type { PortReason, PortState, ScanAddress, ScanEngine, ScanTally } from "./engine.ts";

/** One device to scan. */
export interface ScanTarget extends ScanAddress {
  /** Host name as the user wrote it, `null` when it was given by its address. */
  readonly name: string | null;
}

/** What a scan is asked. */
export interface ScanRequest {
  readonly targets: Iterable<ScanTarget>;
  /** How many targets there are. */
  readonly targetCount: number;
  readonly tcpPorts: PortSet;
  readonly udpPorts: PortSet;
  /** Ports that were named one by one: printers' ports are asked only when they are among these. */
  readonly namedPorts: PortSet;
  /** Ask open doors what they are. */
  readonly identify: boolean;
  /** 0 to 10; `null`: derived from the measured loss. */
  readonly retries: number | null;
  readonly packetsPerSecond: number | null;
  /** Use only this engine. `null`: the best that works here. */
  readonly engine: ScanEngine["name"] | null;
}

/** A door that is open or may be, told as soon as it is known. */
export interface FoundDoor {
  readonly target: ScanTarget;
  readonly transport: "tcp" | "udp";
  readonly port: number;
  readonly state: PortState;
  readonly reason: PortReason;
  /** `null` when not measured. */
  readonly roundTripMs: number | null;
  /** `null` when it was not asked. */
  readonly identification: Identification | null;
}

/** Doors of one device in one state for one reason. */
export interface StateSummary {
  readonly transport: "tcp" | "udp";
  readonly state: PortState;
  readonly reason: PortReason;
  readonly count: number;
  /** As a `PortSet` prints: `1-21,23-79`. */
  readonly ports: string;
}

/** What a scan found on one device. */
export interface ScannedHost {
  readonly target: ScanTarget;
  /** Ascending by transport and port. */
  readonly doors: readonly FoundDoor[];
  /** Every state, the open ones too. */
  readonly states: readonly StateSummary[];
  /** True when anything at all came back from it. */
  readonly answered: boolean;
}

/** How far a scan is. */
export interface ScanProgress {
  readonly done: number;
  readonly total: number;
  readonly open: number;
  readonly identified: number;
  readonly elapsedMs: number;
  /** `null` as long as it cannot be told. */
  readonly remainingMs: number | null;
}

/** What a scan answers. */
export interface ScanOutcome {
  readonly hosts: readonly ScannedHost[];
  /** Doors asked. */
  readonly total: number;
  readonly elapsedMs: number;
  readonly engines: readonly { readonly name: ScanEngine["name"]; readonly cells: number; readonly tally: ScanTally }[];
  /** Why better engines were not used, a sentence each. */
  readonly remarks: readonly string[];
  /** False when it was stopped; what was not asked is `unscanned`. */
  readonly complete: boolean;
}

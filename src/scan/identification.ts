/**
 * @module What an identification found out about one door.
 */
import type { Fact, ProbeTransport, TlsFacts } from "../protocols/index.ts";

/** One protocol that was found on a connection; a service can be several, one inside the other. */
export interface IdentifiedLayer {
  /** Id of the protocol: `tls`, `http`, `vite`. */
  readonly protocol: string;
  readonly title: string;
  /** `strong`: only this protocol answers like that. `weak`: it looks like it, another could too. */
  readonly strength: "strong" | "weak";
  readonly evidence: string;
  readonly facts: readonly Fact[];
}

/** What one door proved to be. */
export interface Identification {
  readonly transport: ProbeTransport;
  readonly port: number;
  /** Outermost first: `tls`, `http`, `vite`. Empty when nothing was recognised. */
  readonly layers: readonly IdentifiedLayer[];
  readonly tls: TlsFacts | null;
  /** First bytes that came, at most 256, Latin-1, raw, when no layer explains them; else `null`. */
  readonly unexplained: string | null;
  /** One phrase: what was seen, or why nothing was recognised. */
  readonly evidence: string;
  /** Connections (TCP) or sockets (UDP) used, the scan's own included. */
  readonly connections: number;
  /** Protocols that were asked, in their order. */
  readonly asked: readonly string[];
  readonly elapsedMs: number;
  /** False when an abort or the door's deadline cut it short. */
  readonly complete: boolean;
}

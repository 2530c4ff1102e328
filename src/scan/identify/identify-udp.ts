/**
 * @module Finds out what a UDP door proves to be: the usual protocol's question first, then others, each from its own socket.
 */
import { Talk, type ProbeContext, type Protocol } from "../../protocols/index.ts";
import type { Identification, IdentifiedLayer } from "../identification.ts";
import { nearProtocols, probedProtocols, usualProtocols } from "./candidates.ts";
import { DatagramChannel } from "./datagrams.ts";
import type { IdentifyOptions } from "./inquiry.ts";

/** A UDP door to identify. */
export interface UdpDoor {
  readonly address: string;
  readonly scopeId: number;
  readonly port: number;
  readonly host: string;
}

/** What asking a UDP door brought. */
export interface UdpAnswer {
  readonly identification: Identification;
  /** `answered`: a datagram came back; `refused`: nobody receives there; `silent`: neither. */
  readonly result: "answered" | "refused" | "silent";
  /** Protocols that could not be asked, with the reason. */
  readonly notAsked: readonly string[];
}

/** How long a protocol is waited for that nothing speaks for, milliseconds; it is asked twice in that time. */
const blindMs = 1000;

/** What is asked at a door of unknown use: those that are met most often at other ports first. */
const order: readonly string[] = ["dns", "sip", "ntp", "memcached"];

function othersInOrder(): readonly Protocol[] {
  const place = ({ id }: Protocol): number => (order.includes(id) ? order.indexOf(id) : order.length);
  return probedProtocols("udp").toSorted((left, right) => place(left) - place(right));
}

/** Asks a UDP door. Never rejects. */
export async function identifyUdp(door: UdpDoor, options: IdentifyOptions): Promise<UdpAnswer> {
  const startedMs = options.nowMs();
  const usual = usualProtocols(door.port, "udp", false);
  const near = nearProtocols(door.port, "udp");
  const candidates = [...new Set([...usual, ...near, ...othersInOrder()])];
  const asked: string[] = [];
  const notAsked: string[] = [];
  let layers: readonly IdentifiedLayer[] = [];
  let evidence = "no answer";
  let result: UdpAnswer["result"] = "silent";
  let sockets = 0;
  for (const protocol of candidates) {
    if (options.signal.aborted || layers.length > 0 || result === "refused") break;
    const channel = await DatagramChannel.open(
      { ...door, localPort: protocol.replyPort?.(door.port) ?? null },
      options.signal,
      options.observe?.(protocol),
    );
    if (!(channel instanceof DatagramChannel)) {
      notAsked.push(describeObstacle(protocol, door.port, channel.failed));
      continue;
    }
    sockets += 1;
    asked.push(protocol.id);
    const context: ProbeContext = {
      transport: "udp",
      port: door.port,
      host: door.host,
      localAddress: channel.localAddress,
      tls: null,
      page: null,
      random: options.random,
    };
    const patienceMs = usual.includes(protocol) || near.includes(protocol) ? undefined : blindMs;
    const verdict = await channel.drive(protocol.probe!(new Talk("udp"), context), options.nowMs, patienceMs);
    channel.close();
    if (channel.answered) result = "answered";
    else if (channel.refused) result = "refused";
    if (verdict.outcome === "proved" || verdict.outcome === "suggested") {
      const strength = verdict.outcome === "proved" ? "strong" : "weak";
      layers = [
        { protocol: protocol.id, title: protocol.title, strength, evidence: verdict.evidence, facts: verdict.facts },
      ];
    }
    evidence = verdict.evidence;
  }
  if (result === "refused") evidence = "nobody receives there (ICMP port unreachable)";
  else if (layers.length === 0) {
    evidence = `no answer in ${asked.length === 1 ? "the protocol that was" : `${asked.length} protocols that were`} asked`;
    if (notAsked.length > 0) evidence += `; ${notAsked.join("; ")}`;
  }
  return {
    identification: {
      transport: "udp",
      port: door.port,
      layers,
      tls: null,
      unexplained: null,
      evidence,
      connections: sockets,
      asked,
      elapsedMs: Math.round(options.nowMs() - startedMs),
      complete: !options.signal.aborted,
    },
    result,
    notAsked,
  };
}

function describeObstacle(protocol: Protocol, port: number, code: string): string {
  const local = protocol.replyPort?.(port);
  if (local === undefined) return `${protocol.title} could not be asked (${code})`;
  const reason = code === "EACCES" ? "needs more rights" : code === "EADDRINUSE" ? "is taken" : `failed with ${code}`;
  return `${protocol.title} could not be asked: its answer comes to port ${local}, and taking that ${reason}`;
}

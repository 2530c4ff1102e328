/**
 * @module Counts for Prometheus (text exposition format 0.0.4), kept current by the same watch that the page reads.
 */
import { knownOr } from "../../core/index.ts";
import type { ListedService } from "../../operations/schemas.ts";
import type { OperationContext } from "../../operations/operation.ts";
import { version } from "../../operations/version.generated.ts";
import { runWatch, type TrafficEvent, type WatchEvent } from "../../operations/watch.ts";

type PortTraffic = TrafficEvent["ports"][number];

/** Counts that are kept. */
export interface Metrics {
  /** The text of one answer; `named` with the names of programs and projects. */
  text(sessions: number, named: boolean): string;
  /** Settles when the watch has ended. */
  readonly ended: Promise<void>;
}

/** What was seen until now. */
export interface Seen {
  readonly services: Map<string, ListedService>;
  readonly traffic: Map<string, PortTraffic>;
  appeared: number;
  disappeared: number;
}

/** Watches until the context's signal aborts. */
export function startMetrics(context: OperationContext): Metrics {
  const seen: Seen = { services: new Map(), traffic: new Map(), appeared: 0, disappeared: 0 };
  const { faces, ...own } = context;
  void faces;
  const watching = (async () => {
    for await (const event of runWatch({}, own)) take(seen, event);
  })();
  return {
    text: (sessions, named) => writeMetrics(seen, sessions, named),
    // A machine that cannot be watched has counts of nothing; the page says why.
    ended: watching.catch(() => undefined),
  };
}

/** Takes in an event of `watch`. */
export function take(seen: Seen, event: WatchEvent): void {
  if (event.kind === "start") for (const service of event.services) seen.services.set(keyOf(service), service);
  else if (event.kind === "traffic")
    for (const port of event.ports) seen.traffic.set(`${port.transport}/${port.port}`, port);
  else if (event.kind === "disappeared") {
    seen.disappeared += 1;
    seen.services.delete(keyOf(event.service));
  } else if (event.kind !== "missed" && event.kind !== "program-failed") {
    if (event.kind === "appeared") seen.appeared += 1;
    seen.services.set(keyOf(event.service), event.service);
  }
}

function keyOf({ transport, port, sockets }: ListedService): string {
  return `${transport}/${port} ${sockets[0]?.inode ?? 0}`;
}

/**
 * The text: one line of help and type a name, then its values.
 *
 * Names of programs and projects are for who shows a key: the folder that a process stands in, and under `hidepid` its name too, are
 * nobody else's to read (man 5 proc), least of all when root measures.
 */
export function writeMetrics(seen: Seen, sessions: number, named: boolean): string {
  const listeners = new Map<string, string>();
  for (const service of seen.services.values()) {
    const holder = knownOr(service.holders, [])[0];
    const labels = writeLabels({
      transport: service.transport,
      port: String(service.port),
      service: service.names[0]?.value ?? "",
      reach: service.reach.scope,
      ...(named && {
        process: holder === undefined ? "" : knownOr(holder.name, ""),
        project: service.project?.value.name ?? "",
      }),
    });
    listeners.set(labels, "1");
  }
  const listening = new Set([...seen.services.values()].map(({ transport, port }) => `${transport}/${port}`));
  const heard = [...seen.traffic].filter(([key]) => listening.has(key));
  const ports = heard.map(([, port]) => ({
    port,
    labels: writeLabels({ transport: port.transport, port: String(port.port) }),
  }));
  const lines = [
    ...family("portolan_build_info", "gauge", "Version of Portolan.", [[writeLabels({ version }), "1"]]),
    ...family("portolan_listener", "gauge", "A service that listens.", [...listeners]),
    ...family("portolan_listeners_appeared_total", "counter", "Services that have come since the start.", [
      ["", String(seen.appeared)],
    ]),
    ...family("portolan_listeners_disappeared_total", "counter", "Services that have gone since the start.", [
      ["", String(seen.disappeared)],
    ]),
    ...family(
      "portolan_port_connections",
      "gauge",
      "Open connections that a listening port has accepted.",
      ports.map(({ port, labels }) => [labels, String(port.connections)]),
    ),
    ...family(
      "portolan_port_sent_bytes_total",
      "counter",
      "Bytes to the clients of a listening port.",
      ports.flatMap(({ port, labels }) => valued(labels, port.sentBytes)),
    ),
    ...family(
      "portolan_port_received_bytes_total",
      "counter",
      "Bytes from the clients of a listening port.",
      ports.flatMap(({ port, labels }) => valued(labels, port.receivedBytes)),
    ),
    ...family("portolan_page_sessions_total", "counter", "Browsers that were let in.", [["", String(sessions)]]),
  ];
  return `${lines.join("\n")}\n`;
}

type Sample = readonly [labels: string, value: string];

function valued(labels: string, value: number | null): Sample[] {
  return value === null ? [] : [[labels, String(value)]];
}

function family(name: string, type: string, help: string, samples: readonly Sample[]): string[] {
  if (samples.length === 0) return [];
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
  ];
}

/** Longest value of a label; names come from outside. */
const mostLabelCharacters = 200;

function writeLabels(labels: Readonly<Record<string, string>>): string {
  const written = Object.entries(labels).map(([name, value]) => {
    const plain = value
      .slice(0, mostLabelCharacters)
      .replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\ud800-\udfff]/gu, "\ufffd");
    return `${name}="${plain.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')}"`;
  });
  return `{${written.join(",")}}`;
}

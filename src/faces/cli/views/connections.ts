/**
 * @module How `connections` looks.
 */
import type { ConnectionsResult, ListedConnection } from "../../../operations/connections.ts";
import { formatSocketAddress, knownOr } from "../../../core/index.ts";
import { blank, paragraph, span, type Block, type GridColumn } from "../print/document.ts";
import { countText } from "../print/numbers.ts";
import type { View } from "../view.ts";
import { blindSpotNotes } from "./blind-spots.ts";
import { groupGrid } from "./connection-groups.ts";
import { bytesText } from "./service-cells.ts";

/** On a terminal more rows than this are told by their number, unless a limit was given. */
const mostTerminalRows = 100;

/** The view of `connections`. */
export const connectionsView: View<ConnectionsResult> = {
  result(result, context) {
    const { totals, groups } = result;
    if (totals.connections === 0) return [paragraph("Nothing is connected here.")];
    if (totals.matching === 0) return [paragraph(`None of ${countText(totals.connections)} connections matches.`)];
    const rows: readonly unknown[] = groups ?? result.connections;
    const limited = result.limit === null && context.terminal && rows.length > mostTerminalRows;
    const shownCount = limited ? mostTerminalRows : rows.length;
    const hiddenCount = (totals.groups ?? totals.matching) - shownCount;
    const blocks: Block[] = [
      groups === null
        ? connectionGrid(limited ? result.connections.slice(0, shownCount) : result.connections)
        : groupGrid(limited ? groups.slice(0, shownCount) : groups),
    ];
    if (hiddenCount > 0) {
      const what = `… and ${countText(hiddenCount)} more`;
      blocks.push(
        paragraph(limited ? `${what}: choose with filters, or see all with --limit or in a pipe.` : `${what}.`),
      );
    }
    blocks.push(blank, paragraph(summaryText(result)));
    const guessed = groups === null ? result.connections.some(isGuess) : groups.some(({ service }) => service !== null);
    if (guessed) blocks.push(paragraph([span("? named by its port number alone, which proves nothing.", "dim")]));
    return blocks;
  },
  notes: (result, context) => blindSpotNotes(result.blindSpots, holdersShown(result), context),
};

function isGuess({ service }: ListedConnection): boolean {
  return service !== null;
}

/** Whether a holder is hidden among what is shown; groups do not carry the holders that were looked for. */
function holdersShown({ groups, connections }: ConnectionsResult): { holders: { known: boolean } }[] {
  const hidden =
    groups === null
      ? connections.some(({ holders, peer }) => !holders.known || peer?.holders.known === false)
      : groups.some(({ process, port, transport, remote }) => (process ?? port ?? transport ?? remote) === null);
  return hidden ? [{ holders: { known: false } }] : [];
}

function summaryText({ totals }: ConnectionsResult): string {
  const { matching, connections, directions } = totals;
  const parts = [
    [directions.in, "in"],
    [directions.out, "out"],
    [directions.local, "within this machine"],
    [directions.unknown, "of unknown direction"],
  ] as const;
  const told = parts.filter(([count]) => count > 0).map(([count, words]) => `${countText(count)} ${words}`);
  const of = matching === connections ? "" : ` of ${countText(connections)}`;
  return `${countText(matching)}${of} connection${connections === 1 ? "" : "s"}: ${told.join(", ")}.`;
}

/** All rows as one grid: an object for each row's cells would cost more than the kernel's answer. */
function connectionGrid(connections: readonly ListedConnection[]): Block {
  const direction: string[] = [];
  const local: string[] = [];
  const remote: string[] = [];
  const service: string[] = [];
  const state: string[] = [];
  const holders: string[] = [];
  const sent: string[] = [];
  const received: string[] = [];
  const roundTrip: string[] = [];
  const idle: string[] = [];
  const place: string[] = [];
  const bytes = remember(bytesText);
  const time = remember(durationText);
  const holderTexts = new Map<object, string>();
  const holderText = (socket: Pick<ListedConnection, "holders" | "inode" | "uid">): string => {
    // Sockets of one process share one list.
    let text = holderTexts.get(socket.holders);
    if (text === undefined) {
      text = textOfHolders(socket);
      if (socket.holders.known && socket.inode !== 0) holderTexts.set(socket.holders, text);
    }
    return text;
  };
  for (const connection of connections) {
    const { peer, servicePort } = connection;
    const zone = knownOr(connection.boundInterface, null);
    direction.push(connection.direction === "unknown" ? "?" : connection.direction);
    local.push(addressText(connection.local, zone));
    remote.push(addressText(connection.remote, zone));
    service.push(
      connection.service === null ? (servicePort === null ? "" : String(servicePort)) : `${connection.service.value}?`,
    );
    state.push(
      peer === null || peer.state === connection.state ? connection.state : `${connection.state}/${peer.state}`,
    );
    holders.push(peer === null ? holderText(connection) : `${holderText(connection)} → ${holderText(peer)}`);
    sent.push(connection.sent === null ? "" : bytes(connection.sent));
    received.push(connection.received === null ? "" : bytes(connection.received));
    roundTrip.push(connection.roundTripMicroseconds === null ? "" : time(connection.roundTripMicroseconds));
    place.push(placeText(connection));
    // Tenths of a second are enough, and let most texts be made once.
    idle.push(connection.idleMs === null ? "" : time(Math.round(connection.idleMs / 100) * 100_000));
  }
  const columns: GridColumn[] = [
    { title: "DIR", priority: 0, texts: direction, style: "dim" },
    { title: "LOCAL", priority: 1, leastWidth: 15, texts: local },
    { title: "REMOTE", priority: 0, leastWidth: 15, texts: remote, style: "strong" },
    { title: "SERVICE", priority: 3, leastWidth: 8, texts: service },
    { title: "HELD BY", priority: 0, leastWidth: 16, texts: holders },
    { title: "NAMESPACE", priority: 1, leastWidth: 10, texts: place },
    { title: "SENT", priority: 2, leastWidth: 8, texts: sent, align: "right" },
    { title: "RECEIVED", priority: 2, texts: received, align: "right" },
    { title: "RTT", priority: 4, leastWidth: 7, texts: roundTrip, align: "right" },
    { title: "IDLE", priority: 5, leastWidth: 7, texts: idle, align: "right" },
    { title: "STATE", priority: 6, leastWidth: 11, texts: state, style: "dim" },
  ];
  return { kind: "grid", columns, rowCount: connections.length };
}

/** `netns blue`, the namespace of an end that is not in the reader's own; `here → netns blue` when the ends are in two. */
function placeText({ networkNamespace, peer }: ListedConnection): string {
  if (peer === null || peer.networkNamespace === networkNamespace) return namespaceText(networkNamespace, "");
  return `${namespaceText(networkNamespace, "here")} → ${namespaceText(peer.networkNamespace, "here")}`;
}

function namespaceText(namespace: ListedConnection["networkNamespace"], own: string): string {
  if (namespace === null) return own;
  const [name] = namespace.names;
  return name === undefined ? knownOr(namespace.id, "another namespace") : `netns ${name}`;
}

function addressText({ address, port }: ListedConnection["local"], zone: string | null): string {
  return address.includes(":") ? formatSocketAddress(address, port, zone) : `${address}:${port}`;
}

/** `node 4242 +3`; what the kernel keeps after its process has gone is held by nobody. */
function textOfHolders({ holders, inode, uid }: Pick<ListedConnection, "holders" | "inode" | "uid">): string {
  if (!holders.known) return holders.why === "permission" ? `hidden (uid ${uid})` : holders.why;
  const [first] = holders.value;
  if (first === undefined) return inode === 0 ? "nobody" : "no process here";
  const others = holders.value.length - 1;
  return `${knownOr(first.name, "?")} ${first.pid}${others > 0 ? ` +${others}` : ""}`;
}

/** `85 µs`, `1.3 ms`, `4.2 s`, `7 min`, `3 h`, `12 d`. */
export function durationText(microseconds: number): string {
  if (microseconds < 1000) return `${microseconds} µs`;
  if (microseconds < 1_000_000) return `${roughText(microseconds / 1000)} ms`;
  const seconds = microseconds / 1_000_000;
  if (seconds < 60) return `${roughText(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

function roughText(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.floor(value));
}

/** Of 100,000 measures few differ. */
function remember(work: (value: number) => string): (value: number) => string {
  const done = new Map<number, string>();
  return (value) => {
    let text = done.get(value);
    if (text === undefined) done.set(value, (text = work(value)));
    return text;
  };
}

/**
 * @module How `gateway` looks.
 */
import { formatSocketAddress } from "../../../core/index.ts";
import type { GatewayEvent, GatewayResult } from "../../../operations/gateway.ts";
import { blank, paragraph, span, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";
import { whoBlocks } from "./trust.ts";

/** The view of `gateway`. */
export const gatewayView: View<GatewayResult, GatewayEvent> = {
  event: ({ listeners }) => [
    ...listeners.map((listener) =>
      paragraph(["The gateway listens for ", listener.scheme, " at ", ...placesOf(listener), "."]),
    ),
    paragraph([span("Ctrl-C ends it.", "dim")]),
  ],
  announce: ({ notes }) => notes.map((note) => paragraph([span(note, "warning")])),
  result(result) {
    const { action, running, changed, pid, listeners } = result;
    if (action === "serve") return [];
    if (!running) {
      const ended = action === "stop" && changed ? "The gateway has ended." : "No gateway runs.";
      return [paragraph(ended), ...authorityBlocks(result)];
    }
    const how = changed
      ? action === "restart"
        ? "A new gateway has taken over"
        : "The gateway was started"
      : "The gateway runs";
    const blocks: Block[] = [paragraph([how, ": process ", span(String(pid), "strong"), "."])];
    for (const listener of listeners) blocks.push(paragraph([listener.scheme, " at ", ...placesOf(listener)]));
    if (action === "status") {
      const { requests, openConnections, residentBytes, startedAt } = result;
      const size = Math.round((residentBytes ?? 0) / 1_048_576);
      blocks.push(
        paragraph(
          `${requests} requests since ${startedAt}, ${openConnections} open connections, ${size} MiB of memory.`,
        ),
      );
    }
    return [...blocks, ...authorityBlocks(result)];
  },
  notes: ({ notes }) => notes.map((note) => paragraph([span(note, "warning")])),
  exitStatus: ({ action, running, changed }) =>
    (action === "status" && !running) || (action === "stop" && !changed) ? 1 : 0,
};

function authorityBlocks({ authority }: GatewayResult): Block[] {
  if (authority === null || authority === undefined) return [];
  return [
    blank,
    ...whoBlocks(authority),
    ...authority.stores.map(({ title, path, trusted }) => {
      const said = !trusted.known
        ? "cannot be told"
        : trusted.value
          ? span("trusted", "good")
          : span("not trusted", "warning");
      return paragraph([title, ": ", said, " ", span(path, "dim")], { hang: 2 });
    }),
  ];
}

function placesOf({ addresses, port }: GatewayResult["listeners"][number]): Line {
  return addresses.flatMap((address, index) => [
    ...(index === 0 ? [] : [" and "]),
    span(formatSocketAddress(address, port), "strong"),
  ]);
}

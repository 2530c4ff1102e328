/**
 * @module How `forward` looks: what leads where, and in the end what came through.
 */
import { formatSocketAddress } from "../../../core/index.ts";
import type { ForwardEvent, ForwardResult } from "../../../operations/forward.ts";
import type { ListedCounts, ListedPlace } from "../../../operations/relay-schemas.ts";
import { paragraph, span, verbatim } from "../print/document.ts";
import type { View } from "../view.ts";

/** The view of `forward`. */
export const forwardView: View<ForwardResult, ForwardEvent> = {
  event: ({ forwards, acceptProxy }) => [
    ...forwards.map(({ listen, target, sendProxy }) =>
      verbatim(
        span(placeOf(listen), "strong"),
        " → ",
        span(target, "strong"),
        span(sendProxy === null ? "" : `  PROXY protocol ${sendProxy}`, "dim"),
      ),
    ),
    paragraph([
      span(
        `${acceptProxy ? "Who comes without a PROXY header is refused. " : ""}Ctrl-C ends ${forwards.length === 1 ? "it" : "them"}.`,
        "dim",
      ),
    ]),
  ],
  announce: ({ notes }) => notes.map((note) => paragraph([span(note, "warning")])),
  result: ({ forwards }) =>
    forwards.map(({ listen, target, counts }) => verbatim(`${placeOf(listen)} → ${target}: `, ...countsOf(counts))),
};

/** `127.0.0.1:8080`, `[::]:5353/udp`. */
export function placeOf({ transport, address, port }: ListedPlace): string {
  return `${formatSocketAddress(address, port)}${transport === "udp" ? "/udp" : ""}`;
}

/** `12 connections (1 refused, 2 failed), 4211 bytes to clients, 300 to the server`. */
export function countsOf({
  total,
  refused,
  failed,
  receivedBytes,
  sentBytes,
}: ListedCounts): (string | ReturnType<typeof span>)[] {
  const bad = [...(refused === 0 ? [] : [`${refused} refused`]), ...(failed === 0 ? [] : [`${failed} failed`])];
  return [
    `${total} ${total === 1 ? "connection" : "connections"}`,
    ...(bad.length === 0 ? [] : [span(` (${bad.join(", ")})`, "warning")]),
    span(`, ${receivedBytes} bytes to clients, ${sentBytes} bytes to servers`, "dim"),
  ];
}

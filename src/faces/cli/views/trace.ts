/**
 * @module How `trace` looks: a line a request, a line a connection.
 */
import { formatDuration } from "../../../core/index.ts";
import type { ConnectionEvent, RequestEvent, TraceEvent, TraceResult } from "../../../operations/trace.ts";
import { paragraph, span, verbatim, type Block } from "../print/document.ts";
import type { View } from "../view.ts";

/** The view of `trace`. */
export const traceView: View<TraceResult, TraceEvent> = {
  event: (event) => (event.kind === "request" ? requestBlocks(event) : connectionBlocks(event)),
  result: ({ requests, connections }) => {
    const told = [
      ...(requests > 0 || connections === 0 ? [`${requests} ${requests === 1 ? "request" : "requests"}`] : []),
      ...(connections > 0 ? [`${connections} ${connections === 1 ? "connection" : "connections"}`] : []),
    ];
    return [paragraph([span(`${told.join(", ")}.`, "dim")])];
  },
};

function requestBlocks(event: RequestEvent): Block[] {
  const { at, status, method, host, path, route, target, elapsedMs, receivedBytes, client, protocol, failure, pid } =
    event;
  const where = route === null ? (event.rule === "gateway" ? "the gateway's page" : "nobody") : `${route} → ${target}`;
  return [
    verbatim(
      span(at.slice(11, 23), "dim"),
      " ",
      span(String(status), status >= 500 || status === 0 ? "warning" : status >= 400 ? "strong" : "good"),
      ` ${method} ${host}${path} → ${where}${pid === null ? "" : ` (${pid})`}`,
      span(`  ${formatDuration(Math.round(elapsedMs))}, ${receivedBytes} bytes, ${protocol} from ${client}`, "dim"),
      ...(failure === null ? [] : [span(`  ${failure}`, "warning")]),
    ),
  ];
}

function connectionBlocks(event: ConnectionEvent): Block[] {
  const { at, transport, listen, target, protocol, name, alpn, rule, client, elapsedMs, failure, pid } = event;
  const asked = [protocol, name, ...alpn].filter((word) => word !== null).join(" ");
  return [
    verbatim(
      span(at.slice(11, 23), "dim"),
      ` ${listen}${transport === "udp" ? "/udp" : ""}`,
      asked === "" ? "" : ` ${asked}`,
      ` → ${target ?? "nowhere"}`,
      rule === event.relay ? "" : ` by ${rule}`,
      ` (${pid})`,
      span(
        `  ${formatDuration(Math.round(elapsedMs))}, ${event.receivedBytes} bytes to the client, ${event.sentBytes} to the server, from ${client}`,
        "dim",
      ),
      ...(failure === null ? [] : [span(`  ${failure}`, "warning")]),
    ),
  ];
}

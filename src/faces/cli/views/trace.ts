/**
 * @module How `trace` looks: a line a request.
 */
import { formatDuration } from "../../../core/index.ts";
import type { TraceEvent, TraceResult } from "../../../operations/trace.ts";
import { paragraph, span, verbatim } from "../print/document.ts";
import type { View } from "../view.ts";

/** The view of `trace`. */
export const traceView: View<TraceResult, TraceEvent> = {
  event(event) {
    const { at, status, method, host, path, route, target, elapsedMs, receivedBytes, client, protocol, failure, pid } =
      event;
    const where =
      route === null ? (event.rule === "gateway" ? "the gateway's page" : "nobody") : `${route} → ${target}`;
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
  },
  result: ({ requests }) => [paragraph([span(`${requests} ${requests === 1 ? "request" : "requests"}.`, "dim")])],
};

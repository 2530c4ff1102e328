/**
 * @module Residences as bars of time, a lane a port, with the times in which nobody recorded hatched.
 */
import type { HistoryResult } from "../../../src/operations/history.ts";

const mostLanes = 24;
const laneHeight = 18;

/** The lanes. For who does not see them the table below says the same. */
export function Residences({ history }: { readonly history: HistoryResult }) {
  const { residences, gaps } = history;
  if (residences.length === 0) return null;
  const endMs = Date.now();
  const startMs = Math.min(...residences.map(({ appearedAt }) => Date.parse(appearedAt)), endMs - 60_000);
  const at = (time: string | null): number =>
    time === null ? 1000 : Math.max(0, Math.min(1000, ((Date.parse(time) - startMs) / (endMs - startMs)) * 1000));
  const ports = [...new Set(residences.map(({ port }) => port))]
    .slice(0, mostLanes)
    .toSorted((left, right) => left - right);
  return (
    <div class="residences" aria-hidden="true">
      <ul class="residences-ports mono">
        {ports.map((port) => (
          <li key={port}>{port}</li>
        ))}
      </ul>
      <svg
        viewBox={`0 0 1000 ${ports.length * laneHeight}`}
        preserveAspectRatio="none"
        style={{ height: `${ports.length * laneHeight}px` }}
      >
        {gaps.map(({ from, to }) => (
          <rect
            key={from}
            class="residences-gap"
            x={at(from)}
            y={0}
            width={Math.max(0, at(to) - at(from))}
            height={ports.length * laneHeight}
          />
        ))}
        {residences.map((one) => {
          const lane = ports.indexOf(one.port);
          if (lane < 0) return null;
          const x = at(one.appearedAt);
          return (
            <rect
              key={`${one.port}${one.transport}${one.appearedAt}`}
              class={one.disappearedAt === null ? "residences-bar residences-now" : "residences-bar"}
              x={x}
              y={lane * laneHeight + 4}
              width={Math.max(2, at(one.disappearedAt) - x)}
              height={laneHeight - 8}
            />
          );
        })}
      </svg>
    </div>
  );
}

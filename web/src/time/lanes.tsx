/**
 * @module Comings and goings as a strip of time: each happening a mark at its moment, doors that open above the line, that close below.
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { openedAtMs, type Happening } from "../state/machine.ts";
import { formatClock } from "../text/figures.ts";

const mostMarks = 1500;

/** The strip. For who does not see it the list below says the same. */
export function Lanes({ happenings }: { readonly happenings: readonly Happening[] }) {
  const nowMs = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (nowMs.value = Date.now()), 2000);
    return () => clearInterval(timer);
  }, []);
  const startMs = openedAtMs.value;
  if (startMs === null) return null;
  const span = Math.max(60_000, nowMs.value - startMs);
  return (
    <figure class="lanes" aria-hidden="true">
      <svg viewBox="0 0 1000 64" preserveAspectRatio="none">
        <line class="lanes-line" x1="0" x2="1000" y1="32" y2="32" />
        {happenings.slice(0, mostMarks).map(({ kind, atMs, service }, index) => {
          const x = Math.min(1000, ((atMs - startMs) / span) * 1000);
          const up = kind === "appeared";
          return (
            <line
              key={index}
              class={`lanes-mark lanes-${kind}`}
              x1={x}
              x2={x}
              y1={kind === "changed" ? 28 : 32}
              y2={up ? 10 - Math.min(6, service.port / 12_000) : kind === "changed" ? 36 : 54}
            />
          );
        })}
      </svg>
      <figcaption class="lanes-times soft mono">
        <span>{formatClock(startMs)}</span>
        <span>{formatClock(startMs + span)}</span>
      </figcaption>
    </figure>
  );
}

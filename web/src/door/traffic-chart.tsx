/**
 * @module Bytes in and out of a port over the last five minutes.
 */
import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { traffic } from "../state/machine.ts";
import { theme } from "../state/view.ts";
import { formatBytes } from "../text/figures.ts";
import { Section } from "./parts.tsx";

const spanSeconds = 300;

/** The chart of a TCP port; it begins when the door is opened. */
export function TrafficChart({ port }: { readonly port: number }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const times: number[] = [];
    const received: number[] = [];
    const sent: number[] = [];
    let chart: uPlot | null = null;
    const draw = (): void => {
      chart?.destroy();
      chart = makeChart(place.current!, [times, received, sent]);
    };
    const add = (): void => {
      const now = traffic.value.get(`tcp/${port}`);
      times.push(Date.now() / 1000);
      received.push(now?.receivedPerSecond ?? 0);
      sent.push(now?.sentPerSecond ?? 0);
      while (times.length > spanSeconds) {
        times.shift();
        received.shift();
        sent.shift();
      }
      chart?.setData([times, received, sent]);
    };
    const stopTheme = effect(() => {
      void theme.value;
      draw();
    });
    add();
    const timer = setInterval(add, 1000);
    const element = place.current!;
    const observer = new ResizeObserver(() => chart?.setSize({ width: element.clientWidth, height: 120 }));
    observer.observe(element);
    return () => {
      clearInterval(timer);
      stopTheme();
      observer.disconnect();
      chart?.destroy();
    };
  }, [port]);
  const now = traffic.value.get(`tcp/${port}`);
  return (
    <Section title="Traffic">
      <p>
        ↓ in {formatBytes(now?.receivedPerSecond ?? 0)}/s, ↑ out {formatBytes(now?.sentPerSecond ?? 0)}/s
        <span class="soft">
          {" "}
          since the page was opened: {formatBytes(now?.receivedBytes ?? 0)} in, {formatBytes(now?.sentBytes ?? 0)} out
        </span>
      </p>
      <div ref={place} class="door-chart" aria-hidden="true" />
    </Section>
  );
}

function makeChart(place: HTMLElement, data: [number[], number[], number[]]): uPlot {
  const style = getComputedStyle(place);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: token("--ink-soft"),
    grid: { stroke: token("--line"), width: 1 },
    ticks: { stroke: token("--line"), width: 1 },
    font: `11px ${token("--sans")}`,
  };
  return new uPlot(
    {
      width: place.clientWidth || 320,
      height: 120,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: true }, y: { range: (_, _lowest, highest) => [0, Math.max(highest, 100)] } },
      axes: [axis, { ...axis, size: 56, values: (_, values) => values.map((value) => formatBytes(value)) }],
      series: [
        {},
        { label: "in", stroke: token("--range-registered"), width: 2 },
        { label: "out", stroke: token("--range-well-known"), width: 2, dash: [6, 3] },
      ],
    },
    data,
    place,
  );
}

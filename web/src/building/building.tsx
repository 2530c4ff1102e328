/**
 * @module The building: a chart of all 65,536 ports that one can go through with a mouse, with fingers, and with keys alone.
 */
import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { announce, openPort } from "../state/view.ts";
import { Legend } from "./legend.tsx";
import { describePlace, stepCursor } from "./walk.ts";
import { createStage, type Stage } from "./stage.ts";
import type { Tenant } from "./tenants.ts";

export interface BuildingProps {
  readonly tenants: ReadonlySignal<readonly Tenant[]>;
  /** What the chart is of, for who cannot see it: `Ports of laptop`. */
  readonly label: string;
  readonly onOpen: (port: number) => void;
  /** Ports that a search found; null when nothing is searched. */
  readonly found?: ReadonlySignal<ReadonlySet<number> | null>;
  /** Told when the first picture with tenants has been painted. */
  readonly onPainted?: () => void;
}

const instructions =
  "Arrow keys walk along floors and apartments, Page Up and Page Down sixteen floors, N and P to the next and the previous lit door, " +
  "digits go to that port, Enter opens the door, plus and minus zoom, zero shows the whole building.";

/** The chart with its legend and its buttons. */
export function Building({ tenants, label, onOpen, found, onPainted }: BuildingProps) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const stage = useRef<Stage | null>(null);
  const cursor = useSignal<number | null>(null);
  const hovered = useSignal<{ readonly port: number; readonly x: number; readonly y: number } | null>(null);
  const typed = useRef({ digits: "", atMs: 0 });

  useEffect(() => {
    const made = createStage(canvas.current!, frame.current!, {
      tenants,
      found: found ?? null,
      onPainted: onPainted ?? (() => undefined),
      onHover: (hover) => (hovered.value = hover),
      onOpen,
    });
    stage.current = made;
    return () => made.close();
  }, [tenants]);

  const moveCursor = (port: number): void => {
    cursor.value = port;
    stage.current?.setCursor(port);
    announce(describePlace(port, tenants.value));
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    const here = cursor.value ?? openPort.value ?? tenants.value[0]?.port ?? 0;
    if (/^\d$/.test(key)) {
      const nowMs = performance.now();
      const digits = (nowMs - typed.current.atMs < 1200 ? typed.current.digits : "") + key;
      typed.current = { digits, atMs: nowMs };
      // Zero alone shows the whole; there is nobody on port 0.
      if (digits === "0") stage.current?.showWhole();
      else if (Number(digits) <= 65_535) moveCursor(Number(digits));
    } else if (key === "Enter" || key === " ") onOpen(here);
    else if (key === "+" || key === "=") stage.current?.zoom(1.5);
    else if (key === "-") stage.current?.zoom(1 / 1.5);
    else if (key === "Escape" && cursor.value !== null) {
      cursor.value = null;
      stage.current?.setCursor(null);
    } else {
      const next = stepCursor(key, here, tenants.value, cursor.value === null);
      if (next === null) return;
      moveCursor(next);
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <figure class="building">
      <div
        ref={frame}
        class="building-frame"
        role="application"
        aria-roledescription="chart of ports"
        aria-label={`${label}. ${instructions}`}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <canvas ref={canvas} class="building-canvas" aria-hidden="true" />
        <Tooltip hovered={hovered} tenants={tenants} />
      </div>
      <figcaption class="building-below">
        <Legend tenants={tenants} />
        <div class="building-zoom" role="group" aria-label="Zoom">
          <button type="button" class="button" aria-label="Zoom out" onClick={() => stage.current?.zoom(1 / 1.6)}>
            −
          </button>
          <button type="button" class="button" onClick={() => stage.current?.showWhole()}>
            Whole
          </button>
          <button type="button" class="button" aria-label="Zoom in" onClick={() => stage.current?.zoom(1.6)}>
            +
          </button>
        </div>
      </figcaption>
    </figure>
  );
}

interface TooltipProps {
  readonly hovered: ReadonlySignal<{ readonly port: number; readonly x: number; readonly y: number } | null>;
  readonly tenants: ReadonlySignal<readonly Tenant[]>;
}

function Tooltip({ hovered, tenants }: TooltipProps) {
  const hover = hovered.value;
  if (hover === null) return null;
  const tenant = tenants.value.find(({ port }) => port === hover.port);
  return (
    <div class="building-tooltip" style={{ left: `${hover.x}px`, top: `${hover.y}px` }} aria-hidden="true">
      <strong class="mono">{hover.port}</strong> <bdi>{tenant === undefined ? "empty" : tenant.name}</bdi>
      {tenant !== undefined && (
        <div class="soft">
          <bdi>{tenant.detail}</bdi>
        </div>
      )}
    </div>
  );
}

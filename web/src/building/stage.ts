/**
 * @module The stage on which the building is painted: camera, pointers, and one frame whenever something has changed.
 */
import { effect, type ReadonlySignal } from "@preact/signals";
import { colouring, highlighted, openPort, theme } from "../state/view.ts";
import {
  bringIntoSight,
  clampCamera,
  fromScreen,
  portAt,
  wholeScale,
  wholeView,
  zoomAt,
  type Camera,
  type Size,
} from "./geometry.ts";
import { changeLamps, withoutDark } from "./lamps.ts";
import { Painter, type Lamp } from "./painter.ts";
import { readPalette, type Palette } from "./palette.ts";
import type { Tenant } from "./tenants.ts";

/** What the stage is given. */
export interface StageParts {
  readonly tenants: ReadonlySignal<readonly Tenant[]>;
  readonly found: ReadonlySignal<ReadonlySet<number> | null> | null;
  readonly onHover: (hover: { readonly port: number; readonly x: number; readonly y: number } | null) => void;
  readonly onOpen: (port: number) => void;
  readonly onPainted: () => void;
}

/** What the component asks of it. */
export interface Stage {
  setCursor(port: number | null): void;
  zoom(factor: number): void;
  showWhole(): void;
  close(): void;
}

/** A pointer that moved less than this has clicked, CSS pixels. */
const clickReach = 5;
/** How near a lit window must be to be meant by a click from far away, CSS pixels. */
const lampReach = 9;

/** Sets the stage up on a canvas within a frame. */
export function createStage(canvas: HTMLCanvasElement, frame: HTMLElement, parts: StageParts): Stage {
  const painter = new Painter(canvas);
  const motion = matchMedia("(prefers-reduced-motion: reduce)");
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  let size: Size = { width: 0, height: 0 };
  let camera: Camera | null = null;
  let palette: Palette = readPalette(frame);
  let lamps: ReadonlyMap<number, Lamp> = new Map();
  let cursor: number | null = null;
  let requested: number | null = null;
  let painted = false;
  /** The camera follows the window's size as long as the whole building is seen. */
  let isWhole = true;

  const request = (): void => {
    requested ??= requestAnimationFrame(paint);
  };
  const paint = (nowMs: number): void => {
    requested = null;
    if (camera === null) return;
    lamps = withoutDark(lamps, nowMs);
    const moves = painter.paint({
      size,
      camera,
      palette,
      colouring: colouring.value,
      lamps,
      cursor,
      open: openPort.value,
      highlighted: highlighted.value,
      found: parts.found?.value ?? null,
      nowMs,
      moves: !motion.matches,
    });
    if (moves) request();
    if (!painted && lamps.size > 0) {
      painted = true;
      parts.onPainted();
    }
  };
  const look = (next: Camera): void => {
    camera = next;
    isWhole = next.scale <= wholeScale(size) * 1.001;
    request();
  };

  const observer = new ResizeObserver(() => {
    const { width, height } = frame.getBoundingClientRect();
    if (width === 0 || height === 0) return;
    size = { width, height };
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    camera = camera === null || isWhole ? wholeView(size) : clampCamera(camera, size);
    request();
  });
  observer.observe(frame);

  const stops = [
    effect(() => {
      lamps = changeLamps(lamps, parts.tenants.value, performance.now());
      request();
    }),
    effect(() => {
      // Read so that a change of any of them paints anew.
      void [colouring.value, parts.found?.value, openPort.value];
      request();
    }),
    effect(() => {
      const target = highlighted.value[0];
      if (target !== undefined && camera !== null) look(bringIntoSight(camera, size, target));
      request();
    }),
    effect(() => {
      void theme.value;
      palette = readPalette(frame);
      request();
    }),
  ];
  const onScheme = (): void => {
    palette = readPalette(frame);
    request();
  };
  scheme.addEventListener("change", onScheme);

  const pointers = new Map<number, { x: number; y: number }>();
  let moved = 0;
  const placeIn = (event: MouseEvent): { x: number; y: number } => {
    const box = frame.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  /** The port under the pointer: from far away the nearest lit window counts, for it is drawn larger than it is. */
  const portUnder = (x: number, y: number): number | null => {
    if (camera === null) return null;
    const place = fromScreen(camera, size, x, y);
    const exact = portAt(place.across, place.down);
    if (exact === null || camera.scale > lampReach || lamps.has(exact)) return exact;
    let nearest: number | null = null;
    let nearestDistance = lampReach / camera.scale;
    for (const [port, { outAtMs }] of lamps) {
      if (outAtMs !== null) continue;
      const distance = Math.hypot((port & 255) + 0.5 - place.across, 255 - (port >> 8) + 0.5 - place.down);
      if (distance < nearestDistance) [nearest, nearestDistance] = [port, distance];
    }
    return nearest ?? exact;
  };
  const onDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    frame.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, placeIn(event));
    moved = pointers.size > 1 ? Number.POSITIVE_INFINITY : 0;
  };
  const onMove = (event: PointerEvent): void => {
    const now = placeIn(event);
    const before = pointers.get(event.pointerId);
    if (before === undefined || camera === null) {
      const port = portUnder(now.x, now.y);
      parts.onHover(port === null ? null : { port, ...now });
      return;
    }
    parts.onHover(null);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    if (other !== undefined) {
      const factor =
        Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
      look(zoomAt(camera, size, (now.x + other.x) / 2, (now.y + other.y) / 2, factor));
      return;
    }
    moved += Math.hypot(now.x - before.x, now.y - before.y);
    if (moved <= clickReach) return;
    look(
      clampCamera(
        {
          ...camera,
          across: camera.across - (now.x - before.x) / camera.scale,
          down: camera.down - (now.y - before.y) / camera.scale,
        },
        size,
      ),
    );
  };
  const onUp = (event: PointerEvent): void => {
    if (!pointers.delete(event.pointerId) || event.type !== "pointerup" || moved > clickReach) return;
    const { x, y } = placeIn(event);
    const port = portUnder(x, y);
    if (port !== null) parts.onOpen(port);
  };
  const onLeave = (): void => parts.onHover(null);
  const onWheel = (event: WheelEvent): void => {
    if (camera === null) return;
    event.preventDefault();
    const { x, y } = placeIn(event);
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    look(zoomAt(camera, size, x, y, Math.exp(-event.deltaY * lines * 0.0016)));
  };
  const onDouble = (event: MouseEvent): void => {
    if (camera === null) return;
    const { x, y } = placeIn(event);
    look(zoomAt(camera, size, x, y, 3));
  };
  frame.addEventListener("pointerdown", onDown);
  frame.addEventListener("pointermove", onMove);
  frame.addEventListener("pointerup", onUp);
  frame.addEventListener("pointercancel", onUp);
  frame.addEventListener("pointerleave", onLeave);
  frame.addEventListener("wheel", onWheel, { passive: false });
  frame.addEventListener("dblclick", onDouble);

  return {
    setCursor(port) {
      cursor = port;
      if (port !== null && camera !== null) look(bringIntoSight(camera, size, port));
      request();
    },
    zoom(factor) {
      if (camera === null) return;
      const anchor = cursor === null ? camera : bringIntoSight(camera, size, cursor);
      look(zoomAt(anchor, size, size.width / 2, size.height / 2, factor));
    },
    showWhole() {
      look(wholeView(size));
    },
    close() {
      for (const stop of stops) stop();
      observer.disconnect();
      scheme.removeEventListener("change", onScheme);
      if (requested !== null) cancelAnimationFrame(requested);
    },
  };
}

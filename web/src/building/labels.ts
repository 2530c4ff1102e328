/**
 * @module Where names are written beside lit windows: the weightiest first, none over another, none beyond the edge.
 */
import type { Size } from "./geometry.ts";

/** A name that wants a place. */
export interface Label {
  /** Middle of the window, CSS pixels. */
  readonly x: number;
  readonly y: number;
  /** From the middle of the window to where a name may begin. */
  readonly gap: number;
  readonly text: string;
  readonly port: number;
  readonly weight: number;
}

/** A name with its place: where it begins, and the height of its middle. */
export interface PlacedLabel {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

/** Names that are tried; with more lit windows than this most have no room anyway. */
const mostTried = 400;
/** Width of the strips into which the screen is divided to find collisions, CSS pixels. */
const cell = 32;

/** Places as many names as have room, right of the window or else left of it. */
export function placeLabels(
  labels: readonly Label[],
  { width, height }: Size,
  textHeight: number,
  measure: (text: string) => number,
): readonly PlacedLabel[] {
  const taken = new Map<number, Box[]>();
  const placed: PlacedLabel[] = [];
  const tried = [...labels]
    .sort((left, right) => right.weight - left.weight || left.port - right.port)
    .slice(0, mostTried);
  for (const { x, y, gap } of tried)
    take(taken, { left: x - gap + 3, right: x + gap - 3, top: y - gap + 3, bottom: y + gap - 3 });
  for (const { x, y, gap, text } of tried) {
    const wide = measure(text);
    for (const left of [x + gap, x - gap - wide]) {
      const box = { left: left - 2, right: left + wide + 2, top: y - textHeight * 0.6, bottom: y + textHeight * 0.6 };
      if (box.left < 0 || box.right > width || box.top < 0 || box.bottom > height || isTaken(taken, box)) continue;
      take(taken, box);
      placed.push({ x: left, y, text });
      break;
    }
  }
  return placed;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function* stripsOf({ top, bottom }: Box): Generator<number> {
  for (let strip = Math.floor(top / cell); strip <= Math.floor(bottom / cell); strip += 1) yield strip;
}

function take(taken: Map<number, Box[]>, box: Box): void {
  for (const strip of stripsOf(box)) {
    const boxes = taken.get(strip);
    if (boxes === undefined) taken.set(strip, [box]);
    else boxes.push(box);
  }
}

function isTaken(taken: ReadonlyMap<number, readonly Box[]>, box: Box): boolean {
  for (const strip of stripsOf(box)) {
    for (const other of taken.get(strip) ?? []) {
      if (other.left < box.right && other.right > box.left && other.top < box.bottom && other.bottom > box.top)
        return true;
    }
  }
  return false;
}

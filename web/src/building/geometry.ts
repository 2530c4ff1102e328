/**
 * @module The building's measures: 65,536 ports are 256 floors of 256 apartments. Floor 0 is the ground floor, at the bottom.
 *
 * Places in the building are in apartments: `across` from 0 at the left, `down` from 0 at the roof.
 */

/** Floors, and apartments on each. */
export const side = 256;

/** A rectangle on the screen, CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What of the building is seen: the place in the middle of the screen, and how large an apartment is. */
export interface Camera {
  /** Apartment in the middle, 0 to 256. */
  readonly across: number;
  readonly down: number;
  /** CSS pixels that an apartment is wide and high. */
  readonly scale: number;
}

/** Ranges of ports, by floors: `first` is the lowest. */
export const floorRanges = [
  { id: "well-known", title: "Well-known", firstFloor: 0, lastFloor: 3 },
  { id: "registered", title: "Registered", firstFloor: 4, lastFloor: 191 },
  { id: "dynamic", title: "Dynamic", firstFloor: 192, lastFloor: 255 },
] as const;

export type RangeName = (typeof floorRanges)[number]["id"];

/** Floor of a port, 0 to 255. */
export function floorOf(port: number): number {
  return port >> 8;
}

/** Apartment of a port on its floor, 0 to 255. */
export function apartmentOf(port: number): number {
  return port & 255;
}

/** The range that a port lies in. */
export function rangeOf(port: number): RangeName {
  const floor = floorOf(port);
  return floor < 4 ? "well-known" : floor < 192 ? "registered" : "dynamic";
}

/** The upper left corner of a port's apartment. */
export function placeOf(port: number): { readonly across: number; readonly down: number } {
  return { across: apartmentOf(port), down: side - 1 - floorOf(port) };
}

/** The port at a place, or null outside the building. */
export function portAt(across: number, down: number): number | null {
  const column = Math.floor(across);
  const row = Math.floor(down);
  if (column < 0 || column >= side || row < 0 || row >= side) return null;
  return (side - 1 - row) * side + column;
}

/** The smallest scale: the whole building is seen. */
export function wholeScale({ width, height }: Size): number {
  return Math.max(0.5, Math.min(width, height) / side);
}

/** The largest scale: one door and its neighbours. */
export function doorScale({ width, height }: Size): number {
  return Math.max(96, Math.min(width, height) / 3);
}

/** A camera that sees the whole building. */
export function wholeView(size: Size): Camera {
  return { across: side / 2, down: side / 2, scale: wholeScale(size) };
}

/** The camera kept within the building: never further out than the whole, never beside it. */
export function clampCamera(camera: Camera, size: Size): Camera {
  const scale = Math.min(Math.max(camera.scale, wholeScale(size)), doorScale(size));
  return {
    scale,
    across: clampMiddle(camera.across, size.width / scale),
    down: clampMiddle(camera.down, size.height / scale),
  };
}

function clampMiddle(middle: number, seen: number): number {
  if (seen >= side) return side / 2;
  return Math.min(Math.max(middle, seen / 2), side - seen / 2);
}

/** A place on the screen, CSS pixels from the upper left. */
export function toScreen(camera: Camera, size: Size, across: number, down: number): { x: number; y: number } {
  return {
    x: (across - camera.across) * camera.scale + size.width / 2,
    y: (down - camera.down) * camera.scale + size.height / 2,
  };
}

/** The place in the building under a place on the screen. */
export function fromScreen(camera: Camera, size: Size, x: number, y: number): { across: number; down: number } {
  return {
    across: (x - size.width / 2) / camera.scale + camera.across,
    down: (y - size.height / 2) / camera.scale + camera.down,
  };
}

/** The camera nearer or farther by a factor, with the place under the pointer staying where it is. */
export function zoomAt(camera: Camera, size: Size, x: number, y: number, factor: number): Camera {
  const scale = Math.min(Math.max(camera.scale * factor, wholeScale(size)), doorScale(size));
  const under = fromScreen(camera, size, x, y);
  return clampCamera(
    {
      scale,
      across: under.across - (x - size.width / 2) / scale,
      down: under.down - (y - size.height / 2) / scale,
    },
    size,
  );
}

/** The camera moved just so far that a port is well within sight. */
export function bringIntoSight(camera: Camera, size: Size, port: number): Camera {
  const { across, down } = placeOf(port);
  const { x, y } = toScreen(camera, size, across + 0.5, down + 0.5);
  const margin = Math.min(size.width, size.height) / 8;
  const seen = x >= margin && y >= margin && x <= size.width - margin && y <= size.height - margin;
  return seen ? camera : clampCamera({ ...camera, across: across + 0.5, down: down + 0.5 }, size);
}

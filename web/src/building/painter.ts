/**
 * @module Paints the building on a canvas: the dark windows as one picture, the lit ones over it, then names where there is room.
 */
import { floorRanges, fromScreen, placeOf, side, toScreen, wholeScale, type Camera, type Size } from "./geometry.ts";
import { placeLabels, type Label, type PlacedLabel } from "./labels.ts";
import type { Palette } from "./palette.ts";
import type { Colouring } from "../state/view.ts";
import type { Tenant } from "./tenants.ts";

/** A tenant as it is shown: since when it is lit, and since when it is going out. */
export interface Lamp {
  readonly tenant: Tenant;
  /** On the clock of animation frames; `-Infinity` for what was there at first. */
  readonly litAtMs: number;
  readonly outAtMs: number | null;
}

/** Everything that decides a frame. */
export interface Scene {
  readonly size: Size;
  readonly camera: Camera;
  readonly palette: Palette;
  readonly colouring: Colouring;
  readonly lamps: ReadonlyMap<number, Lamp>;
  /** The port that the keyboard stands on. */
  readonly cursor: number | null;
  readonly open: number | null;
  readonly highlighted: readonly number[];
  /** Ports that the search found; null when nothing is searched. */
  readonly found: ReadonlySet<number> | null;
  readonly nowMs: number;
  /** False when motion is to be spared. */
  readonly moves: boolean;
}

/** How long a new lamp glows and an old one fades, milliseconds. */
export const glowMs = 1400;
export const fadeMs = 2000;
/** With more lamps than this their light is not drawn, and names are placed anew only some times a second. */
const crowd = 1200;
const labelPaceMs = 300;
/** From this size on each apartment is drawn by itself. */
const cellDrawScale = 9;
/** From this size on its number is written into it. */
const numberScale = 30;
const nameScale = 72;

/** Paints scenes onto one canvas. */
export class Painter {
  readonly #canvas: HTMLCanvasElement;
  readonly #front: CanvasRenderingContext2D;
  /** Everything that stands still, painted when one of the parts it depends on is another. */
  readonly #layer = document.createElement("canvas");
  readonly #back: CanvasRenderingContext2D;
  #layerFor: readonly unknown[] = [];
  /** Lamps that glow or fade since the layer was painted. */
  #moving: readonly Lamp[] = [];
  #context: CanvasRenderingContext2D;
  #walls: HTMLCanvasElement | null = null;
  #wallsFor: Palette | null = null;
  #placed: readonly PlacedLabel[] = [];
  #placedFor: Camera | null = null;
  #placedAtMs = Number.NEGATIVE_INFINITY;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#front = canvas.getContext("2d", { alpha: false })!;
    this.#back = this.#layer.getContext("2d", { alpha: false })!;
    this.#context = this.#front;
  }

  /** Paints; true when something still moves and another frame is due. */
  paint(scene: Scene): boolean {
    const { size, camera, palette, colouring, lamps, found, open, highlighted } = scene;
    const parts = [size, camera, palette, colouring, lamps, found, open, highlighted];
    if (parts.some((part, index) => part !== this.#layerFor[index])) {
      this.#layerFor = parts;
      this.#paintLayer(scene);
    }
    this.#context = this.#front;
    this.#front.setTransform(1, 0, 0, 1, 0, 0);
    this.#front.drawImage(this.#layer, 0, 0);
    this.#useRatio(this.#front);
    let moves = false;
    for (const lamp of this.#moving) if (this.#paintLamp(scene, lamp)) moves = true;
    this.#paintRings(scene);
    return moves;
  }

  #paintLayer(scene: Scene): void {
    const { size, palette } = scene;
    if (this.#layer.width !== this.#canvas.width || this.#layer.height !== this.#canvas.height) {
      this.#layer.width = this.#canvas.width;
      this.#layer.height = this.#canvas.height;
    }
    this.#context = this.#back;
    this.#useRatio(this.#back);
    this.#back.fillStyle = palette.paper;
    this.#back.fillRect(0, 0, size.width, size.height);
    this.#paintRhumbLines(scene);
    this.#paintWalls(scene);
    this.#paintLamps(scene);
    this.#paintFloors(scene);
  }

  #useRatio(context: CanvasRenderingContext2D): void {
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  /** The wind lines of a sea chart, from sixteen points around the building: they show in the margin, and faintly through the walls. */
  #paintRhumbLines({ camera, size, palette }: Scene): void {
    const context = this.#context;
    const middle = toScreen(camera, size, side / 2, side / 2);
    const reach = side * camera.scale * 0.72;
    const points = Array.from({ length: 16 }, (_, index) => {
      const angle = (index * Math.PI) / 8;
      return { x: middle.x + Math.cos(angle) * reach, y: middle.y + Math.sin(angle) * reach };
    });
    context.strokeStyle = palette.line;
    context.lineWidth = 1;
    context.globalAlpha = 0.7;
    context.beginPath();
    for (const [index, from] of points.entries()) {
      for (const step of [5, 6, 7, 8]) {
        const to = points[(index + step) % 16]!;
        context.moveTo(from.x, from.y);
        context.lineTo(to.x, to.y);
      }
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  /** The dark windows, tinted by range: one picture of 256 × 256, or each by itself from nearby. */
  #paintWalls(scene: Scene): void {
    const { camera, size, palette } = scene;
    const context = this.#context;
    if (this.#walls === null || this.#wallsFor !== palette) {
      this.#walls = paintWallPicture(palette);
      this.#wallsFor = palette;
    }
    const corner = toScreen(camera, size, 0, 0);
    context.imageSmoothingEnabled = false;
    context.globalAlpha = 0.9;
    context.drawImage(this.#walls, corner.x, corner.y, side * camera.scale, side * camera.scale);
    context.globalAlpha = 1;
    if (camera.scale < cellDrawScale) return;
    const { firstColumn, lastColumn, firstRow, lastRow } = seenCells(camera, size);
    context.strokeStyle = palette.paper;
    context.lineWidth = Math.max(1, camera.scale * 0.06);
    context.beginPath();
    for (let column = firstColumn; column <= lastColumn + 1; column += 1) {
      const { x } = toScreen(camera, size, column, 0);
      context.moveTo(x, 0);
      context.lineTo(x, size.height);
    }
    for (let row = firstRow; row <= lastRow + 1; row += 1) {
      const { y } = toScreen(camera, size, 0, row);
      context.moveTo(0, y);
      context.lineTo(size.width, y);
    }
    context.stroke();
    if (camera.scale < numberScale) return;
    context.fillStyle = palette.inkSoft;
    context.font = `${Math.min(13, camera.scale * 0.26)}px ${fontOf("--mono")}`;
    context.textAlign = "left";
    context.textBaseline = "top";
    for (let row = firstRow; row <= lastRow; row += 1) {
      for (let column = firstColumn; column <= lastColumn; column += 1) {
        const port = (side - 1 - row) * side + column;
        if (scene.lamps.has(port)) continue;
        const { x, y } = toScreen(camera, size, column, row);
        context.fillText(String(port), x + camera.scale * 0.1, y + camera.scale * 0.1);
      }
    }
  }

  /** The lamps that stand still, with their names; those that move are kept for the frames to come. */
  #paintLamps(scene: Scene): void {
    const { camera, lamps, nowMs, found } = scene;
    const labels: Label[] = [];
    const placesAnew =
      lamps.size <= crowd || this.#placedFor !== camera || nowMs - this.#placedAtMs >= labelPaceMs || found !== null;
    const moving: Lamp[] = [];
    for (const [port, lamp] of lamps) {
      const isMoving = lamp.outAtMs !== null || (scene.moves && nowMs - lamp.litAtMs < glowMs);
      if (isMoving) moving.push(lamp);
      else this.#paintLamp(scene, lamp);
      if (placesAnew && lamp.outAtMs === null && found?.has(port) !== false && camera.scale < numberScale) {
        const { x, y } = this.#middleOf(scene, port);
        labels.push({
          x,
          y,
          gap: windowSize(camera) / 2 + 4,
          text: labelOf(lamp.tenant),
          port,
          weight: weigh(scene, lamp.tenant),
        });
      }
    }
    this.#moving = moving;
    if (camera.scale < numberScale) this.#paintLabels(scene, placesAnew ? labels : null);
  }

  #middleOf({ camera, size }: Scene, port: number): { readonly x: number; readonly y: number } {
    const { across, down } = placeOf(port);
    return toScreen(camera, size, across + 0.5, down + 0.5);
  }

  /** One lamp; true when it moves. */
  #paintLamp(scene: Scene, { tenant, litAtMs, outAtMs }: Lamp): boolean {
    const { camera, size, palette, colouring, lamps, nowMs, found } = scene;
    const context = this.#context;
    const { x, y } = this.#middleOf(scene, tenant.port);
    if (x < -40 || y < -40 || x > size.width + 40 || y > size.height + 40) return outAtMs !== null;
    const width = windowSize(camera);
    const colour = palette.of(tenant, colouring);
    const out = outAtMs === null ? 0 : Math.min(1, (nowMs - outAtMs) / fadeMs);
    const glow = scene.moves && outAtMs === null ? 1 - Math.min(1, (nowMs - litAtMs) / glowMs) : 0;
    const alpha = (1 - out) * (found?.has(tenant.port) === false ? 0.22 : 1);
    if (glow > 0) {
      context.globalAlpha = glow * 0.7;
      context.strokeStyle = colour;
      context.lineWidth = 2;
      context.beginPath();
      context.arc(x, y, width / 2 + (1 - glow) * 26, 0, Math.PI * 2);
      context.stroke();
    }
    context.fillStyle = colour;
    if (camera.scale < 7 && lamps.size <= crowd) {
      // The light that falls out of a window.
      context.globalAlpha = alpha * (palette.dark ? 0.28 : 0.2);
      context.beginPath();
      context.arc(x, y, width * 1.15, 0, Math.PI * 2);
      context.fill();
    }
    context.globalAlpha = alpha;
    context.fillRect(x - width / 2, y - width / 2, width, width);
    if (camera.scale >= numberScale) this.#paintDoorplate(scene, tenant, x, y);
    context.globalAlpha = 1;
    return glow > 0 || outAtMs !== null;
  }

  /** Number and name within a lit apartment, seen from nearby. */
  #paintDoorplate({ camera, palette }: Scene, tenant: Tenant, x: number, y: number): void {
    const context = this.#context;
    const { scale } = camera;
    const left = x - scale * 0.36;
    const room = scale * 0.74;
    context.save();
    context.beginPath();
    context.rect(x - scale * 0.43, y - scale * 0.43, scale * 0.86, scale * 0.86);
    context.clip();
    context.fillStyle = palette.paper;
    context.textAlign = "left";
    context.textBaseline = "top";
    const numberSize = Math.max(9, Math.min(22, scale * 0.2));
    context.font = `600 ${numberSize}px ${fontOf("--mono")}`;
    context.fillText(String(tenant.port), left, y - scale * 0.34);
    if (scale >= nameScale) {
      const nameSize = Math.max(10, Math.min(17, scale * 0.12));
      context.font = `600 ${nameSize}px ${fontOf("--sans")}`;
      context.fillText(fit(context, tenant.name, room), left, y - scale * 0.34 + numberSize * 1.35);
      context.font = `${Math.max(9, nameSize * 0.8)}px ${fontOf("--sans")}`;
      context.fillText(fit(context, tenant.detail, room), left, y - scale * 0.34 + numberSize * 1.35 + nameSize * 1.4);
    }
    context.restore();
  }

  /** Names beside the lit windows, as a chart writes them along its coast: none over another. */
  #paintLabels({ camera, size, palette, nowMs }: Scene, labels: readonly Label[] | null): void {
    const context = this.#context;
    const textSize = camera.scale > wholeScale(size) * 2 ? 13 : 12;
    context.font = `${textSize}px ${fontOf("--serif")}`;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.lineJoin = "round";
    if (labels !== null) {
      this.#placed = placeLabels(labels, size, textSize, (text) => measure(context, text));
      this.#placedFor = camera;
      this.#placedAtMs = nowMs;
    }
    for (const { x, y, text } of this.#placed) {
      context.strokeStyle = palette.paper;
      context.lineWidth = 3;
      context.strokeText(text, x, y);
      context.fillStyle = palette.ink;
      context.fillText(text, x, y);
    }
  }

  /** The ranges' borders, with their names and floors at the left edge. */
  #paintFloors({ camera, size, palette }: Scene): void {
    const context = this.#context;
    for (const { id, title, firstFloor, lastFloor } of floorRanges) {
      const top = toScreen(camera, size, 0, side - 1 - lastFloor);
      const bottom = toScreen(camera, size, 0, side - firstFloor);
      const left = Math.max(0, top.x);
      if (bottom.y < 0 || top.y > size.height) continue;
      context.fillStyle = palette.byKey(id);
      context.globalAlpha = 0.9;
      context.fillRect(
        Math.max(0, left - 5),
        Math.max(0, top.y),
        4,
        Math.min(size.height, bottom.y) - Math.max(0, top.y),
      );
      context.globalAlpha = 0.55;
      if (lastFloor < 255) context.fillRect(left, top.y - 0.5, side * camera.scale, 1);
      context.globalAlpha = 1;
      const height = Math.min(size.height, bottom.y) - Math.max(0, top.y);
      const text = `${title}  ${firstFloor * side}–${lastFloor * side + side - 1}`;
      if (height < 60) continue;
      context.save();
      context.translate(left + 12, Math.max(0, top.y) + height / 2);
      context.rotate(-Math.PI / 2);
      context.font = `11px ${fontOf("--sans")}`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.strokeStyle = palette.paper;
      context.lineWidth = 4;
      context.lineJoin = "round";
      context.strokeText(text, 0, 0);
      context.fillText(text, 0, 0);
      context.restore();
    }
  }

  #paintRings({ camera, size, palette, cursor, open, highlighted }: Scene): void {
    const context = this.#context;
    const reach = Math.max(camera.scale, 6);
    const ring = (port: number, width: number, colour: string, extra: number): void => {
      const { across, down } = placeOf(port);
      const { x, y } = toScreen(camera, size, across + 0.5, down + 0.5);
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(x - reach / 2 - extra, y - reach / 2 - extra, reach + extra * 2, reach + extra * 2);
    };
    for (const port of highlighted) ring(port, 2, palette.accent, 5);
    if (open !== null) ring(open, 2, palette.ink, 2);
    if (cursor !== null) {
      ring(cursor, 3, palette.paper, 4);
      ring(cursor, 2, palette.accent, 4);
    }
  }
}

/** How wide a lit window is drawn: from far away one of its true size would be a dot too small to see. */
function windowSize(camera: Camera): number {
  return Math.max(camera.scale * 0.86, 7);
}

/** What is written beside a window: a project says more than the program it runs on. */
function labelOf({ port, name, keys }: Tenant): string {
  return `${keys.project === "" ? name : keys.project}  ${port}`;
}

/** Whom a name is shown of first when there is not room for all. */
function weigh({ highlighted, open }: Scene, { port, keys }: Tenant): number {
  if (port === open || highlighted.includes(port)) return 1000;
  const byBasis: Readonly<Record<string, number>> = { proved: 40, inferred: 40, convention: 20, assigned: 10 };
  return (keys.project === "" ? 0 : 50) + (byBasis[keys.proof] ?? 0) + (port < 49_152 ? 15 : 0);
}

function seenCells(camera: Camera, size: Size) {
  const first = fromScreen(camera, size, 0, 0);
  const last = fromScreen(camera, size, size.width, size.height);
  const within = (value: number): number => Math.min(side - 1, Math.max(0, Math.floor(value)));
  return {
    firstColumn: within(first.across),
    lastColumn: within(last.across),
    firstRow: within(first.down),
    lastRow: within(last.down),
  };
}

/** 256 × 256 pixels, one for each dark window; every other one a shade deeper, so that floors and apartments can be told. */
function paintWallPicture(palette: Palette): HTMLCanvasElement {
  const picture = document.createElement("canvas");
  picture.width = side;
  picture.height = side;
  const context = picture.getContext("2d")!;
  context.fillStyle = palette.raised;
  context.fillRect(0, 0, side, side);
  for (const { id, firstFloor, lastFloor } of floorRanges) {
    context.fillStyle = palette.byKey(id);
    for (let floor = firstFloor; floor <= lastFloor; floor += 1) {
      for (let block = 0; block < 16; block += 1) {
        const shade = (block + (floor >> 4)) % 2 === 0 ? 0.09 : 0.13;
        context.globalAlpha = shade + (floor % 2) * 0.02 + (palette.dark ? 0.01 : 0);
        context.fillRect(block * 16, side - 1 - floor, 16, 1);
      }
    }
  }
  return picture;
}

const fonts = new Map<string, string>();

function fontOf(token: string): string {
  let font = fonts.get(token);
  if (font === undefined) {
    font = getComputedStyle(document.documentElement).getPropertyValue(token).trim();
    fonts.set(token, font);
  }
  return font;
}

const widths = new Map<string, number>();

function measure(context: CanvasRenderingContext2D, text: string): number {
  const key = `${context.font} ${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    if (widths.size > 20_000) widths.clear();
    width = context.measureText(text).width;
    widths.set(key, width);
  }
  return width;
}

/** The text, or as much of it as there is room for with an ellipsis. */
function fit(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (measure(context, text) <= room) return text;
  let end = Math.max(1, Math.floor((text.length * room) / Math.max(1, measure(context, text))));
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > room) end -= 1;
  return `${text.slice(0, end)}…`;
}

/**
 * @module The building in half blocks: two floors of cells to a line, each cell lit when somebody lives in its part of the ports.
 */
import type { Piece } from "./paint.ts";

/** Lines that the building takes. */
export const buildingLines = 8;

/** The cells of so many columns: the well-known ports have the bottom half line to themselves. */
export function paintBuilding(ports: Iterable<number>, columns: number): Piece[][] {
  const floors = buildingLines * 2;
  const lit = Array.from({ length: floors }, () => new Uint8Array(columns));
  for (const port of ports) {
    const [floor, share] = port < 1024 ? [0, port / 1024] : placeAbove(port, floors);
    const row = lit[floor]!;
    row[Math.min(columns - 1, Math.floor(share * columns))] = 1;
  }
  const lines: Piece[][] = [];
  for (let line = buildingLines - 1; line >= 0; line -= 1) {
    const [lower, upper] = [lit[line * 2]!, lit[line * 2 + 1]!];
    const pieces: Piece[] = [];
    for (let column = 0; column < columns; column += 1) {
      const glyph =
        upper[column] === 1 ? (lower[column] === 1 ? "█" : "▀") : lower[column] === 1 ? "▄" : line === 0 ? "▁" : "·";
      const isLit = glyph !== "·" && glyph !== "▁";
      const look = !isLit
        ? "dim"
        : line === 0 && lower[column] === 1
          ? "well-known"
          : isDynamicLine(line, floors)
            ? "dynamic"
            : "registered";
      const last = pieces.at(-1);
      if (last !== undefined && last.look === look) pieces[pieces.length - 1] = { text: last.text + glyph, look };
      else pieces.push({ text: glyph, look });
    }
    lines.push(pieces);
  }
  return lines;
}

/** Floors from 1 up share the ports from 1024 on. */
function placeAbove(port: number, floors: number): readonly [number, number] {
  const place = ((port - 1024) / (65_536 - 1024)) * (floors - 1);
  const floor = Math.min(floors - 2, Math.floor(place));
  return [floor + 1, place - floor];
}

function isDynamicLine(line: number, floors: number): boolean {
  return line * 2 - 1 >= ((49_152 - 1024) / (65_536 - 1024)) * (floors - 1);
}

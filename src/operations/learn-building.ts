/**
 * @module Chapter 3 of the lesson: the 65,536 ports, their ranges, and a picture of the building.
 */
import { isListening, portCount, type Known } from "../core/index.ts";
import type { PortLimits, Snapshot } from "../host/index.ts";
import { rangeOf, ranges } from "../registry/index.ts";
import { groupDigits, lookOrUnknown, rowsFigure, type ChapterWriter, type Figure } from "./learn-lesson.ts";
import { readLimitsOrUnknown } from "./ranges.ts";

/** The picture has 16 lines of 32 signs: a line is 16 floors, a sign is half a floor, 128 ports. */
const lineCount = 16;
const signsPerLine = 32;
const portsPerSign = portCount / lineCount / signsPerLine;

/** How an empty half floor looks, by its range. */
const emptySigns = { "well-known": "=", registered: "-", dynamic: "." } as const;

/** Chapter 3. */
export const writeBuildingChapter: ChapterWriter = async ({ context }) => {
  const look = await lookOrUnknown(context, { states: "all", holders: "none" });
  const figures: Figure[] = [rangeRows(look)];
  const afterwards = describeLimits(readLimitsOrUnknown(context));
  if (look.known) {
    const inUse = new Set(look.value.sockets.map(({ local }) => local.port));
    figures.push({ kind: "picture", lines: drawBuilding(inUse) });
    afterwards.push(
      "In the picture each sign is 128 ports. A digit says how many of them are in use on this machine now, # stands for ten and more; " +
        "= is empty and well-known, - empty and registered, a dot empty and dynamic. The street is at the bottom.",
    );
  }
  return {
    title: "The 65,536, and who may live where",
    paragraphs: [
      "Every message carries its port in a field of 16 bits, so there are exactly 2 to the power of 16 ports: 65,536, from 0 to 65535. " +
        "Think of a building of 256 floors with 256 apartments each.",
      "TCP and UDP are two ways of sending. Each has a building of its own, so the same number can be open in one and free in the other.",
      "The lowest 4 floors are for the services that everybody must find. The next 188 are for anybody's servers. " +
        "The top 64 are assigned to nobody.",
    ],
    figures,
    afterwards,
  };
};

function rangeRows(look: Known<Snapshot>): Figure {
  const count = (id: string, listening: boolean): string => {
    if (!look.known) return "not known";
    const ports = look.value.sockets
      .filter((socket) => isListening(socket) === listening && rangeOf(socket.local.port).id === id)
      .map(({ local }) => local.port);
    return String(new Set(ports).size);
  };
  return rowsFigure(
    ["PORTS", "COUNT", "LISTENING", "CONNECTED", "NAME"],
    ranges.map(({ id, first, last, title }) => [
      `${first}–${last}`,
      groupDigits(last - first + 1),
      count(id, true),
      count(id, false),
      title,
    ]),
  );
}

/** What this kernel decides for itself. */
function describeLimits({ unprivilegedPortStart, ephemeralRange, mayBindPrivileged }: PortLimits): string[] {
  const sentences: string[] = [];
  if (unprivilegedPortStart.known) {
    const start = unprivilegedPortStart.value;
    const you = mayBindPrivileged.known
      ? mayBindPrivileged.value
        ? " You have it now."
        : " You do not have it now."
      : "";
    sentences.push(
      start === 0
        ? "This kernel lets every program take any port."
        : `This kernel asks for a privilege below port ${start}.${you}`,
    );
  }
  if (ephemeralRange.known) {
    const { first, last } = ephemeralRange.value;
    sentences.push(
      `It lends ports ${first} to ${last} by itself, ${groupDigits(last - first + 1)} of them, to programs that only call others and do not mind ` +
        "which number they get. Chapter 5 watches it do so.",
    );
    if (rangeOf(first).id !== "dynamic") {
      sentences.push(
        `The official line for lent ports is 49152. This kernel begins at ${first}, so connections use numbers of the floors below as well.`,
      );
    }
  }
  return sentences.length > 0 ? sentences : ["What this kernel decides about ports cannot be read on this system yet."];
}

/** 18 lines of at most 38 columns: roof, floors from the highest down, street. */
export function drawBuilding(inUse: ReadonlySet<number>): string[] {
  const counts = Array.from({ length: lineCount * signsPerLine }, () => 0);
  for (const port of inUse) counts[Math.floor(port / portsPerSign)]! += 1;
  const lines: string[] = [`${" ".repeat(5)}_${"_".repeat(signsPerLine)}`];
  for (let line = lineCount - 1; line >= 0; line--) {
    const first = line * signsPerLine;
    const signs = counts.slice(first, first + signsPerLine).map((count, offset) => {
      if (count === 0) return emptySigns[rangeOf((first + offset) * portsPerSign).id];
      return count > 9 ? "#" : String(count);
    });
    lines.push(`${String(first * portsPerSign).padStart(5)}|${signs.join("")}`);
  }
  return lines;
}

/**
 * @module Chapter 7 of the lesson: the doors everybody meets, and what to try next.
 */
import { knownOr } from "../core/index.ts";
import { rowsFigure, type ChapterWriter } from "./learn-lesson.ts";
import { runServices } from "./services.ts";

/** Chapter 7. */
export const writeDoorsChapter: ChapterWriter = async ({ context }) => {
  const { doors } = await runServices({}, context);
  const alive = doors.filter((door) => knownOr(door.alive, []).length > 0);
  const seen = doors.every((door) => door.alive.known);
  return {
    title: "The doors everybody meets",
    paragraphs: [
      "Some numbers are the same everywhere, so that nobody has to ask. A browser rings at 443 without being told, a mail server at 25.",
      seen
        ? `Of these doors ${alive.length === 0 ? "none is" : `${alive.length} ${alive.length === 1 ? "is" : "are"}`} open on this machine now:`
        : "Which of these are open here cannot be read on this system yet:",
    ],
    figures: [
      rowsFigure(
        ["PORT", "DOOR", "HERE", "WHAT IT DOES"],
        doors.map((door) => [door.ports.join("/"), door.title, hereText(door.alive), door.oneLine]),
      ),
    ],
    afterwards: [
      "A number is a custom and no proof: anybody may put anything behind any door that is free.",
      "What to try next:",
    ],
    commands: [
      ["portolan list", "every open door of this machine"],
      ["portolan demo", "three applications at one address"],
      ["portolan explain 5432", "what a number is for"],
      ["portolan who 3000", "who holds a port, or that it is free"],
      ["portolan interfaces", "the addresses of this machine"],
    ],
  };
};

function hereText(alive: Awaited<ReturnType<typeof runServices>>["doors"][number]["alive"]): string {
  if (!alive.known) return "?";
  return alive.value.length === 0 ? "–" : "open";
}

/**
 * @module How `services` looks.
 */
import { knownOr } from "../../../core/index.ts";
import type { ServicesResult } from "../../../operations/services.ts";
import { blank, paragraph, span, table, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";

/** The view of `services`. */
export const servicesView: View<ServicesResult> = {
  result: (result) => (result.doors.length > 0 ? showDoors(result) : showMatches(result)),
  exitStatus: (result) => (result.doors.length === 0 && result.totalMatches === 0 ? 1 : 0),
};

function showDoors(result: ServicesResult): Block[] {
  return [
    table(
      [
        { title: "PORT", priority: 0 },
        { title: "DOOR", priority: 0 },
        { title: "HERE", priority: 0, leastWidth: 6 },
        { title: "WHAT IT DOES", priority: 1, leastWidth: 24 },
      ],
      result.doors.map((door): readonly Line[] => [
        [span(door.ports.join("/"), "strong"), span(`/${door.transports.join("+")}`, "dim")],
        [door.title],
        aliveCell(door),
        [door.oneLine],
      ]),
    ),
    blank,
    paragraph("HERE: somebody listens on that port of this machine now, whatever it speaks."),
    paragraph([
      span("portolan services TEXT", "link"),
      " searches every assigned name; ",
      span("portolan explain PORT", "link"),
      " tells more.",
    ]),
  ];
}

function aliveCell(door: ServicesResult["doors"][number]): Line {
  if (!door.alive.known) return [span("not known", "dim")];
  if (door.alive.value.length === 0) return [span("–", "dim")];
  const programs = new Set(door.alive.value.map(({ program }) => knownOr(program, null) ?? "yes"));
  return [span([...programs].join(", "), "good")];
}

function showMatches(result: ServicesResult): Block[] {
  if (result.matches.length === 0) {
    return [paragraph("No name, alias or description matches. portolan services shows the doors everybody meets.")];
  }
  const blocks: Block[] = [
    table(
      [
        { title: "PORT", priority: 0 },
        { title: "NAME", priority: 0, leastWidth: 10 },
        { title: "BASIS", priority: 2 },
        { title: "WHAT IT IS", priority: 1, leastWidth: 16 },
      ],
      result.matches.map((match): readonly Line[] => [
        [span(String(match.port), "strong"), span(`/${match.transports.join("+")}`, "dim")],
        [match.title ?? match.name],
        [span(match.basis, "dim")],
        [match.description],
      ]),
    ),
  ];
  const more = result.totalMatches - result.matches.length;
  if (more > 0)
    blocks.push(blank, paragraph([span(`${more} more: add --limit ${result.totalMatches} or --all`, "dim")]));
  return blocks;
}

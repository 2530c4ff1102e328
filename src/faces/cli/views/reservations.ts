/**
 * @module How `reserve`, `release` and `reservations` look.
 */
import { formatDuration, knownOr } from "../../../core/index.ts";
import type { ReleaseResult } from "../../../operations/release.ts";
import type { ReservationsResult } from "../../../operations/reservations.ts";
import type { ReserveResult } from "../../../operations/reserve.ts";
import { blank, paragraph, span, table, verbatim, type Block, type Line } from "../print/document.ts";
import { blindSpotNotes } from "./blind-spots.ts";
import type { View } from "../view.ts";

/** Most promises that are told one by one. */
const mostLeases = 20;

/** The view of `reserve`. */
export const reserveView: View<ReserveResult> = {
  result: ({ name, port, project }) => [
    paragraph([
      "Port ",
      span(String(port), "strong"),
      ` is kept for ${name}${project === null ? " in every folder" : ` in ${project}`}.`,
    ]),
  ],
  notes: ({ name }, { terminal }) =>
    terminal ? [paragraph([span(`portolan run --name ${name} -- COMMAND starts a program with it.`, "dim")])] : [],
};

/** The view of `release`. */
export const releaseView: View<ReleaseResult> = {
  result: ({ released, leases }) => [
    ...released.map(({ name, port, project }) =>
      paragraph(`${name}${project === null ? "" : ` in ${project}`} no longer has port ${port}.`),
    ),
    ...leases.map((port) => paragraph(`The promise of port ${port} is taken back.`)),
  ],
};

type Holders = ReservationsResult["leases"][number]["holders"];

function holdersCell(holders: Holders): Line {
  if (holders === null) return [span("free", "good")];
  if (!holders.known) return [span("in use, out of sight", "warning")];
  const [first, ...others] = holders.value;
  if (first === undefined) return [span("in use", "warning")];
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return [knownOr(first.name, "?"), " ", span(`${first.pid}${more}`, "dim")];
}

/** The view of `reservations`. */
export const reservationsView: View<ReservationsResult> = {
  result({ reservations, leases }) {
    const blocks: Block[] = [];
    if (reservations.length === 0) {
      blocks.push(paragraph("No port is kept for a name. portolan reserve NAME keeps one."));
    } else {
      const columns = [
        { title: "PORT", priority: 0, align: "right" as const },
        { title: "NAME", priority: 0 },
        { title: "NOW", priority: 2, leastWidth: 8 },
        { title: "PROJECT", priority: 1, leastWidth: 10 },
      ];
      const rows = reservations.map(({ port, name, project, holders }): readonly Line[] => [
        [span(String(port), "strong")],
        [name],
        holdersCell(holders),
        project === null ? [span("every folder", "dim")] : [project],
      ]);
      blocks.push(table(columns, rows));
    }
    if (leases.length === 0) return blocks;
    blocks.push(blank, verbatim(span("Promised now", "heading")));
    const columns = [
      { title: "PORT", priority: 0, align: "right" as const },
      { title: "USER", priority: 2 },
      { title: "FOR", priority: 0 },
      { title: "NOW", priority: 1, leastWidth: 8 },
    ];
    const rows = leases
      .slice(0, mostLeases)
      .map(({ port, uid, remainingMs, holders }): readonly Line[] => [
        [span(String(port), "strong")],
        [uid === null ? "" : String(uid)],
        [remainingMs === null ? "reserved" : formatDuration(remainingMs)],
        holdersCell(holders),
      ]);
    blocks.push(table(columns, rows));
    if (leases.length > mostLeases)
      blocks.push(paragraph(`and ${leases.length - mostLeases} more (--json lists all).`));
    return blocks;
  },
  notes: ({ blindSpots }, context) =>
    blindSpotNotes(
      blindSpots.filter(({ what }) => what === "files"),
      [],
      context,
    ),
};

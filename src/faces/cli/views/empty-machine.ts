/**
 * @module What `list` shows on a machine where nothing listens: the ranges, the doors, and what to try next.
 */
import type { ListResult } from "../../../operations/list.ts";
import { doors, ranges } from "../../../registry/index.ts";
import { blank, paragraph, span, table, verbatim, type Block, type Line } from "../print/document.ts";
import { countText } from "../print/numbers.ts";

/** The chart of an empty building. */
export function emptyMachine(result: ListResult): Block[] {
  return [
    paragraph([span("Nothing listens on this machine.", "strong"), " All 65,536 doors are closed."]),
    blank,
    table(
      [
        { title: "RANGE", priority: 0, leastWidth: 11 },
        { title: "PORTS", priority: 0, align: "right" },
        { title: "IN USE", priority: 0, align: "right" },
        { title: "FOR", priority: 1, leastWidth: 20 },
      ],
      ranges.map((range): readonly Line[] => [
        [span(`${range.first}–${range.last}`, "strong")],
        [countText(range.last - range.first + 1)],
        [String(result.totals.inRange[range.id])],
        [range.title],
      ]),
    ),
    blank,
    verbatim(span("The doors everybody meets", "heading")),
    table(
      [
        { title: "", priority: 0, leastWidth: 5 },
        { title: "", priority: 0, leastWidth: 10 },
        { title: "", priority: 1, leastWidth: 16 },
      ],
      doors.map((door): readonly Line[] => [[span(door.ports.join("/"), "strong")], [door.title], [door.oneLine]]),
    ),
    blank,
    verbatim(span("What to try next", "heading")),
    table(
      [
        { title: "", priority: 0, leastWidth: 21 },
        { title: "", priority: 1, leastWidth: 12 },
      ],
      [
        [[span("portolan demo", "link")], ["start three small servers and see them on the chart"]],
        [[span("portolan learn", "link")], ["what ports are, in a few minutes"]],
        [[span("portolan explain 5432", "link")], ["what a port is for"]],
        [[span("portolan interfaces", "link")], ["the addresses of this machine"]],
      ],
    ),
  ];
}

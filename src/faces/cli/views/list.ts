/**
 * @module How `list` looks.
 */
import { formatSocketAddress, knownOr } from "../../../core/index.ts";
import type { ListResult } from "../../../operations/list.ts";
import { blank, paragraph, span, table, verbatim, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";
import { blindSpotNotes } from "./blind-spots.ts";
import { emptyMachine } from "./empty-machine.ts";
import { isGuess } from "./service-cells.ts";
import { serviceColumns, serviceTable } from "./service-table.ts";

/** The view of `list`. */
export const listView: View<ListResult> = {
  result(result) {
    if (result.totals.services === 0 && result.complete) return emptyMachine(result);
    const blocks: Block[] = [];
    if (result.services.length > 0) {
      blocks.push(serviceTable(result.services, serviceColumns, Date.parse(result.takenAt)));
    } else {
      blocks.push(paragraph("No listening port matches. Leave a filter out, or run portolan list to see all."));
    }
    blocks.push(...connectionBlocks(result), blank, paragraph(summaryLine(result)));
    if (result.services.some(isGuess)) {
      blocks.push(paragraph([span("? named by its port number alone, which proves nothing.", "dim")]));
    }
    return blocks;
  },
  notes: (result, context) => blindSpotNotes(result.blindSpots, result.services, context),
};

function summaryLine(result: ListResult): Line {
  const { totals, services } = result;
  const open = services.filter(({ reach }) => reach.scope === "everywhere" || reach.scope === "networks").length;
  const shown = services.length === totals.services ? "" : `${services.length} shown of `;
  return [
    `${shown}${count(totals.services, "service")} on ${count(totals.listeners, "socket")}; `,
    span(`${open} within reach of other devices`, open > 0 ? "warning" : "good"),
    ".",
  ];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function connectionBlocks(result: ListResult): Block[] {
  if (result.connections.length === 0) return [];
  const rows = result.connections.map((connection): readonly Line[] => {
    const holder = knownOr(connection.holders, [])[0];
    return [
      [connection.transport],
      [connection.state],
      [formatSocketAddress(connection.local.address, connection.local.port)],
      [connection.remote === null ? "" : formatSocketAddress(connection.remote.address, connection.remote.port)],
      [
        holder === undefined ? "" : `${knownOr(holder.name, "?")} `,
        span(holder === undefined ? "" : String(holder.pid), "dim"),
      ],
    ];
  });
  return [
    blank,
    verbatim(span("Sockets in other states", "heading")),
    table(
      [
        { title: "TRANSPORT", priority: 2 },
        { title: "STATE", priority: 1 },
        { title: "LOCAL", priority: 0, leastWidth: 12 },
        { title: "REMOTE", priority: 0, leastWidth: 12 },
        { title: "HELD BY", priority: 3, leastWidth: 8 },
      ],
      rows,
    ),
  ];
}

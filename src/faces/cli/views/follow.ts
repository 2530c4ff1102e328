/**
 * @module How `follow` looks: the chart, then a line for each change.
 */
import { formatDuration } from "../../../core/index.ts";
import type { FollowEvent, FollowResult } from "../../../operations/follow.ts";
import type { ListedService } from "../../../operations/schemas.ts";
import { blank, paragraph, span, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";
import { briefService, preferredUrl, projectCell, reachCell } from "./service-cells.ts";
import { serviceColumns, serviceTable } from "./service-table.ts";

/** The view of `follow`. */
export const followView: View<FollowResult, FollowEvent> = {
  event: (event) => {
    if (event.kind === "start") return startBlocks(event.services, event.at);
    const time = span(`${clockTime(event.at)} `, "dim");
    if (event.kind === "missed") {
      return [
        paragraph([
          time,
          span(
            `nobody looked for ${formatDuration(event.gapMs)}, and ${event.sightings} changes were merged: this machine or its reader is slow.`,
            "warning",
          ),
        ]),
      ];
    }
    if (event.kind === "appeared") return [line([time, span("+ ", "good"), ...door(event.service)])];
    if (event.kind === "changed") {
      const what = span(`  (${event.aspects.join(", ")})`, "dim");
      return [line([time, span("~ ", "strong"), ...door(event.service), what])];
    }
    const lived = span(`  after ${formatDuration(event.seenForMs)}`, "dim");
    return [line([time, span("- ", "bad"), ...briefService(event.service), lived])];
  },
  result: () => [],
  exitStatus: () => 0,
};

function startBlocks(services: readonly ListedService[], at: string): Block[] {
  const chart =
    services.length === 0
      ? paragraph("Nothing that matches listens now.")
      : serviceTable(services, serviceColumns, Date.parse(at));
  return [chart, blank, paragraph([span("Changes follow; Ctrl-C ends.", "dim")])];
}

function line(words: Line): Block {
  return paragraph(words, { hang: 11 });
}

/** `14:03:59`, in the reader's own time. */
function clockTime(at: string): string {
  const time = new Date(at);
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

function door(service: ListedService): Line {
  const project = projectCell(service);
  const url = preferredUrl(service);
  return [
    ...briefService(service),
    ...(project.length === 0 ? [] : [", project ", ...project]),
    ", ",
    ...reachCell(service),
    ...(url === undefined ? [] : [", ", span(url, "link")]),
  ];
}

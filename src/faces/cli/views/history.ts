/**
 * @module How `record` and `history` look.
 */
import { formatDuration } from "../../../core/index.ts";
import type { HistoryResult, RecordedResidence } from "../../../operations/history.ts";
import type { RecordEvent, RecordResult } from "../../../operations/record.ts";
import { paragraph, span, table, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";

/** The view of `record`. */
export const recordView: View<RecordResult, RecordEvent> = {
  announce: ({ path, present, laidAside }) => [
    ...(laidAside === null
      ? []
      : [paragraph([span("The earlier record is damaged; it was laid aside as ", "warning"), laidAside, "."])]),
    paragraph(`Recording to ${path}: ${present} services are there already. Ctrl-C ends it.`),
  ],
  result: ({ residences, startedAt, endedAt }) => [
    paragraph(
      `${residences} ${residences === 1 ? "residence" : "residences"} recorded in ${formatDuration(Date.parse(endedAt) - Date.parse(startedAt))}.`,
    ),
  ],
};

/** The view of `history`. */
export const historyView: View<HistoryResult> = {
  result({ residences, recorder }) {
    if (recorder.since === null) {
      return [paragraph("Nobody has recorded on this machine yet. portolan record begins; it runs until Ctrl-C.")];
    }
    if (residences.length === 0) return [paragraph("Nothing in the record matches.")];
    const columns = [
      { title: "PORT", priority: 0 },
      { title: "FROM", priority: 0 },
      { title: "TO", priority: 1 },
      { title: "HELD BY", priority: 0, leastWidth: 10 },
      { title: "WHAT", priority: 3, leastWidth: 8 },
      { title: "PROJECT", priority: 2, leastWidth: 8 },
    ];
    return [table(columns, residences.map(rowOf))];
  },
  notes({ recorder, residences, more, gaps }, { terminal }) {
    if (recorder.since === null || !terminal) return [];
    const blocks: Block[] = [];
    if (more) blocks.push(paragraph([span(`Only the newest ${residences.length}; --limit shows more.`, "dim")]));
    const gap = gaps.at(-1);
    if (gap !== undefined) {
      const count = gaps.length === 1 ? "" : ` There are ${gaps.length} such times in all.`;
      blocks.push(
        paragraph([
          span(
            `Nobody recorded from ${clock(gap.from)} to ${clock(gap.to)}: who came then is not known.${count}`,
            "warning",
          ),
        ]),
      );
    }
    return blocks;
  },
  exitStatus: ({ residences }) => (residences.length === 0 ? 1 : 0),
};

function rowOf(residence: RecordedResidence): Line[] {
  const { port, transport, appearedAt, startKnown, disappearedAt, endKnown, process, pid, service, basis, project } =
    residence;
  return [
    [span(String(port), "strong"), span(`/${transport}`, "dim")],
    [startKnown ? clock(appearedAt) : `before ${clock(appearedAt)}`],
    disappearedAt === null
      ? [span("now", "good")]
      : [endKnown ? clock(disappearedAt) : `after ${clock(disappearedAt)}`],
    pid === null ? [span("not visible", "dim")] : [process ?? "?", " ", span(String(pid), "dim")],
    service === null ? [] : [service, basis === "assigned" || basis === "convention" ? span("?", "dim") : ""],
    project === null ? [] : [project],
  ];
}

/** `11-23 14:03:59`, in the reader's own time. */
function clock(at: string): string {
  const time = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/**
 * @module How `share` looks: the table of its rules, and in the end what came through.
 */
import { formatDuration } from "../../../core/index.ts";
import type { ListedShare, ShareEvent, ShareResult } from "../../../operations/share-schemas.ts";
import { blank, paragraph, span, table, verbatim, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";
import { countsOf, placeOf } from "./forward.ts";

/** The view of `share`. */
export const shareView: View<ShareResult, ShareEvent> = {
  event: ({ shares }) => [
    ...shares.flatMap((share, index) => [...(index === 0 ? [] : [blank]), ...shareBlocks(share)]),
    paragraph([
      span(`Ctrl-C ends ${shares.length === 1 ? "it" : "them"}; portolan trace tells who goes where.`, "dim"),
    ]),
  ],
  announce: ({ notes }) => notes.map((note) => paragraph([span(note, "warning")])),
  result: ({ shares }) =>
    shares.flatMap(({ listen, counts }) => [
      verbatim(`${placeOf(listen)}: `, ...countsOf(counts)),
      ...counts.targets.map(({ target, total, receivedBytes, sentBytes }) =>
        verbatim(
          `  → ${target}: ${total} ${total === 1 ? "connection" : "connections"}`,
          span(`, ${receivedBytes} bytes to clients, ${sentBytes} bytes to the server`, "dim"),
        ),
      ),
    ]),
};

function shareBlocks(share: ListedShare): Block[] {
  const { listen, rules, silent, waitMs, fallback, acceptProxy } = share;
  const columns = [
    { title: "RULE", priority: 2, align: "right" },
    { title: "SAYS", priority: 0, leastWidth: 10 },
    { title: "GOES TO", priority: 0, leastWidth: 12 },
  ] as const;
  const rows: (readonly Line[])[] = rules.map((rule) => [[String(rule.number)], [wordsOf(rule)], leadsTo(rule)]);
  rows.push(
    [[], [`nothing for ${formatDuration(waitMs)}`], leadsTo(silent)],
    [[], ["anything else"], leadsTo(fallback)],
  );
  return [
    paragraph([
      span(placeOf(listen), "strong"),
      acceptProxy ? " behind a header of the PROXY protocol; who has none is refused" : "",
    ]),
    table(columns, rows),
  ];
}

function wordsOf({ protocol, name, alpn }: ListedShare["rules"][number]): string {
  const words = [protocol, name, alpn === null ? null : `offers ${alpn}`].filter((word) => word !== null);
  return words.length === 0 ? "anything" : words.join(", ");
}

function leadsTo(told: ListedShare["silent"]): Line {
  if (told === null) return [span("closed", "dim")];
  return [told.target, ...(told.sendProxy === null ? [] : [span(`  PROXY protocol ${told.sendProxy}`, "dim")])];
}

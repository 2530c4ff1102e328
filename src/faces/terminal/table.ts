/**
 * @module The table of the live view: columns that fit, rows with their marks.
 */
import { knownOr } from "../../core/index.ts";
import type { ListedService } from "../../operations/schemas.ts";
import { markMs, type Model, type PortTraffic, type Row, type SortKey } from "./model.ts";
import { cellText, type Look, type Piece } from "./paint.ts";

interface Column {
  readonly key: SortKey | "mark" | "pid";
  readonly title: string;
  readonly width: number;
  /** Takes what is left over, as much as others that do. */
  readonly grows: boolean;
  /** Left out first when it is highest; 0 never. */
  readonly priority: number;
  readonly align: "left" | "right";
  readonly text: (service: ListedService, traffic: PortTraffic | undefined) => string;
}

const holderOf = (service: ListedService) => knownOr(service.holders, [])[0];

/** Columns in their order. */
const columns: readonly Column[] = [
  {
    key: "port",
    title: "PORT",
    width: 10,
    grows: false,
    priority: 0,
    align: "right",
    text: ({ port, transport }) => `${port}/${transport}`,
  },
  { key: "name", title: "WHAT", width: 12, grows: true, priority: 0, align: "left", text: whatOf },
  {
    key: "process",
    title: "HELD BY",
    width: 10,
    grows: true,
    priority: 2,
    align: "left",
    text: (service) => {
      const holder = holderOf(service);
      return holder === undefined ? "not visible" : knownOr(holder.name, "?");
    },
  },
  {
    key: "pid",
    title: "PID",
    width: 7,
    grows: false,
    priority: 6,
    align: "right",
    text: (service) => String(holderOf(service)?.pid ?? ""),
  },
  {
    key: "project",
    title: "PROJECT",
    width: 10,
    grows: true,
    priority: 4,
    align: "left",
    text: ({ project }) => project?.value.name ?? "",
  },
  {
    key: "reach",
    title: "REACH",
    width: 10,
    grows: false,
    priority: 5,
    align: "left",
    text: ({ reach }) => reach.scope,
  },
  {
    key: "clients",
    title: "CLIENTS",
    width: 7,
    grows: false,
    priority: 3,
    align: "right",
    text: (_, traffic) => (traffic === undefined || traffic.connections === 0 ? "" : String(traffic.connections)),
  },
  {
    key: "received",
    title: "↓/s",
    width: 7,
    grows: false,
    priority: 1,
    align: "right",
    text: (_, traffic) => rateOf(traffic?.receivedPerSecond),
  },
  {
    key: "sent",
    title: "↑/s",
    width: 7,
    grows: false,
    priority: 1,
    align: "right",
    text: (_, traffic) => rateOf(traffic?.sentPerSecond),
  },
  { key: "since", title: "SINCE", width: 8, grows: false, priority: 7, align: "right", text: sinceOf },
];

function whatOf({ title }: ListedService): string {
  if (title === null) return "?";
  return title.basis === "assigned" || title.basis === "convention" ? `${title.value}?` : title.value;
}

function rateOf(bytes: number | null | undefined): string {
  if (bytes === undefined || bytes === null || bytes === 0) return "";
  if (bytes < 1000) return `${bytes}`;
  if (bytes < 1e6) return `${(bytes / 1e3).toPrecision(3)}k`;
  return bytes < 1e9 ? `${(bytes / 1e6).toPrecision(3)}M` : `${(bytes / 1e9).toPrecision(3)}G`;
}

function sinceOf(service: ListedService): string {
  const holder = holderOf(service);
  const started = holder === undefined ? null : knownOr(holder.startedAt, null);
  if (started === null) return "";
  const time = new Date(started);
  const two = (value: number): string => String(value).padStart(2, "0");
  const today = new Date().toDateString() === time.toDateString();
  return today
    ? `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
    : `${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

/** A column with the width that it gets. */
export interface FittedColumn {
  readonly column: Column;
  readonly width: number;
}

/** Columns that fit the page beside the mark; the rest is shared out among those that grow. */
export function fitColumns(pageColumns: number): readonly FittedColumn[] {
  let kept = [...columns];
  const widthOfAll = (): number => 2 + kept.reduce((sum, { width }) => sum + width + 1, 0);
  while (widthOfAll() > pageColumns) {
    const highest = Math.max(...kept.map(({ priority }) => priority));
    if (highest === 0) break;
    kept = kept.filter(({ priority }) => priority !== highest);
  }
  const growing = kept.filter(({ grows }) => grows).length;
  let rest = Math.max(0, pageColumns - widthOfAll());
  return kept.map((column) => {
    if (!column.grows) return { column, width: column.width };
    const more = Math.min(Math.ceil(rest / growing), 30);
    rest -= Math.min(more, rest);
    return { column, width: column.width + more };
  });
}

/** Titles, the sorted one with its direction. */
export function headingPieces(fitted: readonly FittedColumn[], model: Model): Piece[] {
  return [
    { text: "  " },
    ...fitted.map(({ column, width }): Piece => {
      const sorted = column.key === model.sort;
      const title = sorted ? `${column.title}${model.reverse ? "▼" : "▲"}` : column.title;
      return { text: `${cellText(title, width, column.align)} `, look: sorted ? "strong" : "dim" };
    }),
  ];
}

/** A row: `+` for who came, `-` for who went, `>` where the reader stands. */
export function rowPieces(row: Row, fitted: readonly FittedColumn[], model: Model, nowMs: number): Piece[] {
  const gone = row.wentMs !== null;
  const fresh = !gone && row.cameMs !== null && nowMs - row.cameMs < markMs;
  const here = row.key === model.selected;
  const mark = `${here ? ">" : " "}${gone ? "-" : fresh ? "+" : " "}`;
  const look: Look = gone ? "dim" : fresh ? "good" : "plain";
  const carried = row.service.transport === "tcp" && !gone ? model.traffic.get(row.service.port) : undefined;
  return [
    { text: mark, look: gone ? "bad" : "good" },
    ...fitted.map(({ column, width }, index): Piece => {
      const text = `${cellText(column.text(row.service, carried), width, column.align)} `;
      return { text, look: index === 0 && look === "plain" ? "strong" : look };
    }),
  ];
}

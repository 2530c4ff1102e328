/**
 * @module The chart: a row a service, in the columns that a view asks for.
 */
import { knownOr } from "../../../core/index.ts";
import type { ListedHolder, ListedService } from "../../../operations/schemas.ts";
import { span, table, type Column, type Line, type Table } from "../print/document.ts";
import { ageText, holderNameCell, openAtCell, placeCell, projectCell, reachCell, titleCell } from "./service-cells.ts";

/** A column with how its cell is made; `leader` is the first holder, when it may be seen. */
interface ServiceColumn extends Column {
  readonly cell: (service: ListedService, leader: ListedHolder | undefined, nowMs: number) => Line;
}

const columns = {
  port: {
    title: "PORT",
    priority: 0,
    leastWidth: 9,
    cell: ({ port, transport }) => [span(String(port), "strong"), span(`/${transport}`, "dim")],
  },
  what: { title: "WHAT", priority: 0, leastWidth: 8, cell: titleCell },
  heldBy: { title: "HELD BY", priority: 0, leastWidth: 7, cell: holderNameCell },
  pid: {
    title: "PID",
    priority: 2,
    align: "right",
    cell: (_service, leader) => [leader === undefined ? "" : String(leader.pid)],
  },
  place: { title: "IN", priority: 1, leastWidth: 10, cell: placeCell },
  project: { title: "PROJECT", priority: 3, leastWidth: 8, cell: projectCell },
  reach: { title: "REACH", priority: 1, leastWidth: 10, cell: reachCell },
  openAt: { title: "OPEN AT", priority: 2, leastWidth: 20, cell: openAtCell },
  user: {
    title: "USER",
    priority: 4,
    leastWidth: 4,
    cell: (_service, leader) => {
      const user = leader === undefined ? null : (knownOr(leader.userName, null) ?? knownOr(leader.uid, null));
      return [user === null ? "" : String(user)];
    },
  },
  age: {
    title: "AGE",
    priority: 5,
    leastWidth: 5,
    cell: (_service, leader, nowMs) => {
      const startedAt = leader === undefined ? undefined : knownOr(leader.startedAt, undefined);
      return [startedAt === undefined ? "" : ageText(startedAt, nowMs)];
    },
  },
} satisfies Record<string, ServiceColumn>;

/** Names of columns. */
export type ServiceColumnName = keyof typeof columns;

/** Every column, in the order of the chart. */
export const serviceColumns = Object.keys(columns) as readonly ServiceColumnName[];

/**
 * The chart of some services.
 * @param nowMs the moment from which ages are counted, milliseconds since the Unix epoch
 * @param changes another priority for some columns: what matters most depends on the view
 */
export function serviceTable(
  services: readonly ListedService[],
  names: readonly ServiceColumnName[],
  nowMs: number,
  changes: Partial<Record<ServiceColumnName, number>> = {},
): Table {
  const chosen = names.map((name): ServiceColumn => {
    const column: ServiceColumn = columns[name];
    return { ...column, priority: changes[name] ?? column.priority };
  });
  return table(
    chosen,
    services.map((service) => {
      const leader = knownOr(service.holders, [])[0];
      return chosen.map((column) => column.cell(service, leader, nowMs));
    }),
  );
}

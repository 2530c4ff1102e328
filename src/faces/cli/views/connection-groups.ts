/**
 * @module How groups of connections look.
 */
import { knownOr } from "../../../core/index.ts";
import type { ConnectionGroup } from "../../../operations/connection-groups.ts";
import type { Block, GridColumn } from "../print/document.ts";
import { countText } from "../print/numbers.ts";
import { bytesText } from "./service-cells.ts";

/** One line a group; what the groups were not made by leaves its columns empty, and they go. */
export function groupGrid(groups: readonly ConnectionGroup[]): Block {
  const texts = (text: (group: ConnectionGroup) => string): string[] => groups.map(text);
  const many = (count: number): string => (count === 0 ? "" : countText(count));
  const columns: GridColumn[] = [
    { title: "GROUP", priority: 0, leastWidth: 12, texts: texts(titleOf), style: "strong" },
    {
      title: "SERVICE",
      priority: 3,
      leastWidth: 8,
      texts: texts(({ service }) => (service === null ? "" : `${service.value}?`)),
    },
    { title: "CONNECTIONS", priority: 0, align: "right", texts: texts(({ connections }) => countText(connections)) },
    { title: "IN", priority: 4, align: "right", texts: texts(({ directions }) => many(directions.in)) },
    { title: "OUT", priority: 4, align: "right", texts: texts(({ directions }) => many(directions.out)) },
    { title: "LOCAL", priority: 4, align: "right", texts: texts(({ directions }) => many(directions.local)) },
    { title: "UNKNOWN", priority: 5, align: "right", texts: texts(({ directions }) => many(directions.unknown)) },
    { title: "SENT", priority: 1, leastWidth: 8, align: "right", texts: texts((group) => sumText(group, group.sent)) },
    { title: "RECEIVED", priority: 2, align: "right", texts: texts((group) => sumText(group, group.received)) },
  ];
  return { kind: "grid", columns, rowCount: groups.length };
}

function titleOf({ process, port, transport, remote }: ConnectionGroup): string {
  if (process !== null) return `${knownOr(process.name, "?")} ${process.pid}`;
  if (port !== null) return `${port}/${transport}`;
  if (transport !== null) return `${transport}, port unknown`;
  return remote ?? "no process known";
}

/** Nothing is said where no connection told anything. */
function sumText({ connections, unmeasured }: ConnectionGroup, bytes: number): string {
  return connections === unmeasured ? "" : bytesText(bytes);
}

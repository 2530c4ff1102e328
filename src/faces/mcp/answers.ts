/**
 * @module How each result reads as a tool's answer: a sentence, then lines of data.
 */
import { knownOr } from "../../core/index.ts";
import type { ConnectionsResult } from "../../operations/connections.ts";
import type { HistoryResult } from "../../operations/history.ts";
import type { ListResult } from "../../operations/list.ts";
import type { ScanResult } from "../../operations/scan.ts";
import type { ListedService } from "../../operations/schemas.ts";
import type { WhoResult } from "../../operations/who.ts";
import { compact } from "./compact.ts";
import { markData, plainField } from "./outside-data.ts";

type Answer = (result: never) => { readonly said: string; readonly lines: readonly string[] };

/** Rows that are told one by one. */
const mostRows = 60;

/** Answers that are shorter than their JSON would be. */
const answers: Readonly<Record<string, Answer>> = {
  list: ({ services, totals, blindSpots }: ListResult) => ({
    said: `${services.length} of ${totals.services} listening services match. One a line: port, what it is and how that is known, holder, project, reach, URL.`,
    lines: [
      ...firstRows(services, serviceLine),
      ...blindSpots.map(({ message }) => `not seen: ${plainField(message)}`),
    ],
  }),
  who: ({ ports }: WhoResult) => ({
    said: `${ports.length} ports were asked about.`,
    lines: firstRows(ports, (port) =>
      JSON.stringify(
        compact({
          port: port.port,
          range: port.range.title,
          usually: port.door ?? port.conventions[0]?.title ?? port.assigned[0]?.name ?? null,
          free: port.free,
          services: port.services.map((service) => ({
            what: service.title,
            transport: service.transport,
            addresses: service.addresses,
            holders: service.holders,
            startedBy: service.parents.map(({ pid, name }) => `${knownOr(name, "?")} ${pid}`),
            project: service.project,
            framework: service.framework?.value.title,
            supervisor: service.supervisor,
            container: service.container,
            reach: `${service.reach.scope}: ${service.reach.reason}`,
            urls: service.urls,
            clients: service.clients.length,
            identification: service.identification,
          })),
        }),
      ),
    ),
  }),
  connections: ({ connections, totals, groups }: ConnectionsResult) => ({
    said: `${totals.matching} connections match (in ${totals.directions.in}, out ${totals.directions.out}, within this machine ${totals.directions.local}).`,
    lines:
      groups !== null
        ? firstRows(groups, (group) => JSON.stringify(compact(group)))
        : firstRows(connections, ({ direction, state, local, remote, holders, sent, received, servicePort }) => {
            const holder = knownOr(holders, [])[0];
            const who = holder === undefined ? "" : ` ${plainField(knownOr(holder.name, "?"), 60)} ${holder.pid}`;
            return `${direction} ${state} ${local.address}:${local.port} - ${remote.address}:${remote.port}${who} service port ${servicePort ?? "?"}, sent ${sent ?? "?"} B, received ${received ?? "?"} B`;
          }),
  }),
  scan: ({ hosts, asked, devices, elapsedMs, complete }: ScanResult) => ({
    said: `${asked} ports of ${devices} devices were asked in ${Math.round(elapsedMs)} ms${complete ? "" : "; it was stopped early"}. One open door a line.`,
    lines: hosts.flatMap(({ address, answered, doors, states }) => [
      `${address}: ${answered ? states.map(({ state, count }) => `${count} ${state}`).join(", ") : "did not answer"}`,
      ...firstRows(doors, ({ port, transport, state, names, product, version, reason }) => {
        const name = names[0];
        const what = name === undefined ? reason : `${plainField(name.value, 80)} (${name.basis})`;
        const extra = [product, version].filter((part) => part !== null).map((part) => plainField(part, 60));
        return `  ${port}/${transport} ${state} ${what} ${extra.join(" ")}`.trimEnd();
      }),
    ]),
  }),
  history: ({ residences, recorder, more }: HistoryResult) => ({
    said:
      recorder.since === null
        ? "Nobody has recorded on this machine; portolan record begins."
        : `${residences.length} residences match${more ? ", and there are older ones" : ""}. The recorder ${recorder.running ? "is running" : "does not run now"}.`,
    lines: firstRows(residences, (one) => JSON.stringify(compact(one))),
  }),
};

/** The text of a tool's answer. */
export function writeAnswer(name: string, result: unknown): string {
  const answer = answers[name];
  if (answer !== undefined) {
    const { said, lines } = answer(result as never);
    return markData(said, lines);
  }
  return markData(`The result of ${name}.`, [JSON.stringify(compact(result))]);
}

function firstRows<Row>(rows: readonly Row[], line: (row: Row) => string): string[] {
  const told = rows.slice(0, mostRows).map(line);
  if (rows.length > mostRows) told.push(`… and ${rows.length - mostRows} more: ask with a filter or a limit`);
  return told;
}

function serviceLine({
  port,
  transport,
  title,
  holders,
  project,
  reach,
  localUrl,
  networkNamespace,
}: ListedService): string {
  const holder = knownOr(holders, [])[0];
  const what = title === null ? "unknown" : `${plainField(title.value, 80)} (${title.basis})`;
  const who =
    holder === undefined
      ? "holder not visible"
      : `held by ${plainField(knownOr(holder.name, "?"), 60)} ${holder.pid} of ${plainField(knownOr(holder.userName, null) ?? String(knownOr(holder.uid, "?")), 40)}`;
  return [
    `${port}/${transport} ${what}`,
    who,
    ...(project === null ? [] : [`project ${plainField(project.value.name, 80)}`]),
    `reach ${reach.scope}`,
    ...(localUrl === null ? [] : [localUrl]),
    ...(networkNamespace === null ? [] : ["in another network namespace"]),
  ].join(", ");
}

/**
 * @module How `scan` looks.
 */
import { portOutcomes } from "../../../scan/index.ts";
import type { ScanEvent, ScanResult } from "../../../operations/scan.ts";
import type { ListedDoor, ListedHost, ListedState } from "../../../operations/scan-schemas.ts";
import { blank, paragraph, span, table, type Block, type Column, type Line } from "../print/document.ts";
import { countText } from "../print/numbers.ts";
import type { View } from "../view.ts";
import { doorTitleCell, evidenceCell, isNumberGuess, productCell, tlsCell } from "./door-cells.ts";

/** Longest set of ports that a line about a state shows, in characters. */
const longestSet = 48;

/** Up to so many devices that did not answer are each told. */
const mostSilent = 2;

/** The view of `scan`. */
export const scanView: View<ScanResult, ScanEvent> = {
  result(result) {
    const blocks: Block[] = [];
    const isTold = tellsHost(result.hosts);
    for (const host of result.hosts.filter(isTold)) blocks.push(...hostBlocks(host), blank);
    const silent = result.hosts.filter((host) => !isTold(host)).length;
    if (silent > 0) blocks.push(paragraph(`${count(silent, "device")} did not answer at any port.`), blank);
    blocks.push(...summaryBlocks(result));
    return blocks;
  },
  notes: ({ unresolved, engines, remarks }) => [
    ...unresolved.map(({ name, where }) =>
      paragraph([span("Passed over: ", "warning"), `${name} has no address${where === null ? "" : ` (${where})`}.`]),
    ),
    ...remarks.filter((remark) => !aboutEngine.test(remark)).map((remark) => paragraph(`${remark}.`)),
    ...slownessOf(engines, remarks).map((remark) => paragraph([span("Slower than it could be: ", "warning"), remark])),
  ],
  exitStatus: ({ unresolved }) => (unresolved.length > 0 ? 1 : 0),
};

/** Why plain Node had to ask. That an engine suits only some targets is no loss. */
/** Remarks about engines start with their names. */
const aboutEngine = /^(?:node|epoll|blocking-reuse): /;

function slownessOf(engines: ScanResult["engines"], remarks: readonly string[]): readonly string[] {
  return engines.some(({ name }) => name === "node") ? remarks.filter((remark) => remark.startsWith("epoll")) : [];
}

/** Devices of which nothing came are told one by one only where they are few. */
function tellsHost(hosts: readonly ListedHost[]): (host: ListedHost) => boolean {
  const isSilent = (host: ListedHost): boolean => !host.answered && host.doors.length === 0;
  return hosts.filter(isSilent).length <= mostSilent ? () => true : (host) => !isSilent(host);
}

const columns: readonly (Column & { readonly cell: (door: ListedDoor) => Line })[] = [
  {
    title: "PORT",
    priority: 0,
    leastWidth: 9,
    cell: ({ port, transport }) => [span(String(port), "strong"), span(`/${transport}`, "dim")],
  },
  { title: "STATE", priority: 3, cell: ({ state }) => [span(state, state === "open" ? "good" : "warning")] },
  { title: "WHAT", priority: 0, leastWidth: 8, cell: doorTitleCell },
  { title: "PRODUCT", priority: 1, leastWidth: 10, cell: productCell },
  { title: "TLS", priority: 2, leastWidth: 7, cell: ({ identification }) => tlsCell(identification?.tls) },
  { title: "EVIDENCE", priority: 2, leastWidth: 16, cell: evidenceCell },
];

function hostBlocks(host: ListedHost): Block[] {
  const blocks: Block[] = [
    paragraph([span(host.host ?? host.address, "heading"), host.host === null ? "" : ` ${host.address}`]),
  ];
  if (host.doors.length > 0) {
    blocks.push(
      table(
        columns,
        host.doors.map((door) => columns.map(({ cell }) => cell(door))),
      ),
    );
  }
  for (const state of host.states) if (state.state !== "open") blocks.push(stateBlock(state));
  return blocks;
}

/** `65,530 closed: the device answered that nobody listens (connection-refused)`. */
function stateBlock({ transport, state, reason, count: ports, ports: set }: ListedState): Block {
  const meaning = portOutcomes.find((outcome) => outcome.state === state && outcome.reason === reason)?.meaning;
  const which = set.length <= longestSet ? `${transport} ${set} ` : `${countText(ports)} ${transport} ports `;
  return paragraph([span(`${which}${state}: `), span(`${meaning ?? reason} (${reason})`, "dim")], { hang: 2 });
}

function summaryBlocks(result: ScanResult): Block[] {
  const doors = result.hosts.flatMap((host) => host.doors);
  const open = doors.filter(({ state }) => state === "open").length;
  const blocks: Block[] = [
    paragraph([
      span(`${countText(open)} open`, open > 0 ? "strong" : "dim"),
      ` of ${countText(result.asked)} ports asked on ${count(result.devices, "device")}, in ${secondsText(result.elapsedMs)}.`,
    ]),
  ];
  if (doors.some(isNumberGuess)) {
    blocks.push(paragraph([span("? named by its port number alone, which proves nothing.", "dim")]));
  }
  return blocks;
}

function count(number: number, noun: string): string {
  return `${countText(number)} ${noun}${number === 1 ? "" : "s"}`;
}

function secondsText(milliseconds: number): string {
  return milliseconds < 10_000 ? `${(milliseconds / 1000).toFixed(2)} s` : `${Math.round(milliseconds / 1000)} s`;
}

/**
 * @module How `diagnose` looks: lines of a name and what is so, that survive being pasted anywhere.
 */
import type { Known } from "../../../core/index.ts";
import type { DiagnoseResult } from "../../../operations/diagnose.ts";
import { blank, paragraph, span, verbatim, type Block } from "../print/document.ts";
import type { View } from "../view.ts";

/** Columns of the names. */
const nameColumns = 18;

/** The view of `diagnose`. */
export const diagnoseView: View<DiagnoseResult> = {
  result: (result) => [
    ...section("Versions", tellVersions(result)),
    ...section("What it sees with", tellReaders(result)),
    ...section("What it cannot see", tellBlindSpots(result)),
    ...section("Rights and surroundings", tellSurroundings(result)),
    ...section("Limits", tellLimits(result)),
    ...section("Files", tellFiles(result)),
    ...section("Terminal and environment", tellEnvironment(result)).slice(0, -1),
  ],
};

type Fact = readonly [name: string, text: string];

function section(title: string, facts: readonly Fact[]): Block[] {
  return [
    verbatim(span(title, "heading")),
    ...facts.map(([name, text]) =>
      paragraph([span(`  ${name.padEnd(nameColumns)}`, "dim"), text], { hang: nameColumns + 2 }),
    ),
    blank,
  ];
}

function tellVersions({ versions, platform, architecture }: DiagnoseResult): Fact[] {
  return [
    ["portolan", versions.portolan],
    ["node", `${versions.node}, V8 ${versions.v8}, libuv ${versions.libuv}`],
    ["system", `${versions.system ?? "not known"}, ${platform} ${architecture}`],
    ["kernel", versions.kernel],
    ["C library", versions.libc ?? "not known"],
  ];
}

function tellReaders({ readers, holderSearch, look, failure }: DiagnoseResult): Fact[] {
  const facts: Fact[] = readers.map(({ name, works, inUse, sockets, tookMs, why }) => [
    name,
    works ? `works${inUse ? ", in use" : ""}: ${sockets} sockets in ${tookMs} ms` : `does not work: ${why}`,
  ]);
  facts.push(
    ...holderSearch.map(({ name, works, detail }): Fact => [
      name,
      works ? `works: ${detail}` : `does not work: ${detail}`,
    ]),
  );
  if (look !== null) {
    const { tookMs, listeners, withoutHolder, interfaces } = look;
    facts.push([
      "a whole look",
      `${listeners} listeners, ${withoutHolder} without a holder, ${interfaces} interfaces, in ${tookMs} ms`,
    ]);
  }
  if (failure !== null) facts.push(["a whole look", `failed: ${failure.message} (${failure.code})`]);
  return facts;
}

function tellBlindSpots({ blindSpots, look }: DiagnoseResult): Fact[] {
  if (look === null) return [["", "the look failed, so that is not known"]];
  if (blindSpots.length === 0) return [["", "nothing is out of sight that it knows of"]];
  return blindSpots.map(({ what, why, message }) => [what, `${message} (${why})`]);
}

function tellSurroundings({ rights, surroundings }: DiagnoseResult): Fact[] {
  const { capabilities } = rights;
  const { namespaces, container, openFiles, processTable, settings } = surroundings;
  const facts: Fact[] = [["user id", rights.uid === null ? "none" : String(rights.uid)]];
  if (capabilities !== null) {
    facts.push(["capabilities", capabilities.length === 0 ? "none" : capabilities.join(" ")]);
  }
  if (rights.seccomp !== null) {
    const bits = rights.noNewPrivileges === true ? ", no new privileges" : "";
    facts.push(["seccomp", `${rights.seccomp}${bits}`]);
  }
  for (const { kind, name, sameAsSystem } of namespaces) {
    if (name === null) continue;
    facts.push([`${kind} namespace`, `${name}${sameAsWords(sameAsSystem)}`]);
  }
  facts.push(["container", container === null ? "no sign of one" : `${container.kind}: ${container.evidence}`]);
  if (processTable !== null) {
    const hides = processTable.hidesOthers ? "; hides the processes of other users" : "";
    facts.push(["/proc", `${processTable.options ?? "options not known"}${hides}`]);
  }
  if (openFiles !== null) facts.push(["open files", `${openFiles.soft} at most, ${openFiles.hard} when asked for`]);
  for (const { name, value } of settings) facts.push(["setting", `${name} = ${value}`]);
  return facts;
}

function sameAsWords(same: boolean | null): string {
  return same === null ? "" : same ? ", the system's" : ", not the system's";
}

function tellLimits({ limits }: DiagnoseResult): Fact[] {
  const { unprivilegedPortStart, ephemeralRange, reservedPorts, mayBindPrivileged } = limits;
  return [
    ["privileged", `below ${valueOf(unprivilegedPortStart)}; may bind them: ${valueOf(mayBindPrivileged)}`],
    [
      "ephemeral",
      ephemeralRange.known ? `${ephemeralRange.value.first}-${ephemeralRange.value.last}` : valueOf(ephemeralRange),
    ],
    ["left out", valueOf(reservedPorts) === "" ? "none" : valueOf(reservedPorts)],
  ];
}

function valueOf(fact: Known<unknown>): string {
  return fact.known ? String(fact.value) : `not known (${fact.why})`;
}

function tellFiles({ files, registry }: DiagnoseResult): Fact[] {
  const { kind, source, names, checkedAt, problem } = registry;
  return [
    ...files.folders.map(({ name, path, state, problem: why }): Fact => [
      `${name} folder`,
      `${path ?? "none"}: ${state}${why === null ? "" : ` (${why})`}`,
    ]),
    ["locks", files.locks === null ? "work" : `do not work: ${files.locks}`],
    ["registry", `${kind}, ${source}, ${names} names${checkedAt === null ? "" : `, checked ${checkedAt}`}`],
    ...(problem === null ? [] : [["", problem] as const]),
  ];
}

function tellEnvironment({ terminal, environment }: DiagnoseResult): Fact[] {
  const facts: Fact[] = [];
  if (terminal !== null) {
    const streams = (["input", "output", "errors"] as const).filter((name) => terminal[name]);
    facts.push(["terminal", streams.length === 0 ? "none" : streams.join(", ")]);
    const width = terminal.columns === null ? "without end" : `${terminal.columns} columns`;
    const color = terminal.color ? "coloured" : "no colour";
    facts.push(["page", [width, color, terminal.utf8 ? "UTF-8" : "not said to be UTF-8"].join(", ")]);
  }
  for (const { name, value } of environment)
    facts.push(["variable", value === null ? `${name} is set` : `${name}=${value}`]);
  return facts;
}

/**
 * @module Puts a check together: wishes and problems as results show them, findings with a port to take instead.
 */
import { isAbsolute, relative } from "node:path";
import type { PortSet } from "../core/index.ts";
import {
  editFor,
  findMeetings,
  lineAndColumn,
  proposePort,
  type Place,
  type PortWish,
  type ProjectReading,
  type TextEdit,
} from "../wishes/index.ts";
import { judgeAlone } from "./check-alone.ts";
import type { Promises } from "./check-leases.ts";
import type { BareFinding, MachineLook } from "./check-machine.ts";
import type { CheckFinding, CheckResult, CheckWish } from "./check-schemas.ts";

/** How a file is called, and where writing ends. */
export interface CheckPlaces {
  /** Folder that names are told from, absolute. */
  readonly workingDirectory: string;
  /** Folder that everything asked about lies in, absolute. */
  readonly root: string;
}

/** From where the user stands when it lies below, else absolute. */
export function showPath(path: string, { workingDirectory }: CheckPlaces): string {
  const short = relative(workingDirectory, path);
  return short === "" || short.startsWith("..") || isAbsolute(short) ? path : short;
}

/** A place for a result. */
export function describePlace({ source, offset, length }: Place, places: CheckPlaces) {
  const { line, column } = lineAndColumn(source, offset);
  const text = source.text.slice(offset, offset + length);
  const lineEnd = text.search(/[\r\n]/);
  return {
    file: showPath(source.path, places),
    line,
    column,
    endColumn: column + Math.max(lineEnd < 0 ? text.length : lineEnd, 0),
  };
}

/** A wish for a result. */
export function describeWish(wish: PortWish, places: CheckPlaces): CheckWish {
  const { format, name, transport, address, port, count, role, program, binder, origin, ifTaken, inactive } = wish;
  return {
    ...describePlace(wish.place, places),
    format,
    name,
    transport,
    address,
    port: port as CheckWish["port"],
    lastPort: port + count - 1,
    role,
    program,
    binder,
    origin,
    ifTaken,
    inactive,
  };
}

/** Problems for a result. */
export function describeProblems({ problems }: ProjectReading, places: CheckPlaces): CheckResult["problems"] {
  return problems.map(({ severity, message, path, place }) => {
    const where = place === null ? null : lineAndColumn(place.source, place.offset);
    return {
      severity,
      message,
      file: showPath(path, places),
      line: where?.line ?? null,
      column: where?.column ?? null,
    };
  });
}

/** A finding with the edit that its proposal stands for. */
export interface FindingWithEdit {
  readonly finding: CheckFinding;
  readonly edit: TextEdit | null;
}

/** What decides about findings. `machine` and `promises` are absent where the files alone are judged. */
export interface Judges {
  readonly machine: MachineLook | null;
  readonly promises: Promises | null;
  readonly pool: PortSet;
}

/** Findings that are given another port. */
const mostProposals = 1_000;

/** Every finding, gravest first, then in the order of the files; `complete` is false when there was too much to compare. */
export async function findAll(
  reading: ProjectReading,
  judges: Judges,
  places: CheckPlaces,
): Promise<{ readonly found: FindingWithEdit[]; readonly complete: boolean }> {
  const { wishes, named } = reading;
  const { machine, promises, pool } = judges;
  const wanted = new Uint8Array(65_536);
  for (const { port, count } of wishes) wanted.fill(1, port, port + count);
  const proposer = new Proposer(
    wishes,
    pool,
    (port) => wanted[port] === 1 || machine?.isUsed(port) === true || promises?.isKept(port) === true,
    places,
  );
  const found: FindingWithEdit[] = [];
  const { meetings, complete } = findMeetings(wishes, { root: places.root, named });
  for (const { wish, others, port, severity } of meetings) {
    const { transport } = wishes[wish]!;
    const message = meetingText(wishes, wish, others, severity);
    const bare: BareFinding = { kind: "same-port", severity, message, port, transport, holder: null };
    found.push(proposer.propose(bare, wish, others));
  }
  const told = new Set<string>();
  for (const [index, wish] of wishes.entries()) {
    if (wish.role !== "listens" || wish.inactive !== null) continue;
    const own: BareFinding[] = [...copiesOf(wish)];
    own.push(...(machine === null ? judgeAlone(wish) : machine.judge(wish)));
    if (promises !== null && !own.some(({ kind }) => kind === "held" || kind === "already-up")) {
      own.push(...(await promises.judge(wish)));
    }
    for (const bare of own) {
      // `dev` and `start` of one package, or its variable and its script, say one thing once.
      const key = `${bare.kind} ${bare.transport} ${bare.port} ${wish.folders[0] ?? wish.scene + wish.unit}`;
      if (told.has(key)) continue;
      told.add(key);
      found.push(proposer.propose(bare, index, []));
    }
  }
  const rank = { conflict: 0, warning: 1, note: 2 };
  found.sort(
    (left, right) =>
      rank[left.finding.severity] - rank[right.finding.severity] || left.finding.wish - right.finding.wish,
  );
  return { found, complete };
}

function meetingText(
  wishes: readonly PortWish[],
  index: number,
  others: readonly number[],
  severity: "conflict" | "warning",
): string {
  const wish = wishes[index]!;
  const names = others.map((other) => wishes[other]!.name);
  const who = `${wish.name} and ${names.join(", ")} ask for the same port`;
  if (severity === "conflict") return `${who}.`;
  const inspector =
    wish.program === "node-inspector" || others.some((other) => wishes[other]!.program === "node-inspector");
  if (inspector) return `${who}: the second goes on without its inspector.`;
  return wish.format === "compose"
    ? `${who}: they cannot run at the same time.`
    : `${who}: the second takes another one, or asks.`;
}

/** Copies of one service cannot share a port of the machine. */
function copiesOf({ copies, name, port, transport }: PortWish): BareFinding[] {
  if (copies < 2) return [];
  const message = `${name} is started ${copies} times, and one port is for one of them (a swarm shares it among all).`;
  return [{ kind: "copies", severity: "warning", message, port, transport, holder: null }];
}

/** Kinds for which another port helps. */
const helps: ReadonlySet<CheckFinding["kind"]> = new Set(["same-port", "held", "privilege", "reserved"]);

class Proposer {
  readonly #wishes: readonly PortWish[];
  readonly #pool: PortSet;
  readonly #isTaken: (port: number) => boolean;
  readonly #places: CheckPlaces;
  readonly #given = new Set<number>();
  readonly #exhausted = new Set<string>();
  /** What was proposed for a place already: one edit settles every finding about it. */
  readonly #byPlace = new Map<
    string,
    { readonly port: number; readonly edit: TextEdit | null; readonly why: string | null }
  >();

  constructor(wishes: readonly PortWish[], pool: PortSet, isTaken: (port: number) => boolean, places: CheckPlaces) {
    this.#wishes = wishes;
    this.#pool = pool;
    this.#isTaken = isTaken;
    this.#places = places;
  }

  /** A finding with another port for it, where one helps. */
  propose(bare: BareFinding, index: number, others: readonly number[]): FindingWithEdit {
    const finding = { ...bare, wish: index, others: [...others] };
    if (bare.severity !== "conflict" || !helps.has(bare.kind))
      return { finding: { ...finding, proposal: null }, edit: null };
    // The later one changes, unless only the other can.
    const candidates = others.length === 1 ? [index, others[0]!] : [index];
    for (const candidate of candidates) {
      const made = this.#proposeFor(candidate, [index, ...others]);
      const isLast = candidate === candidates.at(-1);
      if (made === null || (made.edit === null && !isLast)) continue;
      const { port, edit, why } = made;
      const shown =
        edit === null
          ? null
          : {
              ...describePlace(
                { source: edit.source, offset: edit.offset, length: edit.before.length, exact: true },
                this.#places,
              ),
              before: edit.before,
              after: edit.after,
            };
      return { finding: { ...finding, proposal: { wish: candidate, port, edit: shown, why } }, edit };
    }
    return { finding: { ...finding, proposal: null }, edit: null };
  }

  #proposeFor(index: number, all: readonly number[]) {
    const wish = this.#wishes[index]!;
    const { place } = wish;
    const key = `${place.source.path}\0${place.offset}`;
    const known = this.#byPlace.get(key);
    if (known !== undefined) return known;
    const kind = `${wish.binder} ${wish.count}`;
    if (this.#byPlace.size >= mostProposals || this.#exhausted.has(kind)) return null;
    const port = proposePort(wish, { pool: this.#pool, isTaken: (one) => this.#given.has(one) || this.#isTaken(one) });
    if (port === null) {
      // Looking through all of them once is enough.
      this.#exhausted.add(kind);
      return null;
    }
    const isShared = all.some((other) => {
      const { place: theirs } = this.#wishes[other]!;
      return other !== index && theirs.source === place.source && theirs.offset === place.offset;
    });
    const edit = isShared
      ? { why: "both take the number from the same place" }
      : editFor(wish, port, this.#places.root);
    for (let step = 0; step < wish.count; step += 1) this.#given.add(port + step);
    const made = "why" in edit ? { port, edit: null, why: edit.why } : { port, edit, why: null };
    this.#byPlace.set(key, made);
    return made;
  }
}

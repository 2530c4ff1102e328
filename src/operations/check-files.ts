/**
 * @module The work of `check`: the files read, the machine asked, the findings put together, a change proposed and written.
 */
import { resolve } from "node:path";
import { PortSet, unknown } from "../core/index.ts";
import { poolsOf } from "../lease/index.ts";
import { groupEdits, readProject, writeChanges, type FileChange, type ProjectReading } from "../wishes/index.ts";
import { readPromises } from "./check-leases.ts";
import { lookAtMachine } from "./check-machine.ts";
import {
  describePlace,
  describeProblems,
  describeWish,
  findAll,
  showPath,
  type CheckPlaces,
  type FindingWithEdit,
} from "./check-report.ts";
import type { CheckProposal, CheckResult } from "./check-schemas.ts";
import type { CheckInput } from "./check.ts";
import type { OperationContext } from "./operation.ts";

/** What was found, with what is needed to propose a change. */
export interface Examination {
  readonly result: CheckResult;
  readonly edits: readonly FindingWithEdit[];
  readonly places: CheckPlaces;
  readonly reading: ProjectReading;
}

/** Reads and judges. @throws FILE_UNREADABLE, HOST_UNSUPPORTED, HOST_READ_FAILED, STORE_FAILED */
export async function examineFiles(input: CheckInput, context: OperationContext): Promise<Examination> {
  const { workingDirectory, environment, signal } = context;
  const paths = (input.paths ?? ["."]).map((path) => resolve(workingDirectory, path));
  const profiles = (input.profile ?? "").split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
  const reading = await readProject({ paths, profiles, environment, signal });
  const places: CheckPlaces = { workingDirectory, root: reading.root };
  const asks = input.machine !== false;
  const listens = reading.wishes.some(({ role, binder }) => role === "listens" && binder !== "cluster");
  const machine = asks && listens ? await lookAtMachine(context) : null;
  const promises = asks && listens ? await readPromises(context) : null;
  const limits = machine?.snapshot.limits ?? unseenLimits;
  const { found: edits, complete } = await findAll(reading, { machine, promises, pool: poolsOf(limits).all }, places);
  const { snapshot } = machine ?? {};
  const result: CheckResult = {
    complete: complete && !reading.cutShort && !signal.aborted && snapshot?.complete !== false,
    machine:
      snapshot === undefined
        ? null
        : {
            takenAt: new Date(snapshot.takenAtMs).toISOString(),
            platform: snapshot.platform,
            reader: snapshot.reader,
            networkNamespace: snapshot.networkNamespace,
            blindSpots: snapshot.blindSpots,
          },
    files: reading.files.map(({ path, format }) => ({ file: showPath(path, places), format })),
    wishes: reading.wishes.map((wish) => describeWish(wish, places)),
    findings: edits.map(({ finding }) => finding),
    problems: describeProblems(reading, places),
    skipped: reading.skipped.map(({ path, reason }) => ({ file: showPath(path, places), reason })),
    fix: null,
  };
  return { result, edits, places, reading };
}

const notAsked = unknown("unsupported");
/** Of a machine that nobody looked at. */
const unseenLimits = {
  unprivilegedPortStart: notAsked,
  ephemeralRange: notAsked,
  reservedPorts: notAsked,
  mayBindPrivileged: notAsked,
  v6onlyDefault: notAsked,
} as const;

/** What would be written. */
export function proposalOf({ result: { findings }, edits, places, reading: { wishes } }: Examination): CheckProposal {
  const changes = groupEdits(
    edits.flatMap(({ edit }) => edit ?? []),
    (path) => showPath(path, places),
  ).map((change) => ({ ...change, file: showPath(change.path, places), edits: [...change.edits] }));
  const left = findings.flatMap(({ severity, proposal }, finding) => {
    if (severity !== "conflict" || (proposal !== null && proposal.edit !== null)) return [];
    return [{ finding, why: proposal?.why ?? "another port would not help" }];
  });
  const changed = PortSet.from(
    edits.flatMap(({ edit, finding }) => {
      const wish = edit === null ? undefined : wishes[finding.proposal!.wish];
      return wish === undefined ? [] : Array.from({ length: wish.count }, (_, step) => wish.port + step);
    }),
  );
  const mentions = wishes
    .filter(({ role, port }) => role === "uses" && changed.has(port))
    .map(({ place, name, port }) => ({ ...describePlace(place, places), name, port }));
  return { changes, left, mentions };
}

/** Writes it. @throws PROPOSAL_STALE, OUTPUT_FAILED */
export function writeProposal(proposal: CheckProposal): void {
  writeChanges(proposal.changes as readonly FileChange[]);
}

/**
 * @module The shapes of what `check` tells.
 */
import * as v from "valibot";
import { knownSchema, listOf, portSchema, timeSchema, blindSpotSchema } from "./schemas.ts";

const formatSchema = v.picklist([
  "compose",
  "environment",
  "package",
  "procfile",
  "vite",
  "devcontainer",
  "launch",
  "kubernetes",
  "portolan",
]);

const lineSchema = v.pipe(v.number(), v.integer(), v.minValue(1));

const placeEntries = {
  file: v.pipe(v.string(), v.description("From the working directory when it lies below it, else absolute")),
  line: v.pipe(lineSchema, v.description("From 1")),
  column: v.pipe(lineSchema, v.description("From 1, in UTF-16 units")),
  endColumn: v.pipe(lineSchema, v.description("Column behind the last unit, on the same line")),
};

const wishSchema = v.object({
  ...placeEntries,
  format: formatSchema,
  name: v.pipe(v.string(), v.description("Who asks: a service, a script, a variable")),
  transport: v.picklist(["tcp", "udp", "sctp"]),
  address: v.pipe(
    v.nullable(v.string()),
    v.description("Address to be bound, localhost for both; null for every address"),
  ),
  port: portSchema,
  lastPort: v.pipe(portSchema, v.description("Last one of a range, else the same")),
  role: v.pipe(
    v.picklist(["listens", "uses"]),
    v.description("uses: connects to it, and leaves it to somebody else to listen there"),
  ),
  program: v.pipe(v.nullable(v.string()), v.description("The framework, where it can be told")),
  binder: v.pipe(
    v.picklist(["user", "engine", "cluster"]),
    v.description("Who binds it: a program of the caller, a container engine as root, a node of a cluster"),
  ),
  origin: v.pipe(v.picklist(["written", "default"]), v.description("default: nobody wrote the number")),
  ifTaken: v.pipe(v.picklist(["fails", "moves"]), v.description("moves: takes another port by itself, or asks")),
  inactive: v.pipe(v.nullable(v.string()), v.description("Why it is not judged; null when it is")),
});

/** Why something is told; each is a rule of the SARIF output too. */
export const checkKinds = [
  "same-port",
  "copies",
  "held",
  "already-up",
  "privilege",
  "address",
  "reserved",
  "promised",
  "ephemeral",
  "kernel-reserved",
  "browser-blocked",
  "other-family",
  "macos-airplay",
] as const;

const holderSchema = v.object({
  address: v.string(),
  pid: v.nullable(v.number()),
  name: v.nullable(v.string()),
  userName: v.nullable(v.string()),
  project: v.pipe(v.nullable(v.string()), v.description("Project that it works for, as far as it can be told")),
  folder: v.pipe(v.nullable(v.string()), v.description("Root of that project")),
  container: v.nullable(v.string()),
});

const findingSchema = v.object({
  kind: v.picklist(checkKinds),
  severity: v.pipe(
    v.picklist(["conflict", "warning", "note"]),
    v.description("conflict: something will not start; the exit status says so"),
  ),
  message: v.string(),
  port: portSchema,
  transport: v.picklist(["tcp", "udp", "sctp"]),
  wish: v.pipe(v.number(), v.description("Which of wishes it is about, from 0")),
  others: v.pipe(listOf(v.number()), v.description("Wishes that it meets, from 0")),
  holder: v.pipe(v.nullable(holderSchema), v.description("Who has the port now")),
  proposal: v.pipe(
    v.nullable(
      v.object({
        wish: v.pipe(v.number(), v.description("The wish that would get another port")),
        port: v.pipe(portSchema, v.description("First port")),
        edit: v.pipe(
          v.nullable(v.object({ ...placeEntries, before: v.string(), after: v.string() })),
          v.description("What --fix would write; null when nothing can be written"),
        ),
        why: v.pipe(v.nullable(v.string()), v.description("Why nothing can be written")),
      }),
    ),
    v.description("A port that nobody has, wants or keeps"),
  ),
});

const problemSchema = v.object({
  severity: v.pipe(
    v.picklist(["error", "warning"]),
    v.description("error: the file, or a part of it, could not be judged"),
  ),
  message: v.string(),
  file: v.string(),
  line: v.nullable(lineSchema),
  column: v.nullable(lineSchema),
});

const changeSchema = v.object({
  file: v.string(),
  path: v.pipe(v.string(), v.description("Absolute")),
  sha256: v.pipe(v.string(), v.description("Of the text that the change was made for")),
  edits: listOf(
    v.object({ line: v.number(), column: v.number(), offset: v.number(), before: v.string(), after: v.string() }),
  ),
  diff: v.string(),
});

/** What `--fix` would write. */
export const checkProposalSchema = v.object({
  changes: listOf(changeSchema),
  left: v.pipe(
    listOf(v.object({ finding: v.number(), why: v.string() })),
    v.description("Conflicts that nothing can be written for, from 0"),
  ),
  mentions: v.pipe(
    listOf(v.object({ ...placeEntries, name: v.string(), port: portSchema })),
    v.description("Places that name a changed port and connect to it: perhaps they mean this program"),
  ),
});

/** The result of `check`. */
export const checkResultSchema = v.object({
  complete: v.pipe(v.boolean(), v.description("False when an abort or a limit cut it short")),
  machine: v.pipe(
    v.nullable(
      v.object({
        takenAt: timeSchema,
        platform: v.string(),
        reader: v.string(),
        networkNamespace: knownSchema(v.string()),
        blindSpots: listOf(blindSpotSchema),
      }),
    ),
    v.description("The look at this machine; null with --no-machine"),
  ),
  files: listOf(v.object({ file: v.string(), format: formatSchema })),
  wishes: listOf(wishSchema),
  findings: listOf(findingSchema),
  problems: listOf(problemSchema),
  skipped: v.pipe(
    listOf(v.object({ file: v.string(), reason: v.string() })),
    v.description("What says ports and was left out"),
  ),
  fix: v.pipe(
    v.nullable(
      v.object({
        outcome: v.picklist(["nothing-to-do", "proposed", "declined", "written"]),
        proposal: checkProposalSchema,
      }),
    ),
    v.description("With --fix"),
  ),
});

export type CheckResult = v.InferOutput<typeof checkResultSchema>;
export type CheckFinding = CheckResult["findings"][number];
export type CheckWish = CheckResult["wishes"][number];
export type CheckProposal = v.InferOutput<typeof checkProposalSchema>;

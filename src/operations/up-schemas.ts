/**
 * @module What `up` takes and tells.
 */
import * as v from "valibot";
import { optionalSwitch, optionalText, optionalTexts } from "./parameters.ts";
import { listOf, portSchema } from "./schemas.ts";

export const upInputSchema = v.object({
  apps: optionalTexts("These applications and those that they come after; default all", { placeholder: "NAME" }),
  file: optionalText("This file instead of the project's own: a portolan.config.json, or a Procfile", {
    placeholder: "FILE",
  }),
  route: optionalSwitch("Give the applications names", { offDescription: "Ports alone, no names" }),
  keepGoing: optionalSwitch("Let the others run when one has failed"),
  force: optionalSwitch("Take names over from other programs"),
  grace: optionalText(
    "How long applications may take to end before SIGTERM, and once more before SIGKILL (default 5s)",
    {
      placeholder: "TIME",
    },
  ),
  dryRun: optionalSwitch("Print what would be started, and start nothing"),
});

const appEntries = {
  name: v.string(),
  hostName: v.pipe(
    v.nullable(v.string()),
    v.description("Its name, with a path where it has one; null without a name"),
  ),
  urls: v.pipe(listOf(v.string()), v.description("Addresses by that name; empty while no gateway runs")),
  port: v.pipe(
    v.nullable(portSchema),
    v.description("Its port; null when it takes none, or, in a dry run, has none yet"),
  ),
  command: v.pipe(v.string(), v.description("As the file has it")),
  directory: v.pipe(v.string(), v.description("Folder that it is started in")),
  after: v.pipe(listOf(v.string()), v.description("Applications that must be ready before")),
  ready: v.pipe(v.picklist(["listen", "http", "exit", "started"]), v.description("When it counts as ready")),
};

export const upOutputSchema = v.object({
  complete: v.boolean(),
  dryRun: v.boolean(),
  project: v.pipe(v.string(), v.description("What the project is called in host names")),
  file: v.pipe(v.string(), v.description("Path of its file")),
  apps: v.pipe(
    listOf(
      v.object({
        ...appEntries,
        state: v.pipe(
          v.picklist(["planned", "not-started", "ended", "failed", "stopped"]),
          v.description(
            "planned in a dry run; not-started when what it waited for failed, or the end came first; ended by itself with status 0; failed by itself; stopped when all were",
          ),
        ),
        exitStatus: v.pipe(v.nullable(v.number()), v.description("128 and the signal's number when a signal ended it")),
        signal: v.nullable(v.string()),
        restarts: v.number(),
      }),
    ),
    v.description("In the order in which they start"),
  ),
  routes: v.pipe(
    listOf(v.object({ name: v.string(), target: v.string() })),
    v.description("Names for what runs already"),
  ),
  stoppedBy: v.pipe(
    v.nullable(v.string()),
    v.description("Signal that ended it all, or the application that failed; null when all had ended by themselves"),
  ),
  left: v.pipe(listOf(v.number()), v.description("Processes that not even SIGKILL has ended")),
  exitStatus: v.pipe(v.number(), v.description("The first failed application's; 0 when none failed")),
});

export const upEventSchema = v.variant("kind", [
  v.object({
    kind: v.literal("plan"),
    project: v.string(),
    file: v.string(),
    apps: v.pipe(listOf(v.object(appEntries)), v.description("All that will be started, in that order")),
    routes: listOf(v.object({ name: v.string(), target: v.string() })),
  }),
  v.object({
    kind: v.literal("waiting"),
    app: v.string(),
    for: v.pipe(listOf(v.string()), v.description("Applications that are not ready yet")),
  }),
  v.object({
    kind: v.literal("starting"),
    app: v.string(),
    pid: v.number(),
    port: v.nullable(portSchema),
    told: v.pipe(v.nullable(v.string()), v.description("Program whose words were completed by its port")),
    attempt: v.pipe(v.number(), v.description("0 the first time, 1 for the first restart")),
  }),
  v.object({
    kind: v.literal("listening"),
    app: v.string(),
    port: portSchema,
    expected: v.pipe(v.boolean(), v.description("False when it took another port than its own; the name leads there")),
    urls: listOf(v.string()),
  }),
  v.object({
    kind: v.literal("ready"),
    app: v.string(),
    how: v.picklist(["listen", "http", "exit", "started"]),
    elapsedMs: v.pipe(v.number(), v.description("Since it was started")),
    urls: listOf(v.string()),
  }),
  v.object({
    kind: v.literal("line"),
    app: v.string(),
    stream: v.picklist(["stdout", "stderr"]),
    text: v.pipe(v.string(), v.description("Without its end; bytes that are no UTF-8 are U+FFFD")),
    continued: v.pipe(v.boolean(), v.description("It goes on with the stream's line before")),
  }),
  v.object({
    kind: v.literal("ended"),
    app: v.string(),
    pid: v.number(),
    exitStatus: v.number(),
    signal: v.nullable(v.string()),
    restartInMs: v.pipe(v.nullable(v.number()), v.description("It is started again after this time")),
  }),
  v.object({
    kind: v.literal("stopping"),
    by: v.pipe(v.string(), v.description("Signal, or application that failed")),
    signal: v.pipe(v.string(), v.description("What the others get")),
  }),
  v.object({
    kind: v.literal("said"),
    app: v.nullable(v.string()),
    text: v.pipe(v.string(), v.description("What the user should know")),
  }),
]);

export type UpInput = v.InferInput<typeof upInputSchema>;
export type UpResult = v.InferOutput<typeof upOutputSchema>;
export type UpEvent = v.InferOutput<typeof upEventSchema>;

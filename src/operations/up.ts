/**
 * @module `up`: a whole project in one command.
 */
import { PortolanError, parseDuration } from "../core/index.ts";
import { readGatewayStatus } from "../gateway/index.ts";
import { reservationFile } from "../lease/index.ts";
import {
  endLeftovers,
  planProject,
  readProjectFile,
  readUpRecords,
  upRuns,
  type ProjectFile,
  type ProjectPlan,
} from "../project/index.ts";
import { stateFolderOf } from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { streamPaced } from "./paced-stream.ts";
import { urlsOf } from "./route-schemas.ts";
import { knownPortOf, type LeaseHome } from "./up-app.ts";
import { describeApp } from "./up-results.ts";
import { ProjectRun } from "./up-run.ts";
import {
  upEventSchema,
  upInputSchema,
  upOutputSchema,
  type UpEvent,
  type UpInput,
  type UpResult,
} from "./up-schemas.ts";

/** How long applications may take to end before they are told again, milliseconds. */
const usualGraceMs = 5000;

/** Runs `up` until all have ended, one has failed, or it is asked to end. Whatever it started has ended when it returns. */
export async function* runUp(input: UpInput, context: OperationContext): AsyncGenerator<UpEvent, UpResult, void> {
  const graceMs = input.grace === undefined ? usualGraceMs : parseDuration(input.grace, "--grace");
  const file = namesOf(input, readProjectFile(context.workingDirectory, input.file));
  const plan = planProject(file, input.apps ?? []);
  const home: LeaseHome = { file: reservationFile(stateFolderOf(context.environment)), project: file.folder };
  if (input.dryRun === true) return describeDryRun(file, plan, home, context);
  for (const text of await clearLeftovers(file, plan, context)) yield { kind: "said", app: null, text };
  const wish = {
    keepGoing: input.keepGoing === true,
    force: input.force === true,
    graceMs,
    ownsSignals: context.terminal !== undefined,
  };
  return yield* streamPaced<UpEvent, UpResult>(context.signal, (channel, signal) =>
    new ProjectRun(file, plan, wish, context, channel).run(home, signal),
  );
}

function namesOf({ route }: UpInput, file: ProjectFile): ProjectFile {
  if (route !== false) return file;
  return { ...file, apps: file.apps.map((app) => ({ ...app, route: false })), routes: [] };
}

async function describeDryRun(
  file: ProjectFile,
  plan: ProjectPlan,
  home: LeaseHome,
  context: OperationContext,
): Promise<UpResult> {
  const status = await readGatewayStatus(stateFolderOf(context.environment)).catch(() => null);
  return {
    complete: true,
    dryRun: true,
    project: plan.projectName,
    file: file.path,
    apps: plan.apps.map((app) => ({
      ...describeApp(
        app,
        knownPortOf(app, home),
        app.hostName === null ? [] : urlsOf({ host: app.hostName, path: app.path }, status),
      ),
      state: "planned",
      exitStatus: null,
      signal: null,
      restarts: 0,
    })),
    routes: file.routes.map(({ name, target }) => ({ name, target })),
    stoppedBy: null,
    left: [],
    exitStatus: 0,
  };
}

/**
 * Looks for others of this project: one that runs has these applications, and one that was killed may have left some.
 * @returns what the user should know
 * @throws PROJECT_UP
 */
async function clearLeftovers(file: ProjectFile, plan: ProjectPlan, context: OperationContext): Promise<string[]> {
  const stateFolder = stateFolderOf(context.environment);
  const said: string[] = [];
  for (const kept of readUpRecords(stateFolder)) {
    const { record } = kept;
    if (record.folder !== file.folder) continue;
    if (upRuns(record)) {
      const both = plan.apps.filter(({ name }) => record.names.includes(name)).map(({ name }) => name);
      if (both.length === 0) continue;
      throw new PortolanError(
        "PROJECT_UP",
        `${both.join(", ")} ${both.length === 1 ? "is" : "are"} up already: process ${record.pid}.`,
        {
          details: { pid: record.pid, apps: both },
        },
      );
    }
    const count = await endLeftovers(stateFolder, kept, { fresh: false });
    if (count > 0) {
      said.push(
        `An up of this project was killed and had left ${count === 1 ? "a process" : `${count} processes`} behind; ended now.`,
      );
    }
  }
  return said;
}

/** The declaration of `up`. */
export const upOperation = defineOperation({
  name: "up",
  summary: "A whole project in one command: every application with its port and name",
  description:
    "Starts what portolan.config.json names, or a Procfile.dev or Procfile, from the working directory upwards to the project's root: all of it, or the named applications and those that they come after. Each gets a free " +
    "port, the same every day, in PORT and behind the words of programs that do not look there; the name http://APP.PROJECT.localhost; and the addresses of all the others, before any of them starts " +
    "(PORTOLAN_URL_NAME, PORTOLAN_PLAIN_URL_NAME, PORTOLAN_PORT_NAME). One that comes after others starts when they listen, answer or have ended, as the file says. What they print comes with their name " +
    "before each line: standard output on standard output, standard error on standard error. Ctrl-C ends all of them and everything that they started; a second one at once. When one fails the others are ended. " +
    "Exit status: the failed application's; 0 when all ended well or were asked to end; 130 after a second Ctrl-C.",
  effect: "exec",
  faces: ["cli"],
  positional: ["apps"],
  examples: [
    { command: "up", note: "everything" },
    { command: "up web", note: "web and what it needs" },
    { command: "up --dry-run", note: "names, ports, order and commands; nothing is started" },
    { command: "up --file Procfile.test --keep-going", note: "another file; one that fails leaves the others alone" },
  ],
  input: upInputSchema,
  output: upOutputSchema,
  event: upEventSchema,
  run: runUp,
});

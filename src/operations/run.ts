/**
 * @module `run`: a program with a port of its own.
 */
import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { EndWishes, openInBrowser, openListeningSockets, startChild, statusOfSignal } from "../act/index.ts";
import { PortolanError, isPortolanError, linkAbort, parseDuration, quote, type Port } from "../core/index.ts";
import { appNameOf, givePort, readRouteHost, watchForListener, type FoundListener } from "../gateway/index.ts";
import { acquireNamedPort, acquirePorts, checkName, isName, readReservations, reservedPorts } from "../lease/index.ts";
import { defineOperation } from "./define-operation.ts";
import { NamedApp, type NameWish } from "./named-app.ts";
import { findRemains, runMarkVariable, untilRemainsEnd, type RemainsWish } from "./run-remains.ts";
import { describeSilence, usualPatienceMs } from "./run-silence.ts";
import { stateFolderOf } from "../store/index.ts";
import { leaseHome, portWishEntries, wishOf } from "./lease-parts.ts";
import type { OperationContext } from "./operation.ts";
import { optionalSwitch, optionalText, requiredTexts } from "./parameters.ts";
import { listOf, portSchema } from "./schemas.ts";
import { createScriptReader } from "../tenant/index.ts";

const inputSchema = v.object({
  command: requiredTexts("Program and arguments, as they are", { placeholder: "COMMAND", passThrough: true }),
  ...portWishEntries,
  app: optionalText(
    "What the application is called: http://NAME.localhost (default: after the project, and its branch)",
    {
      placeholder: "NAME",
    },
  ),
  route: optionalSwitch("Give the application a name", { offDescription: "A port alone, no name" }),
  flags: optionalSwitch("Put the port behind the words of programs that do not look at PORT", {
    offDescription: "Leave the program's words as they are; PORT is all it gets",
  }),
  open: optionalSwitch("Open the application in the browser when it listens"),
  force: optionalSwitch("Take the name over from another program"),
  patience: optionalText("How long it may take to listen before a word is said (default 10s)", {
    placeholder: "DURATION",
  }),
  socket: optionalSwitch("Pass the bound socket itself, as systemd does (LISTEN_FDS), to programs that accept it"),
});

const startingEntries = {
  port: portSchema,
  name: v.nullable(v.string()),
  socketsPassed: v.pipe(v.number(), v.description("Listening sockets that it got, from descriptor 3 on")),
  route: v.pipe(v.nullable(v.string()), v.description("Its host name; null without one")),
  urls: v.pipe(listOf(v.string()), v.description("Addresses by that name")),
};

const outputSchema = v.object({
  complete: v.boolean(),
  ...startingEntries,
  pid: v.pipe(v.number(), v.description("The program's process")),
  command: v.pipe(listOf(v.string()), v.description("As it was started")),
  exitStatus: v.pipe(v.number(), v.description("The program's; 128 and the signal's number when a signal ended it")),
  signal: v.pipe(v.nullable(v.string()), v.description("Signal that ended it")),
});

const eventSchema = v.variant("kind", [
  v.object({
    kind: v.literal("starting"),
    ...startingEntries,
    told: v.pipe(
      v.nullable(v.string()),
      v.description("Program whose words were completed by its port; null when PORT is all it gets"),
    ),
  }),
  v.object({
    kind: v.literal("listening"),
    port: v.pipe(portSchema, v.description("Where it listens")),
    expected: v.pipe(
      v.boolean(),
      v.description("False when it took another port than the one it was given; the name leads there"),
    ),
    urls: listOf(v.string()),
    opened: v.boolean(),
  }),
  v.object({ kind: v.literal("said"), text: v.pipe(v.string(), v.description("What the user should know")) }),
]);

export type RunInput = v.InferInput<typeof inputSchema>;
export type RunResult = v.InferOutput<typeof outputSchema>;
export type RunEvent = v.InferOutput<typeof eventSchema>;

/** Runs `run`. Signals to this process go to the program. The port is nobody else's until the program has ended. */
export async function* runRun(input: RunInput, context: OperationContext): AsyncGenerator<RunEvent, RunResult, void> {
  const wish = wishOf(input);
  // Refused before anything has begun.
  patienceOf(input);
  const { file, project } = await leaseHome(context);
  const surroundings = { host: context.host, signal: context.signal, random: Math.random, nowMs: context.nowMs };
  // A name that was given has the same port every day, too.
  const leaseName =
    input.name ?? (input.route === false || input.app === undefined ? undefined : leaseNameOf(input.app));
  const acquired =
    leaseName === undefined
      ? (
          await acquirePorts(
            { ...wish, count: 1, contiguous: false, reserved: reservedPorts(readReservations(file)), start: null },
            surroundings,
          )
        )[0]!
      : await acquireNamedPort({ name: checkName(leaseName), project }, wish, file, surroundings);
  const { port, lock } = acquired;
  let named: NamedApp | null = null;
  try {
    if (input.route !== false) {
      try {
        named = await NamedApp.claim(nameWishOf(input, context), port, context);
      } catch (error) {
        // Who asked for a name gets it or an error; who did not gets the port all the same.
        if (input.app !== undefined || !isPortolanError(error) || error.code === "ROUTE_TAKEN") throw error;
        yield { kind: "said", text: `No name: ${error.message}` };
      }
    }
    return yield* runNamed(input, context, { port, wish, name: input.name ?? null }, named);
  } finally {
    lock.release();
  }
}

/**
 * Under which name an application's port is kept: its own, where ports can have such a name; they begin with a letter, and 3d-app does not.
 * @throws ROUTE_NAME_INVALID
 */
function leaseNameOf(app: string): string {
  const bare = hostOf(app).replace(/\.localhost$/, "");
  return isName(app) ? app : `app-${bare}`.slice(0, 64);
}

/** @throws ROUTE_NAME_INVALID */
function hostOf(app: string): string {
  if (!/[/*]/.test(app)) return readRouteHost(app);
  throw new PortolanError("ROUTE_NAME_INVALID", `${quote(app)} is not a name that a program can have.`, {
    details: {
      name: app,
      hint: "Write a name without a path and without *: shop, api.shop. portolan route add gives those to a server that runs.",
    },
  });
}

/** @throws ROUTE_NAME_INVALID */
function nameWishOf({ app, command, force }: RunInput, { workingDirectory }: OperationContext): NameWish {
  return {
    host: hostOf(app ?? appNameOf(workingDirectory)),
    path: "/",
    protocol: "http",
    strip: false,
    ownHost: false,
    command,
    workingDirectory,
    force: force === true,
    advice:
      app === undefined
        ? "portolan run OTHER-NAME -- COMMAND takes another name, --force takes this one over, --no-route leaves names out."
        : "Take another name, or --force to take this one over.",
  };
}

interface Leased {
  readonly port: Port;
  readonly wish: ReturnType<typeof wishOf>;
  readonly name: string | null;
}

async function* runNamed(
  input: RunInput,
  context: OperationContext,
  { port, wish, name }: Leased,
  named: NamedApp | null,
): AsyncGenerator<RunEvent, RunResult, void> {
  const sockets =
    input.socket === true ? openListeningSockets(port, wish.transports, wish.addresses ?? ["::"]) : undefined;
  const given =
    input.flags === false || sockets !== undefined
      ? { words: input.command, program: null, starter: null }
      : givePort(input.command, port, createScriptReader(context.workingDirectory), plainUrlOf(named));
  const starting = {
    port,
    name,
    socketsPassed: sockets?.descriptors.length ?? 0,
    route: named?.name ?? null,
    urls: named === null ? [] : [...named.urls],
  };
  const mark = `${process.pid}.${context.nowMs().toString(36)}`;
  let asked: EndWishes | undefined;
  let outcome: ChildEnd | undefined;
  try {
    let child: RunningChild;
    try {
      // Told before, so that it does not come in between what the program says.
      yield { kind: "starting", ...starting, told: given.program };
      if (given.starter !== null) yield { kind: "said", text: starterAdvice(given.starter) };
      child = await startChild({
        words: given.words,
        environment: { ...context.environment, PORT: String(port), ...named?.environment, [runMarkVariable]: mark },
        workingDirectory: context.workingDirectory,
        ...(sockets === undefined ? {} : { descriptors: sockets.descriptors }),
      });
    } finally {
      // The program has its own copies; ours would keep the port open after it.
      sockets?.close();
    }
    // From now on signals go to the program, and are only remembered here.
    asked = new EndWishes();
    let listensAt = port;
    if (named !== null) {
      await named.belongsTo(child.pid);
      const watched = untilListening(port, child, context);
      const afterMs = patienceOf(input);
      if (await takesLonger(watched, afterMs)) {
        const means = {
          given,
          command: input.command,
          socket: sockets !== undefined,
          flagsRefused: input.flags === false,
        };
        const told = { port, route: named.name, afterMs, ...means };
        yield { kind: "said", text: await describeSilence(told, child.pid, context.host) };
      }
      const listening = await watched;
      if (listening !== null) {
        listensAt = listening.port;
        if (!listening.expected || listening.host !== "localhost") await named.leadTo(listening.port, listening.host);
        const [url] = named.urls;
        const opened = input.open === true && url !== undefined && (await openInBrowser(url, context.environment));
        yield { kind: "listening", port: listening.port, expected: listening.expected, urls: [...named.urls], opened };
      }
    }
    outcome = await child.ended;
    // Who asked it to end got what was asked for.
    if (outcome.exitStatus === 0 && asked.first === null) {
      const remains = {
        port: listensAt,
        mark: `${runMarkVariable}=${mark}`,
        host: context.host,
        stateFolder: stateFolderOf(context.environment),
      };
      outcome = yield* stayWithRemains(remains, named, asked, outcome, context.signal);
    }
    const { exitStatus, signal } = outcome;
    return { complete: true, ...starting, pid: child.pid, command: [...given.words], exitStatus, signal };
  } finally {
    asked?.close();
    await named?.end(outcome);
  }
}

/** A program that has made itself a daemon keeps its name and its port, and `run` stays with it. */
async function* stayWithRemains(
  wish: RemainsWish,
  named: NamedApp | null,
  asked: EndWishes,
  ended: ChildEnd,
  signal: AbortSignal,
): AsyncGenerator<RunEvent, ChildEnd, void> {
  const found = await findRemains(wish, signal);
  if (found === undefined) return ended;
  const belongsTo = async (pid: number): Promise<void> => named?.belongsTo(pid);
  if (found.pid !== null) await belongsTo(found.pid);
  const who = found.pid === null ? "a process that cannot be named" : `process ${found.pid}`;
  const what = named === null ? "" : ` ${named.name} still leads there.`;
  yield {
    kind: "said",
    text:
      `The program has ended, but ${who} goes on in the background and listens at port ${wish.port}.${what} ` +
      (found.pid === null ? "This command stays as long as it does." : "Ctrl-C here, or portolan kill, ends it."),
  };
  const end = await untilRemainsEnd(wish, found, asked, signal, belongsTo);
  if (end.unknown || end.left.length > 0) {
    const left = end.unknown ? `Port ${wish.port} is still listened at` : `Still running: ${end.left.join(", ")}`;
    yield { kind: "said", text: `${left}. portolan who ${wish.port} tells by whom.` };
  }
  return end.signal === null ? ended : { exitStatus: statusOfSignal(end.signal), signal: end.signal };
}

/** @throws ARGUMENT_INVALID */
function patienceOf({ patience }: RunInput): number {
  return patience === undefined ? usualPatienceMs : parseDuration(patience, "--patience");
}

/** Whether the work takes longer than that. */
async function takesLonger(work: Promise<unknown>, timeMs: number): Promise<boolean> {
  const timer = new AbortController();
  const late = pause(timeMs, true, { signal: timer.signal }).catch(() => true);
  try {
    return await Promise.race([work.then(() => false), late]);
  } finally {
    timer.abort();
  }
}

/** Links by HTTP work from either page, and without an authority that browsers trust. */
function plainUrlOf(named: NamedApp | null): string | null {
  return named?.urls.find((url) => url.startsWith("http:")) ?? null;
}

/** What starts several programs cannot tell each of them its port. */
function starterAdvice(starter: string): string {
  return (
    `${starter} starts programs of its own, and one PORT is all they get. ` +
    'A script such as "dev": "portolan run -- vite" gives each of them its own port and name.'
  );
}

type RunningChild = Awaited<ReturnType<typeof startChild>>;
type ChildEnd = Awaited<RunningChild["ended"]>;

/** Where the program listens, or `null` when it has ended before it did. */
async function untilListening(
  port: Port,
  child: RunningChild,
  context: OperationContext,
): Promise<FoundListener | null> {
  const linked = linkAbort(context.signal);
  void child.ended.then(() => linked.abort());
  try {
    return await watchForListener(port, child.pid, context.host, linked.signal);
  } finally {
    linked.abort();
  }
}

/** The declaration of `run`. */
export const runOperation = defineOperation({
  name: "run",
  summary: "A program with a port and a name of its own",
  description:
    "run NAME -- COMMAND gives the program a free port, in the environment variable PORT and, where the program does not look at that, behind its words; and the name " +
    "http://NAME.localhost, which leads there through the gateway. Without NAME it is called after its project, and before that after its branch or worktree when that is not the main one. " +
    "The program finds its own address in PORTOLAN_URL and PORTOLAN_PLAIN_URL, and its neighbours' in PORTOLAN_URL_NAME and PORTOLAN_PLAIN_URL_NAME. Nobody else gets the port as long as run " +
    "looks after it: until the program has ended, and, when it has made itself a daemon, until that listens no more or is ended from here. Its input, output, signals and exit status are its own. With --socket the port is bound before the program starts and handed over as " +
    "descriptor 3 (sd_listen_fds(3)), so that nobody can come between. What stands behind -- belongs to the program. Exit status: the program's; " +
    "127 when there is no such program, 126 when it cannot be executed.",
  effect: "exec",
  faces: ["cli"],
  positional: ["command"],
  examples: [
    { command: "run shop -- npm run dev", note: "http://shop.localhost" },
    { command: "run -- npm run dev", note: "called after its project and branch" },
    { command: "run --no-route -- npm run dev", note: "a port in PORT, and no name" },
    { command: "run --name web -- node server.js", note: "this project's port for web, the same every day" },
    { command: "run --prefer 3000 -- npx serve", note: "3000 if it is free" },
    { command: "run --socket -- systemd-aware-server", note: "the bound socket itself" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runRun,
});

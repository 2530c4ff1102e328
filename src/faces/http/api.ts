/**
 * @module The operations over HTTP: one route each, derived from the declarations; a change has two.
 */
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as v from "valibot";
import { PortolanError, linkAbort, quote, type LinkedAbort } from "../../core/index.ts";
import { checkInput } from "../../operations/bind-operation.ts";
import { changeSteps } from "../../operations/change-steps.ts";
import { faceInput } from "../../operations/face-input.ts";
import { operations } from "../../operations/index.ts";
import type { Operation, OperationContext, OperationResult } from "../../operations/operation.ts";
import { ProgressSlot, describeFailure, streamAsText } from "./event-text.ts";
import { Tickets, ticketLifeMs } from "../../operations/proposal-tickets.ts";

/** Longest body of a request, bytes. */
const mostBodyBytes = 1_048_576;
/** Streams that go on at the same time; each reads the socket table by itself. */
const mostStreams = 32;

/** An operation with the input that this face takes. */
interface Route {
  readonly operation: Operation;
  readonly input: v.GenericSchema;
}

/** Routes by the operation's name. */
function listRoutes(): ReadonlyMap<string, Route> {
  const offered = (operations as readonly unknown[] as readonly Operation[]).filter(({ faces }) =>
    faces.includes("http"),
  );
  return new Map(
    offered.map((operation) => [operation.name, { operation, input: faceInput(operation, "http") }] as const),
  );
}

/** The routes below `/api/` that run operations. Whoever calls has been let in already. */
export function createApi(context: OperationContext): Hono {
  const routes = listRoutes();
  const tickets = new Tickets(context.nowMs);
  let streams = 0;
  const api = new Hono();
  api.use(bodyLimit({ maxSize: mostBodyBytes, onError: (c) => answerFailure(c, tooLong()) }));
  api.onError((error, c) => answerFailure(c, error));

  const routeOf = (c: Context): Route => {
    const name = c.req.param("name") ?? "";
    const route = routes.get(name);
    if (route === undefined) throw notFound(`There is no operation ${quote(name)}.`);
    return route;
  };

  /** Runs an operation for one request: its signal ends with the request or with the server. */
  const contextFor = (c: Context): { readonly context: OperationContext; readonly linked: LinkedAbort } => {
    const linked = linkAbort(context.signal);
    c.req.raw.signal.addEventListener("abort", () => linked.abort(), { once: true });
    return { linked, context: { ...context, signal: linked.signal } };
  };

  const answer = async (
    c: Context,
    streaming: boolean,
    run: (context: OperationContext) => ReturnType<Operation["run"]>,
  ): Promise<Response> => {
    const { context, linked } = contextFor(c);
    if (!streaming) {
      try {
        return c.json((await run(context)) as OperationResult & object);
      } finally {
        linked.abort();
      }
    }
    if (streams >= mostStreams) {
      linked.abort();
      throw new PortolanError("STREAMS_EXHAUSTED", `${mostStreams} streams are open already.`);
    }
    streams += 1;
    const ended = once(() => {
      streams -= 1;
      linked.abort();
    });
    const progress = new ProgressSlot();
    const started = run({ ...context, progress: progress.tell }) as Parameters<typeof streamAsText>[0];
    return c.body(streamAsText(started, ended, progress), 200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
    });
  };

  api.get("/:name", async (c) => {
    const route = routeOf(c);
    if (route.operation.effect !== "read" || route.operation.event !== undefined) throw wrongMethod(route.operation);
    const input = checkInput({ name: route.operation.name, input: route.input }, readQuery(c, route));
    return answer(c, isStream(route.operation), (context) => route.operation.run(input as never, context));
  });
  api.post("/:name", async (c) => {
    const route = routeOf(c);
    if (route.operation.effect === "change") throw wrongMethod(route.operation);
    const input = checkInput({ name: route.operation.name, input: route.input }, await readBody(c));
    return answer(c, isStream(route.operation), (context) => route.operation.run(input as never, context));
  });
  api.post("/:name/propose", async (c) => {
    const { operation, input: schema } = routeOf(c);
    const steps = changeSteps[operation.name];
    if (steps === undefined) throw notFound(`${operation.name} changes nothing.`);
    const input = checkInput({ name: operation.name, input: schema }, await readBody(c));
    const { context, linked } = contextFor(c);
    try {
      const proposal = await steps.propose(input as never, context);
      return c.json({
        proposal: proposal as object | null,
        ticket: tickets.issue({ name: operation.name, input, proposal }),
        expiresInMs: ticketLifeMs,
      });
    } finally {
      linked.abort();
    }
  });
  api.post("/:name/apply", async (c) => {
    const { operation } = routeOf(c);
    const steps = changeSteps[operation.name];
    if (steps === undefined) throw notFound(`${operation.name} changes nothing.`);
    const { ticket } = checkInput({ name: "apply", input: ticketSchema }, await readBody(c));
    const { input, proposal } = tickets.take(ticket, operation.name);
    return answer(c, true, (context) => steps.apply(input as never, proposal as never, context));
  });
  api.all("*", () => {
    throw notFound("There is nothing at this path; /api/openapi.json says what there is.");
  });
  return api;
}

const ticketSchema = v.strictObject({ ticket: v.string() });

/** A failure as an answer. */
export function answerFailure(c: Context, error: unknown): Response {
  const { body, status } = describeFailure(error);
  return c.json(body, status as 400, { "cache-control": "no-store" });
}

/**
 * The JSON of a request.
 * @throws ARGUMENT_INVALID; another type than application/json would come from a plain form of another site
 */
export async function readBody(c: Context): Promise<unknown> {
  if (!/^application\/json\b/i.test(c.req.header("content-type") ?? "")) {
    throw new PortolanError("ARGUMENT_INVALID", "The body must be JSON, sent as application/json.");
  }
  const text = await c.req.text();
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new PortolanError("ARGUMENT_INVALID", "The body is not JSON.", { cause });
  }
}

/** Query parameters as the input: lists repeat, switches are `true` or `false`, numbers are digits. */
function readQuery(c: Context, { operation, input }: Route): Record<string, unknown> {
  const { entries } = input as unknown as v.StrictObjectSchema<v.ObjectEntries, undefined>;
  const read: Record<string, unknown> = {};
  for (const [name, texts] of Object.entries(c.req.queries())) {
    const entry = entries[name];
    if (entry === undefined) {
      throw new PortolanError("ARGUMENT_INVALID", `${operation.name} takes no parameter ${quote(name)}.`, {
        details: { argument: name },
      });
    }
    const kind = kindOf(entry);
    const last = texts.at(-1) ?? "";
    if (kind === "array") read[name] = texts;
    else if (kind === "boolean") read[name] = last === "" || last === "true" ? true : last === "false" ? false : last;
    else if (kind === "number") read[name] = /^-?\d{1,15}$/.test(last) ? Number(last) : last;
    else read[name] = last;
  }
  return read;
}

function kindOf(entry: v.ObjectEntries[string]): string {
  const inner = "wrapped" in entry ? (entry as v.OptionalSchema<v.GenericSchema, undefined>).wrapped : entry;
  return inner.type;
}

function isStream({ event }: Operation): boolean {
  return event !== undefined;
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}

function notFound(message: string): PortolanError {
  return new PortolanError("ROUTE_UNKNOWN", message);
}

function wrongMethod({ name, effect }: Operation): PortolanError {
  const way = effect === "change" ? `POST /api/${name}/propose, then /api/${name}/apply` : `POST /api/${name}`;
  return new PortolanError("ROUTE_UNKNOWN", `${name} is not called in this way.`, { details: { hint: `Use ${way}.` } });
}

function tooLong(): PortolanError {
  return new PortolanError("ARGUMENT_INVALID", `The body is longer than ${mostBodyBytes} bytes.`);
}

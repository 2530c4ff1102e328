/**
 * @module `ui`: the chart as a live page in the browser, and the HTTP interface behind it.
 */
import * as v from "valibot";
import { PortolanError } from "../core/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { optionalInteger, optionalSwitch, optionalText } from "./parameters.ts";
import { listOf, portSchema } from "./schemas.ts";

const inputSchema = v.object({
  port: optionalInteger("Port of the page (default: a free one)", 1, 65_535, { placeholder: "PORT", short: "p" }),
  bind: optionalText("Address to listen at (default 127.0.0.1; any other lets other devices in)", {
    placeholder: "IP",
  }),
  open: optionalSwitch("Open the page in the browser", {
    offDescription: "Open no browser: the address is printed, good for one use",
  }),
  demo: optionalSwitch("Start the three servers of demo and show the page over them"),
  metrics: optionalSwitch(
    "Serve counts for Prometheus at /metrics, without a token; names only with PORTOLAN_METRICS_KEY",
  ),
});

const eventSchema = v.variant("kind", [
  v.object({
    kind: v.literal("ready"),
    url: v.pipe(v.string(), v.description("Address of the page, useless without a token")),
    entryUrl: v.pipe(v.string(), v.description("The same with a token that is good for one use")),
    entryFile: v.pipe(
      v.nullable(v.string()),
      v.description(
        "File, readable by its owner alone, that sends a browser to entryUrl; null when none was asked for",
      ),
    ),
    opened: v.pipe(v.boolean(), v.description("A program was started that opens it in a browser")),
    metricsUrl: v.nullable(v.string()),
    demoPorts: v.pipe(v.nullable(listOf(portSchema)), v.description("Ports of the demo's servers; null without demo")),
  }),
  v.object({ kind: v.literal("said"), text: v.pipe(v.string(), v.description("What the user should know")) }),
]);

const outputSchema = v.object({
  complete: v.boolean(),
  url: v.string(),
  sessions: v.pipe(v.number(), v.description("Browsers that came in with a token")),
});

export type UiInput = v.InferInput<typeof inputSchema>;
export type UiEvent = v.InferOutput<typeof eventSchema>;
export type UiResult = v.InferOutput<typeof outputSchema>;

/** Runs `ui` until the context's signal aborts. */
export async function* runUi(input: UiInput, context: OperationContext): AsyncGenerator<UiEvent, UiResult, void> {
  const { page } = context.faces ?? {};
  if (page === undefined) throw new PortolanError("FACE_MISSING", "This program brings no page.");
  return yield* page(input, context);
}

/** The declaration of `ui`. */
export const uiOperation = defineOperation({
  name: "ui",
  summary: "The chart as a live page in your browser",
  description:
    "Serves the page on 127.0.0.1 until Ctrl-C and opens it: the building of 65,536 ports, every door in it, the networks that lead there, " +
    "what comes and goes. The address carries a token that is good for one use, so that nobody else on this machine gets in; nothing that the page changes " +
    "is done without a confirmation there. The same port answers programs: /api/openapi.json says how.",
  effect: "exec",
  faces: ["cli"],
  positional: [],
  examples: [
    { command: "ui", note: "opens your browser" },
    { command: "ui --demo", note: "with three servers to look at" },
    { command: "ui --no-open --port 9099", note: "prints the address instead" },
    { command: "ui --metrics", note: "counts for Prometheus too" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runUi,
});

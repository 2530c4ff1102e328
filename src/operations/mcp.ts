/**
 * @module `mcp`: the operations as tools for coding agents, by the Model Context Protocol.
 */
import * as v from "valibot";
import { PortolanError } from "../core/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { optionalSwitch } from "./parameters.ts";

const inputSchema = v.object({
  allowNetwork: optionalSwitch("Tools may send traffic to other devices, not to this one alone"),
  allowChanges: optionalSwitch("Tools may change this machine, in two steps: proposed first, then applied"),
});

const outputSchema = v.object({
  complete: v.boolean(),
  calls: v.pipe(v.number(), v.description("Tools that were called")),
});

export type McpInput = v.InferInput<typeof inputSchema>;
export type McpResult = v.InferOutput<typeof outputSchema>;

/** Runs `mcp` until its standard input ends. */
export async function runMcp(input: McpInput, context: OperationContext): Promise<McpResult> {
  const { tools } = context.faces ?? {};
  if (tools === undefined) throw new PortolanError("FACE_MISSING", "This program brings no tools for agents.");
  return tools(input, context);
}

/** The declaration of `mcp`. */
export const mcpOperation = defineOperation({
  name: "mcp",
  summary: "Tools for coding agents, by the Model Context Protocol",
  description:
    "Speaks the Model Context Protocol on standard input and output: an agent's program starts it and asks it who holds a port, what is free, " +
    "what answers there. By itself it only looks, and connects to nothing but this machine.",
  effect: "exec",
  faces: ["cli"],
  positional: [],
  examples: [
    { command: "mcp", note: "looks only" },
    { command: "mcp --allow-changes", note: "may free and reserve ports, each proposed first" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runMcp,
});

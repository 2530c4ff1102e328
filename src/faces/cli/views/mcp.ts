/**
 * @module How `mcp` looks: not at all, its standard output belongs to the protocol.
 */
import type { McpResult } from "../../../operations/mcp.ts";
import type { View } from "../view.ts";

/** The view of `mcp`. */
export const mcpView: View<McpResult> = { result: () => [], raw: () => "" };

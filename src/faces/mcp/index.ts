/**
 * @module The MCP face: operations as tools for coding agents, on the standard streams.
 */
export { openTools } from "./server.ts";

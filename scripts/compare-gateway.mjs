/**
 * Sends the gateway's cases through the gateway, nginx, HAProxy and Caddy, and writes docs/gateway-conformance.md. Vite runs the TypeScript.
 */
import { runnerImport } from "vite";

const { module } = await runnerImport("./test/gateway/compare/compare.ts", { configFile: false, logLevel: "error" });
await module.compare();

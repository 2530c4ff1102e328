/**
 * Sends the share's real clients through the share, sslh and HAProxy, and writes the table in docs/sharing.md. Vite runs the TypeScript. Needs
 * root, the programs of test/gateway/share-cases.ts, and the packages sslh and haproxy.
 */
import { runnerImport } from "vite";

const { module } = await runnerImport("./test/gateway/compare-share/compare.ts", {
  configFile: false,
  logLevel: "error",
});
await module.compare();

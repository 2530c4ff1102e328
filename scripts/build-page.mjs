// Builds the page that `portolan ui` serves: `web/` to `dist/web/`.
import { build } from "vite";

/** Builds the page. */
export async function buildPage() {
  await build({ configFile: "web/vite.config.ts", logLevel: "warn" });
}

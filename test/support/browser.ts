/**
 * @module Debian's Chromium, driven by playwright-core. It reaches this machine alone.
 */
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser } from "playwright-core";

const path = "/usr/bin/chromium";

/** Why there is no browser here, or `null`. */
export function whyNoBrowser(): string | null {
  return existsSync(path) ? null : `${path} is not there`;
}

/**
 * Starts it.
 * @param options.rules maps names to addresses as `--host-resolver-rules` does
 * @param options.namespace name of a network namespace to start it in
 * @param options.environment variables beside those of this process
 */
export function startBrowser(
  options: { readonly rules?: string; readonly namespace?: string; readonly environment?: Record<string, string> } = {},
): Promise<Browser> {
  const { rules = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost", namespace, environment } = options;
  return chromium.launch({
    ...(environment === undefined ? {} : { env: { ...(process.env as Record<string, string>), ...environment } }),
    executablePath: namespace === undefined ? path : writeStarter(namespace),
    args: [
      "--no-sandbox",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      `--host-resolver-rules=${rules}`,
    ],
  });
}

/** A program that starts the browser in a namespace. */
function writeStarter(namespace: string): string {
  const starter = join(mkdtempSync(join(tmpdir(), "portolan-chromium-")), "chromium");
  writeFileSync(starter, `#!/bin/sh\nexec ip netns exec ${namespace} ${path} "$@"\n`, { mode: 0o755 });
  return starter;
}

/**
 * @module Debian's Chromium, driven by playwright-core. It reaches this machine alone.
 */
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const path = "/usr/bin/chromium";

/** Why there is no browser here, or `null`. */
export function whyNoBrowser(): string | null {
  return existsSync(path) ? null : `${path} is not there`;
}

/** Starts it. `rules` maps names to addresses as `--host-resolver-rules` does. */
export function startBrowser(rules = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"): Promise<Browser> {
  return chromium.launch({
    executablePath: path,
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

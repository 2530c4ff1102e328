/**
 * @module Hands a file or an address to the user's browser.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter } from "node:path";
import { findProgram } from "./find-program.ts";

/** A program with its words before the target. */
type Opener = readonly [string, ...string[]];

/**
 * Starts the program that opens `target` in a browser, and does not wait for it.
 * @param target a path or an address; never read as an option, since it begins with neither `-` nor `/` of an option
 * @returns false where there is no such program, or no screen
 */
export async function openInBrowser(
  target: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  for (const [program, ...words] of openersOf(environment)) {
    const path = findProgram(program, environment);
    if (path === undefined) continue;
    const child = spawn(path, [...words, target], { stdio: "ignore", detached: true, env: { ...environment } });
    try {
      await once(child, "spawn");
    } catch {
      continue;
    }
    child.unref();
    return true;
  }
  return false;
}

function openersOf(environment: Readonly<Record<string, string | undefined>>): readonly Opener[] {
  if (process.platform === "darwin") return [["open"]];
  if (process.platform === "win32") return [["explorer.exe"]];
  // What the user named comes first, whether or not there is a screen: it can be a browser of the terminal.
  const named = (environment["BROWSER"] ?? "").split(delimiter).filter((word) => /^[\w./+-]+$/.test(word));
  const chosen = named.map((program): Opener => [program]);
  const subsystem = environment["WSL_DISTRO_NAME"] !== undefined;
  const screen = environment["DISPLAY"] !== undefined || environment["WAYLAND_DISPLAY"] !== undefined;
  return [...chosen, ...(subsystem ? [["wslview"] as Opener] : []), ...(screen ? [["xdg-open"] as Opener] : [])];
}

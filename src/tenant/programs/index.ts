/**
 * @module Every program that is known by how it is called. What is not here has no port unless a word of its own says one, and reads PORT or
 * is told nothing.
 */
import { nodePrograms } from "./node-programs.ts";
import { otherPrograms } from "./other-programs.ts";
import { isCalled, type ScriptProgram } from "./script-program.ts";

export { programNameOf, type PortTelling, type ScriptProgram } from "./script-program.ts";

const scriptPrograms: readonly ScriptProgram[] = [...nodePrograms, ...otherPrograms];

/**
 * The program that a call is of, as far as its words make it listen.
 * @param name as `programNameOf` gives it
 */
export function findScriptProgram(name: string, words: readonly string[]): ScriptProgram | undefined {
  return scriptPrograms.find(({ names, commands }) => names.includes(name) && isCalled(commands, words));
}

/** Programs that take PORT from their environment, by id. */
export const portReaders: ReadonlySet<string> = new Set(
  scriptPrograms.filter(({ variables }) => variables?.includes("PORT") === true).map(({ id }) => id),
);

/** Programs that start several others and hand on no words of theirs: none of these can be told a port. */
export const starters: ReadonlySet<string> = new Set([
  "turbo",
  "nx",
  "lerna",
  "concurrently",
  "npm-run-all",
  "npm-run-all2",
  "run-p",
  "run-s",
  "foreman",
  "overmind",
  "hivemind",
  "honcho",
  "mprocs",
  "moon",
  "wireit",
]);

/** Programs that only speak to a port, or free it: a number of theirs is nobody's wish to listen. */
export const callers: ReadonlySet<string> = new Set([
  "wait-on",
  "wait-port",
  "kill-port",
  "kill-port-process",
  "start-server-and-test",
  "curl",
  "wget",
  "ngrok",
  "cloudflared",
  "lt",
  "localtunnel",
  "open-cli",
  "opener",
  "psql",
  "pg_isready",
  "mysql",
  "redis-cli",
  "mongosh",
  "ssh",
  "nc",
  "portolan",
  "lighthouse",
  "playwright",
  "cypress",
  "docker",
  "podman",
  "docker-compose",
  "kubectl",
]);

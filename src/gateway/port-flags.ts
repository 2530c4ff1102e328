/**
 * @module Programs that do not look at PORT, and how each of them is told: their flag is put behind the user's own words, through `npm run`
 * and its relatives as well. Nothing here is run, and no word is read by a shell.
 */
import { findScriptProgram, programNameOf, starters } from "../tenant/index.ts";
import { lastCommand, scriptOf, withoutStarters, type ScriptPlace, type ScriptReader } from "./started-words.ts";

/** What becomes of a command. */
export interface GivenPort {
  readonly words: readonly string[];
  /** The program that was told by words; `null` when PORT is all it gets. */
  readonly program: string | null;
  /** A program that starts several others, none of which can be told by words: `turbo`. */
  readonly starter: string | null;
}

/** Scripts that call scripts. */
const deepest = 4;

/**
 * Puts the words that say a port behind a command, where its program needs them.
 * @param words program and arguments
 * @param url where the application is met by name, for programs that write whole addresses into their pages
 */
export function givePort(
  words: readonly string[],
  portNumber: number,
  script: ScriptReader,
  url: string | null = null,
): GivenPort {
  const found = findAdditions(words, {}, { port: String(portNumber), url, script }, deepest);
  if (found === undefined) return { words, program: null, starter: null };
  if (found.words === null) return { words, program: null, starter: found.program };
  return { words: [...words, ...found.words], program: found.program, starter: null };
}

interface Wish {
  readonly port: string;
  readonly url: string | null;
  readonly script: ScriptReader;
}

interface Additions {
  readonly program: string;
  /** `null` when it starts others. */
  readonly words: readonly string[] | null;
}

function findAdditions(words: readonly string[], place: ScriptPlace, wish: Wish, depth: number): Additions | undefined {
  const bare = withoutStarters(words);
  const [program = "", ...rest] = bare;
  const name = programNameOf(program);
  const call = scriptOf(name, rest);
  if (call !== undefined) {
    if (depth === 0) return undefined;
    // A script that calls a script means one beside it.
    const where = Object.keys(call.place).length > 0 ? call.place : place;
    const script = wish.script(call.script, where);
    const inner = script === undefined ? (call.orProgram ? [call.script] : undefined) : lastCommand(script);
    if (inner === undefined) return undefined;
    const found = findAdditions([...inner, ...call.passed], where, wish, depth - 1);
    if (found === undefined || found.words === null) return found;
    // npm keeps what looks like a flag for itself unless it stands behind --; the others pass it on.
    const behind = name === "npm" && !rest.includes("--") ? ["--"] : [];
    return { program: found.program, words: [...behind, ...found.words] };
  }
  if (starters.has(name)) return { program: name, words: null };
  const tell = findScriptProgram(name, rest)?.tell;
  if (tell === undefined || rest.some((word) => tell.decided.test(word))) return undefined;
  if (["build", "optimize", "--help", "--version"].some((word) => rest.includes(word))) return undefined;
  const decidedAddress = rest.some((word) => /^(?:-b|--baseURL)(?:=|$)/.test(word));
  const address = wish.url === null || decidedAddress ? [] : (tell.address?.(wish.url) ?? []);
  return { program: name, words: [...tell.words(wish.port), ...address] };
}

/**
 * @module What programs that are started by a line of words do about their port: their default, the words that say another one, what they do
 * when it is taken, and how they are told one.
 */

/** One program. */
export interface ScriptProgram {
  /** As tenant/ names the framework. */
  readonly id: string;
  readonly title: string;
  /** As it is called. */
  readonly names: readonly string[];
  /**
   * One of these must come first: a word, two (`pages dev`), or anywhere a flag (`--serve`); `""` stands for none. Without the entry every
   * call listens.
   */
  readonly commands?: readonly string[];
  /** Port when nobody says any; `null` when there is none, or it is not known here. */
  readonly port: number | null;
  /** Words before the port, `--port 3000` and `--port=3000` both. */
  readonly flags: readonly string[];
  /** Words before the address. */
  readonly hostFlags?: readonly string[];
  /** Address when nobody says any. Default: every address. */
  readonly address?: string;
  /** Variables that say the port where no flag does. */
  readonly variables?: readonly string[];
  /** It reads `.env` itself before it listens. */
  readonly readsEnvironmentFile?: true;
  /** What it does when its default port is taken; and when the port that was asked for is. Default: fails. */
  readonly moves?: "default" | "always";
  /** With this word it never moves. */
  readonly strictFlag?: string;
  /** Browsers open it. Default true. */
  readonly browser?: false;
  /** The port is a word of its own, alone or behind an address. */
  readonly positional?: true;
  /** How `run` tells it a port. Absent when it reads PORT itself, or nobody has found out how it is told. */
  readonly tell?: PortTelling;
}

/** Words that are put behind a program's own. */
export interface PortTelling {
  /** They say the port. */
  readonly words: (port: string) => readonly string[];
  /** They say where its pages are met, for programs that write whole addresses into them. */
  readonly address?: (url: string) => readonly string[];
  /** When one of the user's words looks like this, the user has decided. */
  readonly decided: RegExp;
}

/** Flags that most programs have for their port. */
export const port = ["-p", "--port"];
/** And for their address. */
export const host = ["-H", "--host", "--hostname", "--address", "--bind"];
/** This machine alone. */
export const local = "localhost";

const decided = /^(?:-p|-P|--port)(?:=|$)/;
/** Told by `--port 3000`. */
export const long: PortTelling = { words: (text) => ["--port", text], decided };
/** Told by `--port=3000`. */
export const joined: PortTelling = { words: (text) => [`--port=${text}`], decided };
/** Told by `-p 3000`. */
export const short: PortTelling = { words: (text) => ["-p", text], decided };
/** Without --strictPort Vite takes the next port without a word. */
export const strict: PortTelling = { words: (text) => ["--port", text, "--strictPort"], decided: /^--port(?:=|$)/ };

/** Whether a program's words call one of these commands. A word behind a flag can be the flag's value: `vite --mode staging`. */
export function isCalled(commands: readonly string[] | undefined, words: readonly string[]): boolean {
  if (commands === undefined) return true;
  if (commands.some((command) => command.startsWith("--") && words.includes(command))) return true;
  const index = words.findIndex((word, at) => word !== "" && !word.startsWith("-") && !isFlag(words[at - 1]));
  const first = words[index];
  if (first !== undefined && (commands.includes(first) || commands.includes(`${first} ${words[index + 1] ?? ""}`)))
    return true;
  // Behind a program that needs no command a word can also be a folder or a file to serve.
  if (commands.includes("") && (first === undefined || /[./\\]/.test(first))) return true;
  return first === undefined || isFlag(words[0]) ? words.some((word) => word !== "" && commands.includes(word)) : false;
}

function isFlag(word: string | undefined): boolean {
  return word !== undefined && word.startsWith("-") && !word.includes("=");
}

/** The name of a program: `/x/node_modules/.bin/vite` is `vite`, and so are `vite.js`, `vite@5` and `npm:vite`. */
export function programNameOf(word: string): string {
  const name = word.split(/[\\/]/).at(-1)?.replace(/^npm:/, "") ?? "";
  const plain = /^[\w.-]+@/.test(name) ? name.slice(0, name.indexOf("@")) : name;
  return plain.replace(/\.(?:cmd|exe|ps1|js|mjs|cjs)$/i, "");
}

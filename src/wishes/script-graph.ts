/**
 * @module Which scripts of a package start which, and which then run side by side: `concurrently`, `npm-run-all --parallel`, `run-p`, `&`.
 */
import type { LocatedText } from "./located-text.ts";
import { bareCommand } from "./script-command.ts";
import { readShellLine, type ShellCommand } from "./shell-words.ts";

/** A command that a script starts itself. */
export interface ScriptCommand {
  readonly command: ShellCommand;
  /** The whole line is this command. */
  readonly isWholeLine: boolean;
  /** Which of the script's side-by-side programs it is; `null` when it runs alone. */
  readonly member: number | null;
}

/** A script. */
export interface Script {
  readonly commands: readonly ScriptCommand[];
  /** Names of scripts that it starts, with the member they are. */
  readonly calls: readonly { readonly name: string; readonly member: number | null }[];
}

/** Scripts that one script starts, and that come of it in all. */
const mostCalls = 50;
const mostSpread = 200;

/** Reads a script's line. @param names every script of the package, for patterns as `dev:*` */
export function readScript(line: LocatedText, names: readonly string[]): Script {
  const commands: ScriptCommand[] = [];
  const calls: { name: string; member: number | null }[] = [];
  const parts = readShellLine(line, () => undefined);
  let member = 0;
  let beside = false;
  for (const command of parts) {
    const joins = beside || command.besideNext;
    if (joins && !beside) member += 1;
    const own = joins ? member++ : null;
    beside = command.besideNext;
    readCommand(command, own, parts.length === 1);
  }
  return { commands, calls: calls.slice(0, mostCalls) };

  function readCommand(command: ShellCommand, own: number | null, isWholeLine: boolean): void {
    const bare = bareCommand(command.words);
    const texts = bare.words.map((word) => word?.text ?? "");
    const runner = calledScripts(bare.program, texts, names);
    if (runner !== undefined) {
      for (const name of runner.names) calls.push({ name, member: runner.parallel ? (member += 1) : own });
      return;
    }
    if (bare.program === "concurrently" || bare.program === "conc") {
      for (const word of plainWords(bare.words)) {
        member += 1;
        const named = /^(?:npm|yarn|pnpm|bun|node):(.+)$/.exec(word.text)?.[1];
        if (named !== undefined) for (const name of matching(named, names)) calls.push({ name, member: (member += 1) });
        else for (const inner of readShellLine(word, () => undefined)) readCommand(inner, member, false);
      }
      return;
    }
    commands.push({ command, isWholeLine, member: own });
  }
}

/** Words that are no flags, and not the value behind one that takes a value (concurrently's own). */
function plainWords(words: readonly (LocatedText | null)[]): LocatedText[] {
  const valued =
    /^(?:-n|--names|-c|--prefix-colors|-p|--prefix|-l|--prefix-length|-t|--timestamp-format|-m|--max-processes|-s|--success|--restart-tries|--restart-after|--kill-signal|--hide|--name-separator|--default-input-target|-P|--teardown)$/;
  return words.flatMap((word, index) => {
    if (word === null || word.text.startsWith("-")) return [];
    return valued.test(words[index - 1]?.text ?? "") ? [] : [word];
  });
}

function calledScripts(
  program: string,
  words: readonly string[],
  names: readonly string[],
): { names: readonly string[]; parallel: boolean } | undefined {
  if (program === "run-p" || program === "run-s" || program === "npm-run-all" || program === "npm-run-all2") {
    const parallel = program === "run-p" || words.some((word) => word === "-p" || word === "--parallel");
    return { names: words.filter((word) => !word.startsWith("-")).flatMap((word) => matching(word, names)), parallel };
  }
  if (!["npm", "pnpm", "yarn", "bun"].includes(program)) return undefined;
  // A workspace's scripts lie elsewhere.
  if (
    words.some((word) => /^(?:-w|--workspaces?|-ws|--prefix|-C|--filter|--cwd|-F|-r|--recursive)(?:=|$)/.test(word))
  ) {
    return { names: [], parallel: false };
  }
  const plain = words.filter((word) => !word.startsWith("-"));
  const [first, second] = plain;
  const isRun = first === "run" || first === "run-script";
  const name = isRun ? second : first;
  if (name === undefined || !names.includes(name)) return undefined;
  if (!isRun && program === "npm" && name !== "start" && name !== "test") return undefined;
  return { names: [name], parallel: false };
}

function matching(pattern: string, names: readonly string[]): string[] {
  if (!pattern.includes("*")) return names.includes(pattern) ? [pattern] : [];
  const [head = "", ...rest] = pattern.split(/\*+/);
  const tail = rest.at(-1) ?? "";
  return names.filter(
    (name) => name.length >= head.length + tail.length && name.startsWith(head) && name.endsWith(tail),
  );
}

/**
 * Sets in which a script's own commands run beside others: `script` and member of each script that starts it in parallel.
 * @returns for each script and own member, the names of such sets, with the member in them
 */
export function sideBySide(
  scripts: ReadonlyMap<string, Script>,
): (name: string, member: number | null) => readonly string[] {
  const sets = new Map<string, Set<string>>();
  const add = (name: string, member: number | null, set: string): void => {
    const key = `${name}\0${member ?? ""}`;
    let found = sets.get(key);
    if (found === undefined) sets.set(key, (found = new Set()));
    found.add(set);
  };
  for (const [owner, script] of scripts) {
    for (const { member } of script.commands) if (member !== null) add(owner, member, owner);
    const seen = new Set<string>();
    for (const { name, member } of script.calls) if (member !== null) spread(name, owner, seen);
  }
  return (name, member) => [...(sets.get(`${name}\0${member ?? ""}`) ?? [])];

  /** Everything that a script starts, at whatever depth, runs in the set. */
  function spread(name: string, set: string, seen: Set<string>): void {
    if (seen.has(name) || seen.size > mostSpread) return;
    seen.add(name);
    const script = scripts.get(name);
    for (const { member } of script?.commands ?? []) add(name, member, set);
    for (const { name: inner } of script?.calls ?? []) spread(inner, set, seen);
  }
}

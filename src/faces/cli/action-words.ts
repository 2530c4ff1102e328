/**
 * @module Words that stand behind a command's name and say what it is to do: those that mean another command, and what is said of those that
 * mean nothing.
 */
import { PortolanError, countEdits, quote } from "../../core/index.ts";
import type { Command, CommandParameter } from "./manifest.ts";

/** By command and word, what is meant instead; `""` stands for no word at all. */
const elsewhere: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  route: { "": ["routes"], list: ["routes"], hosts: ["hosts"] },
  gateway: {
    install: ["gateway-service", "install"],
    uninstall: ["gateway-service", "uninstall"],
    trust: ["trust"],
    untrust: ["untrust"],
    export: ["gateway-export"],
  },
  forward: { list: ["relays"] },
  share: { list: ["relays"] },
};

/** The words of the command that is meant; `undefined` when it is the one that was named. */
export function meantElsewhere([name = "", action = "", ...rest]: readonly string[]): readonly string[] | undefined {
  const known = Object.hasOwn(elsewhere, name) ? elsewhere[name]! : {};
  if (!Object.hasOwn(known, action)) return undefined;
  return [...known[action]!, ...rest];
}

/** As it is typed: `gateway install`, which is `gateway-service install`. */
export function typedAs(name: string, action: string): string {
  for (const [command, words] of Object.entries(elsewhere))
    for (const [word, meant] of Object.entries(words))
      if (meant.length === 2 && meant[0] === name && meant[1] === action) return `${command} ${word}`;
  return `${name} ${action}`;
}

/** The argument that says what a command is to do. */
export function actionOf({ positional }: Command): CommandParameter | undefined {
  return positional[0]?.key === "action" ? positional[0] : undefined;
}

/**
 * Refuses a word that is no action before anything else of the call is.
 * @throws ARGUMENT_INVALID
 */
export function requireAction(command: Command, word: string): void {
  const action = actionOf(command);
  const own = action?.choices ?? [];
  if (action === undefined || own.includes(word)) return;
  const all = [...own, ...Object.keys(elsewhere[command.name] ?? {}).filter((other) => other !== "")];
  throw new PortolanError(
    "ARGUMENT_INVALID",
    `${quote(word)} is no action of ${command.name}.${didYouMean(word, all)}`,
    {
      details: { argument: "action", hint: `portolan ${command.name} takes ${all.join(", ")}.` },
    },
  );
}

/** ` (Did you mean list?)`, or nothing. @param write how a word is told */
export function didYouMean(
  word: string,
  known: readonly string[],
  write: (word: string) => string = (other) => other,
): string {
  const measured = known
    .map((other) => ({ other, steps: other.startsWith(word) && word.length > 1 ? 1 : countEdits(word, other) }))
    .filter(({ steps }) => steps <= Math.max(1, word.length / 3))
    .toSorted((one, other) => one.steps - other.steps);
  const nearest = measured[0];
  return nearest === undefined ? "" : ` (Did you mean ${write(nearest.other)}?)`;
}

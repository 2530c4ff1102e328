/**
 * @module Entries of an input that belong to some of its operation's actions alone. Each says so itself (`actions` of its metadata); here it
 * is held against what was asked for, for every face.
 */
import { PortolanError } from "../core/index.ts";

/** What of an entry decides. */
export interface ActionEntry {
  readonly key: string;
  /** Actions that take it; default all. */
  readonly actions?: readonly string[];
  /** Of the entry `action`: its words, the first of which is meant when none is given. */
  readonly choices?: readonly string[];
}

/** How entries and actions are told: a face has its own way to write them. */
export interface EntryWords {
  readonly entry: (key: string) => string;
  readonly action: (action: string) => string;
}

/**
 * Refuses what the action would not look at.
 * @throws ARGUMENT_INVALID naming the actions that take it
 */
export function refuseForeignEntries(
  entries: readonly ActionEntry[],
  input: Readonly<Record<string, unknown>>,
  words: EntryWords,
): void {
  const action = input["action"] ?? entries.find(({ key }) => key === "action")?.choices?.[0];
  if (typeof action !== "string") return;
  for (const { key, actions } of entries) {
    if (actions === undefined || input[key] === undefined || actions.includes(action)) continue;
    throw new PortolanError(
      "ARGUMENT_INVALID",
      `${words.entry(key)} does not go with ${words.action(action)}, but with ${actions.map(words.action).join(", ")}.`,
      { details: { argument: key, action } },
    );
  }
}

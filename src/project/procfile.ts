/**
 * @module Reads a Procfile: `web: npm run dev`, a line an application, as foreman and Heroku do.
 */
import { quote } from "../core/index.ts";
import { appNamePattern } from "./config-schema.ts";
import type { Position } from "./json-tree.ts";
import { refuseFile, type AppDeclaration, type ProjectFile } from "./project-file.ts";
import type { FilePlace } from "./read-config.ts";
import { splitCommand, variablesOf, type Word } from "./split-command.ts";

/**
 * Reads the file's text. Empty lines and lines that begin with # are no applications.
 * @param environmentFile path of the `.env` beside it, which counts for all, or `null`
 * @throws PROJECT_FILE_INVALID
 */
export function readProcfile(
  text: string,
  { path, shown, folder }: FilePlace,
  environmentFile: string | null,
): ProjectFile {
  const apps: AppDeclaration[] = [];
  for (const [index, raw] of text
    .replace(/^\ufeff/, "")
    .split("\n")
    .entries()) {
    const line = raw.trimEnd();
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
    const at = (column: number): Position => ({ line: index + 1, column });
    const match = /^(\s*)([^\s:]+)(\s*):(\s*)(.*)$/.exec(line);
    if (match === null) throw refuseFile(shown, at(1), `${quote(line.trim())} is not NAME: COMMAND.`);
    const [, indent = "", name = "", gap = "", space = "", command = ""] = match;
    const nameAt = at(indent.length + 1);
    if (!appNamePattern.test(name))
      throw refuseFile(
        shown,
        nameAt,
        `${quote(name)} is no name for an application: letters, digits, - and _, 40 of them at most.`,
      );
    if (apps.some((app) => app.name === name)) throw refuseFile(shown, nameAt, `${quote(name)} stands twice.`);
    const commandAt = at(indent.length + name.length + gap.length + 1 + space.length + 1);
    if (command === "") throw refuseFile(shown, commandAt, `${name} has no command.`);
    apps.push({
      ...usual,
      name,
      ...wordsOf(command),
      text: command,
      directory: folder,
      environmentFiles: environmentFile === null ? [] : [environmentFile],
      positionOf: (key) => (key === "command" ? commandAt : nameAt),
    });
  }
  if (apps.length === 0) throw refuseFile(shown, { line: 1, column: 1 }, "There is no application: web: npm run dev");
  return { path, shown, kind: "procfile", folder, name: null, apps, routes: [], forwards: [], shares: [] };
}

const usual = {
  host: null,
  path: "/",
  strip: false,
  ownHost: false,
  protocol: "http",
  takesPort: true,
  port: null,
  prefer: [],
  environment: {},
  after: [],
  ready: { by: "listen" },
  readyTimeoutMs: null,
  flags: true,
  route: true,
  restart: "never",
} as const satisfies Partial<AppDeclaration>;

/** Lines are a shell's by convention. One that is a plain command is started without it: then its port can be put behind its words. */
function wordsOf(command: string): { readonly words: readonly Word[]; readonly shell: boolean } {
  const split = splitCommand(command);
  return "words" in split && variablesOf(split.words).length === 0
    ? { words: split.words, shell: false }
    : { words: [["sh"], ["-c"], [command]], shell: true };
}

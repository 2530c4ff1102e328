/**
 * @module What an application's environment is made of, and its words and values with variables in them.
 */
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { nearestName, quote } from "../core/index.ts";
import { refuseFile, type ProjectFile } from "./project-file.ts";
import type { PlannedApp } from "./project-plan.ts";
import { fillWord, variablesOf } from "./split-command.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The caller's environment, then the files' variables, then those of the project file; what Portolan gives outranks them all, but for an
 * environment that names a variable itself.
 * @param given what Portolan gives: PORT, PORTOLAN_URL, …
 * @throws PROJECT_FILE_INVALID when a variable is asked for that there is not
 */
export function environmentOf(
  file: ProjectFile,
  app: PlannedApp,
  caller: Environment,
  given: Environment,
): Environment {
  const known: Record<string, string | undefined> = { ...caller };
  for (const path of app.environmentFiles) Object.assign(known, readVariables(file, app, path));
  Object.assign(known, given);
  const own: Record<string, string> = {};
  for (const [name, template] of Object.entries(app.environment)) {
    for (const variable of variablesOf([template]))
      if (known[variable] === undefined) throw unknownVariable(file, app, "environment", variable, known);
    own[name] = fillWord(template, known);
  }
  return { ...known, ...own };
}

/**
 * Program and arguments.
 * @throws PROJECT_FILE_INVALID when a variable is asked for that there is not
 */
export function wordsOf(file: ProjectFile, app: PlannedApp, environment: Environment): readonly string[] {
  for (const variable of variablesOf(app.words))
    if (environment[variable] === undefined) throw unknownVariable(file, app, "command", variable, environment);
  return app.words.map((word) => fillWord(word, environment));
}

function readVariables(file: ProjectFile, app: PlannedApp, path: string): Environment {
  try {
    return parseEnv(readFileSync(path, "utf8"));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw refuseFile(file.shown, app.positionOf("environmentFile"), `${app.name}: ${path} could not be read (${why}).`);
  }
}

function unknownVariable(file: ProjectFile, app: PlannedApp, key: string, variable: string, known: Environment) {
  const near = nearestName(
    variable,
    Object.keys(known).filter((name) => known[name] !== undefined),
  );
  return refuseFile(file.shown, app.positionOf(key), `${app.name}: there is no variable ${quote(variable)}.`, {
    hint:
      near === undefined
        ? "Each application has PORT, and of the others PORTOLAN_PORT_NAME, PORTOLAN_URL_NAME and PORTOLAN_PLAIN_URL_NAME."
        : `Did you mean ${near}?`,
  });
}

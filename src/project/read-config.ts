/**
 * @module Reads portolan.config.json: strictly, and every complaint names its place in the file.
 */
import { isAbsolute, join } from "node:path";
import * as v from "valibot";
import { isPortolanError, nearestName, parseDuration, quote } from "../core/index.ts";
import { readRouteHost, readRoutePath, readTarget } from "../gateway/index.ts";
import { knownNames, projectFileSchema, type AppContent, type ProjectContent } from "./config-schema.ts";
import { readJson, type JsonDocument, type JsonPath, type Position } from "./json-tree.ts";
import { refuseFile, type AppDeclaration, type KeptRoute, type ProjectFile, type Readiness } from "./project-file.ts";
import { readTemplate, splitCommand, type Word } from "./split-command.ts";

/** Where a file is. */
export interface FilePlace {
  readonly path: string;
  readonly shown: string;
  readonly folder: string;
}

/** What a record never holds, whatever stands in the file. */
const namesOfObjects: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Complains about a part of the file. */
type Refuse = (path: JsonPath, problem: string, options?: { what?: "key" | "value"; hint?: string }) => never;

/**
 * Reads the file's text.
 * @throws PROJECT_FILE_INVALID
 */
export function readConfig(text: string, { path, shown, folder }: FilePlace): ProjectFile {
  const json = readJson(text.replace(/^\ufeff/, ""));
  if ("problem" in json) throw refuseFile(shown, json.position, json.problem);
  const refuse: Refuse = (at, problem, { what = "value", hint } = {}) => {
    throw refuseFile(shown, json.positionOf(at, what), problem, hint === undefined ? {} : { hint });
  };
  const content = checkContent(json, refuse);
  const { forwards = [], shares = [] } = content;
  // A file that has none of them is one whose applications were forgotten.
  if (content.apps === undefined && forwards.length + shares.length === 0) refuseMissing(["apps"], "apps", refuse);
  const apps = Object.entries(content.apps ?? {}).map(([name, app]) => readApp(name, app, folder, json, refuse));
  return {
    path,
    shown,
    kind: "config",
    folder,
    name: content.name ?? null,
    apps,
    routes: Object.entries(content.routes ?? {}).map(([name, target]) => readRoute(name, target, json, refuse)),
    forwards: forwards.map((entry, index) => ({ ...entry, positionOf: positionsBelow(json, ["forwards", index]) })),
    shares: shares.map((entry, index) => ({ ...entry, positionOf: positionsBelow(json, ["shares", index]) })),
  };
}

function positionsBelow(json: JsonDocument, place: JsonPath): (...path: JsonPath) => Position {
  return (...path) => json.positionOf([...place, ...path], "value");
}

function checkContent(json: JsonDocument, refuse: Refuse): ProjectContent {
  refuseLists(json.value, refuse);
  const { apps, routes } = (json.value ?? {}) as { apps?: unknown; routes?: unknown };
  for (const [key, part] of Object.entries({ apps, routes })) {
    if (typeof part !== "object" || part === null) continue;
    const odd = Object.keys(part).find((name) => namesOfObjects.has(name));
    if (odd !== undefined) refuse([key, odd], `${quote(odd)} is no name that can be given.`, { what: "key" });
  }
  const checked = v.safeParse(projectFileSchema, json.value);
  if (checked.success) return checked.output;
  const issues = checked.issues.map((issue) => ({
    issue,
    path: (issue.path ?? []).map(({ key }) => key as string | number),
  }));
  const ranked = issues
    .map(({ issue, path }) => {
      const what: "key" | "value" = issue.path?.at(-1)?.origin === "key" ? "key" : "value";
      return { issue, path, what, at: json.positionOf(path, what) };
    })
    .toSorted((one, other) => one.at.line - other.at.line || one.at.column - other.at.column);
  // What is missing may be there under a wrong name.
  ranked.sort((one, other) => Number(isMissing(one)) - Number(isMissing(other)));
  const { issue, path, what } = ranked[0]!;
  const key = path.at(-1);
  if (issue.type === "strict_object" && what === "key" && typeof key === "string")
    return issue.expected === "never" ? refuseUnknown(path, key, refuse) : refuseMissing(path, key, refuse);
  const shown = path.length === 0 ? "The file" : path.join(".");
  return refuse(path, `${shown}: ${issue.message}.`, { what });
}

function isMissing({ issue, what }: { issue: { type: string; expected: string | null }; what: string }): boolean {
  return issue.type === "strict_object" && what === "key" && issue.expected !== "never";
}

/** A list has entries by number, which is not what is meant by names. */
function refuseLists(value: unknown, refuse: Refuse): void {
  const refuseList = (part: unknown, path: JsonPath, what: string): part is Record<string, unknown> => {
    if (Array.isArray(part)) refuse(path, `${path.length === 0 ? "The file" : path.join(".")}: ${what}, not a list.`);
    return typeof part === "object" && part !== null;
  };
  if (!refuseList(value, [], "a project in braces")) return;
  refuseList(value["routes"], ["routes"], "names in braces");
  if (!refuseList(value["apps"], ["apps"], "applications in braces")) return;
  for (const [name, app] of Object.entries(value["apps"])) {
    if (refuseList(app, ["apps", name], "an application in braces"))
      refuseList(app["environment"], ["apps", name, "environment"], "variables in braces");
  }
}

function refuseUnknown(path: JsonPath, key: string, refuse: Refuse): never {
  const { names, where } = partAt(path);
  const near = nearestName(key, names);
  return refuse(path, `${quote(key)} is nothing that ${where} has.`, {
    what: "key",
    hint: near === undefined ? `There is: ${names.join(", ")}.` : `Did you mean ${quote(near)}?`,
  });
}

/** What there may be where a name stands. */
function partAt(path: JsonPath): { readonly names: readonly string[]; readonly where: string } {
  if (path.length === 1) return { names: knownNames.project, where: "the file" };
  if (path[0] === "forwards") return { names: knownNames.forward, where: "a forward" };
  if (path[0] !== "shares") return { names: knownNames.app, where: "an application" };
  return path.length > 3 ? { names: knownNames.rule, where: "a rule" } : { names: knownNames.share, where: "a share" };
}

function refuseMissing(path: JsonPath, key: string, refuse: Refuse): never {
  const owner = path.slice(0, -1);
  return refuse(owner, `${owner.length === 0 ? "The file" : owner.join(".")} has no ${quote(key)}.`);
}

function readApp(name: string, app: AppContent, folder: string, json: JsonDocument, refuseAt: Refuse): AppDeclaration {
  const place = (key: string, index?: number): JsonPath =>
    index === undefined ? ["apps", name, key] : ["apps", name, key, index];
  const refuse = (key: keyof AppContent, problem: string, hint?: string): never =>
    refuseAt(place(key), `apps.${name}.${key}: ${problem}.`, hint === undefined ? {} : { hint });
  const { words, text } = readCommand(app.command, refuse);
  const ready: Readiness =
    typeof app.ready === "object" ? { by: "http", path: app.ready.http } : { by: app.ready ?? "listen" };
  const named = app.name !== undefined || app.path !== undefined;
  const route = app.route ?? (named || ready.by === "listen" || ready.by === "http");
  const takesPort = ready.by !== "exit" || route || app.port !== undefined || app.prefer !== undefined;
  if (!route)
    for (const key of ["name", "path", "strip", "ownHost", "protocol"] as const)
      if (app[key] !== undefined && (key !== "protocol" || ready.by !== "http"))
        refuse(
          key,
          app.route === false ? "route is false: it has no name" : `it has no name with ready ${quote(ready.by)}`,
        );
  if (app.strip === true && app.path === undefined) refuse("strip", "there is no path to take off");
  if (app.port !== undefined && app.prefer !== undefined) refuse("prefer", "port says already which one");
  if (app.environment?.["PORT"] !== undefined)
    refuseAt(["apps", name, "environment", "PORT"], `apps.${name}.environment.PORT: PORT is given to it.`, {
      what: "key",
      hint: 'Write "port": 8080 beside the command for a port of your choice.',
    });
  const attempt = <Value>(key: keyof AppContent, read: () => Value): Value => {
    try {
      return read();
    } catch (error) {
      if (!isPortolanError(error)) throw error;
      return refuse(key, error.message.replace(/\.$/, ""), error.hint);
    }
  };
  if (app.name !== undefined) attempt("name", () => readRouteHost(app.name!));
  if (app.name?.startsWith("*.") === true) refuse("name", "a wildcard is no application's name");
  const path = app.path === undefined ? "/" : attempt("path", () => readRoutePath(app.path!));
  return {
    name,
    words,
    text,
    shell: false,
    directory: absolute(folder, app.directory ?? "."),
    host: app.name ?? null,
    path,
    strip: app.strip === true,
    ownHost: app.ownHost === true,
    protocol: app.protocol ?? "http",
    takesPort,
    port: app.port ?? null,
    prefer: listOf(app.prefer),
    environment: Object.fromEntries(
      Object.entries(app.environment ?? {}).map(([variable, value]) => [variable, readTemplate(value)]),
    ),
    environmentFiles: listOf(app.environmentFile).map((file) => absolute(folder, file)),
    after: app.after ?? [],
    ready,
    readyTimeoutMs:
      app.readyTimeout === undefined
        ? null
        : attempt("readyTimeout", () => parseDuration(app.readyTimeout!, "readyTimeout")),
    flags: app.flags !== false,
    route,
    restart: app.restart ?? "never",
    positionOf: (key, index) =>
      json.positionOf(key === "" ? ["apps", name] : place(key, index), key === "" ? "key" : "value"),
  };
}

function readCommand(
  command: string | readonly string[],
  refuse: (key: "command", problem: string, hint?: string) => never,
): { readonly words: readonly Word[]; readonly text: string } {
  if (typeof command !== "string") {
    if (command[0] === "") refuse("command", "its first word is empty");
    return { words: command.map((word) => [word]), text: command.map(showWord).join(" ") };
  }
  const split = splitCommand(command);
  if ("words" in split) return { words: split.words, text: command };
  return refuse(
    "command",
    split.problem,
    `Write the words as a list, or let a shell read them: ["sh", "-c", ${JSON.stringify(command)}]. Variables for the program go into environment.`,
  );
}

/** A word so that it can be told from its neighbours. */
export function showWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function listOf<Item>(value: Item | readonly Item[] | undefined): readonly Item[] {
  return value === undefined ? [] : Array.isArray(value) ? (value as readonly Item[]) : [value as Item];
}

function absolute(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

function readRoute(name: string, target: string, json: JsonDocument, refuse: Refuse): KeptRoute {
  try {
    const slash = name.indexOf("/");
    readRouteHost(slash < 0 ? name : name.slice(0, slash));
    if (slash >= 0) readRoutePath(name.slice(slash));
  } catch (error) {
    if (!isPortolanError(error)) throw error;
    refuse(["routes", name], `routes: ${error.message}`, { what: "key", hint: error.hint });
  }
  try {
    readTarget(target);
  } catch (error) {
    if (!isPortolanError(error)) throw error;
    refuse(["routes", name], `routes.${name}: ${error.message}`, { hint: error.hint });
  }
  return { name, target, position: json.positionOf(["routes", name], "key") };
}

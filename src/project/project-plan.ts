/**
 * @module What would be started, in which order and under which names; everything that can be wrong is found before anything starts.
 */
import { statSync } from "node:fs";
import { PortolanError, nearestName, quote } from "../core/index.ts";
import { appNameOf, labelOf, readRouteHost } from "../gateway/index.ts";
import { refuseFile, type AppDeclaration, type ProjectFile } from "./project-file.ts";

/** One application that is to be started. */
export interface PlannedApp extends AppDeclaration {
  /** Its host name, whole; `null` without one. */
  readonly hostName: string | null;
  /** Its name in variables: `MY_APP`. */
  readonly variable: string;
  /** It was named, or nobody was; else it is there because another needs it. */
  readonly wanted: boolean;
}

/** What is to be started. */
export interface ProjectPlan {
  /** What host names end in, without `.localhost`. */
  readonly projectName: string;
  /** Whoever is waited for comes before whoever waits. */
  readonly apps: readonly PlannedApp[];
}

/**
 * Plans some applications and those that they need, or all.
 * @param names none means all
 * @throws PROJECT_FILE_INVALID, APP_UNKNOWN
 */
export function planProject(file: ProjectFile, names: readonly string[]): ProjectPlan {
  const { apps } = file;
  if (apps.length === 0)
    throw refuseFile(file.shown, { line: 1, column: 1 }, "There is no application in it that could be started.");
  const wanted = names.map((name) => appNamed(file, name).name);
  checkNeeds(file);
  checkLabels(file);
  const projectName = appNameOf(file.folder, file.name ?? undefined);
  const hostNames = hostNamesOf(file, projectName);
  checkPlaces(file, hostNames);
  const chosen = wanted.length === 0 ? new Set(apps.map(({ name }) => name)) : withNeeds(file, wanted);
  for (const app of apps) if (chosen.has(app.name)) checkFiles(file, app);
  return {
    projectName,
    apps: inOrder(file)
      .filter(({ name }) => chosen.has(name))
      .map((app) => ({
        ...app,
        hostName: hostNames.get(app.name) ?? null,
        variable: variableOf(app.name),
        wanted: wanted.length === 0 || wanted.includes(app.name),
      })),
  };
}

/** `my-app` is `MY_APP`. */
export function variableOf(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}

function appNamed({ apps, shown }: ProjectFile, name: string): AppDeclaration {
  const found = apps.find((app) => app.name === name);
  if (found !== undefined) return found;
  const known = apps.map((app) => app.name);
  const near = nearestName(name, known);
  throw new PortolanError("APP_UNKNOWN", `${shown} has no application ${quote(name)}.`, {
    details: { name, known, hint: near === undefined ? `There is: ${known.join(", ")}.` : `Did you mean ${near}?` },
  });
}

/** Whom each waits for: there, not itself, and not in a circle. */
function checkNeeds(file: ProjectFile): void {
  const { apps, shown } = file;
  const known = apps.map(({ name }) => name);
  for (const app of apps) {
    for (const [index, need] of app.after.entries()) {
      const at = app.positionOf("after", index);
      if (need === app.name) throw refuseFile(shown, at, `${app.name} comes after itself.`);
      if (app.after.indexOf(need) < index) throw refuseFile(shown, at, `${quote(need)} stands twice.`);
      if (known.includes(need)) continue;
      const near = nearestName(need, known);
      throw refuseFile(shown, at, `There is no application ${quote(need)}.`, {
        hint: near === undefined ? `There is: ${known.join(", ")}.` : `Did you mean ${quote(near)}?`,
      });
    }
  }
  const circle = findCircle(file);
  if (circle === undefined) return;
  const first = apps.find(({ name }) => name === circle[0])!;
  const at = first.positionOf("after", first.after.indexOf(circle[1]!));
  throw refuseFile(shown, at, `Nobody can be first: ${circle.join(" comes after ")}.`);
}

/** Names in a circle, the first at the end once more. */
function findCircle({ apps }: ProjectFile): string[] | undefined {
  const byName = new Map(apps.map((app) => [app.name, app]));
  const done = new Set<string>();
  const walk = (name: string, path: readonly string[]): string[] | undefined => {
    const seen = path.indexOf(name);
    if (seen >= 0) return [...path.slice(seen), name];
    if (done.has(name)) return undefined;
    for (const need of byName.get(name)?.after ?? []) {
      const circle = walk(need, [...path, name]);
      if (circle !== undefined) return circle;
    }
    done.add(name);
    return undefined;
  };
  for (const { name } of apps) {
    const circle = walk(name, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

/** Two names that are one in host names or variables cannot be told apart. */
function checkLabels({ apps, shown }: ProjectFile): void {
  const seen = new Map<string, string>();
  for (const { name, positionOf } of apps) {
    const label = labelOf(name);
    const other = seen.get(label);
    if (other !== undefined)
      throw refuseFile(shown, positionOf(""), `${quote(name)} and ${quote(other)} cannot be told apart in host names.`);
    seen.set(label, name);
  }
}

function hostNamesOf({ apps }: ProjectFile, projectName: string): ReadonlyMap<string, string> {
  const named = apps.filter(({ route }) => route);
  const usual = named.filter(({ host, path }) => host === null && path === "/");
  const names = new Map<string, string>();
  for (const { name, host, path } of named) {
    const alone = path !== "/" || name === "main" || (usual.length === 1 && named.length === 1);
    names.set(name, readRouteHost(host ?? (alone ? projectName : `${labelOf(name)}.${projectName}`)));
  }
  return names;
}

/** One place, one application; the same for ports of their own. */
function checkPlaces({ apps, routes, shown }: ProjectFile, hostNames: ReadonlyMap<string, string>): void {
  const places = new Map<string, string>();
  const ports = new Map<number, string>();
  for (const { name, path, port, host, positionOf } of apps) {
    const hostName = hostNames.get(name);
    const place = hostName === undefined ? undefined : `${hostName}${path === "/" ? "" : path}`;
    const other = place === undefined ? undefined : places.get(place);
    if (other !== undefined)
      throw refuseFile(
        shown,
        positionOf(host !== null ? "name" : path === "/" ? "" : "path"),
        `${other} has ${place} already.`,
      );
    if (place !== undefined) places.set(place, name);
    if (port === null) continue;
    const sharer = ports.get(port);
    if (sharer !== undefined) throw refuseFile(shown, positionOf("port"), `${sharer} has port ${port} already.`);
    ports.set(port, name);
  }
  for (const { name, position } of routes) {
    const slash = name.indexOf("/");
    const place = `${readRouteHost(slash < 0 ? name : name.slice(0, slash))}${slash < 0 ? "" : name.slice(slash).replace(/\/+$/, "")}`;
    const other = places.get(place);
    if (other !== undefined) throw refuseFile(shown, position, `${other} has ${place} already.`);
    places.set(place, `the route ${name}`);
  }
}

function checkFiles({ shown }: ProjectFile, { name, directory, environmentFiles, positionOf }: AppDeclaration): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw refuseFile(shown, positionOf("directory"), `${name}: there is no folder ${directory}.`);
  for (const file of environmentFiles)
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true)
      throw refuseFile(shown, positionOf("environmentFile"), `${name}: there is no file ${file}.`);
}

function withNeeds({ apps }: ProjectFile, wanted: readonly string[]): ReadonlySet<string> {
  const chosen = new Set<string>();
  const waiting = [...wanted];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (chosen.has(name)) continue;
    chosen.add(name);
    waiting.push(...apps.find((app) => app.name === name)!.after);
  }
  return chosen;
}

/** Those that are waited for before those that wait; otherwise the file's order. */
function inOrder({ apps }: ProjectFile): AppDeclaration[] {
  const ordered: AppDeclaration[] = [];
  const place = (app: AppDeclaration): void => {
    if (ordered.includes(app)) return;
    for (const need of app.after) place(apps.find(({ name }) => name === need)!);
    ordered.push(app);
  };
  for (const app of apps) place(app);
  return ordered;
}

/**
 * @module The ports that portolan.config.json gives to its applications. `portolan up` chooses all others itself, free ones.
 */
import { basename, dirname, resolve } from "node:path";
import { isPortolanError } from "../core/index.ts";
import { readConfig } from "../project/index.ts";
import { jsonEntry, jsonItems, jsonPort, jsonText, readJson, type JsonValue } from "./json-tree.ts";
import { plainWish, type PortWish } from "./port-wish.ts";
import { offsetOf, type ProjectProblem, type SourceText } from "./source-text.ts";

/**
 * What `portolan up` says against the file. Its ports are told all the same: they are wrong by what is wrong elsewhere no less.
 * @param source absent, or no JSON at all: told by others
 */
export function portolanProblems(source: SourceText | undefined): ProjectProblem[] {
  if (source === undefined || readJson(source, true).root === undefined) return [];
  const { path } = source;
  try {
    readConfig(source.text, { path, shown: basename(path), folder: dirname(path) });
    return [];
  } catch (error) {
    if (!isPortolanError(error, "PROJECT_FILE_INVALID")) throw error;
    const { line, column } = error.details as { readonly line: number; readonly column: number };
    const offset = offsetOf(source, { line, column });
    const message = `portolan up refuses it: ${error.message.replace(/^.*?:\d+:\d+: /s, "")}`;
    return [{ severity: "warning", message, path, place: { source, offset, length: 0, exact: false } }];
  }
}

/** Reads `apps.*.port`, and the ports that `prefer` would like. */
export function portolanWishes(path: string, root: JsonValue): PortWish[] {
  const apps = jsonEntry(root, "apps");
  if (apps?.kind !== "object") return [];
  const folder = dirname(path);
  return [...apps.entries].flatMap(([name, app]): PortWish[] => {
    const directory = resolve(folder, jsonText(jsonEntry(app, "directory")) ?? ".");
    const common = {
      ...plainWish,
      format: "portolan",
      name: `app ${name}`,
      scene: `portolan:${path}`,
      unit: name,
      folders: [directory],
      home: folder,
    } as const;
    const fixed = jsonPort(jsonEntry(app, "port"));
    if (fixed !== undefined) return [{ ...common, ...fixed }];
    const prefer = jsonEntry(app, "prefer");
    const liked = (prefer?.kind === "list" ? jsonItems(prefer) : prefer === undefined ? [] : [prefer]).flatMap(
      (item) => jsonPort(item) ?? [],
    );
    return liked.slice(0, 1).map((found) => ({
      ...common,
      ...found,
      inactive: "portolan up takes it only when it is free",
    }));
  });
}

/**
 * @module The ports that portolan.config.json gives to its applications. `portolan up` chooses all others itself, free ones.
 */
import { dirname, resolve } from "node:path";
import { jsonEntry, jsonItems, jsonPort, jsonText, type JsonValue } from "./json-tree.ts";
import { plainWish, type PortWish } from "./port-wish.ts";

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

/**
 * @module Which wishes are meant to be there at the same time. Most files of a project say the same program's port once more: a script, a
 * launch configuration and a container of one folder start one program in three ways, and only those that run side by side can be in each
 * other's way.
 */
import { relative, sep } from "node:path";
import type { PortWish, WishFormat } from "./port-wish.ts";

/** What is compared. */
export interface TogetherOptions {
  /** Folder that was asked about, absolute. */
  readonly root: string;
  /** Scenes of files that the caller named: all of these are meant to run. */
  readonly named: ReadonlySet<string>;
}

/** Whether two wishes run side by side: surely, perhaps (two compose projects of one repository), or not. */
export function runTogether(left: PortWish, right: PortWish, options: TogetherOptions): "yes" | "perhaps" | "no" {
  if (left.role !== "listens" || right.role !== "listens") return "no";
  if (left.inactive !== null || right.inactive !== null) return "no";
  if ((left.binder === "cluster") !== (right.binder === "cluster")) return "no";
  if (left.scene === right.scene) return inOneScene(left, right) ? "yes" : "no";
  if (left.instead || right.instead) return "no";
  if (options.named.has(left.scene) && options.named.has(right.scene) && left.format === "compose") {
    return right.format === "compose" || areApart(left, right) ? "yes" : "no";
  }
  if (exampleOf(left.home, options.root) !== exampleOf(right.home, options.root)) return "no";
  if (left.format === "compose" && right.format === "compose") return left.home === right.home ? "no" : "perhaps";
  return areApart(left, right) ? "yes" : "no";
}

function inOneScene(left: PortWish, right: PortWish): boolean {
  if (left.unit === right.unit) return false;
  if (left.sets === null || right.sets === null) return true;
  return left.sets.some((set) => right.sets!.includes(set));
}

/** Formats that start the programs of their folder, and of those below it, in a way of their own. */
const starters: ReadonlySet<WishFormat> = new Set(["launch", "procfile", "portolan", "devcontainer"]);

/** Whether two wishes of different scenes are about different programs. */
function areApart(left: PortWish, right: PortWish): boolean {
  if (left.folders.some((folder) => right.folders.includes(folder))) return false;
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const) {
    // A container of what is built here, or of what it was given, is that program once more.
    if (one.format === "compose" && one.folders.some((folder) => contains(folder, other.home))) {
      if (other.format !== "compose") return false;
    }
    if (starters.has(one.format)) {
      const isForward = one.format === "devcontainer" && one.binder === "user";
      if (isForward && contains(one.home, other.home)) return false;
      if (other.format !== "compose" && contains(one.home, other.home)) return false;
      if (other.format === "compose" && other.folders.some((folder) => contains(one.home, folder))) return false;
    }
    if (one.format === "environment") {
      // Beyond its folder a name says where somebody else is as often as it says where to listen.
      if (one.unit !== "PORT") return false;
      if (other.format !== "compose" && (contains(one.home, other.home) || contains(other.home, one.home)))
        return false;
    }
  }
  return true;
}

/** Whether a folder is another, or holds it. */
export function contains(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : `${outer}${sep}`);
}

/** The example that a folder below the root belongs to; each is run alone. Of tests each folder is for itself. */
function exampleOf(folder: string, root: string): string | null {
  if (!contains(root, folder)) return null;
  const parts = relative(root, folder).split(sep);
  if (parts.some((part) => /^(?:tests?|__tests__|e2e|benchmarks?)$/.test(part))) return folder;
  const at = parts.findIndex((part) => /^(?:examples?|samples?|demos?|templates?|starters?|playgrounds?)$/.test(part));
  return at < 0 ? null : parts.slice(0, at + 2).join(sep);
}

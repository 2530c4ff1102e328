/**
 * @module What an application is called when nobody says: after its project, and a worktree or branch beside the usual one before that.
 */
import { findProject } from "../tenant/index.ts";

/** Branches that are the project itself. */
const usualBranches: ReadonlySet<string> = new Set(["main", "master", "trunk", "develop", "development", "dev"]);
const longestLabel = 40;

/**
 * A name for what is started in a folder: `shop`, or `fix-login.shop` in a linked worktree or on a branch of its own.
 * @param directory absolute path
 * @param given what the project is called, when it says so itself
 */
export function appNameOf(directory: string, given?: string): string {
  const project = findProject(directory);
  const folder = directory.split(/[\\/]/).findLast((part) => part !== "") ?? "";
  const name = labelOf(given ?? project?.name ?? folder) || labelOf(folder) || "app";
  const { branch = null, worktree = null } = project?.git ?? {};
  const apart = branch !== null && !usualBranches.has(branch) ? branch : worktree;
  const label = apart === null ? "" : labelOf(apart);
  return label === "" || label === name ? name : `${label}.${name}`;
}

/** Letters, digits and hyphens of a text: `@shop/Web App` is `shop-web-app` (RFC 1034, section 3.5). */
export function labelOf(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[\u0300-\u036f]/g, "")
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, longestLabel)
    .replaceAll(/^-+|-+$/g, "");
}

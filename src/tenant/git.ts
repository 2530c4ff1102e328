/**
 * @module The git repository around a directory, from its files; git itself is not run (gitrepository-layout(5)).
 */
import { existsSync } from "node:fs";
import { readBounded } from "./bounded-read.ts";

/** What the files of a git repository say. Texts are raw. */
export interface GitCheckout {
  /** Top directory of the working tree. */
  readonly root: string;
  /** Branch checked out, without `refs/heads/`; `null` when detached or not told by HEAD (reftable repositories). */
  readonly branch: string | null;
  /** Full object name when HEAD is detached, otherwise `null`. */
  readonly commit: string | null;
  /** Name of the linked worktree, `null` in the main one and in submodules. */
  readonly worktree: string | null;
}

/**
 * The checkout whose top is exactly this directory, or `undefined`.
 * @param directory absolute path as the process sees it
 * @param root folder under which that path really lies; `""` for this machine's own tree
 */
export function readGitCheckout(directory: string, root = ""): GitCheckout | undefined {
  const dotGit = joinPath(directory, ".git");
  // Most directories have none, and asking is ten times cheaper than a failed attempt to read.
  if (!existsSync(root + dotGit)) return undefined;
  const head = readBounded(`${root}${dotGit}/HEAD`, 4096);
  if (head !== undefined) {
    const parsed = parseGitHead(head);
    return parsed === undefined ? undefined : { root: directory, ...parsed, worktree: null };
  }
  const link = readBounded(root + dotGit, 8192);
  if (link === undefined) return undefined;
  const target = parseGitLink(link);
  if (target === undefined) return undefined;
  const gitDirectory = target.startsWith("/") ? target : joinPath(directory, target);
  const linkedHead = readBounded(`${root}${gitDirectory}/HEAD`, 4096);
  const parsed = linkedHead === undefined ? undefined : parseGitHead(linkedHead);
  if (parsed === undefined) return undefined;
  // Only a linked worktree has `commondir`: a submodule's directory under .git/modules has none.
  const linked = readBounded(`${root}${gitDirectory}/commondir`, 4096) !== undefined;
  const name = gitDirectory.slice(gitDirectory.lastIndexOf("/") + 1);
  return { root: directory, ...parsed, worktree: linked && name !== "" ? name : null };
}

/** What a HEAD file says, or `undefined` when it is none. */
export function parseGitHead(text: string): { branch: string | null; commit: string | null } | undefined {
  const line = firstLine(text);
  if (line.startsWith("ref:")) {
    const reference = line.slice(4).trim();
    if (reference === "") return undefined;
    // Repositories with the reftable format keep this placeholder in HEAD.
    if (reference === "refs/heads/.invalid") return { branch: null, commit: null };
    const prefix = "refs/heads/";
    return { branch: reference.startsWith(prefix) ? reference.slice(prefix.length) : reference, commit: null };
  }
  // SHA-1 names have 40 digits, SHA-256 names 64.
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(line)) return { branch: null, commit: line };
  return undefined;
}

/** The path behind `gitdir:` in a `.git` file, or `undefined`. */
export function parseGitLink(text: string): string | undefined {
  const line = firstLine(text);
  if (!line.startsWith("gitdir:")) return undefined;
  let path = line.slice("gitdir:".length).trim();
  while (path.length > 1 && path.endsWith("/")) path = path.slice(0, -1);
  return path === "" || path.includes("\0") ? undefined : path;
}

/** `directory/name` without a doubled slash. */
export function joinPath(directory: string, name: string): string {
  return directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return (end === -1 ? text : text.slice(0, end)).trimEnd();
}

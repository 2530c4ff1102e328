/**
 * @module Another port written into a file: as a proposal first, the same file but for the number, and nothing when the file has changed.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createHash, randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { PortolanError, quote } from "../core/index.ts";
import type { PortWish } from "./port-wish.ts";
import { contains } from "./run-together.ts";
import { lineAndColumn, type SourceText } from "./source-text.ts";

/** Text that takes the place of other text. */
export interface TextEdit {
  readonly source: SourceText;
  /** UTF-16 units from the start of the file. */
  readonly offset: number;
  readonly before: string;
  readonly after: string;
}

/** A file that is to be changed. */
export interface FileChange {
  /** Absolute. */
  readonly path: string;
  /** SHA-256 of the text that the change was made for, hexadecimal. */
  readonly sha256: string;
  readonly edits: readonly {
    readonly line: number;
    readonly column: number;
    readonly offset: number;
    readonly before: string;
    readonly after: string;
  }[];
  /** As `diff -u` shows it. */
  readonly diff: string;
}

/** What is written to give a wish another port, or why nothing can be. @param root folder outside which nothing is written */
export function editFor(wish: PortWish, port: number, root: string): TextEdit | { readonly why: string } {
  const { place, count, insertion, origin } = wish;
  const { source, offset, length, exact } = place;
  if (!contains(root, source.path) || !isReallyBelow(root, source.path)) {
    return { why: "it stands outside the folder that is checked" };
  }
  if (origin === "default") {
    if (insertion === null) return { why: "no file says the number: it is the program's default" };
    return { source, offset: insertion.offset, before: "", after: ` ${insertion.flag} ${port}` };
  }
  const end = count === 1 ? "" : `-${wish.port + count - 1}`;
  const before = source.text.slice(offset, offset + length);
  if (!exact || before !== `${wish.port}${end}`) return { why: "the number is put together from several pieces" };
  return { source, offset, before, after: count === 1 ? String(port) : `${port}-${port + count - 1}` };
}

/** A link can lead out of a folder. */
function isReallyBelow(root: string, path: string): boolean {
  try {
    return contains(realpathSync(root), realpathSync(path));
  } catch {
    return false;
  }
}

/** Edits by file, without two at one place. */
export function groupEdits(edits: readonly TextEdit[], show: (path: string) => string): FileChange[] {
  const files = new Map<SourceText, Map<number, TextEdit>>();
  for (const edit of edits) {
    const own = files.get(edit.source) ?? new Map<number, TextEdit>();
    if (!own.has(edit.offset)) own.set(edit.offset, edit);
    files.set(edit.source, own);
  }
  return [...files].map(([source, own]) => {
    const ordered = [...own.values()].sort((left, right) => left.offset - right.offset);
    return {
      path: source.path,
      sha256: digest(source.text),
      edits: ordered.map(({ offset, before, after }) => ({ ...lineAndColumn(source, offset), offset, before, after })),
      diff: diffOf(source.text, applyEdits(source.text, ordered), show(source.path)),
    };
  });
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function applyEdits(text: string, edits: readonly Pick<TextEdit, "offset" | "before" | "after">[]): string {
  let changed = "";
  let at = 0;
  for (const { offset, before, after } of edits) {
    changed += text.slice(at, offset) + after;
    at = offset + before.length;
  }
  return changed + text.slice(at);
}

/** Lines of context. */
const context = 3;

/** A unified diff of texts with the same number of lines. */
function diffOf(before: string, after: string, name: string): string {
  const old = before.split("\n");
  const young = after.split("\n");
  const changed = old.flatMap((line, index) => (line === young[index] ? [] : [index]));
  const hunks: [number, number][] = [];
  for (const index of changed) {
    const hunk = hunks.at(-1);
    if (hunk !== undefined && index - hunk[1] <= 2 * context) hunk[1] = index;
    else hunks.push([index, index]);
  }
  // What follows the last line feed is no line when it is empty.
  const lines = old.at(-1) === "" ? old.length - 1 : old.length;
  const text = hunks.map(([first, last]) => {
    const from = Math.max(0, first - context);
    const to = Math.min(lines, last + context + 1);
    // Without a line feed at its end the last line is another line to every program that reads this.
    const endOf = (index: number): string => (index === old.length - 1 ? "\n\\ No newline at end of file\n" : "\n");
    let body = "";
    for (let index = from; index < to;) {
      if (old[index] === young[index]) {
        body += ` ${old[index]!}${endOf(index)}`;
        index += 1;
        continue;
      }
      let end = index;
      while (end < to && old[end] !== young[end]) end += 1;
      for (let line = index; line < end; line += 1) body += `-${old[line]!}${endOf(line)}`;
      for (let line = index; line < end; line += 1) body += `+${young[line]!}${endOf(line)}`;
      index = end;
    }
    return `@@ -${from + 1},${to - from} +${from + 1},${to - from} @@\n${body}`;
  });
  return `--- ${name}\n+++ ${name}\n${text.join("")}`;
}

/**
 * Writes the changes: each file whole or not at all, none when one of them has changed since the proposal.
 * @throws PROPOSAL_STALE, OUTPUT_FAILED
 */
export function writeChanges(changes: readonly FileChange[]): void {
  const texts = changes.map((change) => ({ change, path: realpathOf(change), text: readUnchanged(change) }));
  for (const { change, path, text } of texts) {
    try {
      replace(path, applyEdits(text, change.edits));
    } catch (error) {
      const { code = "unknown" } = error as NodeJS.ErrnoException;
      throw new PortolanError("OUTPUT_FAILED", `${quote(change.path)} could not be written (${code}).`, {
        cause: error,
      });
    }
  }
}

function realpathOf({ path }: FileChange): string {
  try {
    return realpathSync(path);
  } catch {
    throw stale(path);
  }
}

function readUnchanged({ path, sha256 }: FileChange): string {
  let text: string;
  try {
    text = readFileSync(path).toString("utf8");
  } catch {
    throw stale(path);
  }
  if (digest(text) !== sha256) throw stale(path);
  return text;
}

function stale(path: string): PortolanError {
  return new PortolanError("PROPOSAL_STALE", `${quote(path)} has changed since it was read.`, { details: { path } });
}

/** Beside the file, then in its place: whoever reads it sees the old text or the new one. Mode and owner stay. */
function replace(path: string, text: string): void {
  const { mode, uid, gid } = statSync(path);
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  const descriptor = openSync(beside, "wx", 0o600);
  try {
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    chmodSync(beside, mode & 0o7777);
    keepOwner(beside, uid, gid);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

function keepOwner(path: string, uid: number, gid: number): void {
  const own = lstatSync(path);
  if (own.uid !== uid || own.gid !== gid) chownSync(path, uid, gid);
}

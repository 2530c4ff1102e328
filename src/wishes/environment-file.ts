/**
 * @module Reads `.env` files with places: NAME=value, `export`, quotes, comments, values over several lines, as dotenv and Compose do.
 */
import { InterpolationError, interpolate, type VariableReader } from "./interpolate.ts";
import { LocatedText } from "./located-text.ts";
import type { SourceText } from "./source-text.ts";

/** One assignment. */
export interface Assignment {
  readonly name: string;
  readonly value: LocatedText;
  /** Single-quoted values are taken as they are. */
  readonly literal: boolean;
}

/** What a file assigns, in its order; a name can come more than once, and the last one counts. */
export interface EnvironmentFile {
  readonly assignments: readonly Assignment[];
}

const mostAssignments = 20_000;

/** Reads a file. Lines that are no assignment are passed over, as dotenv does. */
export function readEnvironmentFile(source: SourceText): EnvironmentFile {
  const { text } = source;
  const assignments: Assignment[] = [];
  const head = /[^\S\r\n]*(?:export[^\S\r\n]+)?([A-Za-z_][\w.-]*)[^\S\r\n]*(?:=|:(?=[^\S\r\n]))[^\S\r\n]*/y;
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (at < text.length && assignments.length < mostAssignments) {
    head.lastIndex = at;
    const match = head.exec(text);
    if (match === null) {
      at = nextLine(text, at);
      continue;
    }
    const start = head.lastIndex;
    const quote = text[start];
    const end = quote === '"' || quote === "'" || quote === "`" ? closingQuote(text, start, quote) : -1;
    if (end >= 0) {
      const inside = text.slice(start + 1, end);
      const escaped = quote === '"' && inside.includes("\\");
      const value = escaped
        ? LocatedText.meaning(source, start + 1, inside.length, unescape(inside))
        : LocatedText.of(source, start + 1, inside);
      assignments.push({ name: match[1]!, value, literal: quote === "'" });
      at = nextLine(text, end + 1);
    } else {
      const lineEnd = endOfLine(text, start);
      const line = text.slice(start, lineEnd);
      const comment = line.startsWith("#") ? 0 : line.search(/\s#/);
      const value = (comment < 0 ? line : line.slice(0, comment)).trimEnd();
      assignments.push({ name: match[1]!, value: LocatedText.of(source, start, value), literal: false });
      at = nextLine(text, start);
    }
  }
  return { assignments };
}

function closingQuote(text: string, start: number, quote: string): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === "\\" && quote === '"') at += 1;
    else if (text[at] === quote) return at;
  }
  return -1;
}

function unescape(text: string): string {
  return text.replaceAll(/\\([\s\S])/g, (_, character: string) =>
    character === "n" ? "\n" : character === "r" ? "\r" : character === "t" ? "\t" : character,
  );
}

function endOfLine(text: string, start: number): number {
  for (let at = start; at < text.length; at += 1) if (text[at] === "\n" || text[at] === "\r") return at;
  return text.length;
}

function nextLine(text: string, start: number): number {
  const end = endOfLine(text, start);
  return text[end] === "\r" && text[end + 1] === "\n" ? end + 2 : end + 1;
}

/**
 * The values that count, with variables of the environment and of earlier lines put in.
 * @param outer variables from elsewhere, which come before the file's own
 */
export function resolveEnvironment(files: readonly EnvironmentFile[], outer: VariableReader): Map<string, LocatedText> {
  const values = new Map<string, LocatedText>();
  const read: VariableReader = (name) => outer(name) ?? values.get(name);
  for (const { assignments } of files) {
    for (const { name, value, literal } of assignments) {
      try {
        values.set(name, literal ? value : interpolate(value, read));
      } catch (error) {
        // Passwords have dollars in them: what is no variable is meant as it stands.
        if (!(error instanceof InterpolationError)) throw error;
        values.set(name, value);
      }
    }
  }
  return values;
}

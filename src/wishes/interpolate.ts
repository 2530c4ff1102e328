/**
 * @module Interpolation of variables as Compose does it: `$A`, `${A}`, `${A:-x}`, `${A-x}`, `${A:?why}`, `${A?why}`, `${A:+x}`, `${A+x}`, `$$`,
 * one inside the other (compose-spec, 12-interpolation.md). The outcome knows where each of its pieces stands.
 */
import { LocatedText } from "./located-text.ts";

/** A variable's value, or `undefined` when it is not set; a plain text when no file says it. */
export type VariableReader = (name: string) => LocatedText | string | undefined;

/** What interpolation tells beside its outcome. */
export interface InterpolationNotes {
  /** A variable that is not set and has no default: it counts as empty. */
  readonly onUnset?: (name: string) => void;
  /** A variable that was looked at. */
  readonly onUse?: (name: string) => void;
}

/** Why a text cannot be interpolated. */
export class InterpolationError extends Error {
  override readonly name = "InterpolationError";
}

/** How deep one inside the other is followed. */
const deepest = 32;
/** Longest outcome, UTF-16 units: a value that names itself twice doubles with each step. */
const longest = 65_536;

/**
 * The text with its variables replaced.
 * @throws InterpolationError
 */
export function interpolate(text: LocatedText, read: VariableReader, notes: InterpolationNotes = {}): LocatedText {
  if (!text.text.includes("$")) return text;
  return expand(text, read, notes, 0);
}

function expand(located: LocatedText, read: VariableReader, notes: InterpolationNotes, depth: number): LocatedText {
  if (depth > deepest) throw new InterpolationError("variables stand inside each other too deeply");
  const { text } = located;
  const parts: LocatedText[] = [];
  let length = 0;
  const add = (part: LocatedText): void => {
    length += part.text.length;
    if (length > longest) throw new InterpolationError("the text becomes too long");
    parts.push(part);
  };
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0) {
      add(located.slice(at));
      break;
    }
    if (dollar > at) add(located.slice(at, dollar));
    const next = text[dollar + 1];
    if (next === "$") {
      add(located.slice(dollar, dollar + 1));
      at = dollar + 2;
    } else if (next === "{") {
      const end = closingBrace(text, dollar + 2);
      if (end < 0) throw invalid(text);
      add(expandBraces(located.slice(dollar + 2, end), read, notes, depth));
      at = end + 1;
    } else {
      const name = /^[A-Za-z_]\w*/.exec(text.slice(dollar + 1, dollar + 257))?.[0];
      if (name === undefined) throw invalid(text);
      add(valueOf(name, located, read, notes));
      at = dollar + 1 + name.length;
    }
  }
  return LocatedText.join(parts, located.whole);
}

function valueOf(name: string, where: LocatedText, read: VariableReader, notes: InterpolationNotes): LocatedText {
  notes.onUse?.(name);
  const value = read(name);
  if (value === undefined) notes.onUnset?.(name);
  return locate(value ?? "", where);
}

function locate(value: LocatedText | string, where: LocatedText): LocatedText {
  return typeof value === "string" ? LocatedText.outside(value, where.whole) : value;
}

function expandBraces(inner: LocatedText, read: VariableReader, notes: InterpolationNotes, depth: number): LocatedText {
  const match = /^([A-Za-z_]\w*)(?:(:?[-?+]))?/.exec(inner.text);
  if (match === null) throw invalid(`\${${inner.text}}`);
  const [head, name = "", operator] = match;
  if (operator === undefined) {
    if (head.length < inner.text.length) throw invalid(`\${${inner.text}}`);
    return valueOf(name, inner, read, notes);
  }
  notes.onUse?.(name);
  const word = inner.slice(head.length);
  const value = read(name);
  const there = value !== undefined && (!operator.startsWith(":") || locate(value, inner).text !== "");
  const kind = operator.at(-1);
  if (kind === "+") return there ? expand(word, read, notes, depth + 1) : inner.slice(0, 0);
  if (there) return locate(value, inner);
  if (kind === "-") return expand(word, read, notes, depth + 1);
  const reason = word.text === "" ? "it is required" : word.text.slice(0, 200);
  throw new InterpolationError(`the variable ${name} is not set: ${reason}`);
}

/** The brace that closes what was opened before `start`; -1 when there is none. */
function closingBrace(text: string, start: number): number {
  let open = 1;
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === "$" && text[at + 1] === "{") {
      open += 1;
      at += 1;
    } else if (text[at] === "}") {
      open -= 1;
      if (open === 0) return at;
    }
  }
  return -1;
}

function invalid(text: string): InterpolationError {
  return new InterpolationError(`${JSON.stringify(text.slice(0, 80))} is no valid interpolation`);
}

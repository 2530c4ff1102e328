/**
 * @module Takes a line for the shell apart, with places: commands, how they follow each other, words. Nothing is run, and what only a shell
 * could tell (substitutions, loops) makes a word unknown.
 */
import { InterpolationError, interpolate, type VariableReader } from "./interpolate.ts";
import { LocatedText } from "./located-text.ts";

/** A word: `null` for one that only a shell knows. */
export type ShellWord = LocatedText | null;

/** One command. */
export interface ShellCommand {
  readonly words: readonly ShellWord[];
  /** Where its last word ends in the line. */
  readonly end: number;
  /** It goes on beside what follows it (`&`, or one side of a pipe). */
  readonly besideNext: boolean;
}

/** Commands of one line. */
const mostCommands = 200;

/** Takes a line apart. @param variables values of `$NAME`; a variable without one makes its word unknown */
export function readShellLine(line: LocatedText, variables: VariableReader): ShellCommand[] {
  const { text } = line;
  const commands: ShellCommand[] = [];
  let words: ShellWord[] = [];
  let end = 0;
  const finish = (besideNext: boolean): void => {
    if (words.length > 0) commands.push({ words, end, besideNext });
    words = [];
  };
  let at = 0;
  while (at < text.length && commands.length < mostCommands) {
    const rest = text.slice(at, at + 2);
    if (/^\s/.test(rest)) {
      if (rest.startsWith("\n")) finish(false);
      at += 1;
    } else if (rest === "&&" || rest === "||") {
      finish(false);
      at += 2;
    } else if (rest === "\\\n") at += 2;
    else if (rest.startsWith("&") || rest.startsWith("|")) {
      finish(true);
      at += 1;
    } else if (rest.startsWith(";") || rest.startsWith("(") || rest.startsWith(")")) {
      finish(false);
      at += 1;
    } else if (rest.startsWith("#")) {
      const newLine = text.indexOf("\n", at);
      at = newLine < 0 ? text.length : newLine;
    } else if (/^\d?[<>]/.test(rest)) at = skipRedirection(text, at);
    else {
      const word = readWord(line, at, variables);
      words.push(word.value);
      at = word.end;
      end = at;
    }
  }
  finish(false);
  return commands;
}

function skipRedirection(text: string, start: number): number {
  const match = /\d?[<>]+&?\s*(?:"[^"]*"|[^\s;&|()<>]*)/y;
  match.lastIndex = start;
  return match.test(text) ? Math.max(match.lastIndex, start + 1) : start + 1;
}

function readWord(line: LocatedText, start: number, variables: VariableReader): { value: ShellWord; end: number } {
  const { text } = line;
  const parts: LocatedText[] = [];
  let isKnown = true;
  const addExpanded = (part: LocatedText): void => {
    const expanded = expand(part, variables);
    if (expanded === null) isKnown = false;
    else parts.push(expanded);
  };
  let at = start;
  while (at < text.length && !/[\s;&|()<>]/.test(text[at]!)) {
    const character = text[at]!;
    if (character === "'") {
      const close = text.indexOf("'", at + 1);
      const to = close < 0 ? text.length : close;
      parts.push(line.slice(at + 1, to));
      at = to + 1;
    } else if (character === '"') {
      const to = closingQuote(text, at + 1);
      addExpanded(line.slice(at + 1, to));
      at = to + 1;
    } else if (character === "\\") {
      parts.push(line.slice(at + 1, at + 2));
      at += 2;
    } else if (character === "`" || text.startsWith("$(", at)) {
      isKnown = false;
      at = skipSubstitution(text, at);
    } else {
      const to = endOfPlain(text, at);
      addExpanded(line.slice(at, to));
      at = to;
    }
  }
  return { value: isKnown ? LocatedText.join(parts, line.whole) : null, end: at };
}

/** Up to a quote, a space or a substitution; braces of a variable stay together. */
function endOfPlain(text: string, start: number): number {
  let at = start;
  let braces = 0;
  for (; at < text.length; at += 1) {
    const character = text[at]!;
    if (character === "$" && text[at + 1] === "{") braces += 1;
    else if (character === "}" && braces > 0) braces -= 1;
    else if (braces === 0 && (/[\s;&|()<>'"\\`]/.test(character) || text.startsWith("$(", at))) break;
  }
  return Math.max(at, start + 1);
}

function closingQuote(text: string, start: number): number {
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

function skipSubstitution(text: string, start: number): number {
  if (text[start] === "`") {
    const close = text.indexOf("`", start + 1);
    return close < 0 ? text.length : close + 1;
  }
  let open = 0;
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === "(") open += 1;
    else if (text[at] === ")") {
      open -= 1;
      if (open === 0) return at + 1;
    }
  }
  return text.length;
}

function expand(part: LocatedText, variables: VariableReader): LocatedText | null {
  if (!part.text.includes("$") && !part.text.includes("`")) return part;
  if (part.text.includes("$(") || part.text.includes("`")) return null;
  let isKnown = true;
  try {
    const expanded = interpolate(part, variables, { onUnset: () => (isKnown = false) });
    return isKnown ? expanded : null;
  } catch (error) {
    if (!(error instanceof InterpolationError)) throw error;
    return null;
  }
}

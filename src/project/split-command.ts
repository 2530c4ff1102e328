/**
 * @module A command as people write it, taken apart into words without a shell: quotes and `$NAME` are understood, everything else of a shell is
 * refused by name.
 */

/** A word: texts, and variables whose values stand between them. */
export type Word = readonly (string | { readonly variable: string })[];

/** What came of it: words, or why it takes a shell. */
export type SplitCommand = { readonly words: readonly Word[] } | { readonly problem: string };

const shellOperators: Readonly<Record<string, string>> = {
  ";": "a second command behind ;",
  "&": "& and &&",
  "|": "a pipe",
  "<": "a redirection",
  ">": "a redirection",
  "(": "a subshell",
  ")": "a subshell",
  "{": "braces",
  "}": "braces",
  "`": "a command in backticks",
  "*": "the wildcard *",
  "?": "the wildcard ?",
  "[": "the wildcard [",
  "\\": "a backslash",
  "\n": "a second line",
};

const variable = /\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/y;

/** Takes a command apart. */
export function splitCommand(text: string): SplitCommand {
  const words: Word[] = [];
  let word: (string | { variable: string })[] | undefined;
  const add = (part: string | { variable: string }): void => {
    word ??= [];
    const last = word.at(-1);
    if (typeof part === "string" && typeof last === "string") word[word.length - 1] = last + part;
    else word.push(part);
  };
  const finish = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (character === " " || character === "\t") finish();
    else if (character === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) return { problem: "a quote ' is not closed" };
      add(text.slice(at + 1, end));
      at = end;
    } else if (character === '"') {
      const quoted = readQuoted(text, at + 1);
      if ("problem" in quoted) return quoted;
      add("");
      for (const part of quoted.parts) add(part);
      at = quoted.end;
    } else if (character === "$") {
      const found = readVariable(text, at);
      if (found === undefined) return { problem: "$ without a plain name behind it takes a shell" };
      add({ variable: found.name });
      at = found.end;
    } else if (character in shellOperators) return { problem: `${shellOperators[character]} takes a shell` };
    else if (character === "#" && word === undefined) return { problem: "a comment takes a shell" };
    else if (character === "~" && word === undefined) return { problem: "~ takes a shell" };
    else add(character);
  }
  finish();
  if (words.length === 0) return { problem: "it is empty" };
  const [first] = words[0]!;
  if (typeof first === "string" && /^[A-Za-z_]\w*=/.test(first))
    return { problem: "a variable before the program takes a shell" };
  return { words };
}

function readQuoted(
  text: string,
  start: number,
): { readonly parts: (string | { variable: string })[]; readonly end: number } | { readonly problem: string } {
  const parts: (string | { variable: string })[] = [];
  for (let at = start; at < text.length; at += 1) {
    const character = text[at]!;
    if (character === '"') return { parts, end: at };
    if (character === "`") return { problem: `${shellOperators["`"]} takes a shell` };
    // What a shell takes a backslash for between these quotes (POSIX, 2.2.3).
    if (character === "\\" && /["\\$`]/.test(text[at + 1] ?? "")) parts.push(text[++at]!);
    else if (character === "$") {
      const found = readVariable(text, at);
      if (found === undefined) return { problem: "$ without a plain name behind it takes a shell" };
      parts.push({ variable: found.name });
      at = found.end;
    } else parts.push(character);
  }
  return { problem: 'a quote " is not closed' };
}

function readVariable(text: string, at: number): { readonly name: string; readonly end: number } | undefined {
  variable.lastIndex = at;
  const match = variable.exec(text);
  return match === null ? undefined : { name: (match[1] ?? match[2])!, end: variable.lastIndex - 1 };
}

/** A text in which `${NAME}` stands for a variable; `$${` is `${` itself, and any other `$` is one. */
export function readTemplate(text: string): Word {
  const parts: (string | { variable: string })[] = [];
  let end = 0;
  for (const match of text.matchAll(/\$\$\{|\$\{([A-Za-z_]\w*)\}/g)) {
    parts.push(text.slice(end, match.index));
    parts.push(match[1] === undefined ? "${" : { variable: match[1] });
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}

/** The variables of some words. */
export function variablesOf(words: readonly Word[]): string[] {
  return words.flatMap((word) => word.flatMap((part) => (typeof part === "string" ? [] : [part.variable])));
}

/** The word's text. Variables that there are not are empty; whoever minds has looked before. */
export function fillWord(word: Word, environment: Readonly<Record<string, string | undefined>>): string {
  return word.map((part) => (typeof part === "string" ? part : (environment[part.variable] ?? ""))).join("");
}

/**
 * @module The comment at the head of every exported file: where it comes from, and what it does not do.
 */
import type { ExportLimit, GroupedLimit } from "./export-facts.ts";

/** Longest line of a comment. */
const width = 120;

/**
 * Lines of comment, each with `#` before it: every format here takes that. What came from outside cannot end a line.
 * @param about what else is to be said, a line each
 */
export function headComment(engine: string, about: readonly string[], limits: readonly GroupedLimit[]): string {
  const lines = [
    `Written by portolan gateway export, for ${engine}. Write it anew rather than change it here.`,
    ...about,
    ...(limits.length === 0 ? [] : ["", `What ${engine} does differently from portolan:`]),
    ...limits.flatMap(({ concerns, text }) => wrap(`- ${concerns.join(", ")}: ${text}`)),
  ];
  return `${lines.map(commentLine).join("\n")}\n`;
}

/** Says once what holds for several. */
export function groupLimits(limits: readonly ExportLimit[]): GroupedLimit[] {
  const groups = new Map<string, string[]>();
  for (const { concerns, text } of limits) {
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [concerns]);
    else if (!group.includes(concerns)) group.push(concerns);
  }
  return [...groups].map(([text, concerns]) => ({ concerns, text }));
}

/** One line of comment. */
export function commentLine(text: string): string {
  // eslint-disable-next-line no-control-regex
  const plain = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").replace(/\\+$/, "");
  return plain === "" ? "#" : `# ${plain}`;
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + word.length + 1 > width) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

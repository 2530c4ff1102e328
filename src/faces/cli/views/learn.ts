/**
 * @module How `learn` looks.
 */
import type { LearnEvent, LearnResult } from "../../../operations/learn.ts";
import { blank, paragraph, span, table, verbatim, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";

/** The view of `learn`. */
export const learnView: View<LearnResult, LearnEvent> = {
  pausesAfter: (chapter) => !chapter.last,
  event(chapter) {
    const blocks: Block[] = [
      ...(chapter.number === 1 ? [] : [blank]),
      paragraph([span(`${chapter.number}. ${chapter.title}`, "heading")]),
      ...prose(chapter.paragraphs),
    ];
    for (const figure of chapter.figures) {
      blocks.push(blank);
      if (figure.kind === "picture") blocks.push(...figure.lines.map((line) => verbatim(line)));
      else blocks.push(rowsTable(figure.columns, figure.rows));
    }
    blocks.push(...prose(chapter.afterwards));
    for (const [command, note] of chapter.commands ?? []) {
      blocks.push(paragraph([span(command.padEnd(21), "link"), "  ", note], { indent: 2, hang: 25 }));
    }
    return blocks;
  },
  result: () => [],
};

function prose(texts: readonly string[]): Block[] {
  return texts.flatMap((text) => [blank, paragraph(text)]);
}

/** The first columns are the ones that the chapter is about: the last is left out first on a narrow page. */
function rowsTable(columns: readonly string[], rows: readonly (readonly string[])[]): Block {
  return table(
    columns.map((title, index) => {
      const widest = Math.max(...rows.map((row) => row[index]?.length ?? 0));
      return { title, priority: index, leastWidth: index === 0 ? widest : Math.min(widest, 22) };
    }),
    rows.map((row): readonly Line[] => row.map((cell, index) => [index === 0 ? span(cell, "strong") : cell])),
  );
}

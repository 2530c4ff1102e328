/**
 * @module How `diff` looks: a line a difference, marked +, - or ~.
 */
import type { DiffResult } from "../../../operations/diff.ts";
import type { ListedService } from "../../../operations/schemas.ts";
import { blank, paragraph, span, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";
import { briefService, placeCell, projectCell, reachCell } from "./service-cells.ts";

/** The view of `diff`. */
export const diffView: View<DiffResult> = {
  result: (result) => {
    const { before, after, appeared, disappeared, changed, interfaces, limits } = result;
    const blocks: Block[] = [
      paragraph([span("- ", "bad"), `${before.name}, ${before.takenAt} (${before.source})`]),
      paragraph([span("+ ", "good"), `${after.name}, ${after.takenAt} (${after.source})`]),
      blank,
    ];
    if (result.equal) return [...blocks, paragraph("Nothing differs.")];
    for (const service of disappeared) blocks.push(line([span("- ", "bad"), ...describe(service)]));
    for (const service of appeared) blocks.push(line([span("+ ", "good"), ...describe(service)]));
    for (const { aspects, before: left, after: right } of changed) {
      blocks.push(line([span("~ ", "strong"), ...describe(right), span(`  (${aspects.join(", ")})`, "dim")]));
      blocks.push(paragraph([span("before: ", "dim"), ...describe(left)], { indent: 4, hang: 6 }));
    }
    for (const { address, interfaceName, change } of interfaces) {
      const mark = change === "appeared" ? span("+ ", "good") : span("- ", "bad");
      blocks.push(line([mark, `address ${address} of ${interfaceName}`]));
    }
    for (const { name, before: left, after: right } of limits) {
      blocks.push(
        line([span("~ ", "strong"), `limit ${name}: ${JSON.stringify(left)} became ${JSON.stringify(right)}`]),
      );
    }
    return blocks;
  },
  exitStatus: ({ equal }) => (equal ? 0 : 1),
};

function line(words: Line): Block {
  return paragraph(words, { hang: 4 });
}

function describe(service: ListedService): Line {
  const [project, place] = [projectCell(service), placeCell(service)];
  return [
    ...briefService(service),
    ...(project.length === 0 ? [] : [", project ", ...project]),
    ...(place.length === 0 ? [] : [", in ", ...place]),
    ", ",
    ...reachCell(service),
    span(`, at ${service.addresses.join(" ")}`, "dim"),
  ];
}

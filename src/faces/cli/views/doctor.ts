/**
 * @module How `doctor` looks: the causes, each with what was seen and what to do, then what was tried and what could not be seen.
 */
import type { DoctorResult } from "../../../operations/doctor.ts";
import { blank, paragraph, span, verbatim, type Block, type Style } from "../print/document.ts";
import type { View } from "../view.ts";

const sureStyles: Readonly<Record<DoctorResult["findings"][number]["sure"], Style>> = {
  certain: "bad",
  likely: "warning",
  possible: "dim",
};

/** The view of `doctor`. */
export const doctorView: View<DoctorResult> = {
  result(result) {
    const { findings, healthy, asked, notes } = result;
    const blocks: Block[] = [];
    if (healthy)
      blocks.push(paragraph([span(asked.text, "strong"), ": ", span("nothing is wrong that could be seen.", "good")]));
    for (const [index, finding] of findings.entries()) blocks.push(...findingBlocks(finding, index, findings.length));
    blocks.push(...(blocks.length > 1 ? [blank] : []), ...attemptBlocks(result));
    for (const note of notes) blocks.push(paragraph([span("note      ", "dim"), note], { indent: 2, hang: 12 }));
    return blocks;
  },
  notes({ notLookedAt }, { asRoot }) {
    const blocks: Block[] = notLookedAt.map(({ message }) =>
      paragraph([span("Not looked at: ", "warning"), message], { hang: 15 }),
    );
    if (notLookedAt.some(({ why }) => why === "permission")) {
      blocks.push(paragraph("To see everything:", { indent: 15 }), verbatim("               ", span(asRoot, "link")));
    }
    return blocks;
  },
  exitStatus: ({ healthy }) => (healthy ? 0 : 1),
};

function findingBlocks(finding: DoctorResult["findings"][number], index: number, count: number): Block[] {
  const { title, sure, evidence, remedies } = finding;
  const number = count === 1 ? "" : `${index + 1}. `;
  const blocks: Block[] = index === 0 ? [] : [blank];
  blocks.push(paragraph([number, span(title, "strong"), " (", span(sure, sureStyles[sure]), ")"]));
  for (const [at, seen] of evidence.entries()) {
    blocks.push(paragraph([span(at === 0 ? "seen      " : "          ", "dim"), seen], { indent: 2, hang: 12 }));
  }
  for (const [at, { text, command }] of remedies.entries()) {
    blocks.push(paragraph([span(at === 0 ? "do        " : "          ", "dim"), text], { indent: 2, hang: 12 }));
    if (command !== null) blocks.push(verbatim("              ", span(command, "link")));
  }
  return blocks;
}

function attemptBlocks({ attempts }: DoctorResult): Block[] {
  return attempts.map((attempt, index) => {
    const { address, outcome, elapsedMs, status, identified, failure, answered } = attempt;
    const said = [
      ...(status === null ? [] : [`HTTP status ${status}`]),
      ...(identified.length === 0 ? [] : [identified.join(" over ")]),
      ...(failure === null ? [] : [failure]),
      ...(answered === null || status !== null || identified.length > 0 || failure !== null ? [] : ["answered"]),
    ];
    const style: Style = outcome === "open" && answered !== false ? "good" : "warning";
    return paragraph(
      [
        span(index === 0 ? "tried     " : "          ", "dim"),
        `${address}: `,
        span(outcome, style),
        span(` after ${Math.round(elapsedMs)} ms${said.length === 0 ? "" : `; ${said.join("; ")}`}`, "dim"),
      ],
      { indent: 2, hang: 12 },
    );
  });
}

/**
 * @module How `check` looks: what is in the way, file by file, as compilers tell it; what could be taken instead; what was written.
 */
import type { CheckFinding, CheckProposal, CheckResult, CheckWish } from "../../../operations/check-schemas.ts";
import { blank, paragraph, span, verbatim, type Block, type Line, type Style } from "../print/document.ts";
import type { View } from "../view.ts";

/** Findings that are told one by one. */
const mostFindings = 200;

/** The view of `check`. */
export const checkView: View<CheckResult> = {
  result(result) {
    const blocks: Block[] = [];
    for (const problem of result.problems) blocks.push(problemBlock(problem));
    for (const finding of result.findings.slice(0, mostFindings)) blocks.push(...findingBlocks(finding, result));
    const more = result.findings.length - mostFindings;
    if (more > 0) blocks.push(paragraph([span(`and ${more.toLocaleString("en")} more, which --json has.`, "dim")]));
    if (blocks.length > 0) blocks.push(blank);
    blocks.push(paragraph(summary(result)));
    return [...blocks, ...fixBlocks(result)];
  },
  notes: ({ skipped, machine }) => [
    ...skipped.map(({ file, reason }) => paragraph([span(`${file}: left out: ${reason}.`, "dim")])),
    ...(machine?.blindSpots ?? [])
      .filter(({ what }) => what === "sockets")
      .map(({ message }) => paragraph([span(message, "dim")])),
  ],
  exitStatus: ({ findings, problems, fix }) => {
    const conflicts = findings.filter(({ severity }) => severity === "conflict").length;
    const open = fix?.outcome === "written" ? fix.proposal.left.length : conflicts;
    if (open > 0) return 1;
    return problems.some(({ severity }) => severity === "error") ? 2 : 0;
  },
  proposal: (proposal: CheckProposal) => [...proposalBlocks(proposal), blank],
  question: ({ changes }: CheckProposal) => {
    const edits = changes.reduce((sum, change) => sum + change.edits.length, 0);
    const files = changes.length === 1 ? "this file" : `these ${changes.length} files`;
    return `Write ${edits === 1 ? "this port" : `these ${edits} ports`} into ${files}?`;
  },
};

const styles: Readonly<Record<CheckFinding["severity"], Style>> = { conflict: "bad", warning: "warning", note: "good" };

function findingBlocks(finding: CheckFinding, { wishes }: CheckResult): Block[] {
  const { severity, message, port, transport, proposal } = finding;
  const wish = wishes[finding.wish]!;
  const others = finding.others.map((index) => wishes[index]!);
  const named = finding.kind === "same-port" ? "" : `${wish.name}: `;
  const blocks: Block[] = [
    paragraph(
      [
        ...whereOf(wish),
        ": ",
        span(severity, styles[severity]),
        ": ",
        span(`${port}/${transport}`, "strong"),
        ` ${named}${message}`,
      ],
      { hang: 2 },
    ),
  ];
  for (const other of others) {
    blocks.push(paragraph([...whereOf(other), `: ${other.name}${defaultText(other)}`], { indent: 2, hang: 4 }));
  }
  if (proposal !== null) blocks.push(proposalBlock(finding, wishes));
  return blocks;
}

function whereOf({ file, line, column }: { file: string; line: number; column: number }): Line {
  return [span(`${file}:${line}:${column}`, "link")];
}

function defaultText({ origin }: CheckWish): string {
  return origin === "default" ? ", by default" : "";
}

function proposalBlock({ proposal, wish }: CheckFinding, wishes: readonly CheckWish[]): Block {
  const { port, why, wish: changed } = proposal!;
  const count = wishes[changed]!.lastPort - wishes[changed]!.port;
  const shown = count === 0 ? String(port) : `${port}-${port + count}`;
  const who = changed === wish ? "" : ` for ${wishes[changed]!.name}`;
  const how = why === null ? "" : ` (to be written by hand: ${why})`;
  return paragraph(["free instead", who, ": ", span(shown, "good"), how], { indent: 2, hang: 4 });
}

function problemBlock({ file, line, column, severity, message }: CheckResult["problems"][number]): Block {
  const where = line === null ? file : `${file}:${line}:${column ?? 1}`;
  const word = severity === "error" ? span("unusable", "bad") : span("beware", "warning");
  return paragraph([span(where, "link"), ": ", word, `: ${message}`], { hang: 2 });
}

function summary({ files, wishes, findings, problems, machine, complete }: CheckResult): Line {
  if (files.length === 0) return ["No file here says a port."];
  const count = (severity: CheckFinding["severity"]): number =>
    findings.filter((finding) => finding.severity === severity).length;
  const asked = wishes.filter(({ role, inactive }) => role === "listens" && inactive === null).length;
  const where = machine === null ? "by the files alone" : "with this machine as it is now";
  const read = `${plural(asked, "port")} asked for in ${plural(files.length, "file")}, ${where}: `;
  const conflicts = count("conflict");
  const warnings = count("warning");
  const broken = problems.filter(({ severity }) => severity === "error").length;
  const verdict: Line =
    conflicts > 0
      ? [span(plural(conflicts, "conflict"), "bad")]
      : broken > 0
        ? [span(`no conflict in what could be read`, "warning")]
        : [span("no conflict", "good")];
  const up = count("note");
  const more = [
    ...(warnings > 0 ? [plural(warnings, "warning")] : []),
    ...(up > 0 ? [`${up} already up`] : []),
    ...(broken > 0 ? [`${broken} unusable`] : []),
  ];
  const end = complete ? "." : ". Not everything was looked at.";
  return [read, ...verdict, ...(more.length > 0 ? [`, ${more.join(", ")}`] : []), end];
}

function plural(count: number, word: string): string {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

function fixBlocks({ fix }: CheckResult): Block[] {
  if (fix === null) return [];
  const { outcome, proposal } = fix;
  if (outcome === "nothing-to-do") return [paragraph("Nothing can be written.")];
  if (outcome === "declined") return [paragraph("Nothing was written.")];
  if (outcome === "proposed")
    return [blank, ...proposalBlocks(proposal), blank, paragraph("Nothing was written (--dry-run).")];
  const files = proposal.changes.map(({ file }) => file).join(", ");
  return [blank, ...proposalBlocks(proposal), blank, paragraph([span("Written", "good"), `: ${files}.`])];
}

function proposalBlocks({ changes, mentions, left }: CheckProposal): Block[] {
  const blocks: Block[] = changes.flatMap(({ diff }) => diff.replace(/\n$/, "").split("\n").map(diffLine));
  if (mentions.length > 0) {
    blocks.push(blank, paragraph("These connect to a port that changes. Adapt them where they mean this program:"));
    for (const mention of mentions) {
      blocks.push(paragraph([...whereOf(mention), `: ${mention.name} ${mention.port}`], { indent: 2, hang: 4 }));
    }
  }
  if (left.length > 0) {
    const many = left.length === 1 ? "One conflict is" : `${left.length} conflicts are`;
    blocks.push(
      blank,
      paragraph([span(`${many} left to you: ${[...new Set(left.map(({ why }) => why))].join("; ")}.`, "warning")]),
    );
  }
  return blocks;
}

function diffLine(line: string): Block {
  const style: Style | undefined =
    line.startsWith("---") || line.startsWith("+++")
      ? "strong"
      : line.startsWith("@@")
        ? "dim"
        : line.startsWith("-")
          ? "bad"
          : line.startsWith("+")
            ? "good"
            : undefined;
  // A carriage return at a line's end is the file's, and no part of what is shown.
  return verbatim(span(line.replace(/\r$/, ""), style));
}

/**
 * @module How `hosts` looks: the lines that come and go, then what became of it.
 */
import { quoteForShell } from "../../../core/index.ts";
import type { HostsProposal, HostsResult } from "../../../operations/hosts.ts";
import { blank, paragraph, span, verbatim, type Block } from "../print/document.ts";
import type { View } from "../view.ts";

const exitStatuses: Readonly<Record<HostsResult["outcome"], number>> = {
  written: 0,
  removed: 0,
  unchanged: 0,
  proposed: 0,
  declined: 1,
  "not-permitted": 3,
};

/** The view of `hosts`. */
export const hostsView: View<HostsResult> = {
  result({ outcome, proposal }) {
    const { path, added, kept, sudo } = proposal;
    switch (outcome) {
      case "proposed":
        return [...proposalBlocks(proposal), paragraph("Nothing was done (--dry-run).")];
      case "declined":
        return [paragraph("Nothing was done.")];
      case "removed":
        return [paragraph(`${path} is as it was without Portolan.`)];
      case "written":
        return [paragraph(`${path} leads ${countNames([...added, ...kept])} here.`)];
      case "not-permitted":
        return [
          ...proposalBlocks(proposal),
          paragraph("That takes root's rights. To do it:"),
          verbatim("  ", span((sudo ?? []).map(quoteForShell).join(" "), "link")),
        ];
      default:
        return [
          paragraph(
            kept.length > 0
              ? `${path} leads ${countNames(kept)} here already.`
              : `${path} has no line of Portolan's, and gets none. Names below .localhost are this machine's own in browsers without it (--all writes them all the same).`,
          ),
        ];
    }
  },
  notes: ({ proposal, outcome }) => [
    ...proposal.wildcards.map((name) =>
      paragraph([
        span(`${name} cannot be said in a hosts file: give each name below it a route of its own.`, "warning"),
      ]),
    ),
    ...(outcome === "unchanged" || outcome === "written" ? conflictBlocks(proposal) : []),
  ],
  proposal: (proposal: HostsProposal) => proposalBlocks(proposal),
  question: ({ path }: HostsProposal) => `Change ${path}?`,
  exitStatus: ({ outcome }) => exitStatuses[outcome],
};

function countNames(lines: HostsProposal["kept"]): string {
  const names = [...new Set(lines.map(({ name }) => name))];
  return names.length <= 3 ? names.join(", ") : `${names.length} names`;
}

function proposalBlocks(proposal: HostsProposal): Block[] {
  const { path, added, removed, kept } = proposal;
  return [
    paragraph([span(path, "strong")]),
    ...removed.map(({ address, name }) => verbatim("  ", span(`- ${address} ${name}`, "bad"))),
    ...kept.map(({ address, name }) => verbatim("  ", span(`  ${address} ${name}`, "dim"))),
    ...added.map(({ address, name }) => verbatim("  ", span(`+ ${address} ${name}`, "good"))),
    ...conflictBlocks(proposal),
    blank,
  ];
}

function conflictBlocks({ path, conflicts }: HostsProposal): Block[] {
  return conflicts.map(({ line, address, name }) =>
    paragraph([span(`Line ${line} of ${path} leads ${name} to ${address}, and may win.`, "warning")]),
  );
}

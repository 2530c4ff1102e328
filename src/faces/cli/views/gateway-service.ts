/**
 * @module How `gateway install` and `gateway uninstall` look.
 */
import { formatSocketAddress, quoteForShell } from "../../../core/index.ts";
import type { GatewayServiceProposal, GatewayServiceResult } from "../../../operations/gateway-service.ts";
import { blank, paragraph, span, verbatim, type Block } from "../print/document.ts";
import type { View } from "../view.ts";

const exitStatuses: Readonly<Record<GatewayServiceResult["outcome"], number>> = {
  installed: 0,
  unchanged: 0,
  removed: 0,
  proposed: 0,
  printed: 0,
  "nothing-there": 1,
  declined: 1,
  "not-permitted": 3,
};

/** The view of `gateway-service`. */
export const gatewayServiceView: View<GatewayServiceResult> = {
  raw: ({ outcome, proposal }) => (outcome === "printed" ? (proposal.content ?? proposal.before ?? "") : undefined),
  result(result) {
    const { outcome, proposal } = result;
    switch (outcome) {
      case "proposed":
        return [...proposalBlocks(proposal), paragraph("Nothing was done (--dry-run).")];
      case "declined":
        return [paragraph("Nothing was done.")];
      case "nothing-there":
        return [paragraph(`No service is installed: there is no ${proposal.path}.`)];
      case "removed":
        return [paragraph("The service was removed. The gateway starts when it is needed, as before.")];
      case "not-permitted":
        return [...proposalBlocks(proposal), paragraph("That takes root's rights. To do it:"), sudoLine(proposal)];
      default:
        return [
          paragraph([
            outcome === "unchanged"
              ? "The service is installed already, and runs"
              : "The service was installed, and runs",
            ...(result.pid === null ? [] : [": process ", span(String(result.pid), "strong")]),
            ".",
          ]),
          ...result.listeners.map(({ scheme, addresses, port }) =>
            paragraph(`${scheme} at ${addresses.map((address) => formatSocketAddress(address, port)).join(" and ")}`),
          ),
        ];
    }
  },
  notes: ({ outcome, proposal }) =>
    outcome === "installed" || outcome === "printed"
      ? proposal.notes.map((note) => paragraph([span(note, "dim")]))
      : [],
  proposal: (proposal: GatewayServiceProposal) => proposalBlocks(proposal),
  question: ({ content }: GatewayServiceProposal) =>
    content === null ? "Remove the service?" : "Install the service?",
  exitStatus: ({ outcome }) => exitStatuses[outcome],
};

function proposalBlocks({ path, content, before, commands, replacesPid, notes }: GatewayServiceProposal): Block[] {
  const blocks: Block[] = [];
  if (content === null) blocks.push(paragraph(["Removes ", span(path, "strong")]));
  else {
    const how = before === null ? "Writes " : before === content ? "Keeps " : "Replaces ";
    blocks.push(paragraph([how, span(path, "strong")]), blank);
    for (const line of content.trimEnd().split("\n"))
      blocks.push(line === "" ? blank : verbatim("  ", span(line, "dim")));
    blocks.push(blank);
  }
  blocks.push(paragraph("Runs"));
  for (const command of commands) blocks.push(verbatim("  ", span(command.map(quoteForShell).join(" "), "strong")));
  if (replacesPid !== null) blocks.push(paragraph(`The gateway that runs now, process ${replacesPid}, makes room.`));
  for (const note of notes) blocks.push(paragraph([span(note, "warning")]));
  return [...blocks, blank];
}

function sudoLine({ sudo }: GatewayServiceProposal): Block {
  return verbatim("  ", span((sudo ?? []).map(quoteForShell).join(" "), "link"));
}

/**
 * @module How `ranges` looks.
 */
import type { RangesResult } from "../../../operations/ranges.ts";
import { blank, paragraph, span, verbatim, type Block } from "../print/document.ts";
import { countText } from "../print/numbers.ts";
import type { View } from "../view.ts";

/** The view of `ranges`. */
export const rangesView: View<RangesResult> = {
  result(result) {
    const blocks: Block[] = [];
    for (const range of result.ranges) {
      const inUse = range.listeningHere.known ? `, ${range.listeningHere.value} in use here` : "";
      blocks.push(
        paragraph([
          span(`${range.first}–${range.last}`, "strong"),
          `  ${range.title}`,
          span(` (${range.otherNames.join(", ")})`, "dim"),
          `: ${countText(range.count)} ports${inUse}`,
        ]),
        paragraph(`${range.explanation} ${range.source}.`, { indent: 4 }),
        blank,
      );
    }
    blocks.push(verbatim(span("This kernel", "heading")));
    const { unprivilegedPortStart, ephemeralRange, reservedPorts, mayBindPrivileged } = result.limits;
    if (unprivilegedPortStart.known) {
      const start = unprivilegedPortStart.value;
      const you = mayBindPrivileged.known
        ? mayBindPrivileged.value
          ? " You have that privilege now."
          : " You do not have it now."
        : "";
      blocks.push(
        paragraph(
          start === 0
            ? "Every program may take any port, privileged or not."
            : `Ports below ${start} need a privilege (root or CAP_NET_BIND_SERVICE).${you}`,
        ),
      );
    }
    if (ephemeralRange.known) {
      const { first, last } = ephemeralRange.value;
      blocks.push(
        paragraph(
          `${first}–${last} are handed out to programs that name no port, such as a browser for each of its connections ` +
            `(${countText(last - first + 1)} ports). A server that waits in there may find its port taken.`,
        ),
      );
    }
    if (reservedPorts.known && reservedPorts.value !== "") {
      blocks.push(paragraph(`Left out of that: ${reservedPorts.value}.`));
    }
    if (!unprivilegedPortStart.known && !ephemeralRange.known) {
      blocks.push(paragraph("Its own limits could not be read here."));
    }
    return blocks;
  },
};

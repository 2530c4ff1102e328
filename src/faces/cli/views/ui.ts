/**
 * @module How `ui` looks: where the page is, and what to know of it.
 */
import type { UiEvent, UiResult } from "../../../operations/ui.ts";
import { paragraph, span, type Block } from "../print/document.ts";
import type { View } from "../view.ts";

/** The view of `ui`. */
export const uiView: View<UiResult, UiEvent> = {
  event: (event) => (event.kind === "said" ? [] : readyBlocks(event)),
  announce: (event) => (event.kind === "said" ? [paragraph([span(event.text, "warning")])] : []),
  result: () => [],
};

function readyBlocks(event: Extract<UiEvent, { kind: "ready" }>): Block[] {
  const blocks: Block[] = [
    paragraph(["The chart is at ", span(event.entryUrl, "link")]),
    paragraph([
      span(
        event.opened
          ? "Your browser is being opened. The address is good for one use; the page gives others. Ctrl-C ends it."
          : "The address is good for one use; the page gives others. Ctrl-C ends it.",
        "dim",
      ),
    ]),
  ];
  if (event.metricsUrl !== null) blocks.push(paragraph(["Counts for Prometheus: ", span(event.metricsUrl, "link")]));
  return blocks;
}

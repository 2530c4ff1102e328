/**
 * @module How `wait` looks.
 */
import { formatDuration } from "../../../core/index.ts";
import type { WaitEvent, WaitResult } from "../../../operations/wait.ts";
import { paragraph, span, type Block } from "../print/document.ts";
import type { View } from "../view.ts";

const proofs = { table: "listens", connection: "takes connections", http: "answers" } as const;

/** The view of `wait`. */
export const waitView: View<WaitResult, WaitEvent> = {
  event: ({ endpoint, gone, how, afterMs }) => [
    paragraph([
      span(endpoint, "strong"),
      " ",
      span(gone ? "is gone" : proofs[how], "good"),
      ` after ${formatDuration(afterMs)}.`,
    ]),
  ],
  result: ({ ready, complete, elapsedMs, endpoints }) => {
    if (ready || !complete) return [];
    return [
      paragraph([span(`Gave up after ${formatDuration(elapsedMs)}:`, "bad")]),
      ...endpoints
        .filter((one) => !one.ready)
        .map(({ endpoint, reason }): Block =>
          paragraph([span(endpoint, "strong"), `: ${reason ?? ""}`], { indent: 2, hang: 4 }),
        ),
    ];
  },
  exitStatus: ({ ready }) => (ready ? 0 : 1),
};

/**
 * @module How `relays` looks.
 */
import type { RelaysResult } from "../../../operations/relays.ts";
import { paragraph, span, verbatim } from "../print/document.ts";
import type { View } from "../view.ts";
import { countsOf, placeOf } from "./forward.ts";

/** The view of `relays`. */
export const relaysView: View<RelaysResult> = {
  result: ({ relays }) =>
    relays.length === 0
      ? [paragraph("No forward and no share runs.")]
      : relays.map(({ listen, target, pid, counts }) =>
          verbatim(
            span(placeOf(listen), "strong"),
            ` → ${target ?? "by what is said"}  `,
            span(`process ${pid}, ${counts.open} open, `, "dim"),
            ...countsOf(counts),
          ),
        ),
};

/**
 * @module How `watch` looks where there is no screen for it: as `follow` does, without traffic.
 */
import type { WatchEvent, WatchResult } from "../../../operations/watch.ts";
import { paragraph, span } from "../print/document.ts";
import type { View } from "../view.ts";
import { followView } from "./follow.ts";

/** The view of `watch`. */
export const watchView: View<WatchResult, WatchEvent> = {
  event: (event, context) =>
    event.kind === "traffic" || event.kind === "program-failed" ? [] : (followView.event?.(event, context) ?? []),
  announce: (event) =>
    event.kind === "program-failed"
      ? [paragraph([span("The program of --on-change failed: ", "warning"), `${event.reason}. The watch goes on.`])]
      : [],
  result: () => [],
};

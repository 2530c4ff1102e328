/**
 * @module How `watch` looks in a pipe: as `follow` does.
 */
import type { WatchEvent, WatchResult } from "../../../operations/watch.ts";
import type { View } from "../view.ts";
import { followView } from "./follow.ts";

/** The view of `watch`. */
export const watchView: View<WatchResult, WatchEvent> = {
  event: (event, context) => (event.kind === "traffic" ? [] : (followView.event?.(event, context) ?? [])),
  result: () => [],
};

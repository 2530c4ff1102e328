/**
 * @module How `completions` looks: the script.
 */
import type { CompletionsResult } from "../../../operations/completions.ts";
import type { View } from "../view.ts";

/** The view of `completions`. */
export const completionsView: View<CompletionsResult> = {
  raw: ({ script }) => script,
  result: () => [],
};

/**
 * @module How `pick` looks: ports, one a line, and nothing else, so that a script can take them as they are.
 */
import { formatDuration } from "../../../core/index.ts";
import type { PickResult } from "../../../operations/pick.ts";
import { paragraph, span, verbatim } from "../print/document.ts";
import type { View } from "../view.ts";

/** The view of `pick`. */
export const pickView: View<PickResult> = {
  result: ({ ports }) => ports.map((port) => verbatim(String(port))),
  notes({ ports, ttlMs, name }, { terminal }) {
    if (!terminal) return [];
    const them = ports.length === 1 ? "it" : "them";
    const whose = name === null ? "" : ` It is kept for ${name} in this project.`;
    return [paragraph([span(`Nobody else gets ${them} from Portolan for ${formatDuration(ttlMs)}.${whose}`, "dim")])];
  },
};

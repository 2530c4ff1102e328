/**
 * @module How `down` looks.
 */
import type { DownResult } from "../../../operations/down.ts";
import { paragraph, span } from "../print/document.ts";
import type { View } from "../view.ts";

/** The view of `down`. */
export const downView: View<DownResult> = {
  result: ({ projects }) =>
    projects.length === 0
      ? [paragraph("Nothing is up here.")]
      : projects.map(({ pid, apps, wasRunning, ended }) =>
          paragraph(
            ended
              ? `${apps.join(", ")} ${apps.length === 1 ? "has" : "have"} ended${wasRunning ? "" : "; the up that started it had been killed"}.`
              : [span(`Process ${pid} has not ended yet.`, "warning")],
          ),
        ),
  exitStatus: ({ projects }) => (projects.length > 0 && projects.every(({ ended }) => ended) ? 0 : 1),
};

/**
 * @module How `run` looks: standard output is the program's, so that all there is to say goes to standard error.
 */
import type { RunEvent, RunResult } from "../../../operations/run.ts";
import { paragraph, span } from "../print/document.ts";
import type { View } from "../view.ts";

/** The view of `run`. */
export const runView: View<RunResult, RunEvent> = {
  result: () => [],
  announce({ port, name, socketsPassed }, { terminal }) {
    if (!terminal) return [];
    const how = socketsPassed > 0 ? "with the bound socket as descriptor 3" : `PORT=${port}`;
    return [paragraph([span(`portolan: port ${port}${name === null ? "" : ` (${name})`}, ${how}`, "dim")])];
  },
  exitStatus: ({ exitStatus }) => exitStatus,
};

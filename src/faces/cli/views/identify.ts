/**
 * @module How `identify` looks.
 */
import { portOutcomes } from "../../../scan/index.ts";
import type { IdentifyResult } from "../../../operations/identify.ts";
import { paragraph, span, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";
import { doorTitleCell } from "./door-cells.ts";
import { identificationBlocks } from "./identification.ts";
import { fact } from "./meaning.ts";

/** The view of `identify`. */
export const identifyView: View<IdentifyResult> = {
  result(result) {
    const { identification, endpoint, transport, state, host } = result;
    const name = host === null ? "" : ` (${host})`;
    const heading: Line = [span(`${endpoint}/${transport}`, "strong"), name, " is "];
    if (identification === null || identification.layers.length === 0) return unrecognised(result, heading);
    return [
      paragraph([...heading, span(state, state === "open" ? "good" : "warning"), ": ", ...doorTitleCell(result)]),
      ...identificationBlocks(identification),
    ];
  },
  exitStatus: ({ identification }) => (identification === null || identification.layers.length === 0 ? 1 : 0),
};

function unrecognised(result: IdentifyResult, heading: Line): Block[] {
  const { identification, state, reason, title } = result;
  const meaning = portOutcomes.find((outcome) => outcome.state === state && outcome.reason === reason)?.meaning;
  const blocks: Block[] = [paragraph([...heading, span(state, state === "open" ? "good" : "warning"), "."])];
  blocks.push(fact("because", `${meaning ?? reason} (${reason})`));
  if (identification === null) return blocks;
  blocks.push(...identificationBlocks(identification));
  if (title !== null) {
    blocks.push(
      fact("its number", title.value, span("?", "dim"), span(`  ${title.evidence}, which proves nothing`, "dim")),
    );
  }
  return blocks;
}

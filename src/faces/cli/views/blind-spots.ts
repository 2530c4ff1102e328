/**
 * @module What could not be seen, and what would help, as notes beside a result.
 */
import type { BlindSpot } from "../../../host/index.ts";
import { paragraph, span, verbatim, type Block } from "../print/document.ts";
import type { ViewContext } from "../view.ts";

/** Notes on blind spots; those of permission end with the command that would see more. */
export function blindSpotNotes(blindSpots: readonly BlindSpot[], context: ViewContext): Block[] {
  const blocks: Block[] = blindSpots.map((spot) =>
    paragraph([span("Not seen: ", "warning"), spot.message], { hang: 10 }),
  );
  if (blindSpots.some((spot) => spot.why === "permission")) {
    blocks.push(paragraph("To see everything:", { indent: 10 }), verbatim("          ", span(context.asRoot, "link")));
  }
  return blocks;
}

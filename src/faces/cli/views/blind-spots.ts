/**
 * @module What could not be seen, and what would help, as notes beside a result.
 */
import type { ListedBlindSpot } from "../../../operations/schemas.ts";
import { paragraph, span, verbatim, type Block } from "../print/document.ts";
import type { ViewContext } from "../view.ts";

/**
 * Notes on blind spots; those of permission end with the command that would see more. Processes that could not be looked into
 * are only told when a shown service lacks its holder: to an ordinary user there are always some.
 */
export function blindSpotNotes(
  all: readonly ListedBlindSpot[],
  shown: readonly { readonly holders: { readonly known: boolean } }[],
  context: ViewContext,
): Block[] {
  const holdersMissing = shown.some(({ holders }) => !holders.known);
  const blindSpots = all.filter(({ what }) => what !== "holders" || holdersMissing);
  const blocks: Block[] = blindSpots.map((spot) =>
    paragraph([span("Not seen: ", "warning"), spot.message], { hang: 10 }),
  );
  if (blindSpots.some(({ what, why }) => why === "permission" && what !== "files")) {
    blocks.push(paragraph("To see everything:", { indent: 10 }), verbatim("          ", span(context.asRoot, "link")));
  }
  return blocks;
}

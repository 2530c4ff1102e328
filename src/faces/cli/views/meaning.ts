/**
 * @module Lines on what a port number is for, shared by `who` and `explain`.
 */
import type { PortMeaning } from "../../../operations/meaning.ts";
import { paragraph, span, type Block, type Line } from "../print/document.ts";

const indent = 2;
const hang = 14;
/** Conventions told with their description; of the rest only the title. */
const mostConventions = 4;

/** `  label       text` with later lines under the text. */
export function fact(label: string, ...line: Line): Block {
  return paragraph([span(label.padEnd(hang - indent), "dim"), ...line], { indent, hang });
}

/** What the number is for, and what this kernel makes of it. */
export function meaningBlocks(meaning: PortMeaning, options: { explainRange?: boolean } = {}): Block[] {
  const blocks: Block[] = [];
  if (meaning.door !== null) blocks.push(fact("known for", meaning.door));
  let told = "";
  for (const [index, { name, transports, description }] of meaning.assigned.slice(0, 4).entries()) {
    const label = index === 0 ? "assigned to" : "";
    const news = description === told ? "" : description;
    told = description;
    blocks.push(fact(label, span(name, "strong"), ` ${transports.join("+")}`, news === "" ? "" : `: ${news}`));
  }
  if (meaning.assigned.length > 4) blocks.push(fact("", span(`and ${meaning.assigned.length - 4} more names`, "dim")));
  if (meaning.assigned.length === 0) blocks.push(fact("assigned to", "nobody"));
  for (const [index, { title, transport, description }] of meaning.conventions.slice(0, mostConventions).entries()) {
    blocks.push(fact(index === 0 ? "commonly" : "", span(title, "strong"), ` ${transport}: ${description}`));
  }
  if (meaning.conventions.length > mostConventions) {
    const more = meaning.conventions.slice(mostConventions).map(({ title }) => title);
    blocks.push(fact("", span(`and ${more.join(", ")}`, "dim")));
  }
  blocks.push(
    fact("range", meaning.range.title, options.explainRange === true ? `: ${meaning.range.explanation}` : ""),
  );
  blocks.push(fact("to take it", takingText(meaning)));
  if (meaning.ephemeral.known && meaning.ephemeral.value && !(meaning.reserved.known && meaning.reserved.value)) {
    blocks.push(
      fact(
        "beware",
        span("this kernel hands it out to programs that name no port, so it may be taken at any moment", "warning"),
      ),
    );
  }
  if (meaning.browserBlocked) {
    blocks.push(fact("beware", span("browsers refuse to open it (Fetch standard, bad port)", "warning")));
  }
  return blocks;
}

function takingText(meaning: PortMeaning): string {
  if (!meaning.mayBind.known) return "whether it needs a privilege is not known here";
  if (!meaning.mayBind.value) return "needs a privilege that you do not have now (root or CAP_NET_BIND_SERVICE)";
  return meaning.range.id === "well-known" ? "you may bind it" : "any program may bind it";
}

/**
 * @module Lines on how a service proves what it is, from its protocol's declaration.
 */
import type { ExplainedProtocol } from "../../../operations/explain-protocols.ts";
import { blank, paragraph, span, type Block } from "../print/document.ts";
import { fact } from "./meaning.ts";

/** Protocols told in full; of the rest only the names. */
const mostProtocols = 3;

/** What each is for and how it proves itself. */
export function protocolBlocks(protocols: readonly ExplainedProtocol[]): Block[] {
  const blocks: Block[] = [];
  for (const protocol of protocols.slice(0, mostProtocols)) {
    const { title, purpose, speaksFirst, strongProof, weakProof, effectOnTarget, asked, sources } = protocol;
    blocks.push(blank, paragraph([span(title, "strong"), ` – ${purpose}`], { hang: 2 }));
    if (asked) {
      const speaker = speaksFirst === "server" ? "the server" : "the client";
      blocks.push(fact("begins", speaker), fact("its proof", strongProof));
      if (weakProof !== null) blocks.push(fact("a weak sign", weakProof));
      if (effectOnTarget !== null) blocks.push(fact("asking it", effectOnTarget));
    } else {
      blocks.push(fact("its proof", strongProof));
    }
    if (sources.length > 0) blocks.push(fact("source", span(sources.join(", "), "dim")));
  }
  const rest = protocols.slice(mostProtocols).map(({ title }) => title);
  if (rest.length > 0) blocks.push(blank, paragraph(`Also met here: ${rest.join(", ")}.`));
  return blocks;
}

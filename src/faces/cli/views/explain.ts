/**
 * @module How `explain` looks.
 */
import { knownOr } from "../../../core/index.ts";
import { summarizeReach } from "../../../plan/index.ts";
import type { ExplainResult } from "../../../operations/explain.ts";
import { blank, paragraph, span, type Block } from "../print/document.ts";
import type { View } from "../view.ts";
import { fact, meaningBlocks } from "./meaning.ts";
import { protocolBlocks } from "./protocol.ts";
import { holderCell, titleCell } from "./service-cells.ts";

/** Ports of one name that are told in full; of the rest only the numbers. */
const mostPorts = 6;

/** The view of `explain`. */
export const explainView: View<ExplainResult> = {
  result(result) {
    const blocks: Block[] = [];
    const { service, scheme, address } = result;
    if (service !== null) {
      const asked =
        service.alias === null ? "" : ` People say ${service.alias}; its name in the registry is ${service.name}.`;
      blocks.push(
        paragraph([
          span(service.name, "strong"),
          service.description === "" ? "" : `: ${service.description}`,
          ".",
          asked,
        ]),
      );
    }
    if (scheme !== null)
      blocks.push(paragraph([span(`${scheme.name}://`, "strong"), ` – ${scheme.explanation}`], { hang: 2 }));
    if (address !== null) {
      blocks.push(
        paragraph([span(address.text === "" ? "no address" : address.text, "strong"), ` – ${address.explanation}`], {
          hang: 2,
        }),
      );
    }
    for (const port of result.ports.slice(0, mostPorts)) {
      if (blocks.length > 0) blocks.push(blank);
      blocks.push(...portBlocks(port));
    }
    if (result.ports.length > mostPorts) {
      const rest = result.ports.slice(mostPorts).map((port) => port.port);
      blocks.push(blank, paragraph(`Its other ports: ${rest.join(", ")}.`));
    }
    blocks.push(...protocolBlocks(result.protocols));
    if (result.path !== null && result.path !== "/") {
      blocks.push(
        blank,
        paragraph(
          [span(result.path, "strong"), " – The path is for the application alone: the network never looks at it."],
          { hang: 2 },
        ),
      );
    }
    return blocks;
  },
};

function portBlocks(port: ExplainResult["ports"][number]): Block[] {
  const blocks: Block[] = [
    paragraph([span(`Port ${port.port}`, "strong"), ` – ${port.explanation}`], { hang: 2 }),
    ...meaningBlocks(port, { explainRange: true }),
  ];
  const here = knownOr(port.here, undefined);
  if (here === undefined) blocks.push(fact("here now", "not known: this system has no reader yet"));
  else if (here.length === 0) blocks.push(fact("here now", "nobody listens on it"));
  for (const service of here ?? []) {
    blocks.push(
      fact(
        "here now",
        ...titleCell(service),
        " held by ",
        ...holderCell(service),
        `, ${service.transport}, reach: ${summarizeReach(service.reach)}`,
      ),
    );
  }
  return blocks;
}

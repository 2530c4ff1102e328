/**
 * @module How `identify` looks.
 */
import { portOutcomes } from "../../../scan/index.ts";
import type { IdentifyResult } from "../../../operations/identify.ts";
import type { ListedIdentification, ListedTls } from "../../../operations/scan-schemas.ts";
import { paragraph, span, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";
import { doorTitleCell, firstLineOf, plainName } from "./door-cells.ts";
import { fact } from "./meaning.ts";

/** The view of `identify`. */
export const identifyView: View<IdentifyResult> = {
  result(result) {
    const { identification, endpoint, transport, state, host } = result;
    const name = host === null ? "" : ` (${host})`;
    const heading: Line = [span(`${endpoint}/${transport}`, "strong"), name, " is "];
    if (identification === null || identification.layers.length === 0) return unrecognised(result, heading);
    const blocks: Block[] = [
      paragraph([...heading, span(state, state === "open" ? "good" : "warning"), ": ", ...doorTitleCell(result)]),
    ];
    for (const layer of identification.layers) {
      const strength = layer.strength === "strong" ? span("proved", "good") : span("likely", "warning");
      blocks.push(fact("protocol", span(layer.title, "strong"), " ", strength, `: ${layer.evidence}`));
      for (const { name: factName, value, from } of layer.facts) {
        blocks.push(detail(factLabel(factName), valueText(value), span(`  from ${from}`, "dim")));
      }
      if (layer.protocol === "tls" && identification.tls !== null) blocks.push(...tlsBlocks(identification.tls));
    }
    // TLS that was switched on inside a connection has no layer of its own.
    if (identification.tls !== null && !identification.layers.some(({ protocol }) => protocol === "tls")) {
      blocks.push(fact("encryption", "offered and tried"), ...tlsBlocks(identification.tls));
    }
    blocks.push(...askedBlocks(identification));
    return blocks;
  },
  exitStatus: ({ identification }) => (identification === null || identification.layers.length === 0 ? 1 : 0),
};

function unrecognised(result: IdentifyResult, heading: Line): Block[] {
  const { identification, state, reason, title } = result;
  const meaning = portOutcomes.find((outcome) => outcome.state === state && outcome.reason === reason)?.meaning;
  const blocks: Block[] = [paragraph([...heading, span(state, state === "open" ? "good" : "warning"), "."])];
  blocks.push(fact("because", `${meaning ?? reason} (${reason})`));
  if (identification === null) return blocks;
  blocks.push(fact("protocol", span("not recognised", "warning"), `: ${identification.evidence}`));
  if (identification.unexplained !== null) {
    blocks.push(fact("it said", `"${firstLineOf(identification.unexplained)}"`));
  }
  if (title !== null) {
    blocks.push(
      fact("its number", title.value, span("?", "dim"), span(`  ${title.evidence}, which proves nothing`, "dim")),
    );
  }
  blocks.push(...askedBlocks(identification));
  return blocks;
}

/** A line about the protocol above it. */
function detail(label: string, ...line: Line): Block {
  return paragraph([span(label.padEnd(18), "dim"), ...line], { indent: 4, hang: 22 });
}

/** `protocolVersion` as words. */
function factLabel(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function valueText(value: string | number | boolean | readonly string[]): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "object" ? value.join(", ") : String(value);
}

function tlsBlocks({ version, cipher, alpn, certificate }: ListedTls): Block[] {
  const blocks = [detail("encryption", `${version}, ${cipher}${alpn === null ? "" : `, ${alpn} by ALPN`}`)];
  if (certificate === null) return blocks;
  const { subject, issuer, names, validFrom, validTo, selfSigned, fingerprint } = certificate;
  blocks.push(
    detail("certificate", subject === "" ? "without a subject" : subject, span("  not checked", "dim")),
    detail("issued by", selfSigned ? "itself" : issuer),
  );
  if (names.length > 0) blocks.push(detail("for", names.map(plainName).join(", ")));
  blocks.push(detail("valid", `${validFrom} to ${validTo}`), detail("SHA-256", span(fingerprint, "dim")));
  return blocks;
}

function askedBlocks({ asked, connections, elapsedMs, complete }: ListedIdentification): Block[] {
  const what = asked.length === 0 ? "nothing, only listened" : asked.join(", ");
  const times = `${connections} connection${connections === 1 ? "" : "s"}`;
  return [fact("asked", span(`${what}; ${times}, ${Math.round(elapsedMs)} ms${complete ? "" : ", cut short"}`, "dim"))];
}

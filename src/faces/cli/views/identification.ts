/**
 * @module Lines on what a door answered when it was asked what it is, shared by `identify` and `who`.
 */
import type { ListedIdentification, ListedTls } from "../../../operations/identification-schema.ts";
import { paragraph, span, type Block, type Line } from "../print/document.ts";
import { firstLineOf, plainName } from "./door-cells.ts";
import { fact } from "./meaning.ts";

/** Each protocol that was found with its facts, or what came instead; then what was asked. */
export function identificationBlocks(identification: ListedIdentification): Block[] {
  const { layers, tls, evidence, unexplained } = identification;
  const blocks: Block[] = [];
  for (const layer of layers) {
    const strength = layer.strength === "strong" ? span("proved", "good") : span("likely", "warning");
    blocks.push(fact("protocol", span(layer.title, "strong"), " ", strength, `: ${layer.evidence}`));
    for (const { name, value, from } of layer.facts) {
      blocks.push(detail(factLabel(name), valueText(value), span(`  from ${from}`, "dim")));
    }
    if (layer.protocol === "tls" && tls !== null) blocks.push(...tlsBlocks(tls));
  }
  // TLS that was switched on inside a connection has no layer of its own.
  if (tls !== null && !layers.some(({ protocol }) => protocol === "tls")) {
    blocks.push(fact("encryption", "switched on inside the connection"), ...tlsBlocks(tls));
  }
  if (layers.length === 0) blocks.push(fact("protocol", span("not recognised", "warning"), `: ${evidence}`));
  if (unexplained !== null) blocks.push(fact("it said", `"${firstLineOf(unexplained)}"`));
  blocks.push(askedBlock(identification));
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

function askedBlock({ asked, connections, elapsedMs, complete }: ListedIdentification): Block {
  const what = asked.length === 0 ? "nothing, only listened" : asked.join(", ");
  const times = `${connections} connection${connections === 1 ? "" : "s"}`;
  return fact("asked", span(`${what}; ${times}, ${Math.round(elapsedMs)} ms${complete ? "" : ", cut short"}`, "dim"));
}

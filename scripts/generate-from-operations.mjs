// From the operations' declarations: the command line's manifest (plain data, so that starting the command loads no schema),
// the JSON schemas that are published with the package, and the reference pages.
import { mkdirSync, readFileSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { toJsonSchema } from "@valibot/to-json-schema";
import { rolldown } from "rolldown";
import { writeManPage } from "./man-page.mjs";
import { describeHttp } from "./openapi.mjs";
import { writeReferencePage, writeReferenceIndex } from "./reference-pages.mjs";

const manifestPath = "src/faces/cli/manifest.generated.ts";

/** Loads the declarations and the face's formats from source by way of a throw-away bundle. */
async function loadOperations() {
  const bundle = await rolldown({
    input: { operations: "src/operations/index.ts", formats: "src/faces/cli/offered-formats.ts" },
    platform: "node",
    external: ["koffi", /^@koromix\//],
  });
  const folder = "node_modules/.cache/portolan-build";
  await bundle.write({ dir: folder, format: "esm", entryFileNames: "[name].mjs" });
  await bundle.close();
  const load = (name) => import(`${pathToFileURL(`${folder}/${name}.mjs`).href}?${Date.now()}`);
  return { ...(await load("operations")), ...(await load("formats")) };
}

function schemaOf(schema, typeMode) {
  return toJsonSchema(schema, { typeMode, target: "draft-2020-12", ignoreActions: ["readonly"] });
}

/** One entry of an input, as the command line needs it. */
function parameterOf(key, schema, required) {
  const parameter = { key, description: schema.description ?? "", required };
  if (schema.placeholder !== undefined) parameter.placeholder = schema.placeholder;
  if (schema.short !== undefined) parameter.short = schema.short;
  if (schema.offDescription !== undefined) parameter.offDescription = schema.offDescription;
  if (schema.afterDashes !== undefined) parameter.afterDashes = schema.afterDashes;
  if (schema.actions !== undefined) parameter.actions = schema.actions;
  if (schema.passThrough !== undefined) parameter.passThrough = schema.passThrough;
  if (schema.enum !== undefined) return { ...parameter, kind: "choice", choices: schema.enum };
  if (schema.type === "boolean") return { ...parameter, kind: "switch" };
  if (schema.type === "integer" || schema.type === "number")
    return { ...parameter, kind: "integer", lowest: schema.minimum ?? null, highest: schema.maximum ?? null };
  if (schema.type === "array") return { ...parameter, kind: "list" };
  if (schema.type === "string") return { ...parameter, kind: "text" };
  throw new Error(`The input entry ${key} has a type that the command line cannot show: ${JSON.stringify(schema)}`);
}

function commandOf(operation, inputSchema) {
  const required = new Set(inputSchema.required ?? []);
  const parameters = Object.entries(inputSchema.properties ?? {}).map(([key, schema]) =>
    parameterOf(key, schema, required.has(key)),
  );
  const { name, summary, description, effect, examples, positional } = operation;
  return {
    name,
    summary,
    description,
    effect,
    examples,
    positional: positional.map((key) => parameters.find((parameter) => parameter.key === key)),
    options: parameters.filter((parameter) => !positional.includes(parameter.key)),
  };
}

function writeIfChanged(path, text) {
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}

/** Writes the manifest, `dist/schema/*.json` and `docs/reference/*.md`. */
export async function generateFromOperations() {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  writeIfChanged(
    "src/operations/version.generated.ts",
    `/** @module Made from package.json by scripts/generate-from-operations.mjs. */\n\n/** Version of the package. */\n` +
      `export const version = ${JSON.stringify(version)};\n`,
  );
  const { operations, errorTable, faceInput, offeredColumns, offeredFormats, projectFileSchema } =
    await loadOperations();
  mkdirSync("dist/schema", { recursive: true });
  mkdirSync("docs/reference", { recursive: true });
  const commands = [];
  for (const operation of operations) {
    const input = schemaOf(operation.input, "input");
    const output = schemaOf(operation.output, "output");
    for (const face of operation.faces) {
      const offered = {
        ...schemaOf(faceInput(operation, face), "input"),
        title: `Input of portolan ${operation.name}`,
      };
      writeFileSync(
        `dist/schema/${operation.name}-input${face === "cli" ? "" : `-${face}`}.json`,
        `${JSON.stringify(offered, null, 2)}\n`,
      );
    }
    output.title = `Result of portolan ${operation.name}`;
    writeFileSync(`dist/schema/${operation.name}.json`, `${JSON.stringify(output, null, 2)}\n`);
    if (operation.event !== undefined) {
      const event = { ...schemaOf(operation.event, "output"), title: `Event of portolan ${operation.name}` };
      writeFileSync(`dist/schema/${operation.name}-event.json`, `${JSON.stringify(event, null, 2)}\n`);
    }
    const formats = offeredFormats[operation.name] ?? [];
    const columns = offeredColumns[operation.name];
    const command = {
      ...commandOf(operation, input),
      ...(columns === undefined ? {} : { columns }),
      ...(formats.length === 0 ? {} : { formats }),
    };
    // What only the page asks for is described by the OpenAPI document.
    if (!operation.faces.includes("cli")) continue;
    commands.push(command);
    writeIfChanged(`docs/reference/${operation.name}.md`, writeReferencePage(command, operation, output));
  }
  const projectFile = { ...schemaOf(projectFileSchema, "input"), title: "portolan.config.json" };
  writeFileSync("dist/schema/project-file.json", `${JSON.stringify(projectFile, null, 2)}\n`);
  const described = describeHttp({ version, operations, errorTable, schemaOf, faceInput });
  writeFileSync("dist/schema/openapi.json", `${JSON.stringify(described, null, 2)}\n`);
  writeIfChanged("docs/reference/README.md", writeReferenceIndex(commands, errorTable));
  mkdirSync("dist/man", { recursive: true });
  writeFileSync("dist/man/portolan.1", writeManPage(version, commands, errorTable));
  const data = JSON.stringify({ version, commands }, null, 2);
  writeIfChanged(
    manifestPath,
    `/** @module Made from the operations' declarations by scripts/generate-from-operations.mjs. */\nimport type { Manifest } from "./manifest.ts";\n\nexport const manifest: Manifest = ${data};\n`,
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  rmSync("dist/schema", { recursive: true, force: true });
  await generateFromOperations();
}

// Reference pages in Markdown, from the same declarations as the command line.

function cell(text) {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

/** `--transport <tcp|udp>`-style text of one option. */
export function flagText(parameter) {
  const name = parameter.key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const value =
    parameter.kind === "switch"
      ? ""
      : parameter.kind === "choice"
        ? ` <${parameter.choices.join("|")}>`
        : ` <${parameter.placeholder ?? "VALUE"}>`;
  return `${parameter.short === undefined ? "" : `-${parameter.short}, `}--${parameter.offDescription !== undefined ? "no-" : ""}${name}${value}`;
}

function usageOf(command) {
  const words = command.positional.map((parameter) => {
    const name = `${parameter.placeholder ?? parameter.key}${parameter.kind === "list" ? "..." : ""}`;
    return parameter.required ? `<${name}>` : `[${name}]`;
  });
  return ["portolan", command.name, ...words, "[options]"].join(" ");
}

/** Names, types and meanings of a result's top-level fields. */
function fieldRows(schema) {
  return Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const type = field.type ?? (field.anyOf ?? field.oneOf ?? []).map((part) => part.type ?? "value").join(" or ");
    return `| \`${name}\` | ${cell(String(type))} | ${cell(field.description ?? "")} |`;
  });
}

/** The page of one operation. */
export function writeReferencePage(command, operation, output) {
  const lines = [`# portolan ${command.name}`, "", `${command.summary}.`, "", command.description, ""];
  lines.push("```", usageOf(command), "```", "");
  if (command.positional.length + command.options.length > 0) {
    lines.push("| argument or option | meaning |", "| --- | --- |");
    for (const parameter of command.positional)
      lines.push(`| \`${parameter.placeholder ?? parameter.key}\` | ${cell(parameter.description)} |`);
    for (const parameter of command.options)
      lines.push(`| \`${cell(flagText(parameter))}\` | ${cell(parameter.offDescription ?? parameter.description)} |`);
    for (const format of command.formats ?? []) lines.push(`| \`--${format.name}\` | ${cell(format.description)} |`);
    if (command.columns !== undefined)
      lines.push(
        `| \`--columns <NAMES>\` | Only these columns, in this order: ${command.columns.map((name) => `\`${name}\``).join(" ")} |`,
      );
    lines.push("");
  }
  lines.push("## Examples", "", "| command | what it does |", "| --- | --- |");
  for (const example of command.examples)
    lines.push(`| \`portolan ${cell(example.command)}\` | ${cell(example.note)} |`);
  lines.push(
    "",
    "## Result",
    "",
    `With \`--json\` one JSON value, described by [\`portolan/schema/${command.name}.json\`](../json.md). Its fields:`,
    "",
    "| field | type | meaning |",
    "| --- | --- | --- |",
    ...fieldRows(output),
    "",
    `Effect: \`${command.effect}\`. Appears on: ${operation.faces.join(", ")}.`,
    "",
    "_This page is generated from the operation's declaration._",
    "",
  );
  return lines.join("\n");
}

/** The list of commands and the table of errors. */
export function writeReferenceIndex(commands, errorTable) {
  const lines = ["# Reference", "", "| command | what it tells |", "| --- | --- |"];
  for (const command of commands)
    lines.push(`| [\`${command.name}\`](${command.name}.md) | ${cell(command.summary)} |`);
  lines.push("", "## Errors", "", "Codes are permanent: match on them, never on the message.", "");
  lines.push("| code | meaning | what to do | exit status | HTTP status |", "| --- | --- | --- | --- | --- |");
  for (const [code, entry] of Object.entries(errorTable))
    lines.push(
      `| \`${code}\` | ${cell(entry.title)} | ${cell(entry.hint)} | ${entry.exitStatus} | ${entry.httpStatus} |`,
    );
  lines.push("", "_This page is generated._", "");
  return lines.join("\n");
}

/**
 * @module The command line's grammar, built by commander from the manifest: flags, help, suggestions for typos.
 */
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { PortolanError } from "../../core/index.ts";
import { refuseForeignEntries } from "../../operations/entry-actions.ts";
import { actionOf, requireAction, typedAs } from "./action-words.ts";
import type { Command as CommandDeclaration, CommandParameter, Manifest } from "./manifest.ts";
import type { Call, Settings } from "./call.ts";
import type { ColorChoice } from "./terminal.ts";

/** Where help and version go. */
export interface ProgramOutput {
  readonly write: (text: string) => void;
  readonly columns: () => number;
}

/**
 * Builds the program. When the first word is a command's name only that command is built, which keeps the start short.
 * commander is set to throw instead of exiting.
 */
export function buildProgram(
  manifest: Manifest,
  words: readonly string[],
  output: ProgramOutput,
  onCall: (call: Call) => void,
): Command {
  const program = new Command("portolan")
    .description("The chart of this machine's ports: what each is for, who holds it, who can reach it.")
    .version(manifest.version, "-V, --version", "Print the version")
    .helpOption("-h, --help", "Show help")
    .helpCommand("help [command]", "Show help for a command")
    .showSuggestionAfterError(true)
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({
      writeOut: output.write,
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHelpWidth: output.columns,
      getErrHelpWidth: output.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      stripColor: (text) => text,
    })
    .addHelpText("after", overviewText);
  const named = manifest.commands.find((command) => command.name === words[0]);
  for (const declaration of named === undefined ? manifest.commands : [named]) {
    addCommand(program, declaration, onCall);
  }
  return program;
}

const overviewText = `
Leave the command out:
  portolan                 the same as portolan list
  portolan 3000            the same as portolan who 3000

Examples:
  portolan                 every listening port, who holds it, where it can be reached
  portolan who 3000        everything about port 3000
  portolan explain 5432    what a port is for, in plain words
  portolan learn           what ports are, with this machine's own numbers

Exit status: 0 done, 1 the answer is no, 2 the request was malformed, 3 not possible on this machine, 130 interrupted.`;

function addCommand(program: Command, declaration: CommandDeclaration, onCall: (call: Call) => void): void {
  const command = program.command(declaration.name).summary(declaration.summary);
  command.description(`${declaration.summary}.\n\n${declaration.description}`);
  for (const parameter of declaration.positional) command.addArgument(makeArgument(declaration, parameter));
  if (declaration.positional.some(({ passThrough }) => passThrough === true)) command.passThroughOptions();
  for (const parameter of declaration.options) command.addOption(makeOption(parameter));
  command.addOption(new Option("--json", "Print the result as JSON, for programs"));
  for (const { name, description } of declaration.formats ?? []) {
    command.addOption(new Option(`--${name}`, description));
  }
  if (declaration.columns !== undefined) {
    command.addOption(
      new Option(
        "--columns <names>",
        `Only these columns, in this order, in the table or with --csv: ${declaration.columns.join(",")}`,
      ),
    );
  }
  command.addOption(
    new Option("--color <when>", "Colour the output").choices(["auto", "always", "never"]).default("auto"),
  );
  command.addOption(new Option("--no-color", "The same as --color never"));
  command.addOption(new Option("--reader <reader>").choices(["auto", "netlink", "proc", "lsof"]).hideHelp());
  command.addOption(new Option("--root <folder>").hideHelp());
  if (looksAtMachine(declaration)) {
    command.addOption(
      new Option("--from <machine>", "Look at this machine instead: a file of portolan snapshot, - or ssh:[user@]host"),
    );
  }
  command.addHelpText("after", examplesText(declaration));
  command.action((...given: unknown[]) => {
    const options = given[declaration.positional.length] as Record<string, unknown>;
    const { json, ndjson, csv, xml, sarif, color, reader, root, ...others } = options;
    // Some commands have entries of these names themselves.
    const takes = (name: string, offered: boolean): unknown => {
      const value = others[name];
      if (offered) delete others[name];
      return offered ? value : undefined;
    };
    const from = takes("from", looksAtMachine(declaration));
    const columns = takes("columns", declaration.columns !== undefined);
    const input: Record<string, unknown> = { ...others };
    // What is on anyway was not said.
    for (const { key, offDescription } of declaration.options)
      if (offDescription !== undefined && input[key] === true) delete input[key];
    declaration.positional.forEach((parameter, index) => {
      const value = given[index];
      if (value !== undefined && !(Array.isArray(value) && value.length === 0)) input[parameter.key] = value;
    });
    refuseForeignEntries([...declaration.positional, ...declaration.options], input, {
      entry: (key) => nameOfEntry(declaration, key),
      action: (action) => typedAs(declaration.name, action),
    });
    onCall({
      name: declaration.name,
      input,
      settings: {
        format: chooseFormat({ json, ndjson, csv, xml, sarif }),
        color: color === false ? "never" : (color as ColorChoice),
        reader: (reader as Settings["reader"] | undefined) ?? "auto",
        root: root as string | undefined,
        from: from as string | undefined,
        columns: columns as string | undefined,
      },
    });
  });
}

/** Commands that take a saved machine in place of this one: those that only look, and at this machine alone. */
function looksAtMachine({ name, effect }: CommandDeclaration): boolean {
  return effect === "read" && !aboutThisMachine.has(name);
}

/** What these look at is here and now, or names its machines itself. */
const aboutThisMachine: ReadonlySet<string> = new Set([
  "diagnose",
  "diff",
  "follow",
  "watch",
  "history",
  "learn",
  "reservations",
  "relays",
  "wait",
  "registry",
  "completions",
]);

/** @throws ARGUMENT_INVALID when two formats were asked for */
function chooseFormat(given: Readonly<Record<Exclude<Settings["format"], "text">, unknown>>): Settings["format"] {
  const asked = (Object.keys(given) as (keyof typeof given)[]).filter((name) => given[name] === true);
  if (asked.length > 1) {
    const flags = asked.map((name) => `--${name}`);
    throw new PortolanError(
      "ARGUMENT_INVALID",
      `${flags.join(" and ")} exclude each other: the output has one format.`,
      {
        details: { arguments: flags },
      },
    );
  }
  return asked[0] ?? "text";
}

function examplesText(declaration: CommandDeclaration): string {
  const width = Math.max(0, ...declaration.examples.map((example) => example.command.length));
  const lines = declaration.examples.map((example) => `  portolan ${example.command.padEnd(width)}   ${example.note}`);
  return lines.length === 0 ? "" : `\nExamples:\n${lines.join("\n")}`;
}

/** As it is typed: `--https-port`, or the word of an argument. */
function nameOfEntry({ positional, options }: CommandDeclaration, key: string): string {
  const argument = positional.find((parameter) => parameter.key === key);
  if (argument !== undefined) return argument.placeholder ?? key.toUpperCase();
  const option = options.find((parameter) => parameter.key === key);
  return `--${option?.offDescription === undefined ? "" : "no-"}${flagNameOf(key)}`;
}

function makeArgument(declaration: CommandDeclaration, parameter: CommandParameter): Argument {
  const word = `${(parameter.placeholder ?? parameter.key).toLowerCase()}${parameter.kind === "list" ? "..." : ""}`;
  const argument = new Argument(parameter.required ? `<${word}>` : `[${word}]`, parameter.description);
  if (parameter.kind === "integer") argument.argParser((text) => parseInteger(text, parameter));
  if (parameter.kind === "choice") argument.choices(parameter.choices ?? []);
  if (parameter === actionOf(declaration))
    argument.argParser((word) => {
      requireAction(declaration, word);
      return word;
    });
  return argument;
}

function makeOption(parameter: CommandParameter): Option {
  // commander keeps `--no-identify` under `identify`, true unless it is given.
  const name = `${parameter.offDescription !== undefined ? "no-" : ""}${flagNameOf(parameter.key)}`;
  const value =
    parameter.kind === "switch" || parameter.afterDashes === true
      ? ""
      : ` <${(parameter.placeholder ?? parameter.key).toLowerCase()}>`;
  const flags = `${parameter.short === undefined ? "" : `-${parameter.short}, `}--${name}${value}`;
  const option = new Option(flags, parameter.offDescription ?? parameter.description);
  if (parameter.kind === "choice") option.choices(parameter.choices ?? []);
  if (parameter.kind === "integer") option.argParser((text) => parseInteger(text, parameter));
  // Given again it is one more.
  if (parameter.kind === "list" && parameter.afterDashes !== true)
    option.argParser((text, before: readonly string[] | undefined) => [...(before ?? []), text]);
  return option;
}

/** `showSecrets` is `--show-secrets`. */
export function flagNameOf(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function parseInteger(text: string, parameter: CommandParameter): number {
  const { lowest, highest } = parameter;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value) || value < (lowest ?? 0) || value > (highest ?? Number.MAX_SAFE_INTEGER)) {
    throw new InvalidArgumentError(
      `It takes a whole number from ${lowest ?? 0}${highest === null || highest === undefined ? "" : ` to ${highest}`}.`,
    );
  }
  return value;
}

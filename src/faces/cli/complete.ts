/**
 * @module What may come next on a command line: for the shells' completion scripts.
 */
import { escapeForTerminal, knownOr } from "../../core/index.ts";
import type { ListedService } from "../../operations/schemas.ts";
import type { OperationContext } from "../../operations/operation.ts";
import { completeWords as fillIn } from "./call.ts";
import type { Command, CommandParameter, Manifest } from "./manifest.ts";

/** One word that may come next. */
interface Candidate {
  readonly value: string;
  readonly description?: string;
}

/** Asks for the shell's own completion of file names. */
const files: Candidate = { value: "@files" };

/** Longest word and description that a shell is given, characters. */
const longestValue = 200;
const longestDescription = 80;

/**
 * The answer for a shell: a line a candidate.
 * @param request `line TEXT` (all up to the cursor, the program's name first) or `words WORD…` (without the program's name; fish puts `--`
 * before the last)
 */
export async function completeLine(
  manifest: Manifest,
  request: readonly string[],
  context: OperationContext,
): Promise<string> {
  const [form, ...rest] = request;
  const words = form === "line" ? splitLine(rest[0] ?? "").slice(1) : withoutFishMark(rest);
  const current = words.at(-1) ?? "";
  const candidates = await propose(manifest, words.slice(0, -1), current, context);
  return candidates
    .filter(({ value }) => value.startsWith(current) && isPlain(value))
    .map(({ value, description }) => `${value}${description === undefined ? "" : `\t${clean(description)}`}\n`)
    .concat(candidates.includes(files) ? ["@files\n"] : [])
    .join("");
}

function withoutFishMark(words: readonly string[]): readonly string[] {
  return words.at(-2) === "--" ? [...words.slice(0, -2), words.at(-1)!] : words;
}

/** Words as a shell would take them apart, quotes and backslashes minded; the last one as far as it was typed. */
function splitLine(line: string): string[] {
  const words: string[] = [""];
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const character = line[at]!;
    const last = words.length - 1;
    if (character === "\\" && quote !== "'") words[last] += line[++at] ?? "";
    else if (quote !== "") {
      if (character === quote) quote = "";
      else words[last] += character;
    } else if (character === '"' || character === "'") quote = character;
    else if (/\s/.test(character)) {
      if (words[last] !== "" || last === 0) words.push("");
    } else words[last] += character;
  }
  return words;
}

/** Names of other people's making can hold anything: what could end a line, or move a terminal, is left out. */
function isPlain(value: string): boolean {
  return (
    value !== "" &&
    value !== "@files" &&
    value.length <= longestValue &&
    escapeForTerminal(value) === value &&
    !/[\t\n\r]/.test(value)
  );
}

function clean(description: string): string {
  return escapeForTerminal(description.slice(0, longestDescription)).replaceAll(/\s+/g, " ");
}

async function propose(
  manifest: Manifest,
  before: readonly string[],
  current: string,
  context: OperationContext,
): Promise<readonly Candidate[]> {
  if (before.length === 0) {
    const commands = manifest.commands.map(({ name, summary }) => ({ value: name, description: summary }));
    if (current.startsWith("-")) return [...optionsOf(commandNamed(manifest, "list")), { value: "--version" }];
    return /^:?\d/.test(current) ? portsOf(await readServices(context)) : [...commands, { value: "help" }];
  }
  if (before[0] === "help")
    return manifest.commands.map(({ name, summary }) => ({ value: name, description: summary }));
  const words = fillIn(before);
  const command = commandNamed(manifest, words[0] ?? "");
  if (command === undefined) return [];
  const given = words.slice(1);
  const afterDashes = given.includes("--");
  if (!afterDashes) {
    const equals = /^(--[a-z-]+)=(.*)$/s.exec(current);
    if (equals !== null) {
      const values = await valuesOf(optionNamed(command, equals[1]!), equals[2]!, context, command);
      return values.map((one) => (one === files ? one : { ...one, value: `${equals[1]}=${one.value}` }));
    }
    const asked = optionNamed(command, given.at(-1) ?? "");
    if (asked !== undefined && asked.kind !== "switch") return valuesOf(asked, current, context, command);
    if (current.startsWith("-")) return optionsOf(command);
  }
  return valuesOf(positionalAt(command, given), current, context, command);
}

function commandNamed(manifest: Manifest, name: string): Command | undefined {
  return manifest.commands.find((command) => command.name === name);
}

/** Options that the grammar adds to every command, or to some, beside their own. */
function commonOptions(command: Command): readonly CommandParameter[] {
  const option = (key: string, kind: CommandParameter["kind"], description: string, more = {}): CommandParameter => ({
    key,
    kind,
    description,
    required: false,
    ...more,
  });
  return [
    option("json", "switch", "Print the result as JSON, for programs"),
    ...(command.formats ?? []).map(({ name, description }) => option(name, "switch", description)),
    ...(command.columns === undefined ? [] : [option("columns", "text", "Only these columns, in this order")]),
    ...(command.effect === "read" ? [option("from", "text", "Look at this machine instead")] : []),
    option("color", "choice", "Colour the output", { choices: ["auto", "always", "never"] }),
    option("help", "switch", "Show help"),
  ];
}

function allOptions(command: Command): readonly CommandParameter[] {
  const own = new Set(command.options.map(({ key }) => key));
  return [...command.options, ...commonOptions(command).filter(({ key }) => !own.has(key))];
}

function flagOf({ key, offDescription }: CommandParameter): string {
  const name = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `--${offDescription === undefined ? "" : "no-"}${name}`;
}

function optionsOf(command: Command | undefined): Candidate[] {
  if (command === undefined) return [];
  const follow = command.name === "list" ? [{ value: "--follow", description: "Go on and tell every change" }] : [];
  return [
    ...allOptions(command).map((option) => ({
      value: flagOf(option),
      description: option.offDescription ?? option.description,
    })),
    ...follow,
  ];
}

function optionNamed(command: Command, word: string): CommandParameter | undefined {
  if (!word.startsWith("-")) return undefined;
  return allOptions(command).find(
    (option) => flagOf(option) === word || (option.short !== undefined && word === `-${option.short}`),
  );
}

/** The positional argument that comes after the given words. */
function positionalAt(command: Command, given: readonly string[]): CommandParameter | undefined {
  let count = 0;
  for (let at = 0; at < given.length; at++) {
    const word = given[at]!;
    if (word === "--") continue;
    const option = word.includes("=") ? undefined : optionNamed(command, word);
    if (option !== undefined && option.kind !== "switch") at += 1;
    else if (!word.startsWith("-")) count += 1;
  }
  const last = command.positional.at(-1);
  return command.positional[count] ?? (last?.kind === "list" ? last : undefined);
}

async function valuesOf(
  parameter: CommandParameter | undefined,
  current: string,
  context: OperationContext,
  command: Command,
): Promise<readonly Candidate[]> {
  if (parameter === undefined) return [];
  if (parameter.choices !== undefined) return parameter.choices.map((value) => ({ value }));
  if (parameter.passThrough === true) return [files];
  switch (parameter.key) {
    case "columns":
      return columnsOf(command.columns ?? [], current);
    case "file":
      return [files];
    case "apps":
      return appsOf(context);
    case "from":
      return [files, { value: "ssh:", description: "another machine" }];
    case "before":
    case "after":
      return [
        files,
        { value: "live", description: "this machine now" },
        { value: "ssh:", description: "another machine" },
      ];
    case "filter":
    case "ports":
    case "port":
    case "endpoints":
    case "endpoint":
    case "what":
      return portsOf(await readServices(context));
    case "targets":
      return command.name === "release"
        ? namesOf(await readReservations(context))
        : command.name === "scan"
          ? addressesOf(await readInterfaces(context))
          : portsOf(await readServices(context));
    case "name":
      return namesOf(await readReservations(context));
    case "pid":
      return pidsOf(await readServices(context));
    case "process":
      return distinct(
        (await readServices(context)).flatMap((service) => holdersOf(service).map(({ name }) => knownOr(name, ""))),
      );
    case "project":
      return distinct((await readServices(context)).map(({ project }) => project?.value.name ?? ""));
    case "user":
      return distinct([
        "me",
        ...(await readServices(context)).flatMap((service) =>
          holdersOf(service).map(({ userName }) => knownOr(userName, null) ?? ""),
        ),
      ]);
    case "container":
      return distinct((await readServices(context, "all")).map(({ container }) => container?.value.name ?? ""));
    case "namespace":
      return distinct([
        "own",
        ...(await readServices(context, "all")).flatMap(({ networkNamespace }) => networkNamespace?.names ?? []),
      ]);
    case "address":
    case "host":
    case "remote":
      return addressesOf(await readInterfaces(context));
    default:
      return [];
  }
}

/** Applications of the project that one stands in. */
async function appsOf({ workingDirectory }: OperationContext): Promise<Candidate[]> {
  const { readProjectFile } = await import("../../project/index.ts");
  return readProjectFile(workingDirectory).apps.map(({ name, text }) => ({ value: name, description: text }));
}

/** Names behind those that were typed already, with commas between them. */
function columnsOf(columns: readonly string[], current: string): Candidate[] {
  const head = current.slice(0, current.lastIndexOf(",") + 1);
  const typed = new Set(head.split(","));
  return columns.filter((name) => !typed.has(name)).map((name) => ({ value: `${head}${name}` }));
}

const holdersOf = (service: ListedService) => knownOr(service.holders, []);

function portsOf(services: readonly ListedService[]): Candidate[] {
  const byPort = new Map<number, string>();
  for (const service of services) {
    const holder = holdersOf(service)[0];
    const program = holder === undefined ? "" : `${knownOr(holder.name, "?")} `;
    const project = service.project === null ? "" : `(${service.project.value.name}) `;
    if (!byPort.has(service.port)) byPort.set(service.port, `${program}${project}${service.title?.value ?? ""}`.trim());
  }
  return [...byPort].map(([port, description]) => ({ value: String(port), description }));
}

function pidsOf(services: readonly ListedService[]): Candidate[] {
  return services.flatMap((service) =>
    holdersOf(service).map(({ pid, name }) => ({
      value: String(pid),
      description: `${knownOr(name, "?")} on ${service.port}/${service.transport}`,
    })),
  );
}

function distinct(values: readonly string[]): Candidate[] {
  return [...new Set(values)].filter((value) => value !== "").map((value) => ({ value }));
}

async function readServices(
  context: OperationContext,
  namespace: "own" | "all" = "own",
): Promise<readonly ListedService[]> {
  const { runList } = await import("../../operations/list.ts");
  return (await runList(namespace === "own" ? { namespace } : {}, context)).services;
}

async function readReservations(
  context: OperationContext,
): Promise<readonly { readonly name: string; readonly port: number }[]> {
  const { runReservations } = await import("../../operations/reservations.ts");
  return (await runReservations({}, context)).reservations;
}

function namesOf(reservations: readonly { readonly name: string; readonly port: number }[]): Candidate[] {
  return reservations.map(({ name, port }) => ({ value: name, description: `port ${port}` }));
}

async function readInterfaces(
  context: OperationContext,
): Promise<readonly { readonly address: string; readonly name: string }[]> {
  const { runInterfaces } = await import("../../operations/interfaces.ts");
  const { interfaces } = await runInterfaces({}, context);
  return interfaces.flatMap(({ name, addresses }) => addresses.map(({ address }) => ({ address, name })));
}

function addressesOf(addresses: readonly { readonly address: string; readonly name: string }[]): Candidate[] {
  return addresses.map(({ address, name }) => ({ value: address, description: name }));
}

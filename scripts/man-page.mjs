// The manual page, from the same declarations as the command line: man(7) macros, for man, mandoc and groff.
import { flagText } from "./reference-pages.mjs";

/** Longest line of the source, as its readers' tools like it. */
const widest = 78;

function wrap(text) {
  const lines = [];
  let line = "";
  for (const word of text.split(/ +/)) {
    if (line !== "" && line.length + 1 + word.length > widest) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Text in running prose: backslashes spelled out, and no line that begins like a request. */
function prose(text) {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("`", "")
    .replaceAll(
      /[^\n -~]/gu,
      (character) => `\\[u${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`,
    )
    .split("\n")
    .flatMap((line) => wrap(line.trim()))
    .filter((line) => line !== "")
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join("\n");
}

/** Text that is typed: its hyphens are minus signs, so that they can be copied. */
function typed(text) {
  return prose(text).replaceAll("\n", " ").replaceAll("-", "\\-");
}

function usage(command) {
  const words = command.positional.map((parameter) => {
    const name = `${parameter.placeholder ?? parameter.key}${parameter.kind === "list" ? "..." : ""}`;
    return parameter.required ? name : `[${name}]`;
  });
  return ["portolan", command.name, ...words, "[options]"].join(" ");
}

function optionLines(flag, description) {
  return [".TP", `.B ${typed(flag)}`, prose(description)];
}

function commandLines(command) {
  const lines = [
    `.SS ${command.name}`,
    `.B ${typed(usage(command))}`,
    ".PP",
    `${prose(command.summary)}.`,
    ".PP",
    prose(command.description),
  ];
  for (const parameter of command.positional)
    lines.push(".TP", `.I ${typed(parameter.placeholder ?? parameter.key)}`, prose(parameter.description));
  for (const parameter of command.options)
    lines.push(...optionLines(flagText(parameter), parameter.offDescription ?? parameter.description));
  for (const format of command.formats ?? []) lines.push(...optionLines(`--${format.name}`, format.description));
  if (command.columns !== undefined)
    lines.push(
      ...optionLines("--columns <NAMES>", `Only these columns, in this order: ${command.columns.join(", ")}.`),
    );
  for (const example of command.examples)
    lines.push(".TP", `.B ${typed(`portolan ${example.command}`)}`, prose(`${example.note}.`));
  return lines;
}

const environment = [
  [
    "PORTOLAN_STATE_HOME",
    "Folder of reservations and of the cache, instead of portolan below XDG_STATE_HOME and XDG_CACHE_HOME.",
  ],
  ["PORTOLAN_SSH_CONFIG", "Configuration file that ssh is given with --from ssh:HOST (its -F)."],
  [
    "DOCKER_HOST, CONTAINER_HOST",
    "With unix:// the socket of a container engine that is asked for names and published ports.",
  ],
  ["NO_COLOR, FORCE_COLOR", "No colour at all; colour although the output is no terminal."],
  ["COLUMNS", "Width of the page where there is no terminal to ask."],
];

const files = [
  ["~/.local/state/portolan/", "Reservations."],
  ["~/.cache/portolan/registry.table", "The registry of IANA, when portolan registry update has brought it."],
  ["/dev/shm/portolan-leases.*", "Promises of ports, gone at the next start of the machine."],
];

const exitStatuses = [
  ["0", "Done, or the answer is yes."],
  ["1", "The answer is no, or the work failed."],
  ["2", "The request was malformed."],
  ["3", "Not possible on this machine."],
  ["126, 127", "The program that run was given may not be executed, or is not there."],
  ["130", "Interrupted; what was found so far was printed."],
];

/** The page of the whole command. */
export function writeManPage(version, commands, errorTable) {
  const pairs = (entries) => entries.flatMap(([term, text]) => [".TP", `.B ${typed(term)}`, prose(text)]);
  return [
    ".\\\" Made from the operations' declarations by scripts/man-page.mjs.",
    `.TH PORTOLAN 1 "${new Date().toISOString().slice(0, 10)}" "portolan ${version}" "User Commands"`,
    ".SH NAME",
    "portolan \\- the chart of this machine's ports",
    ".SH SYNOPSIS",
    ".B portolan",
    ".RI [ command ]",
    ".RI [ argument ...]",
    ".RI [ options ]",
    ".br",
    ".B portolan",
    ".I PORT",
    ".SH DESCRIPTION",
    prose(
      "A port is a number from 0 to 65535 that tells which application on a device gets the traffic. Portolan says what each port is for, " +
        "who holds it, who can reach it and through which network interface, which are free, how to take one, keep it, free it or give " +
        "it a name, and what is open on another device.",
    ),
    "Without a command it is",
    ".BR list ,",
    "with a port alone",
    ".BR who .",
    ".PP",
    "Standard output is data, standard error is talk.",
    "Every command takes",
    ".B \\-\\-json",
    "and",
    ".BR \\-\\-help .",
    ".SH COMMANDS",
    ...commands.flatMap(commandLines),
    ".SH COMMON OPTIONS",
    ...optionLines("--json", "Print the result as JSON, for programs, by a published schema."),
    ...optionLines(
      "--from MACHINE",
      "Of commands that look: a file of portolan snapshot, - for standard input, or ssh:[user@]host[:port] instead of this machine now.",
    ),
    ...optionLines("--color auto|always|never, --no-color", "Colour the output."),
    ...optionLines("-h, --help", "Show help."),
    ...optionLines("-V, --version", "Print the version."),
    ".SH EXIT STATUS",
    ...pairs(exitStatuses),
    ".SH ERRORS",
    prose("Codes are permanent. In JSON an error is an object with code, message, hint and details."),
    ...Object.entries(errorTable).flatMap(([code, { title, hint }]) => [
      ".TP",
      `.B ${code}`,
      prose(`${title}. ${hint}`),
    ]),
    ".SH ENVIRONMENT",
    ...pairs(environment),
    ".SH FILES",
    ...pairs(files),
    ".SH SEE ALSO",
    ".BR ss (8),",
    ".BR lsof (8),",
    ".BR nmap (1),",
    ".BR services (5),",
    ".BR ip\\-netns (8)",
    "",
  ].join("\n");
}

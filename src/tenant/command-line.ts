/**
 * @module What an argument list says: the program, its runtime, and the script, module or title behind it.
 */
import type { Process } from "../host/index.ts";

/** Interpreters and virtual machines whose first operand is the real program. */
export type Runtime =
  | "node"
  | "bun"
  | "deno"
  | "python"
  | "ruby"
  | "php"
  | "perl"
  | "java"
  | "dotnet"
  | "beam"
  | "shell";

/** A command line taken apart. */
export interface CommandLine {
  /** Base name of the program, without version and `.exe`. */
  readonly program: string;
  /** What says so, for evidence. */
  readonly programEvidence: string;
  readonly runtime: Runtime | undefined;
  /** Text that the process put in place of its arguments (setproctitle(3)). */
  readonly title: string | undefined;
  /** Path of the script, name of the class or jar: the first operand of a runtime. */
  readonly script: string | undefined;
  /** Module of `python -m`. */
  readonly module: string | undefined;
  /** Code of `sh -c`, `node -e`. */
  readonly code: string | undefined;
  /** Arguments of the runtime itself, in front of the script. */
  readonly runtimeArguments: readonly string[];
  /** Arguments behind the script, module or program. */
  readonly words: readonly string[];
}

const runtimesByProgram: Readonly<Record<string, Runtime>> = {
  node: "node",
  nodejs: "node",
  bun: "bun",
  deno: "deno",
  python: "python",
  pypy: "python",
  ruby: "ruby",
  jruby: "ruby",
  truffleruby: "ruby",
  php: "php",
  "php-cli": "php",
  perl: "perl",
  java: "java",
  dotnet: "dotnet",
  "beam.smp": "beam",
  beam: "beam",
  sh: "shell",
  bash: "shell",
  dash: "shell",
  zsh: "shell",
  fish: "shell",
  ash: "shell",
};

/** Options that take their value as an argument of its own. */
const valueOptions: Readonly<Record<Runtime, readonly string[]>> = {
  node: [
    "-r",
    "--require",
    "--import",
    "--loader",
    "--experimental-loader",
    "-C",
    "--conditions",
    "--env-file",
    "--title",
    "--watch-path",
    "--inspect-port",
    "--debug-port",
    "--icu-data-dir",
    "--input-type",
    "--unhandled-rejections",
    "--redirect-warnings",
    "--experimental-config-file",
    "--env-file-if-exists",
    "--localstorage-file",
  ],
  bun: ["-r", "--preload", "--cwd", "--env-file", "-c", "--config", "--filter", "-F"],
  deno: ["-c", "--config", "--import-map", "--env-file", "-L", "--log-level", "--port", "--host", "--cert", "--lock"],
  python: ["-W", "-X", "--check-hash-based-pycs"],
  ruby: ["-I", "-r", "-C", "-E", "-K"],
  php: ["-d", "-c", "-t", "-S", "-z"],
  perl: ["-I", "-M"],
  java: [
    "-cp",
    "-classpath",
    "--class-path",
    "-p",
    "--module-path",
    "--add-modules",
    "--add-opens",
    "--add-exports",
    "--add-reads",
  ],
  dotnet: ["--additionalprobingpath", "--depsfile", "--runtimeconfig", "--fx-version", "--roll-forward", "--project"],
  beam: [],
  shell: ["-o", "-O", "--rcfile", "--init-file"],
};

/** Longest text and most arguments looked at: what names a program stands in front. */
const argumentLimit = 512;

/** Takes a process's command line apart. Never throws, whatever the arguments hold; bounded. */
export function readCommandLine(process: Pick<Process, "name" | "arguments" | "executable">): CommandLine {
  const argv = process.arguments.known ? process.arguments.value.slice(0, argumentLimit) : [];
  const first = argv[0] ?? "";
  let program = "";
  let programEvidence = "";
  if (process.executable.known && process.executable.value !== "") {
    program = programName(process.executable.value);
    programEvidence = `the executable is ${process.executable.value}`;
  } else if (first !== "") {
    // A title such as `nginx: master process` or `redis-server *:6379` begins with the program's name.
    program = programName(first.slice(0, 4096).split(/[\s:]/, 1)[0]!);
    programEvidence = `the arguments begin with ${first}`;
  } else if (process.name.known) {
    program = programName(process.name.value);
    programEvidence = `the process name is ${process.name.value}`;
  }
  const runtime = Object.hasOwn(runtimesByProgram, program) ? runtimesByProgram[program] : undefined;
  const title = findTitle(argv, program);
  const base = { program, programEvidence, runtime, title };
  const none = { script: undefined, module: undefined, code: undefined, runtimeArguments: [] };
  if (title !== undefined) return { ...base, ...none, words: [] };
  if (runtime === undefined || runtime === "beam") return { ...base, ...none, words: argv.slice(1) };
  return { ...base, ...readOperand(argv, runtime) };
}

function readOperand(
  argv: readonly string[],
  runtime: Runtime,
): Pick<CommandLine, "script" | "module" | "code" | "runtimeArguments" | "words"> {
  const takesValue = valueOptions[runtime];
  let index = 1;
  let script: string | undefined;
  let module: string | undefined;
  let code: string | undefined;
  while (index < argv.length) {
    const argument = argv[index]!;
    if (argument === "--") {
      script = argv[index + 1];
      index += 2;
      break;
    }
    if (!argument.startsWith("-") || argument === "-") {
      script = argument;
      index++;
      break;
    }
    if (runtime === "python" && /^-[A-Za-z]{0,8}m$/.test(argument)) {
      module = argv[index + 1];
      index += 2;
      break;
    }
    if (isCodeOption(argument, runtime)) {
      code = argv[index + 1];
      index += 2;
      break;
    }
    if (runtime === "java" && (argument === "-jar" || argument === "-m" || argument === "--module")) {
      script = argv[index + 1];
      index += 2;
      break;
    }
    if (runtime === "php" && argument === "-f") {
      script = argv[index + 1];
      index += 2;
      break;
    }
    index += takesValue.includes(argument) ? 2 : 1;
  }
  // `deno run x.ts`, `bun run x.ts`, `dotnet exec x.dll`: the subcommand is not the program.
  if ((runtime === "deno" || runtime === "bun" || runtime === "dotnet") && script !== undefined) {
    if (/^(?:run|serve|exec|task|x|watch)$/.test(script)) {
      const inner = readOperand(["", ...argv.slice(index)], runtime);
      return { ...inner, runtimeArguments: [...argv.slice(1, index), ...inner.runtimeArguments] };
    }
  }
  return { script, module, code, runtimeArguments: argv.slice(1, index), words: argv.slice(index) };
}

function isCodeOption(argument: string, runtime: Runtime): boolean {
  switch (runtime) {
    case "shell":
      return /^-[a-z]{0,8}c$/.test(argument);
    case "python":
      return /^-[A-Za-z]{0,8}c$/.test(argument);
    case "node":
    case "bun":
      return (
        argument === "-e" || argument === "--eval" || argument === "-p" || argument === "--print" || argument === "-pe"
      );
    case "ruby":
    case "perl":
      return argument === "-e";
    case "php":
      return argument === "-r";
    default:
      return false;
  }
}

/** The text that a process wrote over its arguments: one argument with blanks, or one word that is not the program. */
function findTitle(argv: readonly string[], program: string): string | undefined {
  const first = argv[0];
  if (first === undefined || first === "") return undefined;
  if (argv.some((argument, index) => index > 0 && argument !== "")) return undefined;
  const title = first.slice(0, 1024).trim();
  if (title === "") return undefined;
  if (/\s/.test(title)) return title;
  return title.startsWith("/") || programName(title) === program ? undefined : title;
}

/** Base name of a path without a leading `-` (login shells), a version at the end and `.exe`. */
export function programName(path: string): string {
  let name = path.slice(path.lastIndexOf("/") + 1);
  if (name.startsWith("-")) name = name.slice(1);
  if (name.endsWith(".exe")) name = name.slice(0, -4);
  let end = name.length;
  while (end > 1 && /[0-9.]/.test(name[end - 1]!)) end--;
  // A digit must follow the name: `python3.11`, `node-20`, but not `x.`; `apache2` and the like are listed with it.
  if (end < name.length && /[0-9]/.test(name[end]!) && !keepsDigits.has(name)) {
    if (name[end - 1] === "-") end--;
    return name.slice(0, end);
  }
  return name;
}

const keepsDigits: ReadonlySet<string> = new Set([
  "apache2",
  "exim4",
  "stunnel4",
  "iperf3",
  "kea-dhcp4",
  "socat1",
  "influxdb3",
]);

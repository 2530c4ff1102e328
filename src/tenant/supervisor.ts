/**
 * @module Who started a process and looks after it: a service manager, a container engine, a script runner.
 */
import { claim, knownOr } from "../core/index.ts";
import type { Claim } from "../core/index.ts";
import type { Process } from "../host/index.ts";
import { readCommandLine } from "./command-line.ts";
import type { CommandLine } from "./command-line.ts";
import { readControlGroup } from "./control-group.ts";
import { readToolPath } from "./tool-path.ts";

/** Kinds of supervisors, by how much they have to say about a process. */
export type SupervisorKind = RestarterKind | ContainerKind | UnitKind | OrchestratorKind | RunnerKind | PlaceKind;

/** Starts a process again when it ends or when its files change. */
type RestarterKind =
  | "pm2"
  | "nodemon"
  | "forever"
  | "node-watch"
  | "supervisord"
  | "runit"
  | "s6"
  | "watchexec"
  | "air"
  | "cron";
type ContainerKind = "docker" | "podman" | "kubernetes" | "containerd" | "lxc";
type UnitKind = "systemd" | "systemd-user";
/** Runs several programs of a project side by side. */
type OrchestratorKind =
  | "concurrently"
  | "npm-run-all"
  | "turbo"
  | "nx"
  | "lerna"
  | "foreman"
  | "overmind"
  | "honcho"
  | "make"
  | "just"
  | "task";
/** Runs one script of a project. */
type RunnerKind =
  | "npm"
  | "npx"
  | "pnpm"
  | "yarn"
  | "bun"
  | "deno"
  | "poetry"
  | "uv"
  | "cargo"
  | "go"
  | "gradle"
  | "maven"
  | "dotnet";
/** Where somebody typed the command. */
type PlaceKind = "tmux" | "screen" | "ssh-session" | "editor";

/** Who started a process and looks after it. */
export interface Supervisor {
  readonly kind: SupervisorKind;
  /**
   * Unit of systemd, first twelve digits of a container's id, script of a package manager, target of make, user of an SSH
   * session, title of an editor; `null` when it cannot be told. Raw.
   */
  readonly name: string | null;
}

/** The facts of a process that tell a supervisor. */
export type SupervisedFacts = Pick<Process, "name" | "arguments" | "executable" | "controlGroup">;

/** A parent's part, with its rank: lower ranks say more. */
interface Finding extends Supervisor {
  readonly rank: number;
  readonly evidence: string;
}

const restarter = 0;
const container = 1;
const unit = 2;
const orchestrator = 3;
const runner = 4;
const place = 5;

/** Native programs by base name. */
const programs: Readonly<Record<string, readonly [SupervisorKind, number]>> = {
  runsv: ["runit", restarter],
  "s6-supervise": ["s6", restarter],
  watchexec: ["watchexec", restarter],
  air: ["air", restarter],
  cron: ["cron", restarter],
  crond: ["cron", restarter],
  conmon: ["podman", container],
  turbo: ["turbo", orchestrator],
  overmind: ["overmind", orchestrator],
  hivemind: ["overmind", orchestrator],
  make: ["make", orchestrator],
  gmake: ["make", orchestrator],
  just: ["just", orchestrator],
  task: ["task", orchestrator],
  uv: ["uv", runner],
  cargo: ["cargo", runner],
  go: ["go", runner],
  tmux: ["tmux", place],
  screen: ["screen", place],
  SCREEN: ["screen", place],
};

/** npm packages and commands run by a JavaScript runtime. */
const nodeTools: Readonly<Record<string, readonly [SupervisorKind, number]>> = {
  pm2: ["pm2", restarter],
  nodemon: ["nodemon", restarter],
  "node-dev": ["nodemon", restarter],
  "ts-node-dev": ["nodemon", restarter],
  forever: ["forever", restarter],
  concurrently: ["concurrently", orchestrator],
  "npm-run-all": ["npm-run-all", orchestrator],
  "npm-run-all2": ["npm-run-all", orchestrator],
  "run-p": ["npm-run-all", orchestrator],
  "run-s": ["npm-run-all", orchestrator],
  turbo: ["turbo", orchestrator],
  nx: ["nx", orchestrator],
  lerna: ["lerna", orchestrator],
  npm: ["npm", runner],
  npx: ["npx", runner],
  pnpm: ["pnpm", runner],
  pnpx: ["pnpm", runner],
  yarn: ["yarn", runner],
  yarnpkg: ["yarn", runner],
};

const editors: Readonly<Record<string, string>> = {
  code: "Visual Studio Code",
  "code-insiders": "Visual Studio Code",
  "code-tunnel": "Visual Studio Code",
  codium: "VSCodium",
  cursor: "Cursor",
  windsurf: "Windsurf",
  zed: "Zed",
  "zed-editor": "Zed",
  idea: "IntelliJ IDEA",
  webstorm: "WebStorm",
  pycharm: "PyCharm",
  goland: "GoLand",
  phpstorm: "PhpStorm",
  rider: "Rider",
  rubymine: "RubyMine",
  clion: "CLion",
  emacs: "Emacs",
  vim: "Vim",
  nvim: "Neovim",
};

/**
 * Who started a process and looks after it, from its parents and its control group; `undefined` when nothing tells. Of
 * several, the one that says most: what restarts it, then its container, its systemd unit, what runs the project's programs,
 * the script runner, and last where somebody typed the command; the nearest of equals.
 * @param parents nearest first
 */
export function inferSupervisor(
  process: SupervisedFacts,
  parents: readonly SupervisedFacts[],
): Claim<Supervisor> | undefined {
  let best = findInControlGroup(process);
  for (const parent of parents) {
    const finding = readParent(parent);
    if (finding === undefined) continue;
    // Without a login manager, the shells of SSH belong to the SSH server's unit, which does not look after them.
    const sessionOfUnit =
      finding.kind === "ssh-session" && best?.rank === unit && /^sshd?(?:@.*)?\.service$/.test(best.name ?? "");
    if (best === undefined || finding.rank < best.rank || sessionOfUnit) best = finding;
    // What lies outside the container did not start the process.
    if (finding.rank === container) break;
  }
  return best === undefined ? undefined : claim({ kind: best.kind, name: best.name }, "inferred", best.evidence);
}

function findInControlGroup(process: SupervisedFacts): Finding | undefined {
  const line = readCommandLine(process);
  // The monitor of a podman container holds its published ports.
  if (line.program === "conmon") return readConmon(line);
  const owner = readControlGroup(knownOr(process.controlGroup, ""));
  if (owner === undefined) return undefined;
  const isUnit = owner.kind === "systemd" || owner.kind === "systemd-user";
  return { ...owner, rank: isUnit ? unit : container, evidence: `its control group names ${owner.name}` };
}

function readParent(process: SupervisedFacts): Finding | undefined {
  const line = readCommandLine(process);
  const words = line.words.filter((word) => word !== "").slice(0, 64);
  if (line.title !== undefined) {
    const titled = readTitle(line.title);
    if (titled !== undefined) return titled;
  }
  if (line.program === "conmon") return readConmon(line);
  if (line.program.startsWith("containerd-shim")) {
    const docker = words.includes("moby");
    const id = valueAfter(words, "-id")?.slice(0, 12) ?? null;
    const kind = docker ? "docker" : words.includes("k8s.io") ? "kubernetes" : "containerd";
    return { kind, name: id, rank: container, evidence: `its parent is ${line.program}` };
  }
  if (line.program === "sshd" || line.program === "sshd-session") {
    return { kind: "ssh-session", name: null, rank: place, evidence: "its parent is sshd" };
  }
  const editor = Object.hasOwn(editors, line.program) ? editors[line.program] : undefined;
  if (editor !== undefined)
    return { kind: "editor", name: editor, rank: place, evidence: `its parent is ${line.program}` };
  switch (line.runtime) {
    case "node":
    case "bun":
    case "deno":
      return readNodeParent(line);
    case "python": {
      const name = line.module ?? baseName(line.script ?? "");
      if (name === "supervisord") return toFinding("supervisord", null, restarter, name);
      if (name === "honcho") return toFinding("honcho", null, orchestrator, name);
      return name === "poetry" ? toFinding("poetry", null, runner, name) : undefined;
    }
    case "ruby":
      return baseName(line.script ?? "") === "foreman"
        ? toFinding("foreman", null, orchestrator, "foreman")
        : undefined;
    case "java": {
      const script = line.script ?? "";
      if (script.startsWith("org.gradle.")) return toFinding("gradle", null, runner, script);
      return script.startsWith("org.codehaus.plexus.classworlds.")
        ? toFinding("maven", null, runner, script)
        : undefined;
    }
    case "dotnet":
      return line.runtimeArguments.includes("watch") || line.runtimeArguments.includes("run")
        ? toFinding("dotnet", null, runner, "dotnet")
        : undefined;
    default: {
      const found = Object.hasOwn(programs, line.program) ? programs[line.program] : undefined;
      if (found === undefined) return undefined;
      const [kind, rank] = found;
      const named = rank === orchestrator || kind === "runit" || kind === "s6";
      return toFinding(kind, named ? (words.find((word) => !word.startsWith("-")) ?? null) : null, rank, line.program);
    }
  }
}

/** Titles that programs give themselves: `npm run dev`, `PM2 v5: God Daemon`, `tmux: server`, `sshd: alice@pts/0`. */
function readTitle(title: string): Finding | undefined {
  const words = title.split(/\s+/, 16);
  const first = words[0] ?? "";
  if (first === "PM2") return toFinding("pm2", null, restarter, title);
  if (first === "nodemon") return toFinding("nodemon", null, restarter, title);
  if (first === "tmux:") return toFinding("tmux", null, place, title);
  if (first === "npm" || first === "pnpm" || first === "yarn" || first === "npx") {
    return toFinding(first, scriptName(words.slice(1)), runner, title);
  }
  if (first === "sshd:" || first === "sshd-session:") {
    return { kind: "ssh-session", name: words[1] ?? null, rank: place, evidence: `its parent is ${clip(title)}` };
  }
  return undefined;
}

function readNodeParent(line: CommandLine): Finding | undefined {
  const { words, script } = line;
  const watched = line.runtimeArguments.find((word) => /^--(?:watch|hot)(?:-path)?(?:=|$)/.test(word.slice(0, 64)));
  if (watched !== undefined)
    return toFinding("node-watch", `${line.program} ${watched.split("=", 1)[0]}`, restarter, watched);
  if (script !== undefined) {
    const tool = readToolPath(script);
    const name = tool.package ?? (/(?:^|\/)yarn-[\d.]+\.c?js$/.test(script) ? "yarn" : "");
    // Node's own copy of npm has two programs in one package.
    const command = name === "npm" && /npx(?:-cli)?(?:\.js)?$/.test(script) ? "npx" : name;
    if (name === "tsx" && words[0] === "watch") return toFinding("node-watch", "tsx watch", restarter, script);
    if (Object.hasOwn(nodeTools, command)) {
      const [kind, rank] = nodeTools[command]!;
      return toFinding(kind, rank === runner ? scriptName(words) : null, rank, script);
    }
    if (/\/(?:\.vscode|\.cursor|\.windsurf)-server[^/]*\//.test(script)) {
      return { kind: "editor", name: "Visual Studio Code", rank: place, evidence: `its parent is ${clip(script)}` };
    }
  }
  if (line.runtime === "bun" && line.runtimeArguments.some((word) => word === "run" || word === "x")) {
    return toFinding("bun", script ?? null, runner, "bun run");
  }
  if (line.runtime === "deno" && line.runtimeArguments.includes("task"))
    return toFinding("deno", script ?? null, runner, "deno task");
  return undefined;
}

function readConmon(line: CommandLine): Finding {
  const id = valueAfter(line.words, "-c") ?? valueAfter(line.words, "--cid");
  return { kind: "podman", name: id?.slice(0, 12) ?? null, rank: container, evidence: "conmon watches the container" };
}

/** `run dev` → `dev`, `start` → `start`, `exec vite` → `vite`; options left out. */
function scriptName(words: readonly string[]): string | null {
  const operands = words.filter((word) => word !== "" && !word.startsWith("-"));
  const [first, second] = operands;
  if (first === undefined) return null;
  return /^(?:run|run-script|rum|urn|exec|x|dlx)$/.test(first) ? (second ?? null) : first;
}

function toFinding(kind: SupervisorKind, name: string | null, rank: number, seen: string): Finding {
  return { kind, name: name === null ? null : clip(name), rank, evidence: `its parent runs ${clip(seen)}` };
}

function valueAfter(words: readonly string[], option: string): string | undefined {
  const index = words.indexOf(option);
  return index === -1 ? undefined : words[index + 1];
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function clip(text: string): string {
  return text.length <= 160 ? text : `${text.slice(0, 159)}…`;
}

/**
 * @module The ports of Visual Studio Code's launch configurations (code.visualstudio.com/docs/editor/debugging).
 */
import { basename, dirname } from "node:path";
import { jsonEntry, jsonItems, jsonPort, jsonText, type JsonValue } from "./json-tree.ts";
import type { LocatedText } from "./located-text.ts";
import { plainWish, readPortNumber, type PortWish } from "./port-wish.ts";
import { wishesOfCommand } from "./script-command.ts";

/** Configurations of one file. */
const mostConfigurations = 500;

/** Debuggers that open a browser with its own debugging port. */
const browserTypes: ReadonlySet<string> = new Set(["chrome", "msedge", "pwa-chrome", "pwa-msedge"]);
/** Debuggers that listen themselves for a program that connects to them. */
const listeningTypes: ReadonlySet<string> = new Set(["php"]);

/** Reads the configurations. */
export function launchWishes(path: string, root: JsonValue): PortWish[] {
  const folder = dirname(path);
  const home = basename(folder) === ".vscode" ? dirname(folder) : folder;
  const compounds = jsonItems(jsonEntry(root, "compounds")).map((compound) => ({
    name: jsonText(jsonEntry(compound, "name")) ?? "",
    members: new Set(jsonItems(jsonEntry(compound, "configurations")).flatMap((member) => jsonText(member) ?? [])),
  }));
  const wishes: PortWish[] = [];
  for (const [index, item] of jsonItems(jsonEntry(root, "configurations")).slice(0, mostConfigurations).entries()) {
    const name = jsonText(jsonEntry(item, "name")) ?? `configuration ${index + 1}`;
    const sets = compounds.filter(({ members }) => members.has(name)).map((compound) => compound.name);
    for (const found of portsOf(item)) {
      wishes.push({
        ...plainWish,
        ...found,
        format: "launch",
        name: `launch ${name}`,
        scene: `launch:${path}`,
        unit: `${index} ${found.program ?? ""}`,
        // What is debugged is started one at a time, unless a compound starts several.
        sets,
        folders: [home],
        home,
      });
    }
  }
  return wishes;
}

type Found = Pick<PortWish, "port" | "place"> & Partial<PortWish>;

function portsOf(item: JsonValue): Found[] {
  const type = jsonText(jsonEntry(item, "type")) ?? "";
  const attaches = jsonText(jsonEntry(item, "request")) === "attach";
  const found: Found[] = [];
  const port = jsonPort(jsonEntry(item, "port"));
  if (port !== undefined) {
    const listens = listeningTypes.has(type) || (browserTypes.has(type) && !attaches);
    found.push({
      ...port,
      role: listens ? "listens" : "uses",
      ...(listens ? { address: "127.0.0.1", program: type } : {}),
    });
  }
  // debugpy: it connects to a program that waits, or waits for a program that connects.
  const connect = jsonPort(jsonEntry(jsonEntry(item, "connect"), "port"));
  if (connect !== undefined) found.push({ ...connect, role: "uses" });
  const listen = jsonPort(jsonEntry(jsonEntry(item, "listen"), "port"));
  if (listen !== undefined)
    found.push({
      ...listen,
      address: jsonText(jsonEntry(jsonEntry(item, "listen"), "host")) ?? "localhost",
      program: type,
    });
  if (!attaches && !browserTypes.has(type)) found.push(...commandPorts(item));
  const url = jsonEntry(item, "url");
  if (url?.kind === "text") found.push(...urlPort(url.value));
  const ready = jsonEntry(jsonEntry(item, "serverReadyAction"), "uriFormat");
  if (ready?.kind === "text") found.push(...urlPort(ready.value));
  return found;
}

/** The words and variables that a program is started with. */
function commandPorts(item: JsonValue): Found[] {
  const words = ["runtimeArgs", "program", "args"].flatMap((key) => {
    const value = jsonEntry(item, key);
    if (value?.kind === "text") return [value.value];
    return jsonItems(value).flatMap((word) => (word.kind === "text" ? [word.value] : []));
  });
  const executable = jsonEntry(item, "runtimeExecutable");
  const module = jsonEntry(item, "module");
  const first = module?.kind === "text" ? [module.value] : executable?.kind === "text" ? [executable.value] : [];
  const runsScript = /^(?:npm|yarn|pnpm|bun)$/.test(first[0]?.text ?? "");
  const all = [...first, ...words];
  const end = all.at(-1);
  const found: Found[] = [];
  if (end !== undefined && !runsScript) {
    const command = { words: first.length === 0 ? [end.slice(0, 0), ...all] : all, end: 0, besideNext: false };
    const surroundings = { configured: () => undefined, environmentFile: () => undefined, isWholeLine: false };
    for (const { title, ...wish } of wishesOfCommand(command, surroundings)) {
      void title;
      found.push({ ...wish, insertion: null });
    }
  }
  const variable = jsonEntry(jsonEntry(item, "env"), "PORT");
  const port = jsonPort(variable);
  if (port !== undefined && !found.some((wish) => wish.program !== "node-inspector")) found.push(port);
  return found;
}

/** `http://localhost:3000` is opened, and somebody else is to listen there. */
function urlPort(url: LocatedText): Found[] {
  const match = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0):(\d{1,5})(?=[/?#]|$)/.exec(url.text);
  const port = readPortNumber(match?.[1] ?? "");
  if (match === null || port === undefined) return [];
  return [{ port, place: url.placeOf(match[0].length - match[1]!.length, match[0].length), role: "uses" }];
}

/**
 * @module The ports that the scripts of a package.json ask for.
 */
import { dirname } from "node:path";
import { jsonEntry, type JsonValue } from "./json-tree.ts";
import type { LocatedText } from "./located-text.ts";
import { plainWish, type PortWish } from "./port-wish.ts";
import { readScript, sideBySide, type Script } from "./script-graph.ts";
import { wishesOfCommand, type CommandSurroundings } from "./script-command.ts";

/** Scripts of one package. */
const mostScripts = 2_000;

/** Scripts that start a package for work, the first there is. */
const usualFirst = ["dev", "start:dev", "develop", "start:development", "serve", "start", "watch"];

/** Reads the scripts. @param root the file's content */
export function packageWishes(
  path: string,
  root: JsonValue,
  surroundings: Omit<CommandSurroundings, "isWholeLine">,
): PortWish[] {
  const folder = dirname(path);
  const entry = jsonEntry(root, "scripts");
  const lines = new Map<string, LocatedText>();
  if (entry?.kind === "object") {
    for (const [name, value] of entry.entries) {
      if (value.kind === "text" && lines.size < mostScripts) lines.set(name, value.value);
    }
  }
  const names = [...lines.keys()];
  const scripts = new Map<string, Script>([...lines].map(([name, line]) => [name, readScript(line, names)]));
  const setsOf = sideBySide(scripts);
  const wishes: PortWish[] = [];
  for (const [name, script] of scripts) {
    for (const [index, { command, isWholeLine, member }] of script.commands.entries()) {
      for (const wish of wishesOfCommand(command, { ...surroundings, isWholeLine })) {
        const { title, ...found } = wish;
        wishes.push({
          ...plainWish,
          ...found,
          format: "package",
          name: title === null ? `script ${name}` : `script ${name} (${title})`,
          scene: `package:${path}`,
          unit: `${name} ${index} ${wish.program ?? ""}`,
          sets: setsOf(name, member),
          folders: [folder],
          home: folder,
        });
      }
    }
  }
  return markSecond(wishes, scripts);
}

/** Of the scripts that start the same program, `dev` and `start`, one is run at a time: the usual one speaks for all. */
function markSecond(wishes: readonly PortWish[], scripts: ReadonlyMap<string, Script>): PortWish[] {
  const scriptOf = ({ unit }: PortWish): string => unit.split(" ", 1)[0]!;
  const first = usualFirst.find((name) => scripts.has(name) && wishes.some((wish) => scriptOf(wish) === name));
  if (first === undefined) return [...wishes];
  const programs = new Set(wishes.filter((wish) => scriptOf(wish) === first).map(({ program }) => program));
  return wishes.map((wish) => {
    const name = scriptOf(wish);
    const second =
      name !== first && (usualFirst.includes(name) || /prod|preview/.test(name) || programs.has(wish.program));
    return second && wish.sets!.length === 0 ? { ...wish, instead: true } : wish;
  });
}

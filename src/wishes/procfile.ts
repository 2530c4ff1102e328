/**
 * @module The ports that the processes of a Procfile ask for. `$PORT` is whoever starts them to say, and no wish.
 */
import { dirname } from "node:path";
import { portReaders } from "../tenant/index.ts";
import { LocatedText } from "./located-text.ts";
import { plainWish, type PortWish } from "./port-wish.ts";
import { wishesOfCommand } from "./script-command.ts";
import { readShellLine } from "./shell-words.ts";
import type { SourceText } from "./source-text.ts";

/** Processes of one file. */
const mostProcesses = 1_000;

/** Reads a Procfile (devcenter.heroku.com/articles/procfile). */
export function procfileWishes(source: SourceText): PortWish[] {
  const wishes: PortWish[] = [];
  const folder = dirname(source.path);
  let processes = 0;
  for (const match of source.text.matchAll(/^([\w-]+)[^\S\r\n]*:[^\S\r\n]*(.*)$/gm)) {
    if (++processes > mostProcesses) break;
    const [whole, name = "", line = ""] = match;
    const located = LocatedText.of(source, match.index + whole.length - line.length, line.trimEnd());
    const commands = readShellLine(located, () => undefined);
    for (const [index, command] of commands.entries()) {
      const surroundings = {
        configured: () => undefined,
        environmentFile: () => undefined,
        isWholeLine: commands.length === 1,
      };
      for (const { title, ...found } of wishesOfCommand(command, surroundings)) {
        // A default is not asked for: foreman and its relatives set PORT for every process.
        const reads =
          found.origin === "default" && found.program !== "node-inspector" && portReaders.has(found.program ?? "");
        wishes.push({
          ...plainWish,
          ...found,
          format: "procfile",
          name: title === null ? `process ${name}` : `process ${name} (${title})`,
          scene: `procfile:${source.path}`,
          unit: `${name} ${index} ${found.program ?? ""}`,
          folders: [folder],
          home: folder,
          inactive: reads ? "whoever starts the Procfile says its port" : null,
        });
      }
    }
  }
  return wishes;
}

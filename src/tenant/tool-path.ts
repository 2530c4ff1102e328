/**
 * @module The installed tool that a script's path names: `node_modules/.bin/vite`, `node_modules/vite/bin/vite.js`.
 */

/** What a path says. */
export interface ToolPath {
  /** The npm package the script belongs to; the command's name under `.bin`; `undefined` for a script of one's own. */
  readonly package: string | undefined;
  /** Names under which the tool may be known: package and command. */
  readonly names: readonly string[];
}

const nobody: ToolPath = { package: undefined, names: [] };
const folder = "node_modules/";

/**
 * Reads the path of a script that a JavaScript runtime runs. The last `node_modules` counts, which holds for pnpm's store and
 * for Yarn's zip files. A command without suffix in a folder named `bin` is an installed one, too.
 */
export function readToolPath(path: string): ToolPath {
  if (path.length > 4096) return nobody;
  const start = path.lastIndexOf(folder);
  if (start === -1 || (start > 0 && path[start - 1] !== "/")) {
    const match = /(?:^|\/)(?:bin|shims)\/([A-Za-z0-9_-]{1,64})$/.exec(path);
    // A folder `bin` of one's own would be given as `bin/x` or `./bin/x`: only absolute paths are installed ones.
    if (match === null || !path.startsWith("/")) return nobody;
    return { package: match[1], names: [match[1]!] };
  }
  const parts = path.slice(start + folder.length).split("/");
  // pnpm's command scripts go through `.bin/../vite/bin/vite.js`.
  if (parts[0] === ".bin" && parts[1] === "..") parts.splice(0, 2);
  if (parts[0] === ".bin") return parts[1] === undefined ? nobody : { package: parts[1], names: [parts[1]] };
  const name = parts[0]!.startsWith("@") && parts[1] !== undefined ? `${parts[0]}/${parts[1]}` : parts[0]!;
  return name === "" ? nobody : { package: name, names: [name] };
}

/**
 * @module Folders with files in them, each of its own.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** @returns makes a new folder below `home` with these files, by their paths in it, and tells where it is */
export function folderMaker(home: string): (files: Readonly<Record<string, string | Uint8Array>>) => string {
  let made = 0;
  return (files) => {
    made += 1;
    const folder = join(home, `f${made}`);
    mkdirSync(folder);
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    return folder;
  };
}

/**
 * @module Where a program is, as a shell would find it.
 */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of a program; `undefined` when no folder of PATH has it, or the caller may not run it. */
export function findProgram(
  program: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const folders = program.includes("/") ? [""] : (environment["PATH"] ?? "").split(delimiter);
  return folders
    .map((folder) => (folder === "" ? program : join(folder, program)))
    .filter((path) => path.includes("/") || program.includes("\\"))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
      } catch {
        return false;
      }
    });
}

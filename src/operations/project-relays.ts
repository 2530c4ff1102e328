/**
 * @module The part of a project's file that says what to forward and to share.
 */
import { PortolanError, isPortolanError } from "../core/index.ts";
import { readProjectFile, refuseFile, type ProjectFile } from "../project/index.ts";
import type { OperationContext } from "./operation.ts";

/**
 * The project's file, for a command that was given nothing else.
 * @param part what it must have
 * @throws ARGUMENT_INVALID where there is no such file or part; PROJECT_FILE_INVALID, FILE_UNREADABLE
 */
export function readRelayFile(part: "forwards" | "shares", example: string, context: OperationContext): ProjectFile {
  const nothing = (where: string): PortolanError =>
    new PortolanError("ARGUMENT_INVALID", `Nothing was named, and ${where}.`, {
      details: { hint: `For example: ${example}` },
    });
  try {
    const file = readProjectFile(context.workingDirectory);
    if (file[part].length === 0) throw nothing(`${file.shown} has no "${part}"`);
    return file;
  } catch (error) {
    if (isPortolanError(error, "PROJECT_FILE_MISSING")) throw nothing("no project's file is here that could say it");
    throw error;
  }
}

/** Does something with an entry; what is refused there is told at its place in the file. @throws PROJECT_FILE_INVALID */
export function readEntry<Value>(
  { shown }: ProjectFile,
  { positionOf }: Pick<ProjectFile["shares"][number], "positionOf">,
  path: readonly (string | number)[],
  read: () => Value,
): Value {
  try {
    return read();
  } catch (error) {
    if (!isPortolanError(error)) throw error;
    throw refuseFile(shown, positionOf(...path), error.message, { hint: error.hint });
  }
}

/**
 * @module Where the command starts.
 */
import { runCommandLine } from "./command-line.ts";

void runCommandLine(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});

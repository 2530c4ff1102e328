/**
 * @module Where the command starts.
 */
import { runCommandLine } from "./command-line.ts";

async function main(): Promise<void> {
  process.exitCode = await runCommandLine(process.argv.slice(2));
}

void main();

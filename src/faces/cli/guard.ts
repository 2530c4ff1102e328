/**
 * @module The process beside `up` that outlives it: it ends what an `up` that was killed could not end itself.
 */
import { endLeftovers, readUpRecord } from "../../project/index.ts";
import { stateFolderOf } from "../../store/index.ts";

/**
 * Waits until its standard input ends, which is when `up` has, and looks whether that has left its record behind.
 * @returns the exit status
 */
export async function guardProject(path: string): Promise<number> {
  for await (const _ of process.stdin);
  const record = readUpRecord(path);
  if (record !== null) await endLeftovers(stateFolderOf(process.env), { path, record }, { fresh: true });
  return 0;
}

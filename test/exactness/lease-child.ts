/**
 * @module One caller of a storm: takes ports until it has enough, tells each, and holds them until its input ends. Bundled, run as a program.
 *
 * Usage: node lease-child.cjs COUNT BATCH [WITHIN]. Prints a line of JSON for each call: `{"ports":[…]}` or `{"error":"CODE","why":"…"}`, then `{"done":true}`.
 */
import { writeSync } from "node:fs";
import { isPortolanError } from "../../src/core/index.ts";
import { pickPorts } from "../../src/lease/index.ts";

const [count = 200, batch = 1] = process.argv.slice(2, 4).map(Number);
const within = process.argv[4];

/** Told before the next call, so that whoever is killed in between has told all it had. */
function tell(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

/** The error with everything that led to it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const details = isPortolanError(error) ? ` ${JSON.stringify(error.details)}` : "";
  return `${error.message}${details}${error.cause === undefined ? "" : ` ← ${describe(error.cause)}`}`;
}

async function main(): Promise<void> {
  for (let held = 0; held < count; held += batch) {
    try {
      tell({ ports: await pickPorts(Math.min(batch, count - held), within === undefined ? {} : { within }) });
    } catch (error) {
      tell({ error: isPortolanError(error) ? error.code : String(error), why: describe(error) });
      break;
    }
  }
  tell({ done: true });
  process.stdin.resume();
  process.stdin.once("end", () => process.exit(0));
}

void main();

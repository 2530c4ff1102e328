/**
 * @module What the command talks to: the width and colours of standard output, and writing to it whole.
 */
import { fstatSync, statSync, writeSync } from "node:fs";
import { PortolanError } from "../../core/index.ts";
import type { Page } from "./print/safe-line.ts";

/** Colour as asked on the command line. */
export type ColorChoice = "auto" | "always" | "never";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * True when the descriptor is a terminal. Asks the file system first, because loading Node's stream for a standard
 * descriptor costs two milliseconds that a pipe need not pay.
 */
export function isTerminal(descriptor: 0 | 1 | 2): boolean {
  try {
    const status = fstatSync(descriptor);
    if (!status.isCharacterDevice() || status.rdev === statSync("/dev/null").rdev) return false;
  } catch {
    return false;
  }
  const stream = descriptor === 0 ? process.stdin : descriptor === 1 ? process.stdout : process.stderr;
  return stream.isTTY;
}

/**
 * The page on a descriptor. Width: the terminal's, or COLUMNS (a whole number from 1), or unlimited in a pipe. Colour: on a
 * terminal unless NO_COLOR is set to something or TERM is `dumb`; FORCE_COLOR (not `0`) turns it on; the flag outranks all.
 */
export function pageOf(descriptor: 1 | 2, environment: Environment, choice: ColorChoice = "auto"): Page {
  const terminal = isTerminal(descriptor);
  const wished = /^[1-9]\d{0,4}$/.test(environment["COLUMNS"] ?? "") ? Number(environment["COLUMNS"]) : undefined;
  // Node's stream is asked only where it is a terminal's: making it for a pipe or file costs two milliseconds.
  const own = terminal ? (descriptor === 1 ? process.stdout.columns : process.stderr.columns) : undefined;
  // A terminal that was given no size says 0.
  const columns = (own === 0 ? undefined : own) ?? wished ?? (terminal ? 80 : Infinity);
  return { columns: Math.max(columns, 20), color: wantsColor(terminal, environment, choice) };
}

function wantsColor(terminal: boolean, environment: Environment, choice: ColorChoice): boolean {
  if (choice !== "auto") return choice === "always";
  if ((environment["NO_COLOR"] ?? "") !== "") return false;
  const forced = environment["FORCE_COLOR"];
  if (forced !== undefined && forced !== "") return forced !== "0" && forced !== "false";
  return terminal && environment["TERM"] !== "dumb";
}

/**
 * Writes everything, also into a full non-blocking pipe.
 * @returns false when nobody reads any more (EPIPE), which ends the command quietly
 * @throws OUTPUT_FAILED for a full disk and other failures
 */
export async function writeAll(descriptor: 1 | 2, text: string): Promise<boolean> {
  const bytes = Buffer.from(text, "utf8");
  let offset = 0;
  try {
    while (offset < bytes.length) offset += writeSync(descriptor, bytes, offset);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EPIPE") return false;
    if (code === "EAGAIN") return writeToStream(descriptor, bytes.subarray(offset));
    throw outputFailure(descriptor, error);
  }
}

/** The slow way, for a pipe that takes no more right now: Node's stream waits for it. */
function writeToStream(descriptor: 1 | 2, bytes: Buffer): Promise<boolean> {
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === "EPIPE") resolve(false);
      else reject(outputFailure(descriptor, error));
    };
    stream.once("error", onError);
    stream.write(bytes, (error) => {
      if (error !== null && error !== undefined) return;
      stream.off("error", onError);
      resolve(true);
    });
  });
}

function outputFailure(descriptor: number, cause: unknown): PortolanError {
  const name = descriptor === 1 ? "standard output" : "standard error";
  const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new PortolanError("OUTPUT_FAILED", `Writing to ${name} failed (${reason}).`, { cause });
}

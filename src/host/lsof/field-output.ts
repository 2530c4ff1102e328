/**
 * @module The field output of lsof(8), section "OUTPUT FOR OTHER PROGRAMS": fields that end in NUL, sets that end in a line feed.
 */

/** One open file of a process. */
export interface FileSet {
  /** Field `f`: a number, `*345` where a number has five digits or more (lsof keeps the last three), or a word such as `cwd`. */
  readonly descriptor: string;
  /** Field `t`: `IPv4`, `IPv6`, `DIR` … */
  readonly type: string;
  /** Field `d`: Linux gives the inode number of a socket here, BSD and macOS the kernel's address of its control block. */
  readonly device: string;
  /** Field `P`: `TCP`, `UDP` … */
  readonly protocol: string;
  /** Field `n`. Unprintable bytes stand as `\n`, `^A` or `\xNN` (lsof(8), OUTPUT). */
  readonly name: string;
  /** Fields `T`, without the letter: `ST=LISTEN`, `QR=0` … */
  readonly details: readonly string[];
}

/** One process. */
export interface ProcessSet {
  readonly pid: number;
  /** Field `u`: the user id that the process runs under. */
  readonly uid: number | undefined;
  readonly files: readonly FileSet[];
}

/** The letters that this parser wants, for the option `-F`; `0` asks for NUL. */
export const fieldLetters = "pufdtPnT0";

/**
 * Reads the whole output. A process that stands in several sets comes as often as it does; what has another form is left out,
 * and fields of other letters are.
 * @param ended false when the output was cut off: its last set is then left out, because it may lack fields
 */
export function parseFieldOutput(output: Buffer, ended = true): ProcessSet[] {
  const processes: ProcessSet[] = [];
  let files: FileSet[] | undefined;
  let start = 0;
  while (start < output.length) {
    // A line feed inside a name is escaped by lsof, so that a NUL and a line feed always end a set.
    let end = output.indexOf(setEnd, start);
    if (end < 0) {
      if (!ended) break;
      end = output.length;
    }
    const fields = output.toString("utf8", start, end).split("\0");
    start = end + setEnd.length;
    const first = fields[0] ?? "";
    if (first.startsWith("p")) {
      files = undefined;
      if (!/^p\d{1,10}$/.test(first)) continue;
      files = [];
      processes.push({ pid: Number(first.slice(1)), uid: uidOf(fields), files });
    } else if (first.startsWith("f")) {
      files?.push(fileSetOf(fields));
    }
  }
  return processes;
}

const setEnd = "\0\n";

function uidOf(fields: readonly string[]): number | undefined {
  const field = fields.find((candidate) => candidate.startsWith("u"));
  return field !== undefined && /^u\d{1,10}$/.test(field) ? Number(field.slice(1)) : undefined;
}

function fileSetOf(fields: readonly string[]): FileSet {
  let descriptor = "";
  let type = "";
  let device = "";
  let protocol = "";
  let name = "";
  const details: string[] = [];
  for (const field of fields) {
    const value = field.slice(1);
    switch (field[0]) {
      case "f":
        descriptor = value;
        break;
      case "t":
        type = value;
        break;
      case "d":
        device = value;
        break;
      case "P":
        protocol = value;
        break;
      case "n":
        name = value;
        break;
      case "T":
        details.push(value);
        break;
    }
  }
  return { descriptor, type, device, protocol, name, details };
}

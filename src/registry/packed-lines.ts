/**
 * @module Look-up in a packed table: lines that begin with a port and are ordered by it, searched without being taken apart.
 */

/** Where the first line of a port begins in the table, or -1. Binary search over the text: some 13 looks. */
function findFirstLine(table: string, port: number): number {
  let low = 0;
  let high = table.length;
  let found = -1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = table.lastIndexOf("\n", middle - 1) + 1;
    const here = Number.parseInt(table.slice(start, start + 6), 10);
    if (here < port) {
      const end = table.indexOf("\n", middle);
      low = end === -1 ? table.length : end + 1;
    } else {
      if (here === port) found = start;
      high = start;
    }
  }
  return found;
}

/** The lines of a port, in their order. */
export function findLines(table: string, port: number): string[] {
  const lines: string[] = [];
  for (let start = findFirstLine(table, port); start !== -1 && start < table.length;) {
    const end = table.indexOf("\n", start);
    const line = table.slice(start, end === -1 ? undefined : end);
    if (Number.parseInt(line.slice(0, 6), 10) !== port) break;
    lines.push(line);
    if (end === -1) break;
    start = end + 1;
  }
  return lines;
}

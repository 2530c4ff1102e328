/**
 * @module Records of a CSV file, by RFC 4180 and nothing looser: what is not that is refused with its place.
 */

/** What is wrong with a file, and where. */
export class CsvProblem extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** One record. */
export interface CsvRecord {
  readonly fields: readonly string[];
  /** Line of the file on which it begins, from 1. */
  readonly line: number;
}

/**
 * The records of a text, each ended by CRLF or LF, the last one too: a file that was cut short is told by that. Quoted fields may hold
 * commas, line ends and doubled quotes.
 * @param longestField longest field that is accepted, characters
 * @throws CsvProblem
 */
export function* readCsvRecords(text: string, longestField: number): Generator<CsvRecord> {
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const startLine = line;
    const fields: string[] = [];
    for (;;) {
      const field = text[at] === '"' ? readQuoted(text, at, line) : readPlain(text, at, line);
      if (field.value.length > longestField)
        throw new CsvProblem(line, `a field has more than ${longestField} characters`);
      fields.push(field.value);
      line += field.lines;
      at = field.end;
      if (text[at] !== ",") break;
      at += 1;
    }
    if (text[at] === "\r") at += 1;
    if (text[at] !== "\n")
      throw new CsvProblem(
        line,
        at >= text.length ? "the last line has no end" : "a field does not end where it should",
      );
    at += 1;
    line += 1;
    yield { fields, line: startLine };
  }
}

interface Field {
  readonly value: string;
  /** Place behind it. */
  readonly end: number;
  /** Line ends within. */
  readonly lines: number;
}

function readPlain(text: string, start: number, line: number): Field {
  let end = start;
  for (; end < text.length; end++) {
    const character = text[end];
    if (character === "," || character === "\n") break;
    if (character === "\r") break;
    if (character === '"') throw new CsvProblem(line, "a quote stands inside a field without quotes");
  }
  return { value: text.slice(start, end), end, lines: 0 };
}

function readQuoted(text: string, start: number, line: number): Field {
  let value = "";
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote === -1) throw new CsvProblem(line, "a quoted field has no end");
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') return { value, end: quote + 1, lines: value.split("\n").length - 1 };
    value += '"';
    from = quote + 2;
  }
}

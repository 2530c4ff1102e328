/**
 * @module What a view makes: blocks of lines and tables, made of spans of raw text. Only the printer turns them into characters.
 */

/** Meaning of a span; the printer chooses the colour. A style never carries meaning alone. */
export type Style = "strong" | "dim" | "good" | "warning" | "bad" | "link" | "heading" | VoiceStyle;

/** Tells several that speak in turns apart, beside their names. */
export type VoiceStyle = "first" | "second" | "third" | "fourth" | "fifth" | "sixth";

/** A piece of raw text from anywhere; it is escaped when printed. */
export interface Span {
  readonly text: string;
  readonly style?: Style;
  /**
   * The text is what another program meant for a terminal: where colours are wanted the sequences for colours and weights in it pass (SGR,
   * ECMA-48, section 8.3.117), else they are left out. Everything else is escaped as usual. In lines that stay whole alone.
   */
  readonly ownColors?: boolean;
}

/** A line: spans one after the other; bare strings are spans without style. */
export type Line = readonly (Span | string)[];

/** One column of a table. */
export interface Column {
  readonly title: string;
  /** When the table is too wide, the column with the highest number is left out first; 0 is never left out. */
  readonly priority: number;
  /** Width down to which the column may be clipped before others are left out. Default: its title's. */
  readonly leastWidth?: number;
  readonly align?: "left" | "right";
}

/** Rows of cells; a cell is a line. */
export interface Table {
  readonly kind: "table";
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Line[])[];
}

/**
 * A table of plain raw texts, told column by column: for tens of thousands of rows, where an object for each cell is what costs.
 * Laid out as a table is.
 */
export interface Grid {
  readonly kind: "grid";
  readonly columns: readonly GridColumn[];
  readonly rowCount: number;
}

/** One column of a grid with its texts, one for each row. */
export interface GridColumn extends Column {
  readonly texts: readonly string[];
  /** Of every text of the column. */
  readonly style?: Style;
}

/** A paragraph that is wrapped at the page's width; `hang` is how far its later lines are indented. */
export interface Paragraph {
  readonly kind: "paragraph";
  readonly line: Line;
  readonly indent: number;
  readonly hang: number;
}

/** A line that is printed as it is: never wrapped nor clipped (URLs and commands stay whole for copying). */
export interface Verbatim {
  readonly kind: "verbatim";
  readonly line: Line;
}

export type Block = Table | Grid | Paragraph | Verbatim;

/** Makes a span. */
export function span(text: string, style?: Style): Span {
  return style === undefined ? { text } : { text, style };
}

/** Makes a wrapped paragraph. */
export function paragraph(line: Line | string, options: { indent?: number; hang?: number } = {}): Paragraph {
  const indent = options.indent ?? 0;
  return {
    kind: "paragraph",
    line: typeof line === "string" ? [line] : line,
    indent,
    hang: options.hang ?? indent,
  };
}

/** Makes a line that stays whole. */
export function verbatim(...line: Line): Verbatim {
  return { kind: "verbatim", line };
}

/** An empty line. */
export const blank: Verbatim = { kind: "verbatim", line: [] };

/** Makes a table. */
export function table(columns: readonly Column[], rows: readonly (readonly Line[])[]): Table {
  return { kind: "table", columns, rows };
}

/**
 * @module JSON, with comments where its readers allow them, as a tree with places.
 */
import { parse, type ValueNode } from "@humanwhocodes/momoa";
import { LocatedText } from "./located-text.ts";
import { withoutMark, type Place, type ProjectProblem, type SourceText } from "./source-text.ts";

/** A value with its place. */
export type JsonValue =
  | { readonly kind: "object"; readonly place: Place; readonly entries: ReadonlyMap<string, JsonValue> }
  | { readonly kind: "list"; readonly place: Place; readonly items: readonly JsonValue[] }
  | { readonly kind: "text"; readonly place: Place; readonly value: LocatedText }
  | { readonly kind: "number"; readonly place: Place; readonly value: number }
  | { readonly kind: "other"; readonly place: Place; readonly value: boolean | null };

/** A file of JSON. `root` is absent when it cannot be read. */
export interface JsonFile {
  readonly root?: JsonValue;
  readonly problems: readonly ProjectProblem[];
}

/**
 * Reads a file. Never throws.
 * @param lenient whether comments and commas at the end are allowed, as in JSON with comments
 */
export function readJson(source: SourceText, lenient: boolean): JsonFile {
  const { text, shift } = withoutMark(source);
  const refuse = (message: string, offset: number | null): JsonFile => {
    const place: Place | null = offset === null ? null : { source, offset: offset + shift, length: 0, exact: false };
    return { problems: [{ severity: "error", message, path: source.path, place }] };
  };
  if (text.trim() === "") return refuse("It is empty.", null);
  try {
    const { body } = parse(text, lenient ? { mode: "jsonc", allowTrailingCommas: true } : { mode: "json" });
    return { root: convert(body, source, shift), problems: [] };
  } catch (error) {
    if (error instanceof RangeError) return refuse("It is nested too deeply.", null);
    const { message, offset } = error as Error & { offset?: number };
    if (typeof offset !== "number") throw error;
    return refuse(`It is no valid JSON: ${message.replace(/\.? ?\(\d+:\d+\)$/, "")}.`, offset);
  }
}

function convert(node: ValueNode, source: SourceText, shift: number): JsonValue {
  const offset = node.loc.start.offset + shift;
  const length = node.loc.end.offset - node.loc.start.offset;
  const place: Place = { source, offset, length, exact: true };
  switch (node.type) {
    case "Object": {
      const entries = new Map<string, JsonValue>();
      for (const { name, value } of node.members) {
        entries.set(name.type === "String" ? name.value : name.name, convert(value, source, shift));
      }
      return { kind: "object", place, entries };
    }
    case "Array":
      return { kind: "list", place, items: node.elements.map(({ value }) => convert(value, source, shift)) };
    case "String":
      return { kind: "text", place, value: locate(source, offset, length) };
    case "Number":
      return { kind: "number", place, value: node.value };
    case "Boolean":
      return { kind: "other", place, value: node.value };
    default:
      return { kind: "other", place, value: null };
  }
}

/** The text of a string literal; each character that is escaped leads to its escape. */
function locate(source: SourceText, offset: number, length: number): LocatedText {
  const inside = source.text.slice(offset + 1, offset + length - 1);
  if (!inside.includes("\\")) return LocatedText.of(source, offset + 1, inside);
  const parts: LocatedText[] = [];
  for (const match of inside.matchAll(/\\u[\da-f]{4}|\\[\s\S]|[^\\]+/gi)) {
    const [piece] = match;
    const at = offset + 1 + match.index;
    parts.push(
      piece.startsWith("\\")
        ? LocatedText.meaning(source, at, piece.length, JSON.parse(`"${piece}"`) as string)
        : LocatedText.of(source, at, piece),
    );
  }
  return LocatedText.join(parts, { source, offset: offset + 1, length: inside.length, exact: false });
}

/** An entry of an object. */
export function jsonEntry(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return value?.kind === "object" ? value.entries.get(name) : undefined;
}

/** The items of a list, or nothing. */
export function jsonItems(value: JsonValue | undefined): readonly JsonValue[] {
  return value?.kind === "list" ? value.items : [];
}

/** A text. */
export function jsonText(value: JsonValue | undefined): string | undefined {
  return value?.kind === "text" ? value.value.text : undefined;
}

/** A port, written as a number or as a text, with the place of its digits. */
export function jsonPort(value: JsonValue | undefined): { readonly port: number; readonly place: Place } | undefined {
  if (value?.kind === "number") {
    return isPortValue(value.value) ? { port: value.value, place: value.place } : undefined;
  }
  if (value?.kind !== "text" || !/^\d{1,5}$/.test(value.value.text)) return undefined;
  const port = Number(value.value.text);
  return isPortValue(port) ? { port, place: value.value.placeOf(0, value.value.text.length) } : undefined;
}

function isPortValue(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65_535;
}

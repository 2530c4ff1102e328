/**
 * @module YAML as a tree with places: anchors and merge keys followed, never copied out, so that a few lines that stand for billions cost
 * no more than their own length.
 */
import { isAlias, isMap, isScalar, isSeq, parseAllDocuments, type Document, type Node, type Pair } from "yaml";
import { LocatedText } from "./located-text.ts";
import { withoutMark, type Place, type ProjectProblem, type SourceText } from "./source-text.ts";

/** A node. */
export type YamlNode = YamlMap | YamlList | YamlText;

interface YamlBase {
  readonly source: SourceText;
  readonly offset: number;
  /** Explicit tag, as `!reset`; `null` for none. */
  readonly tag: string | null;
}

/** A mapping. Merged keys are among its entries. */
export interface YamlMap extends YamlBase {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, YamlEntry>;
}

/** A key with its value. */
export interface YamlEntry {
  readonly key: YamlText;
  readonly value: YamlNode;
}

/** A sequence. */
export interface YamlList extends YamlBase {
  readonly kind: "list";
  readonly items: readonly YamlNode[];
}

/** A scalar, whatever its type: the characters decide. Its place is worked out when it is asked for, which few are. */
export class YamlText implements YamlBase {
  readonly kind = "text";
  readonly source: SourceText;
  readonly offset: number;
  readonly tag: string | null;
  readonly text: string;
  /** Written without quotes and empty, `~` or `null`. */
  readonly isNull: boolean;
  readonly #length: number;
  readonly #quoted: boolean;

  constructor(base: YamlBase, text: string, options: { isNull: boolean; length: number; quoted: boolean }) {
    this.source = base.source;
    this.offset = base.offset;
    this.tag = base.tag;
    this.text = text;
    this.isNull = options.isNull;
    this.#length = options.length;
    this.#quoted = options.quoted;
  }

  /** The text with its place: exact when it is written as it is meant. */
  get value(): LocatedText {
    const { source, offset, text } = this;
    const end = offset + this.#length;
    if (this.#length === text.length && source.text.startsWith(text, offset)) {
      return LocatedText.of(source, offset, text);
    }
    if (this.#quoted && this.#length === text.length + 2 && source.text.slice(offset + 1, end - 1) === text) {
      return LocatedText.of(source, offset + 1, text);
    }
    return LocatedText.meaning(source, offset, this.#length, text);
  }
}

/** A file's documents. */
export interface YamlFile {
  /** Roots of the documents that could be read; empty documents are left out. */
  readonly documents: readonly YamlNode[];
  readonly problems: readonly ProjectProblem[];
}

/** Entries that merge keys may bring into one file. */
const mostMerged = 1_000_000;
/** Problems told of one file. */
const mostProblems = 5;

/** Reads a file of YAML. Never throws. */
export function readYaml(source: SourceText): YamlFile {
  const { text, shift } = withoutMark(source);
  const problems: ProjectProblem[] = [];
  const tell = (message: string, offset: number): void => {
    if (problems.length >= mostProblems) return;
    const place: Place = { source, offset: offset + shift, length: 0, exact: false };
    problems.push({ severity: "error", message, path: source.path, place });
  };
  try {
    // Every scalar stays text: a port written as 0080 or 8_0 is not silently another number.
    const documents = parseAllDocuments(text, {
      schema: "failsafe",
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "silent",
    }) as Document[];
    const roots: YamlNode[] = [];
    for (const document of documents) {
      const [error] = document.errors;
      if (error !== undefined) tell(sentenceOf(error.message), error.pos[0]);
      if (error !== undefined || document.contents === null) continue;
      const root = new TreeMaker(source, shift, tell).make(document.contents);
      if (!(root.kind === "text" && root.isNull)) roots.push(root);
    }
    return { documents: roots, problems };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { documents: [], problems: [tooDeep(source)] };
  }
}

/** The parser's recursion ran out of room. */
function tooDeep(source: SourceText): ProjectProblem {
  return { severity: "error", message: "It is nested too deeply.", path: source.path, place: null };
}

function sentenceOf(message: string): string {
  if (message.includes("call stack")) return "It is nested too deeply.";
  const line = message.split("\n", 1)[0]!.slice(0, 200);
  return line.endsWith(".") ? line : `${line}.`;
}

class TreeMaker {
  readonly #source: SourceText;
  readonly #shift: number;
  readonly #tell: (message: string, offset: number) => void;
  readonly #made = new Map<Node, YamlNode>();
  /** Anchors as they stand where the walk is: a later one of the same name hides an earlier one. */
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #merged = 0;

  constructor(source: SourceText, shift: number, tell: (message: string, offset: number) => void) {
    this.#source = source;
    this.#shift = shift;
    this.#tell = tell;
  }

  make(node: Node): YamlNode {
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      const offset = node.range?.[0] ?? 0;
      if (target === undefined) {
        this.#tell(`There is no anchor ${JSON.stringify(node.source)} before this alias.`, offset);
        return this.#nothing(offset);
      }
      if (this.#open.has(target)) {
        this.#tell("This alias stands inside what it names.", offset);
        return this.#nothing(offset);
      }
      return this.make(target);
    }
    const anchor = (node as { anchor?: string }).anchor;
    // What nobody can name again is made once anyway.
    if (anchor === undefined) return this.#makeNew(node);
    const known = this.#made.get(node);
    if (known !== undefined) return known;
    this.#anchors.set(anchor, node);
    this.#open.add(node);
    const made = this.#makeNew(node);
    this.#open.delete(node);
    this.#made.set(node, made);
    return made;
  }

  #makeNew(node: Node): YamlNode {
    const offset = (node.range?.[0] ?? 0) + this.#shift;
    const base = { source: this.#source, offset, tag: (node as { tag?: string }).tag ?? null };
    if (isMap(node)) return { ...base, kind: "map", entries: this.#entriesOf(node.items as Pair[]) };
    if (isSeq(node)) {
      return { ...base, kind: "list", items: (node.items as Node[]).map((item) => this.#makeValue(item, offset)) };
    }
    if (!isScalar(node)) return this.#nothing(offset);
    const text = typeof node.value === "string" ? node.value : "";
    const isNull = node.type === "PLAIN" && (text === "" || text === "~" || /^null$/i.test(text));
    const [start = 0, end = 0] = node.range ?? [];
    return new YamlText(base, text, { isNull, length: end - start, quoted: node.type?.startsWith("QUOTE_") === true });
  }

  /** A flow pair in a sequence, `[a: b]`, is a pair and no node. */
  #makeValue(item: Node | Pair | null, offset: number): YamlNode {
    if (item === null) return this.#nothing(offset);
    if ("key" in item && !isMap(item)) {
      return { kind: "map", entries: this.#entriesOf([item as Pair]), source: this.#source, offset, tag: null };
    }
    return this.make(item as Node);
  }

  #entriesOf(pairs: readonly Pair[]): Map<string, YamlEntry> {
    const entries = new Map<string, YamlEntry>();
    const merges: YamlNode[] = [];
    for (const pair of pairs) {
      const keyNode = pair.key as Node | null;
      const offset = keyNode?.range?.[0] ?? 0;
      const key = keyNode === null ? this.#nothing(offset) : this.make(keyNode);
      const value = pair.value === null ? this.#nothing(offset + this.#shift) : this.make(pair.value as Node);
      if (key.kind !== "text") continue;
      const name = key.text;
      const isMerge = name === "<<" && isScalar(keyNode) && keyNode.type === "PLAIN";
      if (isMerge) merges.push(...(value.kind === "list" ? value.items : [value]));
      else if (entries.has(name)) this.#tell(`The key ${JSON.stringify(name.slice(0, 80))} is there twice.`, offset);
      else entries.set(name, { key, value });
    }
    for (const merge of merges) {
      if (merge.kind !== "map") continue;
      this.#merged += merge.entries.size;
      if (this.#merged > mostMerged) throw new RangeError("Too much is merged.");
      for (const [name, entry] of merge.entries) if (!entries.has(name)) entries.set(name, entry);
    }
    return entries;
  }

  #nothing(offset: number): YamlText {
    const base = { source: this.#source, offset, tag: null };
    return new YamlText(base, "", { isNull: true, length: 0, quoted: false });
  }
}

/** The value of a key of a mapping; `undefined` where there is none, or it is empty. */
export function entryOf(node: YamlNode | undefined, name: string): YamlNode | undefined {
  if (node?.kind !== "map") return undefined;
  const value = node.entries.get(name)?.value;
  return value === undefined || (value.kind === "text" && value.isNull) ? undefined : value;
}

/** The text of a key of a mapping. */
export function textOf(node: YamlNode | undefined, name: string): LocatedText | undefined {
  const value = entryOf(node, name);
  return value?.kind === "text" ? value.value : undefined;
}

/** The items of a list, or nothing. */
export function itemsOf(node: YamlNode | undefined): readonly YamlNode[] {
  return node?.kind === "list" ? node.items : [];
}

/** Where a node begins. */
export function placeOfNode(node: YamlNode): Place {
  return node.kind === "text"
    ? node.value.whole
    : { source: node.source, offset: node.offset, length: 0, exact: false };
}

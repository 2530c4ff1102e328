/**
 * @module JSON with comments, and where in its text each part stands.
 */
import { parse, type ArrayNode, type Location, type ObjectNode, type ValueNode } from "@humanwhocodes/momoa";

/** A place in a text, both counted from 1; columns are UTF-16 code units, as editors count them. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Steps from the whole to a part. */
export type JsonPath = readonly (string | number)[];

/** A text that is JSON. */
export interface JsonDocument {
  readonly value: unknown;
  /** Where a part stands; of `key` its name, where it has one. The nearest part around it that there is. */
  readonly positionOf: (path: JsonPath, what?: "key" | "value") => Position;
}

/** Why a text is none. */
export interface JsonProblem {
  readonly problem: string;
  readonly position: Position;
}

/** Reads it. Comments and commas behind the last part are accepted; a name that stands twice in one object is not. */
export function readJson(text: string): JsonDocument | JsonProblem {
  let body: ValueNode;
  try {
    body = parse(text, { mode: "jsonc", allowTrailingCommas: true }).body;
  } catch (error) {
    return describeFailure(error, text);
  }
  const twice = findDuplicate(body);
  if (twice !== undefined) return twice;
  return { value: valueOf(body), positionOf: (path, what = "value") => locate(body, path, what) };
}

function describeFailure(error: unknown, text: string): JsonProblem {
  const { message, line, column } = error as Error & Partial<Position>;
  if (line === undefined || column === undefined)
    return { problem: error instanceof RangeError ? "It is nested too deeply." : message, position: start };
  const what = message.replace(/ found\. \(\d+:\d+\)$/, "");
  if (what.endsWith("end of input")) return { problem: "The file ends too early.", position: { line, column } };
  const character = /character '(.)'$/su.exec(what)?.[1];
  const here = text.split("\n")[line - 1]?.slice(column - 1) ?? "";
  const hint =
    character === "'" || (character !== undefined && /^[A-Za-z_$][\w$-]*\s*:/.test(here))
      ? " Names and texts stand in double quotes."
      : "";
  return { problem: `${what} is not JSON there.${hint}`, position: { line, column } };
}

const start: Position = { line: 1, column: 1 };

function findDuplicate(node: ValueNode): JsonProblem | undefined {
  if (node.type === "Array") return firstOf(node.elements, ({ value }) => findDuplicate(value));
  if (node.type !== "Object") return undefined;
  const seen = new Set<string>();
  return firstOf(node.members, (member) => {
    const name = nameOf(member);
    if (seen.has(name))
      return { problem: `${JSON.stringify(name)} stands twice.`, position: positionAt(member.name.loc) };
    seen.add(name);
    return findDuplicate(member.value);
  });
}

function firstOf<Item, Found>(items: readonly Item[], find: (item: Item) => Found | undefined): Found | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function valueOf(node: ValueNode): unknown {
  if (node.type === "Array") return node.elements.map(({ value }) => valueOf(value));
  if (node.type === "Object") {
    const value: Record<string, unknown> = {};
    // Defined, not assigned: `__proto__` is a name like any other.
    for (const member of node.members)
      Object.defineProperty(value, nameOf(member), {
        value: valueOf(member.value),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    return value;
  }
  return node.type === "Null" ? null : "value" in node ? node.value : undefined;
}

function locate(body: ValueNode, path: JsonPath, what: "key" | "value"): Position {
  let node = body;
  let position = positionAt(body.loc);
  for (const [depth, step] of path.entries()) {
    const isLast = depth === path.length - 1;
    if (node.type === "Object") {
      const member = memberOf(node, step);
      if (member === undefined) return position;
      position = positionAt(isLast && what === "key" ? member.name.loc : member.value.loc);
      node = member.value;
    } else if (node.type === "Array") {
      const element = elementOf(node, step);
      if (element === undefined) return position;
      position = positionAt(element.loc);
      node = element;
    } else return position;
  }
  return position;
}

function memberOf(node: ObjectNode, step: string | number) {
  return node.members.find((member) => nameOf(member) === step);
}

function elementOf(node: ArrayNode, step: string | number): ValueNode | undefined {
  return typeof step === "number" ? node.elements[step]?.value : undefined;
}

function nameOf({ name }: ObjectNode["members"][number]): string {
  return name.type === "String" ? name.value : name.name;
}

function positionAt({ start: { line, column } }: { start: Location }): Position {
  return { line, column };
}

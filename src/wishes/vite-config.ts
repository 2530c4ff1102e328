/**
 * @module The literal ports of a Vite configuration: `server.port`, `preview.port`, `host`, `strictPort`. The file is parsed and never run: what
 * is computed is not known, and said to be so.
 */
import { tsPlugin } from "@sveltejs/acorn-typescript";
import { Parser, type Node } from "acorn";
import { withoutMark, type Place, type ProjectProblem, type SourceText } from "./source-text.ts";

/** What one server of the configuration says. */
export interface ConfiguredServer {
  /** `null`: nothing is said, or it is computed. */
  readonly port: number | null;
  readonly place: Place | null;
  readonly strict: boolean;
  /** `localhost` when nothing is said; `null` is every address. */
  readonly address: string | null;
  /** A port is said, and only running the file would tell which. */
  readonly computed: boolean;
}

/** A configuration. */
export interface ViteConfig {
  readonly server: ConfiguredServer;
  readonly preview: ConfiguredServer;
  readonly problems: readonly ProjectProblem[];
}

/** ESTree, as far as it is looked at here. */
interface Syntax extends Node {
  readonly [part: string]: unknown;
}

const nothing: ConfiguredServer = { port: null, place: null, strict: false, address: "localhost", computed: false };
/** Steps from the export to the object. */
const deepest = 32;

/** Reads a configuration. Never throws. */
export function readViteConfig(source: SourceText): ViteConfig {
  const { text, shift } = withoutMark(source);
  const parsed = parse(text, source.path);
  if ("message" in parsed) {
    const place: Place | null =
      parsed.offset === null ? null : { source, offset: parsed.offset + shift, length: 0, exact: false };
    const problem: ProjectProblem = { severity: "error", message: parsed.message, path: source.path, place };
    return { server: nothing, preview: nothing, problems: [problem] };
  }
  const scope = new Scope(parsed.program);
  const config = scope.exported();
  const read = (name: string): ConfiguredServer => {
    const part = config === undefined ? undefined : scope.property(config, name);
    return part === undefined ? nothing : readServer(part, scope, source, shift);
  };
  return { server: read("server"), preview: read("preview"), problems: [] };
}

type Parsed = { readonly program: Syntax } | { readonly message: string; readonly offset: number | null };

function parse(text: string, path: string): Parsed {
  const options = { ecmaVersion: "latest", sourceType: "module", locations: true, allowHashBang: true } as const;
  try {
    const isTyped = /\.[cm]?ts$/.test(path);
    const parser = isTyped ? Parser.extend(tsPlugin() as unknown as (base: typeof Parser) => typeof Parser) : Parser;
    return { program: parser.parse(text, options) as unknown as Syntax };
  } catch (error) {
    if (error instanceof RangeError) return { message: "It is nested too deeply.", offset: null };
    const { message, pos } = error as { message?: string; pos?: number };
    if (message?.includes("stack space") === true) return { message: "It is nested too deeply.", offset: null };
    if (typeof pos !== "number") return { message: "It could not be parsed.", offset: null };
    return { message: `It could not be parsed: ${(message ?? "").replace(/ \(\d+:\d+\)$/, "")}.`, offset: pos };
  }
}

function readServer(node: Syntax, scope: Scope, source: SourceText, shift: number): ConfiguredServer {
  const portNode = scope.property(node, "port");
  const port = portNode === undefined ? undefined : scope.number(portNode);
  const host = scope.property(node, "host");
  const strict = scope.property(node, "strictPort");
  const isPort = port !== undefined && Number.isInteger(port.value) && port.value >= 1 && port.value <= 65_535;
  return {
    port: isPort ? port.value : null,
    place: isPort
      ? {
          source,
          offset: port.node.start + shift,
          length: port.node.end - port.node.start,
          exact: /^\d+$/.test(source.text.slice(port.node.start + shift, port.node.end + shift)),
        }
      : null,
    strict: strict !== undefined && strict["value"] === true,
    address: readHost(host),
    computed: portNode !== undefined && !isPort,
  };
}

function readHost(node: Syntax | undefined): string | null {
  const value = node?.["value"];
  if (node === undefined || value === false || value === "localhost") return "localhost";
  if (typeof value === "string" && /^[\d.]+$/.test(value)) return value;
  return value === true || typeof value === "string" ? null : "localhost";
}

/** The names of a module, followed as far as they are written down. */
class Scope {
  readonly #names = new Map<string, Syntax>();
  readonly #program: Syntax;

  constructor(program: Syntax) {
    this.#program = program;
    for (const statement of program["body"] as Syntax[]) this.#declare(statement);
  }

  #declare(statement: Syntax): void {
    const inner = statement.type === "ExportNamedDeclaration" ? (statement["declaration"] as Syntax | null) : statement;
    if (inner?.type === "FunctionDeclaration") {
      const name = (inner["id"] as Syntax | null)?.["name"];
      if (typeof name === "string") this.#names.set(name, inner);
    }
    if (inner?.type !== "VariableDeclaration") return;
    for (const declarator of inner["declarations"] as Syntax[]) {
      const id = declarator["id"] as Syntax;
      const value = declarator["init"] as Syntax | null;
      // What is assigned later as well is not known.
      if (inner["kind"] === "const" && id.type === "Identifier" && value !== null)
        this.#names.set(id["name"] as string, value);
    }
  }

  /** The object that the module gives away, by `export default` or `module.exports`. */
  exported(): Syntax | undefined {
    for (const statement of this.#program["body"] as Syntax[]) {
      if (statement.type === "ExportDefaultDeclaration") return this.#object(statement["declaration"] as Syntax);
      const expression = statement.type === "ExpressionStatement" ? (statement["expression"] as Syntax) : undefined;
      if (expression?.type === "AssignmentExpression" && isModuleExports(expression["left"] as Syntax)) {
        return this.#object(expression["right"] as Syntax);
      }
    }
    return undefined;
  }

  /** The object literal that an expression comes to: through names, calls with one object, arrow functions, types. */
  #object(start: Syntax): Syntax | undefined {
    let node: Syntax | undefined = start;
    for (let depth = 0; node !== undefined && depth < deepest; depth += 1) {
      const current: Syntax = node;
      switch (current.type) {
        case "ObjectExpression":
          return current;
        case "CallExpression":
          node = (current["arguments"] as Syntax[])[0];
          break;
        case "Identifier":
          node = this.#names.get(current["name"] as string);
          break;
        case "ArrowFunctionExpression":
        case "FunctionExpression":
        case "FunctionDeclaration":
          node = returned(current);
          break;
        case "TSAsExpression":
        case "TSSatisfiesExpression":
        case "TSNonNullExpression":
        case "ParenthesizedExpression":
        case "AwaitExpression":
          node = (current["expression"] ?? current["argument"]) as Syntax | undefined;
          break;
        default:
          return undefined;
      }
    }
    return undefined;
  }

  /** The value of a property; later ones of the same name count. */
  property(node: Syntax, name: string): Syntax | undefined {
    const object = this.#object(node);
    if (object === undefined) return undefined;
    let found: Syntax | undefined;
    for (const property of object["properties"] as Syntax[]) {
      if (property.type !== "Property" || property["computed"] === true) continue;
      const key = property["key"] as Syntax;
      if ((key["name"] ?? key["value"]) === name) found = property["value"] as Syntax;
    }
    return found;
  }

  /** A number that is written down. */
  number(start: Syntax): { readonly value: number; readonly node: Syntax } | undefined {
    let node: Syntax | undefined = start;
    for (let depth = 0; node !== undefined && depth < deepest; depth += 1) {
      if (node.type === "Literal") {
        const value: unknown = node["value"];
        return typeof value === "number" ? { value, node } : undefined;
      }
      if (node.type === "Identifier") node = this.#names.get(node["name"] as string);
      else if (/^TS(?:As|Satisfies|NonNull)Expression$/.test(node.type)) node = node["expression"] as Syntax;
      else return undefined;
    }
    return undefined;
  }
}

function isModuleExports(node: Syntax): boolean {
  if (node.type !== "MemberExpression") return false;
  const object = node["object"] as Syntax;
  const property = node["property"] as Syntax;
  return object["name"] === "module" && property["name"] === "exports";
}

/** What a function gives back, when it is one expression or its body's own last statement. */
function returned(node: Syntax): Syntax | undefined {
  const body = node["body"] as Syntax;
  if (body.type !== "BlockStatement") return body;
  const last = (body["body"] as Syntax[]).findLast((statement) => statement.type === "ReturnStatement");
  return (last?.["argument"] as Syntax | null | undefined) ?? undefined;
}

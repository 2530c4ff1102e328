/**
 * @module What a check needs of one service of Compose, read from one file, and how a later file adds to an earlier one (compose-spec,
 * 13-merge.md).
 */
import { resolve } from "node:path";
import type { LocatedText } from "../located-text.ts";
import type { Place } from "../source-text.ts";
import { entryOf, itemsOf, placeOfNode, textOf, type YamlNode } from "../yaml-tree.ts";
import { readPortEntry, type Interpolator, type PublishedPort } from "./compose-ports.ts";

/** A list in one file, and whether it takes the place of what earlier files say (`!override`, `!reset`). */
interface LayeredList<Item> {
  readonly items: readonly Item[];
  readonly replaces: boolean;
}

/** A file that a service takes its environment from. */
export interface EnvironmentReference {
  /** Absolute. */
  readonly path: string;
  readonly required: boolean;
  readonly place: Place;
}

/** A service as one file, or several together, describe it. */
export interface ComposeService {
  readonly ports: LayeredList<PublishedPort>;
  readonly expose: LayeredList<LocatedText>;
  readonly networkMode: string | null;
  readonly profiles: readonly string[] | null;
  /** Folder from which its image is built; `null` when it is not. */
  readonly context: string | null;
  /** Folders of the host that it is given. */
  readonly mounts: readonly string[];
  /** PORT of its environment. */
  readonly portVariable: LocatedText | null;
  readonly environmentFiles: readonly EnvironmentReference[];
  readonly replicas: number | null;
  readonly place: Place;
}

/** How the parts of a service are read. */
export interface ServiceReading {
  /** Folder that relative paths start from. */
  readonly folder: string;
  /** Puts variables in; what cannot be is told and left as it is. */
  readonly interpolate: Interpolator;
  readonly tell: (message: string, place: Place) => void;
  /** Whether so many entries more may be read: one list can serve many services by its anchor. */
  readonly mayRead: (entries: number) => boolean;
}

/** Reads one service. */
export function readService(node: YamlNode, place: Place, reading: ServiceReading): ComposeService {
  const { interpolate } = reading;
  const text = (holder: YamlNode | undefined, name: string): string | null => {
    const found = textOf(holder, name);
    return found === undefined ? null : interpolate(found).text;
  };
  const profiles = entryOf(node, "profiles");
  return {
    ports: readPorts(node, reading),
    expose: listOf(rawEntry(node, "expose"), (item) => (item.kind === "text" ? [interpolate(item.value)] : [])),
    networkMode: text(node, "network_mode"),
    profiles:
      profiles === undefined
        ? null
        : itemsOf(profiles).flatMap((item) => (item.kind === "text" ? [interpolate(item.value).text] : [])),
    context: readContext(node, reading),
    mounts: readMounts(node, reading),
    portVariable: readPortVariable(node, interpolate),
    environmentFiles: readEnvironmentFiles(entryOf(node, "env_file"), reading),
    replicas: readCount(text(node, "scale") ?? text(entryOf(node, "deploy"), "replicas")),
    place,
  };
}

/** The value of a key, empty ones too: their tag can say that something is taken away. */
function rawEntry(node: YamlNode, name: string): YamlNode | undefined {
  return node.kind === "map" ? node.entries.get(name)?.value : undefined;
}

function listOf<Item>(node: YamlNode | undefined, read: (item: YamlNode) => readonly Item[]): LayeredList<Item> {
  if (node === undefined) return { items: [], replaces: false };
  if (node.tag === "!reset") return { items: [], replaces: true };
  return { items: itemsOf(node).flatMap(read), replaces: node.tag === "!override" };
}

function readPorts(node: YamlNode, { interpolate, tell, mayRead }: ServiceReading): LayeredList<PublishedPort> {
  const ports = rawEntry(node, "ports");
  if (!mayRead(itemsOf(ports).length)) {
    tell("Too many ports are wished for; the rest is not looked at.", placeOfNode(ports!));
    return { items: [], replaces: false };
  }
  if (ports !== undefined && ports.kind !== "list" && !(ports.kind === "text" && ports.isNull)) {
    tell("ports is no list.", placeOfNode(ports));
  }
  return listOf(ports, (item) => {
    const entry = readPortEntry(item, interpolate);
    if ("port" in entry) return [entry.port];
    tell(entry.wrong, entry.place);
    return [];
  });
}

function readContext(node: YamlNode, { folder, interpolate }: ServiceReading): string | null {
  const build = entryOf(node, "build");
  if (build === undefined) return null;
  const context = build.kind === "text" ? build.value : textOf(build, "context");
  const path = context === undefined ? "." : interpolate(context).text;
  return path.includes("://") ? null : resolve(folder, path);
}

function readMounts(node: YamlNode, { folder, interpolate }: ServiceReading): string[] {
  return itemsOf(entryOf(node, "volumes")).flatMap((item) => {
    if (item.kind === "text") {
      const path = interpolate(item.value).text.split(":", 1)[0]!;
      return /^[./~]/.test(path) && !path.startsWith("~") ? [resolve(folder, path)] : [];
    }
    const source = textOf(item, "source");
    return textOf(item, "type")?.text === "bind" && source !== undefined
      ? [resolve(folder, interpolate(source).text)]
      : [];
  });
}

/** `environment` is a mapping or a list of NAME=value. */
function readPortVariable(node: YamlNode, interpolate: Interpolator): LocatedText | null {
  const environment = entryOf(node, "environment");
  const mapped = textOf(environment, "PORT");
  if (mapped !== undefined) return interpolate(mapped);
  for (const item of itemsOf(environment)) {
    if (item.kind !== "text" || !item.value.text.startsWith("PORT=")) continue;
    return interpolate(item.value.slice("PORT=".length));
  }
  return null;
}

function readEnvironmentFiles(
  node: YamlNode | undefined,
  { folder, interpolate }: ServiceReading,
): EnvironmentReference[] {
  if (node === undefined) return [];
  return (node.kind === "list" ? node.items : [node]).flatMap((item) => {
    const located = item.kind === "text" ? item.value : textOf(item, "path");
    if (located === undefined) return [];
    const required = textOf(item, "required")?.text !== "false";
    return [{ path: resolve(folder, interpolate(located).text), required, place: placeOfNode(item) }];
  });
}

function readCount(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null;
}

/** What a later file, or the service that extends another, makes of an earlier one. */
export function mergeServices(earlier: ComposeService, later: ComposeService): ComposeService {
  return {
    ports: mergeLists(earlier.ports, later.ports, keyOfPort),
    expose: mergeLists(earlier.expose, later.expose, ({ text }) => text),
    networkMode: later.networkMode ?? earlier.networkMode,
    profiles: later.profiles ?? earlier.profiles,
    context: later.context ?? earlier.context,
    mounts: [...new Set([...earlier.mounts, ...later.mounts])],
    portVariable: later.portVariable ?? earlier.portVariable,
    environmentFiles: [...earlier.environmentFiles, ...later.environmentFiles],
    replicas: later.replicas ?? earlier.replicas,
    place: later.place,
  };
}

function mergeLists<Item>(
  earlier: LayeredList<Item>,
  later: LayeredList<Item>,
  keyOf: (item: Item) => string,
): LayeredList<Item> {
  if (later.replaces) return { items: later.items, replaces: earlier.replaces };
  if (later.items.length === 0) return earlier;
  return { items: distinct([...earlier.items, ...later.items], keyOf), replaces: earlier.replaces };
}

/** The same port published in the same way twice is one port. */
export function distinctPorts(ports: readonly PublishedPort[]): readonly PublishedPort[] {
  return distinct(ports, keyOfPort);
}

function distinct<Item>(items: readonly Item[], keyOf: (item: Item) => string): readonly Item[] {
  if (items.length < 2) return items;
  const seen = new Map<string, Item>();
  for (const item of items) {
    const key = keyOf(item);
    if (!seen.has(key)) seen.set(key, item);
  }
  return [...seen.values()];
}

function keyOfPort({ transport, address, published, count, target }: PublishedPort): string {
  return `${transport} ${address ?? ""} ${published ?? ""} ${count} ${target}`;
}

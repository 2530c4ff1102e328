/**
 * @module The ports that a development container asks for on the machine in front of it (containers.dev, "devcontainer.json reference").
 */
import { basename, dirname } from "node:path";
import { jsonEntry, jsonItems, jsonPort, type JsonValue } from "./json-tree.ts";
import { plainWish, readPortNumber, type PortWish } from "./port-wish.ts";
import type { Place } from "./source-text.ts";

/** Entries of one list. */
const mostEntries = 1_000;

/** Reads `forwardPorts`, `appPort` and `portsAttributes`. */
export function devcontainerWishes(path: string, root: JsonValue): PortWish[] {
  const folder = workspaceFolder(path);
  const attributes = jsonEntry(root, "portsAttributes");
  const common = {
    ...plainWish,
    format: "devcontainer",
    scene: `devcontainer:${path}`,
    folders: [folder],
    home: folder,
  } as const;
  const wishes: PortWish[] = [];
  for (const item of jsonItems(jsonEntry(root, "forwardPorts")).slice(0, mostEntries)) {
    const found = forwarded(item);
    if (found === undefined) continue;
    const required = jsonEntry(jsonEntry(attributes, found.key), "requireLocalPort");
    const isRequired = required?.kind === "other" && required.value === true;
    wishes.push({
      ...common,
      port: found.port,
      place: found.place,
      address: "localhost",
      name: "forwardPorts",
      unit: `forward ${found.key}`,
      ifTaken: isRequired ? "fails" : "moves",
      // The same port can be published by the container and forwarded by the editor.
      inactive: null,
    });
  }
  const appPort = jsonEntry(root, "appPort");
  for (const item of (appPort?.kind === "list" ? appPort.items : appPort === undefined ? [] : [appPort]).slice(
    0,
    mostEntries,
  )) {
    const found = published(item);
    if (found === undefined) continue;
    wishes.push({ ...common, ...found, name: "appPort", unit: `publish ${found.port}`, binder: "engine" });
  }
  return wishes;
}

/** A number, or `db:5432` for another container's, which is forwarded to the same number here. */
function forwarded(item: JsonValue): { port: number; place: Place; key: string } | undefined {
  const plain = jsonPort(item);
  if (plain !== undefined) return { ...plain, key: String(plain.port) };
  if (item.kind !== "text") return undefined;
  const { text } = item.value;
  const digits = /^[\w.-]+:(\d{1,5})$/.exec(text)?.[1] ?? "";
  const port = readPortNumber(digits);
  return port === undefined
    ? undefined
    : { port, place: item.value.placeOf(text.length - digits.length, text.length), key: text };
}

/** As `docker run --publish` takes it; a number alone is published at 127.0.0.1. */
function published(item: JsonValue): Pick<PortWish, "port" | "place" | "address" | "transport"> | undefined {
  const plain = jsonPort(item);
  if (plain !== undefined) return { ...plain, address: "127.0.0.1", transport: "tcp" };
  if (item.kind !== "text") return undefined;
  const { text } = item.value;
  const match = /^(?:([\d.]+):)?(\d{1,5}):\d{1,5}(?:\/(tcp|udp))?$/.exec(text);
  const port = readPortNumber(match?.[2] ?? "");
  if (match === null || port === undefined) return undefined;
  const start = match[1] === undefined ? 0 : match[1].length + 1;
  const address = match[1] === undefined || match[1] === "0.0.0.0" ? null : match[1];
  const transport = match[3] === "udp" ? "udp" : "tcp";
  return { port, place: item.value.placeOf(start, start + match[2]!.length), address, transport };
}

/** `.devcontainer.json`, `.devcontainer/devcontainer.json` and `.devcontainer/NAME/devcontainer.json` belong to the folder around. */
function workspaceFolder(path: string): string {
  const folder = dirname(path);
  if (basename(folder) === ".devcontainer") return dirname(folder);
  const parent = dirname(folder);
  return basename(parent) === ".devcontainer" ? dirname(parent) : folder;
}

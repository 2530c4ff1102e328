/**
 * @module XML 1.0 written so that nothing from outside can break out of it.
 */
import { escapeForTerminal } from "../../../core/index.ts";

/** First line of a document. */
export const xmlDeclaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

type Attribute = string | number | undefined;

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/*
 * Characters that XML 1.0 §2.2 forbids even as references, beyond the controls and lone surrogates that are spelled out for
 * terminals already.
 */
const forbidden = /[\ufffe\uffff]/g;

/** Text for an attribute. Control characters are spelled out as on a terminal: most of them XML cannot hold at all. */
export function escapeXml(text: string): string {
  return escapeForTerminal(text)
    .replace(forbidden, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`)
    .replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** An element on a line of its own; attributes that are `undefined` are left out. Names are ours. */
export function element(
  name: string,
  attributes: Readonly<Record<string, Attribute>>,
  children: readonly string[] = [],
): string {
  let opening = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) opening += ` ${key}="${escapeXml(String(value))}"`;
  }
  return children.length === 0 ? `${opening}/>\n` : `${opening}>\n${children.join("")}</${name}>\n`;
}

/** A comment of our own words. */
export function xmlComment(text: string): string {
  return `<!-- ${escapeXml(text).replaceAll("--", "- -")} -->\n`;
}

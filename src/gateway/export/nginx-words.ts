/**
 * @module Words of nginx's configuration, written so that they are one word and mean themselves.
 */
import { formatSocketAddress } from "../../core/index.ts";
import { takesBothFamilies } from "./sound-facts.ts";

/** A text in quotes. Backslash and quote are what its parser looks at there; variables are the directive's affair. */
export function nginxText(text: string): string {
  return /^[\w./:*-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** A text as a part of a regular expression in quotes: what could mean anything is spelled by its number (pcrepattern(3)). */
export function nginxPattern(text: string): string {
  let pattern = "";
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    pattern += /[\w/]/.test(character) ? character : String.raw`\x${byte.toString(16).padStart(2, "0")}`;
  }
  return pattern;
}

/** `$` where a variable could begin: nginx has no other way to say it. */
export const nginxDollar = '  geo $portolan_dollar {\n    default "$";\n  }';

/** Where a server listens. */
export function nginxPlace(address: string, port: number): string {
  return `${formatSocketAddress(address, port)}${takesBothFamilies(address) ? " ipv6only=off" : ""}`;
}

/**
 * @module Words of HAProxy's configuration, written so that they are one word and mean themselves.
 */
import { formatSocketAddress } from "../../core/index.ts";
import { takesBothFamilies } from "./sound-facts.ts";

/** The longest time that HAProxy's timers hold is 24 days: as good as none. */
export const haproxyForever = "24d";

/** A word of HAProxy's configuration: what could mean anything to its parser is spelled by its number (section 2.2 of its manual). */
export function haproxyWord(text: string): string {
  let word = "";
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    word += /[\w.:/*@-]/.test(character) ? character : String.raw`\x${byte.toString(16).padStart(2, "0")}`;
  }
  return word;
}

/** A word in which `%` would begin an expression (section 8.2.4 of its manual). */
export function haproxyFormat(text: string): string {
  return haproxyWord(text.replaceAll("%", "%%"));
}

/** Where a frontend listens. */
export function haproxyPlace(address: string, port: number): string {
  return `${formatSocketAddress(address, port)}${takesBothFamilies(address) ? " v4v6" : ""}`;
}

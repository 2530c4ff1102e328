/**
 * @module Telnet: the server opens with negotiation of options.
 */
import type { Conversation, Protocol } from "./protocol.ts";
import { fact, latin1Text, usualPatienceMs, type Parsed, type Talk } from "./talk.ts";

/** Commands (RFC 854): Interpret As Command, subnegotiation and its end, WILL to DONT, the lowest one that there is. */
const interpret = 255;
const [subnegotiation, subnegotiationEnd] = [250, 240];
const [will, dont] = [251, 254];
const lowestCommand = 236;

/** Bytes of the opening that are looked at. */
const longestOpening = 1024;
/** The opening is over when nothing came for so long, milliseconds: no byte says so. */
const quietMs = 400;

/** Names of the options that servers open with (IANA, Telnet Options). */
const optionNames: Readonly<Record<number, string>> = {
  1: "ECHO",
  3: "SUPPRESS-GO-AHEAD",
  5: "STATUS",
  24: "TERMINAL-TYPE",
  31: "NAWS",
  32: "TERMINAL-SPEED",
  33: "TOGGLE-FLOW-CONTROL",
  34: "LINEMODE",
  35: "X-DISPLAY-LOCATION",
  36: "OLD-ENVIRON",
  37: "AUTHENTICATION",
  38: "ENCRYPTION",
  39: "NEW-ENVIRON",
  46: "START_TLS",
};

interface Opening {
  /** Options that are negotiated, in their order. */
  readonly options: readonly number[];
  /** What is no command. */
  readonly text: string;
}

/** Options that IANA has given out: 0 to 49, 138 to 140, and 255 for the extended list. */
function isOption(option: number): boolean {
  return option <= 49 || (option >= 138 && option <= 140) || option === 255;
}

/** Takes commands and text apart; `null` when a command is none. A command that is cut off at the end is left out. */
function parseOpening(bytes: Uint8Array): Opening | null {
  const options: number[] = [];
  const data: number[] = [];
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index] !== interpret) {
      data.push(bytes[index]!);
      continue;
    }
    const command = bytes[++index];
    if (command === undefined) break;
    if (command < lowestCommand) return null;
    if (command === interpret) data.push(interpret);
    if (command < subnegotiation || command > dont) continue;
    const option = bytes[++index];
    if (option === undefined) break;
    if (!isOption(option)) return null;
    if (command >= will) options.push(option);
    else index = endOfSubnegotiation(bytes, index + 1);
  }
  return { options, text: latin1Text(Uint8Array.from(data)) };
}

/** Index of the byte that ends it, or of the last byte. */
function endOfSubnegotiation(bytes: Uint8Array, from: number): number {
  for (let index = from; index + 1 < bytes.length; index++) {
    if (bytes[index] !== interpret) continue;
    index += 1;
    if (bytes[index] === subnegotiationEnd) return index;
  }
  return bytes.length;
}

/** Everything up to the first silence. */
function takeOpening(bytes: Uint8Array): Parsed<Uint8Array> {
  if (bytes[0] !== interpret) return null;
  return bytes.length < longestOpening
    ? undefined
    : { value: bytes.subarray(0, longestOpening), length: longestOpening };
}

function* converse(talk: Talk): Conversation {
  if (!(yield* talk.listen(usualPatienceMs))) {
    return { outcome: "silent", evidence: talk.open ? "no answer" : "the connection was closed" };
  }
  const reading = yield* talk.read(takeOpening, quietMs);
  const opening =
    !reading.ok && reading.why === "malformed" ? null : parseOpening(reading.ok ? reading.value : reading.seen);
  if (opening === null || opening.options.length === 0) {
    return { outcome: "other", evidence: "no negotiation of options" };
  }
  const names = [...new Set(opening.options)].map((option) => optionNames[option] ?? `option ${option}`);
  const facts = [fact("capabilities", names.slice(0, 32), "negotiation of options")];
  const asksLogin = /\b(?:login|user ?name|password): ?$/i.test(opening.text);
  if (asksLogin) facts.push(fact("login", "required", "login prompt"));
  const lines = opening.text.split(/[\r\n]+/).map((line) => line.trim());
  const banner = lines.slice(0, asksLogin ? -1 : undefined).find((line) => line !== "");
  if (banner !== undefined) facts.push(fact("identity", banner, "text before the login"));
  return opening.options.length > 1 || asksLogin
    ? { outcome: "proved", evidence: "the server negotiates options (IAC with DO, DONT, WILL or WONT)", facts }
    : { outcome: "suggested", evidence: "three bytes that could be the negotiation of an option", facts };
}

/** Telnet, RFC 854. */
export const telnet: Protocol = {
  id: "telnet",
  title: "Telnet",
  speaksFirst: "server",
  over: "transport",
  usualPorts: [
    { port: 23, transport: "tcp", tls: false },
    { port: 992, transport: "tcp", tls: true },
  ],
  text: {
    purpose: "A terminal on another machine, everything in the clear: passwords too. SSH has taken its place.",
    weakProof:
      "The first three bytes are IAC (255) with DO, DONT, WILL or WONT and an option, and nothing like it follows.",
    strongProof: "Two such commands, the first of them at the very start, or one and a login prompt.",
    claims: [
      { fact: "capabilities", from: "options that the server negotiates" },
      { fact: "login", from: "a prompt that ends in login: or password:" },
      { fact: "identity", from: "text before the prompt" },
    ],
    effectOnTarget:
      "Nothing is sent. The server logs a connection that ended before the login, if it logs connections.",
    wire: [
      { from: "server", bytes: "ff fd 18 ff fd 20 ff fd 23 ff fd 27", meaning: "IAC DO TERMINAL-TYPE, and so on" },
    ],
    sources: ["RFC 854", "RFC 855"],
  },
  recognise: (bytes) => {
    if (bytes[0] !== interpret) return bytes.length === 0 ? "more" : "no";
    const [, command, option] = bytes;
    if (command !== undefined && (command < will || command > dont)) return "no";
    return option === undefined ? "more" : isOption(option) ? "match" : "no";
  },
  probe: converse,
};

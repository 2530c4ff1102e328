/**
 * @module Telnet: the server opens with negotiation of options.
 */
import type { Conversation, Protocol } from "./protocol.ts";
import { describeEnding, fact, type Parsed, type Talk } from "./talk.ts";

/** Interpret As Command, and the commands that negotiate (RFC 854). */
const interpret = 255;
const subnegotiation = 250;
const [will, dont] = [251, 254];

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

interface Negotiation {
  readonly options: readonly string[];
  /** Text of a login prompt that came with it. */
  readonly asksLogin: boolean;
}

/** Commands at the start of the stream: all of those that are there, at least one. */
function parseNegotiation(bytes: Uint8Array): Parsed<Negotiation> {
  const options: string[] = [];
  let index = 0;
  let commands = 0;
  while (index < bytes.length && bytes[index] === interpret) {
    const command = bytes[index + 1];
    if (command === undefined) break;
    if (command < subnegotiation || command > dont) return commands === 0 ? null : finish();
    if (command >= will) {
      const option = bytes[index + 2];
      if (option === undefined) break;
      options.push(optionNames[option] ?? `option ${option}`);
      index += 3;
    } else {
      const end = endOfSubnegotiation(bytes, index + 2);
      if (end === undefined) break;
      index = end;
    }
    commands += 1;
  }
  if (index === 0 && bytes[0] !== interpret) return null;
  return commands === 0 ? (bytes.length > 512 ? null : undefined) : finish();

  function finish(): Parsed<Negotiation> {
    const rest = new TextDecoder("latin1").decode(bytes.subarray(index, index + 512));
    return {
      value: { options: [...new Set(options)], asksLogin: /\b(login|username|password):\s*$/i.test(rest) },
      length: bytes.length,
    };
  }
}

function endOfSubnegotiation(bytes: Uint8Array, from: number): number | undefined {
  for (let index = from; index + 1 < bytes.length; index++) {
    if (bytes[index] !== interpret) continue;
    if (bytes[index + 1] === 240) return index + 2;
    index += 1;
  }
  return undefined;
}

function* converse(talk: Talk): Conversation {
  const reading = yield* talk.read(parseNegotiation);
  if (!reading.ok) {
    return reading.seen.length === 0
      ? { outcome: "silent", evidence: describeEnding(reading.why) }
      : { outcome: "other", evidence: "no negotiation of options" };
  }
  const { options, asksLogin } = reading.value;
  const facts = [];
  if (options.length > 0) facts.push(fact("capabilities", options, "negotiation of options"));
  if (asksLogin) facts.push(fact("login", "required", "login prompt"));
  return { outcome: "proved", evidence: "the server negotiates options (IAC DO or IAC WILL)", facts };
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
    weakProof: null,
    strongProof: "The first bytes are IAC (255) with DO, DONT, WILL or WONT and an option.",
    claims: [
      { fact: "capabilities", from: "options that the server negotiates" },
      { fact: "login", from: "a prompt that ends in login: or password:" },
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
    const command = bytes[1];
    if (command === undefined) return "more";
    return command >= subnegotiation && command <= dont ? "match" : "no";
  },
  probe: converse,
};

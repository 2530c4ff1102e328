/**
 * @module IMAP: an untagged greeting, and tagged answers to ID and LOGOUT.
 */
import type { Conversation, Fact, Protocol } from "./protocol.ts";
import { missed, fact, matchAny, parseLine, type Talk } from "./talk.ts";

const mostLines = 64;

/** What ID may say (RFC 2971 §3.3): pairs of quoted strings. */
function readIdentity(line: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  const list = /^\* ID \((.*)\)$/i.exec(line)?.[1];
  if (list === undefined) return pairs;
  for (const match of list.matchAll(/"((?:[^"\\]|\\.){0,30})" (?:"((?:[^"\\]|\\.){0,1024})"|NIL)/g)) {
    if (match[2] !== undefined) pairs.set(match[1]!.toLowerCase(), match[2].replaceAll(/\\(.)/g, "$1"));
  }
  return pairs;
}

function capabilitiesOf(line: string): readonly string[] {
  const list = /(?:\[CAPABILITY |^\* CAPABILITY )([^\]]*)/i.exec(line)?.[1];
  return list === undefined ? [] : list.trim().split(" ").slice(0, 64);
}

function describe(greeting: string, lines: readonly string[]): Fact[] {
  const facts: Fact[] = [];
  const identity = lines.map(readIdentity).find((pairs) => pairs.size > 0) ?? new Map<string, string>();
  const name = identity.get("name");
  if (name !== undefined) facts.push(fact("product", name, "ID reply, name"));
  else if (/\bDovecot\b/.test(greeting)) facts.push(fact("product", "Dovecot", "greeting"));
  else if (/\bCourier-IMAP\b/.test(greeting)) facts.push(fact("product", "Courier-IMAP", "greeting"));
  const version = identity.get("version");
  if (version !== undefined) facts.push(fact("version", version, "ID reply, version"));
  const system = identity.get("os");
  if (system !== undefined) facts.push(fact("operatingSystem", system, "ID reply, os"));
  const capabilities = [...new Set([greeting, ...lines].flatMap(capabilitiesOf))];
  const protocolVersions = capabilities.filter((word) => /^IMAP4rev\d$/i.test(word));
  if (protocolVersions.length > 0) facts.push(fact("protocolVersion", protocolVersions.join(", "), "CAPABILITY"));
  if (capabilities.some((word) => /^STARTTLS$/i.test(word)))
    facts.push(fact("startTls", "offered", "CAPABILITY, STARTTLS"));
  const authentication = capabilities.filter((word) => /^AUTH=/i.test(word)).map((word) => word.slice(5));
  if (authentication.length > 0) facts.push(fact("authentication", authentication.slice(0, 16), "CAPABILITY, AUTH"));
  facts.push(fact("login", /^\* PREAUTH/i.test(greeting) ? "none" : "required", "greeting"));
  const text = greeting.replace(/^\* \w+ (?:\[[^\]]*\] ?)?/, "");
  if (!facts.some((one) => one.name === "product") && text !== "") facts.push(fact("identity", text, "greeting"));
  return facts;
}

function* converse(talk: Talk): Conversation {
  const greeting = yield* talk.read(parseLine);
  if (!greeting.ok) return missed(greeting, "no greeting line");
  const kind = /^\* (OK|PREAUTH|BYE)(?: |$)/i.exec(greeting.value)?.[1]?.toUpperCase();
  if (kind === undefined) return { outcome: "other", evidence: "no untagged greeting" };
  if (kind === "BYE") {
    return { outcome: "suggested", evidence: "a greeting that refuses (* BYE)", facts: describe(greeting.value, []) };
  }
  yield* talk.send("a ID NIL\r\n");
  const lines: string[] = [];
  const first = yield* readTagged(talk, "a", lines);
  if (first === undefined) {
    return {
      outcome: "suggested",
      evidence: `* ${kind} greeting, and no tagged answer`,
      facts: describe(greeting.value, lines),
    };
  }
  if (![greeting.value, ...lines].some((line) => capabilitiesOf(line).length > 0)) {
    yield* talk.send("c CAPABILITY\r\n");
    yield* readTagged(talk, "c", lines);
  }
  yield* talk.send("b LOGOUT\r\n");
  yield* readTagged(talk, "b", []);
  return {
    outcome: "proved",
    evidence: `* ${kind} greeting, and a tagged ${first} to ID`,
    facts: describe(greeting.value, lines),
  };
}

/** Reads up to the tagged answer and keeps the untagged lines before it; `undefined` when it does not come. */
function* readTagged(talk: Talk, tag: string, lines: string[]): Conversation<string | undefined> {
  for (let count = 0; count < mostLines; count++) {
    const line = yield* talk.read(parseLine);
    if (!line.ok) return undefined;
    const status = new RegExp(`^${tag} (OK|NO|BAD)(?: |$)`, "i").exec(line.value)?.[1];
    if (status !== undefined) return status.toUpperCase();
    // A line that ends in {n} goes on after n bytes (RFC 9051 §4.3): what follows it may look like anything.
    if (!line.value.startsWith("* ") && !/\{\d{1,6}\}$/.test(lines.at(-1) ?? "")) return undefined;
    lines.push(line.value);
  }
  return undefined;
}

/** IMAP, RFC 9051. */
export const imap: Protocol = {
  id: "imap",
  title: "IMAP",
  speaksFirst: "server",
  over: "transport",
  usualPorts: [
    { port: 143, transport: "tcp", tls: false },
    { port: 993, transport: "tcp", tls: true },
  ],
  text: {
    purpose: "Reads mail that stays on the server, from several devices.",
    weakProof: "A greeting without a tagged answer, or one that refuses (* BYE).",
    strongProof: "A greeting * OK or * PREAUTH, and a tagged answer to ID; a refusal of ID counts.",
    claims: [
      { fact: "product", from: "ID reply, name, or greeting" },
      { fact: "version", from: "ID reply, version" },
      { fact: "operatingSystem", from: "ID reply, os" },
      { fact: "protocolVersion", from: "CAPABILITY" },
      { fact: "startTls", from: "CAPABILITY, STARTTLS" },
      { fact: "authentication", from: "CAPABILITY, AUTH" },
      { fact: "login", from: "greeting: PREAUTH needs none" },
      { fact: "identity", from: "greeting, where no product is known" },
    ],
    effectOnTarget: "A visit without login, which Dovecot writes down as an aborted one at information level.",
    wire: [
      { from: "server", bytes: "* OK [CAPABILITY IMAP4rev1 …] Dovecot (Debian) ready.\\r\\n", meaning: "greeting" },
      { from: "client", bytes: "a ID NIL\\r\\n", meaning: "asks who it is, and says nothing of itself" },
      { from: "server", bytes: '* ID ("name" "Dovecot")\\r\\na OK ID completed.\\r\\n', meaning: "the answer" },
      { from: "client", bytes: "b LOGOUT\\r\\n", meaning: "ends the visit" },
    ],
    sources: ["RFC 9051 §7.1, §6.1", "RFC 2971", "RFC 8314"],
  },
  recognise: (bytes) => {
    return matchAny(bytes, ["* OK", "* PREAUTH", "* BYE"]);
  },
  probe: converse,
  sniff: (bytes) => {
    // tag SP command: a short tag and one of the commands that open a session.
    const text = new TextDecoder("latin1").decode(bytes.subarray(0, 64));
    if (/^[\w.]{1,16} (?:CAPABILITY|ID|LOGIN|AUTHENTICATE|STARTTLS)[\s]/i.test(text)) return { verdict: "match" };
    return { verdict: bytes.length < 34 && /^[\w.]{0,16}(?: [A-Z]{0,12})?$/i.test(text) ? "more" : "no" };
  },
};

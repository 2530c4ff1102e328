/**
 * @module Redis: PING, and HELLO where that was answered.
 */
import type { Conversation, Fact, Protocol } from "./protocol.ts";
import { missed, fact, latin1Text, longestLine, matchAny, parseLine, type Parsed, type Talk } from "./talk.ts";

/** Longest reply to HELLO that is read. */
const longestReply = 8192;

/** The values of a flat RESP array or map of bulk strings, simple strings and integers; other kinds are not part of HELLO's head. */
function parseFlat(bytes: Uint8Array): Parsed<readonly string[] | string> {
  const text = latin1Text(bytes.subarray(0, longestReply));
  const head = /^([*%])(\d{1,3})\r\n/.exec(text);
  if (head === null) {
    if (/^[-+][^\r\n]*\r\n/.test(text))
      return { value: text.slice(0, text.indexOf("\r\n")), length: text.indexOf("\r\n") + 2 };
    if (bytes.length > 0 && !/^[-+*%]/.test(text)) return null;
    return bytes.length > longestLine ? null : undefined;
  }
  const count = Number(head[2]) * (head[1] === "%" ? 2 : 1);
  const values: string[] = [];
  let at = head[0].length;
  while (values.length < count) {
    const end = text.indexOf("\r\n", at);
    if (end === -1) return text.length >= longestReply ? null : undefined;
    const line = text.slice(at, end);
    at = end + 2;
    if (line.startsWith("$")) {
      const length = Number(line.slice(1));
      if (!Number.isInteger(length) || length < 0 || length > longestReply) return null;
      if (text.length < at + length + 2) return text.length >= longestReply ? null : undefined;
      values.push(text.slice(at, at + length));
      at += length + 2;
    } else if (/^[+:]/.test(line)) {
      values.push(line.slice(1));
    } else {
      // modules: a nested array ends what is of interest.
      return { value: values, length: bytes.length };
    }
  }
  return { value: values, length: at };
}

function describe(values: readonly string[]): Fact[] {
  const pairs = new Map<string, string>();
  for (let index = 0; index + 1 < values.length; index += 2) pairs.set(values[index]!, values[index + 1]!);
  const facts: Fact[] = [];
  const from = (field: string): string => `HELLO reply, field ${field}`;
  const server = pairs.get("server");
  if (server !== undefined) facts.push(fact("product", server, from("server")));
  const version = pairs.get("version");
  if (version !== undefined) facts.push(fact("version", version, from("version")));
  const proto = pairs.get("proto");
  if (proto !== undefined) facts.push(fact("protocolVersion", `RESP${proto}`, from("proto")));
  const role = pairs.get("role");
  if (role !== undefined) facts.push(fact("role", role, from("role")));
  const mode = pairs.get("mode");
  if (mode !== undefined && mode !== "standalone") facts.push(fact("status", mode, from("mode")));
  return facts;
}

/** QUIT is let in without a login too. */
function* leave(talk: Talk): Conversation<void> {
  yield* talk.send("QUIT\r\n");
  yield* talk.read(parseLine, 500);
}

function* converse(talk: Talk): Conversation {
  yield* talk.send("PING\r\n");
  const pong = yield* talk.read(parseLine);
  if (!pong.ok) return missed(pong);
  const line = pong.value;
  if (line.startsWith("-NOAUTH ")) {
    yield* leave(talk);
    return {
      outcome: "proved",
      evidence: "-NOAUTH in answer to PING",
      facts: [fact("login", "required", "PING reply")],
    };
  }
  if (line.startsWith("-DENIED ")) {
    const facts = [fact("status", "protected mode: only loopback is let in", "PING reply")];
    return { outcome: "proved", evidence: "-DENIED in answer to PING", facts };
  }
  // Loading its data, saving failed, its master is away, a script runs: it is Redis, and has no answer now.
  const busy = /^-(LOADING|MISCONF|MASTERDOWN|BUSY) /.exec(line)?.[1];
  if (busy !== undefined) {
    yield* leave(talk);
    return { outcome: "proved", evidence: `-${busy} in answer to PING`, facts: [] };
  }
  if (line !== "+PONG") return { outcome: "other", evidence: "no PONG in the answer" };
  yield* talk.send("HELLO\r\n");
  const hello = yield* talk.read(parseFlat);
  yield* leave(talk);
  const facts = hello.ok && typeof hello.value !== "string" ? describe(hello.value) : [];
  return {
    outcome: "proved",
    evidence: "+PONG in answer to PING",
    facts: [...facts, fact("login", "none", "PING reply")],
  };
}

/** Longest command in the short form that is looked at, bytes. */
const longestInline = 64;

/**
 * A command as people and health checks type it ("inline commands" of the RESP specification): those that come first, each with words that
 * other protocols do not put behind it. FTP has `AUTH TLS`, memcached `get`, SIP and HTTP put an address behind theirs.
 */
function sniffInline(text: string): "match" | "no" | "more" {
  const line = /^[^\n]*\n/.exec(text)?.[0];
  if (line !== undefined) return inlineCommand.test(line) && !/^auth (?:tls|ssl)\r?\n/i.test(line) ? "match" : "no";
  const [verb = ""] = text.toUpperCase().split(/[ \r]/, 1);
  const isWhole = verb.length < text.length;
  const canBe = inlineVerbs.some((known) => (isWhole ? known === verb : known.startsWith(verb)));
  return canBe && text.length < longestInline && /^[\x20-\x7e]*\r?$/.test(text) ? "more" : "no";
}

const inlineVerbs = ["PING", "HELLO", "INFO", "AUTH", "CLIENT", "COMMAND", "SELECT"];
const inlineCommand =
  /^(?:ping|hello(?: [23](?: [\x21-\x7e]+)*)?|info(?: [a-z]+)?|auth(?: [\x21-\x7e]+){1,2}|client [a-z]+(?: [\x21-\x7e]+)*|command(?: [a-z]+)?|select \d+)\r?\n/i;

/** Redis, its protocol RESP. */
export const redis: Protocol = {
  id: "redis",
  title: "Redis",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [
    { port: 6379, transport: "tcp", tls: false },
    { port: 6380, transport: "tcp", tls: true },
    { port: 26379, transport: "tcp", tls: false },
  ],
  text: {
    purpose: "Keeps values in memory by key: caches, queues, sessions. Valkey and KeyDB speak the same.",
    weakProof: null,
    strongProof:
      "+PONG, or one of the errors -NOAUTH, -DENIED, -LOADING, -MISCONF, -MASTERDOWN and -BUSY, in answer to PING.",
    claims: [
      { fact: "product", from: "HELLO reply, field server" },
      { fact: "version", from: "HELLO reply, field version" },
      { fact: "protocolVersion", from: "HELLO reply, field proto" },
      { fact: "role", from: "HELLO reply, field role" },
      { fact: "login", from: "PING reply" },
      { fact: "status", from: "HELLO reply, field mode, or what -DENIED says" },
    ],
    effectOnTarget:
      "Nothing is kept and nothing logged. A web request would be logged as a possible attack, which is why unknown ports are never sent a Host line first.",
    wire: [
      { from: "client", bytes: "PING\\r\\n", meaning: "are you there?" },
      { from: "server", bytes: "+PONG\\r\\n", meaning: "yes; -NOAUTH …: yes, and a login is required" },
      { from: "client", bytes: "HELLO\\r\\n", meaning: "only after PONG: who are you?" },
      { from: "client", bytes: "QUIT\\r\\n", meaning: "ends the connection" },
    ],
    sources: ["Redis documentation, RESP protocol specification", "Redis documentation, HELLO"],
  },
  // What it answers to commands that it does not know, or with the wrong number of words.
  recognise: (bytes) => {
    const starts = ["-ERR unknown command", "-ERR wrong number of arguments", "-NOAUTH ", "-DENIED ", "+PONG\r\n"];
    return matchAny(bytes, starts);
  },
  probe: converse,
  sniff: (bytes) => {
    const text = latin1Text(bytes.subarray(0, longestInline));
    if (/^\*[1-9]\d{0,6}\r\n\$/.test(text)) return { verdict: "match" };
    if (/^(?:\*(?:[1-9]\d{0,6}(?:\r\n?)?)?)?$/.test(text)) return { verdict: "more" };
    return { verdict: sniffInline(text) };
  },
};

/**
 * @module SIP: OPTIONS asks what a server can do, over UDP and TCP.
 */
import type { Conversation, Fact, ProbeContext, Protocol } from "./protocol.ts";
import { missed, fact, latin1Bytes, latin1Text, matchAny, matchPrefix, type Parsed, type Talk } from "./talk.ts";

const longestHead = 16 * 1024;

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

interface Request {
  readonly bytes: Uint8Array;
  readonly branch: string;
}

/** RFC 3261 §11; the branch starts with the magic cookie of §8.1.1.7. rport (RFC 3581) brings the answer back to this socket. */
function makeOptions(context: ProbeContext): Request {
  const branch = `z9hG4bK${hexOf(context.random(8))}`;
  const tag = hexOf(context.random(6));
  const callId = hexOf(context.random(12));
  const own = bracketed(context.localAddress);
  const target = `${bracketed(context.host)}:${context.port}`;
  const lines = [
    `OPTIONS sip:${target} SIP/2.0`,
    `Via: SIP/2.0/${context.transport.toUpperCase()} ${own};branch=${branch};rport`,
    "Max-Forwards: 70",
    `From: <sip:portolan@${own}>;tag=${tag}`,
    `To: <sip:${target}>`,
    `Call-ID: ${callId}`,
    "CSeq: 1 OPTIONS",
    `Contact: <sip:portolan@${own}>`,
    "Accept: application/sdp",
    "Content-Length: 0",
  ];
  return { bytes: latin1Bytes(`${lines.join("\r\n")}\r\n\r\n`), branch };
}

interface Response {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

function parseResponse(bytes: Uint8Array): Parsed<Response> {
  if (matchPrefix(bytes, "SIP/2.0 ") === "no") return null;
  const text = latin1Text(bytes.subarray(0, longestHead));
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return bytes.length >= longestHead ? null : undefined;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const status = /^SIP\/2\.0 ([1-6]\d\d)(?: |$)/.exec(first)?.[1];
  if (status === undefined) return null;
  const headers = new Map<string, string>();
  for (const line of lines.slice(0, 100)) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    // v is the short form of Via (RFC 3261 §7.3.3).
    const key = name === "v" ? "via" : name;
    if (!headers.has(key)) headers.set(key, line.slice(colon + 1).trim());
  }
  return { value: { status: Number(status), headers }, length: end + 4 };
}

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const request = makeOptions(context);
  yield* talk.send(request.bytes);
  let reading = yield* talk.read(parseResponse);
  // Provisional answers (1xx) come before the final one.
  for (let count = 0; count < 4 && reading.ok && reading.value.status < 200; count++) {
    reading = yield* talk.read(parseResponse);
  }
  if (!reading.ok) return missed(reading);
  const { status, headers } = reading.value;
  const facts: Fact[] = [fact("status", status, "status line")];
  const server = headers.get("server") ?? headers.get("user-agent");
  const from = headers.has("server") ? "Server header" : "User-Agent header";
  const named = /^([A-Za-z][\w .+-]{0,40}?)[ /](?:\()?v?(\d+(?:\.\d+)+[\w.~+-]*)/.exec(server ?? "");
  if (named !== null) {
    // "kamailio (5.6.3 (x86_64/linux))": the name may be followed by a blank and a bracket.
    facts.push(fact("product", named[1]!.trim(), from), fact("version", named[2]!, from));
  } else if (server !== undefined) {
    facts.push(fact("identity", server, from));
  }
  if (status === 401 || status === 407) facts.push(fact("login", "required", "status line"));
  const allow = headers.get("allow");
  if (allow !== undefined) facts.push(fact("capabilities", allow.split(/\s*,\s*/).slice(0, 32), "Allow header"));
  if (headers.get("via")?.includes(request.branch) !== true) {
    return { outcome: "suggested", evidence: `SIP/2.0 ${status} without our branch`, facts };
  }
  return { outcome: "proved", evidence: `SIP/2.0 ${status} with our branch`, facts };
}

const methods = ["REGISTER ", "INVITE ", "OPTIONS ", "ACK ", "BYE ", "SUBSCRIBE ", "NOTIFY ", "MESSAGE ", "PUBLISH "];

/** SIP, RFC 3261. */
export const sip: Protocol = {
  id: "sip",
  title: "SIP",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [
    { port: 5060, transport: "udp", tls: false },
    { port: 5060, transport: "tcp", tls: false },
    { port: 5061, transport: "tcp", tls: true },
  ],
  text: {
    purpose: "Sets up telephone calls and video conferences.",
    weakProof: "A SIP status line whose Via does not carry our branch.",
    strongProof: "A SIP/2.0 status line, and the branch that was sent in its Via header.",
    claims: [
      { fact: "status", from: "status line" },
      { fact: "product", from: "Server or User-Agent header" },
      { fact: "version", from: "Server or User-Agent header" },
      { fact: "capabilities", from: "Allow header" },
      { fact: "login", from: "status 401 or 407" },
      { fact: "identity", from: "Server or User-Agent header, where it is no name and version" },
    ],
    effectOnTarget:
      "OPTIONS is what proxies send each other to see whether they live. Servers that limit unknown senders count it.",
    wire: [
      {
        from: "client",
        bytes: "OPTIONS sip:host:5060 SIP/2.0\\r\\nVia: SIP/2.0/UDP …;branch=z9hG4bK…;rport\\r\\n…",
        meaning: "asks what it can do",
      },
      { from: "server", bytes: "SIP/2.0 200 OK\\r\\nVia: …branch=z9hG4bK…\\r\\n…", meaning: "the answer" },
    ],
    sources: ["RFC 3261 §8.1.1.7, §11", "RFC 3581"],
  },
  recognise: (bytes) => matchPrefix(bytes, "SIP/2.0 "),
  datagram: (context) => makeOptions(context).bytes,
  probe: converse,
  sniff: (bytes) => {
    if (bytes.length === 0) return { verdict: "more" };
    return {
      verdict: matchAny(
        bytes,
        methods.map((method) => `${method}sip`),
      ),
    };
  },
};

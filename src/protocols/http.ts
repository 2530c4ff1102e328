/**
 * @module HTTP/1.1 and 1.0: the answer to `GET /` is the proof and what applications on HTTP start from.
 */
import { pageFacts } from "./http-facts.ts";
import { fetchPage, readResponse, type HttpReading } from "./http-message.ts";
import type { Conversation, HttpPage, ProbeContext, Protocol, Sniff, UsualPort, Verdict } from "./protocol.ts";
import { describeEnding, fact, matchPrefix, type Talk } from "./talk.ts";

/** Longest first line of a client that is waited for, bytes. */
const longestRequestLine = 16 * 1024;

function* converse(talk: Talk, context: ProbeContext): Conversation {
  return judge(yield* fetchPage(talk, context, { path: "/" }), "proved");
}

/**
 * Asks a port of which nothing is known. The request has no `Host` field and no body: Redis takes `Host:` and `POST` for an attack and
 * says so in its log; other servers answer one short line with one error at most. What is no HTTP stays unread in the talk.
 */
export function* askCautiously(talk: Talk, _context: ProbeContext): Conversation {
  yield* talk.send("GET / HTTP/1.0\r\n\r\n");
  return judge(yield* readResponse(talk, "GET"), "suggested");
}

function judge(reading: HttpReading, wholePage: "proved" | "suggested"): Verdict {
  if (reading.ok) {
    const { page, wellFormed } = reading;
    if (wantsTls(page)) {
      return { outcome: "other", evidence: "a web server that wants TLS on this port", suggests: ["tls"] };
    }
    return {
      outcome: wellFormed ? wholePage : "suggested",
      evidence: `HTTP/${page.httpVersion} ${page.status} to GET /`,
      facts: pageFacts(page),
      page,
    };
  }
  if (reading.statusLine !== null) {
    const { httpVersion, status } = reading.statusLine;
    return {
      outcome: "suggested",
      evidence: `status line HTTP/${httpVersion} ${status} without a header block`,
      facts: [fact("protocolVersion", httpVersion, "status line"), fact("status", status, "status line")],
    };
  }
  if (reading.seen.length === 0) return { outcome: "silent", evidence: describeEnding(reading.why) };
  if (recogniseTls(reading.seen)) {
    return { outcome: "other", evidence: "a TLS alert to a plain request", suggests: ["tls"] };
  }
  return { outcome: "other", evidence: "an answer that is not HTTP/1" };
}

/** Servers that expect TLS and say so in plain HTTP: nginx, Go's net/http, Apache, Tomcat. */
function wantsTls(page: HttpPage): boolean {
  return (
    page.status === 400 &&
    /plain HTTP request was sent to HTTPS port|sent an HTTP request to an HTTPS server|speaking plain HTTP to an SSL-enabled server port|combination of host and port requires TLS/i.test(
      page.body.slice(0, 4096),
    )
  );
}

/** An alert record (RFC 8446 §6): what OpenSSL and others send when the first bytes are no ClientHello. */
function recogniseTls(bytes: Uint8Array): boolean {
  return bytes.length >= 7 && bytes[0] === 0x15 && bytes[1] === 3 && bytes[3] === 0 && bytes[4] === 2;
}

/**
 * First line of a request (RFC 9112 §3): a token, a space, a target without spaces, ` HTTP/1.` and a digit. Answers `more` only while
 * it can still become one.
 */
function sniffRequest(bytes: Uint8Array): Sniff {
  const limit = Math.min(bytes.length, longestRequestLine);
  const incomplete: Sniff = { verdict: bytes.length >= longestRequestLine ? "no" : "more" };
  let at = 0;
  while (at < limit && isTokenByte(bytes[at]!)) at += 1;
  if (at === limit) return incomplete;
  if (at === 0 || bytes[at] !== 32) return { verdict: "no" };
  const target = at + 1;
  at = target;
  while (at < limit && bytes[at]! > 32 && bytes[at] !== 127) at += 1;
  if (at === limit) return incomplete;
  if (at === target || bytes[at] !== 32) return { verdict: "no" };
  const version = " HTTP/1.";
  for (let index = 0; index < version.length; index++, at++) {
    if (at >= limit) return incomplete;
    if (bytes[at] !== version.charCodeAt(index)) return { verdict: "no" };
  }
  if (at >= limit) return incomplete;
  if (bytes[at]! < 48 || bytes[at]! > 57) return { verdict: "no" };
  at += 1;
  if (at < limit && bytes[at] === 13) at += 1;
  if (at >= limit) return incomplete;
  return { verdict: bytes[at] === 10 ? "match" : "no" };
}

/** Characters of a token (RFC 9110 §5.6.2), by their codes. */
const tokenBytes = Uint8Array.from({ length: 256 }, (_, code) =>
  Number(code > 32 && code < 127 && !'"(),/:;<=>?@[\\]{}'.includes(String.fromCharCode(code))),
);

function isTokenByte(code: number): boolean {
  return tokenBytes[code] === 1;
}

/** Ports of web servers, of development servers and of programs with an HTTP interface: their documentation's defaults. */
const plainPorts: readonly number[] = [
  80, 591, 631, 1313, 2019, 2375, 2379, 3000, 3001, 3002, 3003, 3030, 3100, 3333, 4000, 4173, 4200, 4321, 5000, 5001,
  5173, 5174, 5175, 5176, 5177, 5178, 5179, 5500, 5601, 5984, 6006, 7474, 8000, 8001, 8008, 8080, 8081, 8082, 8083,
  8084, 8085, 8086, 8088, 8090, 8123, 8500, 8787, 8888, 8983, 9090, 9091, 9093, 9104, 9113, 9115, 9121, 9187, 9200,
  15672,
];

/** The same inside TLS. */
const encryptedPorts: readonly number[] = [443, 2376, 4443, 6443, 8443, 9443];

const plain = (port: number): UsualPort => ({ port, transport: "tcp", tls: false });
const encrypted = (port: number): UsualPort => ({ port, transport: "tcp", tls: true });

/** HTTP/1.1 and HTTP/1.0, RFC 9110 and RFC 9112. */
export const http: Protocol = {
  id: "http",
  title: "HTTP",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [...plainPorts.map(plain), ...encryptedPorts.map(encrypted)],
  text: {
    purpose: "The web: pages, files and interfaces of programs, asked for by address and answered one by one.",
    weakProof:
      "A status line HTTP/1.x with a three-digit status, without a header block that can be read after it; or any answer in HTTP/1.x to a request that was cut short on purpose.",
    strongProof: "A status line HTTP/1.x with a three-digit status, and a header block that is well formed to its end.",
    claims: [
      { fact: "protocolVersion", from: "status line, after HTTP/" },
      { fact: "status", from: "status line" },
      { fact: "product", from: "Server header, the first product" },
      { fact: "version", from: "Server header, after the first product's slash" },
      { fact: "operatingSystem", from: "Server header, the comment after the version when it names a system" },
      { fact: "identity", from: "X-Powered-By header, or a Server header that is not written as product/version" },
      { fact: "title", from: "title element of the page" },
      { fact: "location", from: "Location header of a redirect, which is not followed" },
      { fact: "login", from: "WWW-Authenticate or Proxy-Authenticate header, the scheme; status 401 or 407 alone" },
    ],
    effectOnTarget:
      "One request for / in the access log, from the agent portolan. A page that is made on request is made once. Nothing is followed or sent.",
    wire: [
      { from: "client", bytes: "GET / HTTP/1.1\\r\\n", meaning: "request line" },
      {
        from: "client",
        bytes: "Host: 127.0.0.1:8080\\r\\n",
        meaning: "the target as it was named, always with its port",
      },
      {
        from: "client",
        bytes: "User-Agent: portolan\\r\\nAccept: */*\\r\\nConnection: keep-alive\\r\\n\\r\\n",
        meaning: "who asks, and that another request may follow",
      },
      { from: "server", bytes: "HTTP/1.1 200 OK\\r\\n", meaning: "status line" },
      {
        from: "server",
        bytes: "Server: nginx/1.22.1\\r\\n\u2026\\r\\n\\r\\n",
        meaning: "header block to its empty line",
      },
    ],
    sources: ["RFC 9112 §3", "RFC 9112 §4", "RFC 9112 §6.3", "RFC 9112 §7.1", "RFC 9110 §7.2", "RFC 9110 §10.2.4"],
  },
  recognise: (bytes) => matchPrefix(bytes, "HTTP/1."),
  probe: converse,
  sniff: sniffRequest,
};

/**
 * @module Requests byte by byte, after RFC 9112 and RFC 9110 and the families of request smuggling that are known.
 */

import { family, type Case, type OfFamily } from "./case-family.ts";

/** A request that a server gets. */
export interface PassedCase extends Case {
  /** Methods of the requests in `bytes`. Default: one GET. */
  readonly methods?: readonly string[];
  /** What reaches the servers. */
  readonly reaches: readonly string[];
  /** The connection is over behind it. */
  readonly closes?: boolean;
  /** Fields that the first request has when it arrives. */
  readonly fields?: readonly string[];
  /** Names of fields that it has not. */
  readonly absent?: readonly string[];
  /** Its trailers, where they matter. */
  readonly trailers?: readonly string[];
  /** Statuses, when not all are 200. */
  readonly answered?: readonly number[];
}

/** A request that ends the connection. */
export interface RefusedCase extends Case {
  /** The status, or several that are as good; `null` is no answer. */
  readonly status: number | null | readonly (number | null)[];
  /** What reaches the servers nevertheless. */
  readonly reaches?: readonly string[];
  /** The client closes its end behind it, and nothing follows. */
  readonly endAfter?: boolean;
}

const host = "Host: one.localhost\r\n";
const get = (fields: string, target = "/"): string => `GET ${target} HTTP/1.1\r\n${host}${fields}\r\n`;
const post = (fields: string, body: string): string => `POST / HTTP/1.1\r\n${host}${fields}\r\n${body}`;
const chunked = (body: string, fields = ""): string => post(`Transfer-Encoding: chunked\r\n${fields}`, body);

const hosted = (name: string): string => `GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`;
/** More fields than Node keeps unless it is told to. */
const manyFields = Array.from({ length: 2100 }, (_, index) => `A${index}: 1\r\n`).join("");
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: two.localhost\r\n\r\n";

const plain = ["one GET /"];
const posted = (body: string): string[] => [`one POST / ${body}`];
const asPost = { methods: ["POST"] };

export const passedCases: readonly OfFamily<PassedCase>[] = [
  ...family("Request line and methods", "RFC 9112, 3", [
    {
      name: "GET",
      bytes: get(""),
      reaches: plain,
      fields: ["Host: one.localhost", "X-Forwarded-Proto: http", "X-Forwarded-Host: one.localhost"],
    },
    {
      name: "an empty line before the request line (RFC 9112, 2.2)",
      rfc: "choice",
      bytes: `\r\n${get("")}`,
      reaches: plain,
    },
    {
      name: "two blanks in the request line (RFC 9112, 3 lets them pass)",
      rfc: "choice",
      bytes: `GET  / HTTP/1.1\r\n${host}\r\n`,
      reaches: plain,
    },
    { name: "HEAD", bytes: `HEAD / HTTP/1.1\r\n${host}\r\n`, methods: ["HEAD"], reaches: ["one HEAD /"] },
    { name: "OPTIONS", bytes: `OPTIONS /x HTTP/1.1\r\n${host}\r\n`, reaches: ["one OPTIONS /x"] },
    {
      name: "OPTIONS of the server as a whole",
      rfc: "choice",
      bytes: `OPTIONS * HTTP/1.1\r\n${host}\r\n`,
      reaches: ["one OPTIONS *"],
    },
    { name: "DELETE", bytes: `DELETE /x HTTP/1.1\r\n${host}\r\n`, reaches: ["one DELETE /x"] },
    { name: "PUT", bytes: `PUT /x HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc`, reaches: ["one PUT /x abc"] },
    { name: "PATCH", bytes: `PATCH /x HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc`, reaches: ["one PATCH /x abc"] },
    { name: "PROPFIND", bytes: `PROPFIND /x HTTP/1.1\r\n${host}\r\n`, reaches: ["one PROPFIND /x"] },
  ]),
  ...family("Content-Length", "RFC 9112, 6.3", [
    {
      name: "POST with a length",
      bytes: post("Content-Length: 5\r\n", "hello"),
      ...asPost,
      reaches: posted("hello"),
      fields: ["content-length: 5"],
    },
    { name: "POST of nothing", bytes: post("Content-Length: 0\r\n", ""), ...asPost, reaches: ["one POST /"] },
    { name: "POST without either length", bytes: post("", ""), ...asPost, reaches: ["one POST /"] },
    { name: "a GET with a body", bytes: `${get("Content-Length: 3\r\n")}abc`, reaches: ["one GET / abc"] },
    {
      name: "a DELETE with a body",
      bytes: `DELETE /x HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc`,
      reaches: ["one DELETE /x abc"],
    },
    {
      name: "a length with leading zeros",
      bytes: post("Content-Length: 0005\r\n", "hello"),
      ...asPost,
      reaches: posted("hello"),
    },
    {
      name: "a length with blanks around",
      bytes: post("Content-Length: \t 5 \r\n", "hello"),
      ...asPost,
      reaches: posted("hello"),
    },
    {
      name: "a body that looks like a request",
      bytes: post("Content-Length: 19\r\n", "GET /x HTTP/1.1\r\n\r\n"),
      ...asPost,
      reaches: posted("GET /x HTTP/1.1\r\n\r\n"),
    },
    {
      name: "a megabyte",
      bytes: post("Content-Length: 1048576\r\n", "x".repeat(1_048_576)),
      ...asPost,
      reaches: ["one POST / 1048576 bytes"],
    },
  ]),
  ...family("Chunks", "RFC 9112, 7.1", [
    { name: "chunks", bytes: chunked("5\r\nhello\r\n0\r\n\r\n"), ...asPost, reaches: posted("hello") },
    {
      name: "several chunks",
      bytes: chunked("1\r\nh\r\n2\r\nel\r\n2\r\nlo\r\n0\r\n\r\n"),
      ...asPost,
      reaches: posted("hello"),
    },
    { name: "no chunk but the last", bytes: chunked("0\r\n\r\n"), ...asPost, reaches: ["one POST /"] },
    {
      name: "chunk sizes in capitals",
      bytes: chunked("A\r\n0123456789\r\n0\r\n\r\n"),
      ...asPost,
      reaches: posted("0123456789"),
    },
    {
      name: "chunk sizes with leading zeros",
      bytes: chunked("0005\r\nhello\r\n000\r\n\r\n"),
      ...asPost,
      reaches: posted("hello"),
    },
    {
      name: "chunk extensions",
      bytes: chunked('5;a=b;c="d e"\r\nhello\r\n0;last\r\n\r\n'),
      ...asPost,
      reaches: posted("hello"),
    },
    {
      name: "chunks that hold CRLF",
      bytes: chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n"),
      ...asPost,
      reaches: posted("\r\n\r\n"),
    },
    {
      name: "a chunk that looks like the end",
      bytes: chunked("7\r\n0\r\n\r\nab\r\n0\r\n\r\n"),
      ...asPost,
      reaches: posted("0\r\n\r\nab"),
    },
    {
      name: "a large chunk",
      bytes: chunked(`40000\r\n${"y".repeat(0x40000)}\r\n0\r\n\r\n`),
      ...asPost,
      reaches: ["one POST / 262144 bytes"],
    },
  ]),
  ...family("Two lengths, odd codings", "RFC 9112, 6.1", [
    {
      name: "CHUNKED in capitals",
      bytes: post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"),
      ...asPost,
      reaches: ["one POST /"],
    },
    {
      name: "blanks before chunked",
      bytes: post("Transfer-Encoding: \t chunked\r\n", "0\r\n\r\n"),
      ...asPost,
      reaches: ["one POST /"],
    },
  ]),
  ...family("Trailers", "RFC 9112, 7.1.2", [
    {
      name: "trailers that were not announced are dropped (RFC 9110, 6.5.1)",
      rfc: "choice",
      bytes: chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
      ...asPost,
      reaches: posted("hello"),
      absent: ["X-Sum"],
    },
    {
      name: "announced trailers",
      bytes: chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", "Trailer: X-Sum\r\n"),
      ...asPost,
      reaches: posted("hello"),
      fields: ["Trailer: X-Sum"],
    },
  ]),
  ...family("Absolute form", "RFC 9112, 3.2.2", [
    {
      name: "absolute form",
      bytes: `GET http://one.localhost/x HTTP/1.1\r\n${host}\r\n`,
      reaches: ["one GET /x"],
      fields: ["Host: one.localhost"],
    },
    {
      name: "an absolute form outranks Host (RFC 9112, 3.2.2)",
      bytes: `GET http://two.localhost/x HTTP/1.1\r\n${host}\r\n`,
      reaches: ["two GET /x"],
      fields: ["Host: two.localhost"],
    },
    { name: "absolute form without a path", bytes: `GET http://one.localhost HTTP/1.1\r\n${host}\r\n`, reaches: plain },
    {
      name: "absolute form with a query alone",
      bytes: `GET http://one.localhost?a=1 HTTP/1.1\r\n${host}\r\n`,
      reaches: ["one GET /?a=1"],
    },
    {
      name: "absolute form with a port",
      bytes: `GET http://one.localhost:81/x HTTP/1.1\r\n${host}\r\n`,
      reaches: ["one GET /x"],
      fields: ["Host: one.localhost:81"],
    },
  ]),
  ...family("Targets", "RFC 9112, 3.2", [
    { name: "a query", bytes: get("", "/a?b=c&d=%20"), reaches: ["one GET /a?b=c&d=%20"] },
    { name: "slashes in a row", bytes: get("", "//a//b/"), reaches: ["one GET //a//b/"] },
    { name: "dots in the path", bytes: get("", "/a/../b/./c"), reaches: ["one GET /a/../b/./c"] },
    { name: "an escaped slash stays escaped", bytes: get("", "/a%2Fb%00"), reaches: ["one GET /a%2Fb%00"] },
    {
      name: "odd characters in the path",
      rfc: "choice",
      bytes: get("", "/a!$&'()*+,;=:@[]|^`{}\"<>\\"),
      reaches: ["one GET /a!$&'()*+,;=:@[]|^`{}\"<>\\"],
    },
  ]),
  ...family("Host", "RFC 9112, 3.2", [
    {
      name: "Host with a port",
      bytes: "GET / HTTP/1.1\r\nHost: one.localhost:8080\r\n\r\n",
      reaches: plain,
      fields: ["Host: one.localhost:8080"],
    },
    { name: "Host in capitals", bytes: "GET / HTTP/1.1\r\nHost: ONE.LocalHost\r\n\r\n", reaches: plain },
    {
      name: "Host with a final dot",
      rfc: "choice",
      bytes: "GET / HTTP/1.1\r\nHost: one.localhost.\r\n\r\n",
      reaches: plain,
    },
    {
      name: "the field's name in small letters",
      bytes: "GET / HTTP/1.1\r\nhost: one.localhost\r\n\r\n",
      reaches: plain,
    },
    { name: "Host as the last field", bytes: `GET / HTTP/1.1\r\nAccept: a\r\n${host}\r\n`, reaches: plain },
  ]),
  ...family("Several requests on one connection", "RFC 9112, 9.3", [
    {
      name: "two requests at once",
      bytes: get("", "/1") + get("", "/2"),
      methods: ["GET", "GET"],
      reaches: ["one GET /1", "one GET /2"],
    },
    {
      name: "two requests for two hosts",
      bytes: `${get("", "/1")}GET /2 HTTP/1.1\r\nHost: two.localhost\r\n\r\n`,
      methods: ["GET", "GET"],
      reaches: ["one GET /1", "two GET /2"],
    },
    {
      name: "a body, then a request for another host",
      bytes: `${post("Content-Length: 3\r\n", "abc")}GET /2 HTTP/1.1\r\nHost: two.localhost\r\n\r\n`,
      methods: ["POST", "GET"],
      reaches: ["one POST / abc", "two GET /2"],
    },
    {
      name: "chunks, then a request for another host",
      bytes: `${chunked("3\r\nabc\r\n0\r\n\r\n")}GET /2 HTTP/1.1\r\nHost: two.localhost\r\n\r\n`,
      methods: ["POST", "GET"],
      reaches: ["one POST / abc", "two GET /2"],
    },
    {
      name: "an unknown host between two known ones",
      rfc: "choice",
      bytes: `${get("", "/1")}GET / HTTP/1.1\r\nHost: three.localhost\r\n\r\n`,
      methods: ["GET", "GET"],
      reaches: ["one GET /1"],
      answered: [200, 404, 200],
    },
    {
      name: "twenty requests at once",
      bytes: Array.from({ length: 20 }, (_, index) => get("", `/${index}`)).join(""),
      methods: Array.from({ length: 20 }, () => "GET"),
      reaches: Array.from({ length: 20 }, (_, index) => `one GET /${index}`),
    },
  ]),
  ...family("Connection", "RFC 9110, 7.6.1", [
    { name: "Connection: close", bytes: get("Connection: close\r\n"), reaches: plain, closes: true },
    { name: "Connection: keep-alive", bytes: get("Connection: keep-alive\r\n"), reaches: plain },
    { name: "Keep-Alive ends here", bytes: get("Keep-Alive: timeout=5\r\n"), reaches: plain, absent: ["Keep-Alive"] },
    {
      name: "Proxy-Connection ends here",
      bytes: get("Proxy-Connection: keep-alive\r\n"),
      reaches: plain,
      absent: ["Proxy-Connection"],
    },
    { name: "TE ends here", bytes: get("TE: trailers, deflate\r\nConnection: TE\r\n"), reaches: plain, absent: ["TE"] },
    {
      name: "what Connection names ends here",
      bytes: get("Connection: X-Own\r\nX-Own: 1\r\n"),
      reaches: plain,
      absent: ["X-Own"],
    },
    {
      name: "several that Connection names",
      bytes: get("Connection: close , x-a,X-B\r\nX-A: 1\r\nX-B: 2\r\nX-C: 3\r\n"),
      reaches: plain,
      closes: true,
      absent: ["X-A", "X-B"],
      fields: ["X-C: 3"],
    },
    {
      name: "Connection takes no length off",
      bytes: post("Connection: Content-Length\r\nContent-Length: 3\r\n", "abc"),
      ...asPost,
      reaches: posted("abc"),
    },
    {
      name: "Connection takes no host off",
      bytes: get("Connection: Host\r\n"),
      reaches: plain,
      fields: ["Host: one.localhost"],
    },
    {
      name: "Connection takes no cookie off",
      bytes: get("Connection: Cookie\r\nCookie: a=1\r\n"),
      reaches: plain,
      fields: ["Cookie: a=1"],
    },
    {
      name: "Connection takes nothing off that the gateway says",
      bytes: get("Connection: X-Forwarded-For\r\n"),
      reaches: plain,
      fields: ["X-Forwarded-For: 127.0.0.1"],
    },
  ]),
  ...family("Upgrade", "RFC 9110, 7.8", [
    {
      name: "a wish for HTTP/2 is not passed on",
      bytes: get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"),
      reaches: plain,
      absent: ["Upgrade", "HTTP2-Settings"],
    },
    {
      name: "a wish for HTTP/2 with a body",
      bytes: post(
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\nContent-Length: 3\r\n",
        "abc",
      ),
      ...asPost,
      reaches: posted("abc"),
      absent: ["Upgrade"],
    },
    {
      name: "a wish for anything else is not passed on",
      bytes: get("Connection: Upgrade\r\nUpgrade: foo/2\r\n"),
      reaches: plain,
      absent: ["Upgrade"],
    },
    {
      name: "a wish without Connection is none",
      bytes: get("Upgrade: websocket\r\n"),
      reaches: plain,
      absent: ["Upgrade"],
    },
    {
      name: "a refused WebSocket is an answer like any other",
      bytes: get(
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
      ),
      reaches: plain,
      closes: true,
      fields: ["Upgrade: websocket"],
    },
  ]),
  ...family("Fields", "RFC 9112, 5", [
    {
      name: "values with letters beyond ASCII",
      bytes: get("X-Name: caf\u00e9 \u00ff\r\n"),
      reaches: plain,
      fields: ["X-Name: caf\u00e9 \u00ff"],
    },
    { name: "an empty value", bytes: get("X-Empty:\r\n"), reaches: plain, fields: ["X-Empty: "] },
    { name: "tabs in a value", bytes: get("X-Tab: a\tb\r\n"), reaches: plain, fields: ["X-Tab: a\tb"] },
    { name: "blanks around a value", bytes: get("X-Blank: \t a b \t \r\n"), reaches: plain, fields: ["X-Blank: a b"] },
    {
      name: "every character that a name may have",
      bytes: get("!#$%&'*+-.^_`|~09azAZ: 1\r\n"),
      reaches: plain,
      fields: ["!#$%&'*+-.^_`|~09azAZ: 1"],
    },
    {
      name: "a field that comes again stays twice, in its order",
      bytes: get("X-A: 1\r\nX-B: 2\r\nX-A: 3\r\n"),
      reaches: plain,
      fields: ["X-A: 1", "X-A: 3", "X-B: 2"],
    },
    {
      name: "cookies in several fields",
      bytes: get("Cookie: a=1\r\nCookie: b=2\r\n"),
      reaches: plain,
      fields: ["Cookie: a=1", "Cookie: b=2"],
    },
    { name: "30 kB in a field", rfc: "choice", bytes: get(`X-Long: ${"z".repeat(30_000)}\r\n`), reaches: plain },
    {
      name: "300 fields",
      rfc: "choice",
      bytes: get(Array.from({ length: 300 }, (_, index) => `X-${index}: ${index}\r\n`).join("")),
      reaches: plain,
      fields: ["X-299: 299"],
    },
    {
      name: "a password for the server",
      bytes: get("Authorization: Basic YTpi\r\n"),
      reaches: plain,
      fields: ["Authorization: Basic YTpi"],
    },
    {
      name: "a password for a proxy ends here",
      rfc: "choice",
      bytes: get("Proxy-Authorization: Basic YTpi\r\n"),
      reaches: plain,
      absent: ["Proxy-Authorization"],
    },
  ]),
  ...family("Who asked", "RFC 9110, 7.6.3", [
    {
      name: "nobody else says who asked",
      rfc: "choice",
      bytes: get(
        "X-Forwarded-For: 203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Ssl: on\r\nFront-End-Https: on\r\n",
      ),
      reaches: plain,
      fields: ["X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http"],
      absent: ["X-Real-IP", "X-Forwarded-Ssl", "Front-End-Https"],
    },
    {
      name: "nor with an underscore",
      rfc: "choice",
      bytes: get("X_Forwarded_For: 203.0.113.9\r\nX-Forwarded_Host: evil\r\n"),
      reaches: plain,
      absent: ["X_Forwarded_For", "X-Forwarded_Host"],
    },
    { name: "a length with an underscore is no length", bytes: get("Content_Length: 9\r\n"), reaches: plain },
    {
      name: "a coding with an underscore is none",
      rfc: "choice",
      bytes: get("Transfer_Encoding: chunked\r\n"),
      reaches: plain,
      absent: ["Transfer_Encoding"],
    },
    {
      name: "Via grows",
      bytes: get("Via: 1.1 earlier\r\n"),
      reaches: plain,
      fields: ["Via: 1.1 earlier, 1.1 portolan-test"],
    },
  ]),
  ...family("Expect", "RFC 9110, 10.1.1", [
    {
      name: "Expect: 100-continue",
      bytes: post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello"),
      ...asPost,
      reaches: posted("hello"),
      closes: true,
    },
    {
      name: "Expect: 100-Continue in capitals",
      bytes: post("Expect: 100-Continue\r\nContent-Length: 5\r\n", "hello"),
      ...asPost,
      reaches: posted("hello"),
      closes: true,
    },
  ]),
  ...family("Versions", "RFC 9112, 2.3", [
    { name: "HTTP/1.0", bytes: "GET / HTTP/1.0\r\nHost: one.localhost\r\n\r\n", reaches: plain, closes: true },
    {
      name: "HTTP/1.0 with a body",
      bytes: "POST / HTTP/1.0\r\nHost: one.localhost\r\nContent-Length: 3\r\n\r\nabc",
      methods: ["POST"],
      reaches: posted("abc"),
      closes: true,
    },
    {
      name: "HTTP/1.0 that stays",
      bytes: "GET / HTTP/1.0\r\nHost: one.localhost\r\nConnection: keep-alive\r\n\r\n",
      reaches: plain,
    },
    {
      name: "HTTP/1.0 without a host is nobody's",
      rfc: "choice",
      bytes: "GET / HTTP/1.0\r\n\r\n",
      reaches: [],
      closes: true,
      answered: [404],
    },
  ]),

  ...family("Request line and methods", "RFC 9112, 3", [
    { name: "QUERY", bytes: `QUERY / HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\na`, reaches: ["one QUERY / a"] },
    { name: "PURGE", bytes: `PURGE / HTTP/1.1\r\n${host}\r\n`, reaches: ["one PURGE /"] },
    {
      name: "HEAD with a body",
      bytes: `HEAD / HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc`,
      methods: ["HEAD"],
      reaches: ["one HEAD / abc"],
    },
    {
      name: "several empty lines before",
      bytes: `\r\n\r\n\r\n${get("")}`,
      reaches: plain,
      rfc: "choice",
      section: "RFC 9112, 2.2",
    },
    {
      name: "an empty line of LF alone before",
      bytes: `\n${get("")}`,
      reaches: plain,
      rfc: "choice",
      section: "RFC 9112, 2.2",
    },
    { name: "a bare CR before", bytes: `\r${get("")}`, reaches: plain, rfc: "choice", section: "RFC 9112, 2.2" },
  ]),
  ...family("Targets", "RFC 9112, 3.2", [
    {
      name: "question marks and a URL in the query",
      bytes: get("", "/?a?b=http://c/"),
      reaches: ["one GET /?a?b=http://c/"],
    },
    { name: "nothing but slashes", bytes: get("", "//"), reaches: ["one GET //"] },
    {
      name: "a path that looks like a name",
      bytes: get("", "//two.localhost/x"),
      reaches: ["one GET //two.localhost/x"],
    },
    { name: "dots above the root", bytes: get("", "/../x"), reaches: ["one GET /../x"] },
    { name: "escaped dots", bytes: get("", "/%2e%2e/x"), reaches: ["one GET /%2e%2e/x"] },
    { name: "an escaped line end", bytes: get("", "/a%0d%0aX:1"), reaches: ["one GET /a%0d%0aX:1"] },
    {
      name: "a percent sign that escapes nothing",
      bytes: get("", "/a%zz%"),
      reaches: ["one GET /a%zz%"],
      rfc: "choice",
    },
    {
      name: "30 kB",
      bytes: get("", `/${"z".repeat(30_000)}`),
      reaches: [`one GET /${"z".repeat(30_000)}`],
      rfc: "choice",
    },
  ]),
  ...family("Host", "RFC 9112, 3.2", [
    { name: "port 0", bytes: hosted("one.localhost:0"), reaches: plain, rfc: "choice" },
    { name: "port 65535", bytes: hosted("one.localhost:65535"), reaches: plain },
    { name: "an empty port", bytes: hosted("one.localhost:"), reaches: plain },
    { name: "a port with a zero before", bytes: hosted("one.localhost:080"), reaches: plain },
    { name: "an empty Host is nobody's", bytes: hosted(""), reaches: [], answered: [404, 200], rfc: "choice" },
    { name: "a port alone is nobody's", bytes: hosted(":80"), reaches: [], answered: [404, 200], rfc: "choice" },
    {
      name: "an IPv6 address is nobody's",
      bytes: hosted("[::1]:80"),
      reaches: [],
      answered: [404, 200],
      rfc: "choice",
    },
    {
      name: "an IPv4 address is nobody's",
      bytes: hosted("127.0.0.1"),
      reaches: [],
      answered: [404, 200],
      rfc: "choice",
    },
    {
      name: "an escaped letter is another name",
      bytes: hosted("%6fne.localhost"),
      reaches: [],
      answered: [404, 200],
      rfc: "choice",
    },
    {
      name: "two final dots are another name",
      bytes: hosted("one.localhost.."),
      reaches: [],
      answered: [404, 200],
      rfc: "choice",
    },
    {
      name: "a name of 300 letters is nobody's",
      bytes: hosted(`${"a".repeat(300)}.localhost`),
      reaches: [],
      answered: [404, 200],
      rfc: "choice",
    },
  ]),
  ...family("Absolute form", "RFC 9112, 3.2.2", [
    {
      name: "in capitals",
      bytes: `GET HTTP://ONE.LOCALHOST/x HTTP/1.1\r\n${host}\r\n`,
      reaches: ["one GET /x"],
    },
    {
      name: "with an empty Host",
      bytes: "GET http://one.localhost/x HTTP/1.1\r\nHost:\r\n\r\n",
      reaches: ["one GET /x"],
    },
    {
      name: "slashes in a row",
      bytes: `GET http://one.localhost//x HTTP/1.1\r\n${host}\r\n`,
      reaches: ["one GET //x"],
    },
    {
      name: "OPTIONS of a name alone is about the server as a whole",
      rfc: "choice",
      bytes: `OPTIONS http://one.localhost HTTP/1.1\r\n${host}\r\n`,
      reaches: ["one OPTIONS *"],
      section: "RFC 9112, 3.2.4",
    },
  ]),
  ...family("Fields", "RFC 9112, 5", [
    {
      name: "2,100 fields, then a length",
      bytes: post(`${manyFields}Content-Length: 5\r\n`, "hello"),
      ...asPost,
      reaches: posted("hello"),
      rfc: "choice",
    },
    {
      name: "2,100 fields, then a coding",
      bytes: post(`${manyFields}Transfer-Encoding: chunked\r\n`, "5\r\nhello\r\n0\r\n\r\n"),
      ...asPost,
      reaches: posted("hello"),
      rfc: "choice",
    },
    { name: "a byte of 0xA0 is no blank", bytes: get("X-A:\xa01\r\n"), reaches: plain, fields: ["X-A: \xa01"] },
    { name: "a name of 20 kB", bytes: get(`${"N".repeat(20_000)}: 1\r\n`), reaches: plain, rfc: "choice" },
  ]),
  ...family("Content-Length", "RFC 9112, 6.3", [
    {
      name: "a hundred zeros before a length",
      bytes: post(`Content-Length: ${"0".repeat(100)}3\r\n`, "abc"),
      ...asPost,
      reaches: posted("abc"),
      fields: ["Content-Length: 3"],
    },
    {
      name: "CL.0: a GET whose body is a request",
      bytes: get(`Content-Length: ${smuggled.length}\r\n`) + smuggled,
      reaches: [`one GET / ${smuggled}`],
    },
    {
      name: "OPTIONS * with a body",
      rfc: "choice",
      bytes: `OPTIONS * HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc`,
      reaches: ["one OPTIONS * abc"],
    },
  ]),
  ...family("Chunks", "RFC 9112, 7.1", [
    {
      name: "a hundred zeros before a size",
      bytes: chunked(`${"0".repeat(100)}5\r\nhello\r\n0\r\n\r\n`),
      ...asPost,
      reaches: posted("hello"),
    },
    {
      name: "a quote in a quoted extension",
      bytes: chunked('5;a="b\\"c"\r\nhello\r\n0\r\n\r\n'),
      ...asPost,
      reaches: posted("hello"),
    },
    {
      name: "a GET with chunks",
      bytes: `${get("Transfer-Encoding: chunked\r\n")}5\r\nhello\r\n0\r\n\r\n`,
      reaches: ["one GET / hello"],
    },
    {
      name: "20 kB of extensions in fifty chunks",
      bytes: chunked(`${`1;${"a".repeat(400)}\r\nx\r\n`.repeat(50)}0\r\n\r\n`),
      ...asPost,
      reaches: posted("x".repeat(50)),
      rfc: "choice",
    },
  ]),
  ...family("Trailers", "RFC 9112, 7.1.2", [
    {
      name: "a host in the trailers",
      bytes: chunked("5\r\nhello\r\n0\r\nHost: two.localhost\r\n\r\n"),
      ...asPost,
      reaches: posted("hello"),
      trailers: [],
      rfc: "choice",
    },
    {
      name: "announced trailers that say who asked, whom, or as whom",
      bytes: chunked(
        "5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Forwarded-For: 203.0.113.9\r\nHost: two.localhost\r\nAuthorization: x\r\nX_Real_IP: 1\r\n\r\n",
        "Trailer: X-Sum, X-Forwarded-For, Host, Authorization, X_Real_IP\r\n",
      ),
      ...asPost,
      reaches: posted("hello"),
      trailers: ["X-Sum: 1"],
      rfc: "choice",
      section: "RFC 9110, 6.5.1",
    },
  ]),
  ...family("Connection", "RFC 9110, 7.6.1", [
    { name: "nothing but commas", bytes: get("Connection: ,, ,\r\n"), reaches: plain },
    { name: "close and keep-alive", bytes: get("Connection: close, keep-alive\r\n"), reaches: plain, closes: true },
    {
      name: "what stands behind Connection: close is nobody's (RFC 9112, 9.6)",
      bytes: get("Connection: close\r\n") + smuggled,
      reaches: plain,
      closes: true,
      section: "RFC 9112, 9.6",
    },
    {
      name: "what stands behind HTTP/1.0 is nobody's",
      bytes: `GET / HTTP/1.0\r\n${host}\r\n${smuggled}`,
      reaches: plain,
      closes: true,
      section: "RFC 9112, 9.3",
    },
    {
      name: "Connection takes no coding off",
      bytes: chunked("5\r\nhello\r\n0\r\n\r\n", "Connection: Transfer-Encoding\r\n"),
      ...asPost,
      reaches: posted("hello"),
    },
  ]),
  ...family("Upgrade", "RFC 9110, 7.8", [
    {
      name: "two wishes of which one is a WebSocket",
      bytes: get("Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n"),
      reaches: plain,
      absent: ["Upgrade"],
      rfc: "choice",
    },
    {
      name: "TLS by Upgrade",
      bytes: get("Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"),
      reaches: plain,
      absent: ["Upgrade"],
    },
    {
      name: "a wish in HTTP/1.0 is none",
      bytes: `GET / HTTP/1.0\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      reaches: plain,
      closes: true,
      absent: ["Upgrade"],
    },
    {
      name: "a request behind a refused WebSocket is nobody's",
      bytes:
        get(
          "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
        ) + smuggled,
      reaches: plain,
      closes: true,
      rfc: "choice",
    },
    {
      name: "a request behind a wish for HTTP/2 is the next one",
      bytes: get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n") + smuggled,
      methods: ["GET", "GET"],
      reaches: ["one GET /", "two GET /smuggled"],
    },
  ]),
  ...family("Expect", "RFC 9110, 10.1.1", [
    { name: "on a GET", bytes: get("Expect: 100-continue\r\n"), reaches: plain, rfc: "choice" },
    {
      name: "twice",
      bytes: post("Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", "hello"),
      ...asPost,
      reaches: posted("hello"),
    },
    {
      name: "before chunks",
      bytes: chunked("5\r\nhello\r\n0\r\n\r\n", "Expect: 100-continue\r\n"),
      ...asPost,
      reaches: posted("hello"),
    },
    {
      name: "in HTTP/1.0 it is not read",
      bytes: `POST / HTTP/1.0\r\n${host}Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc`,
      ...asPost,
      reaches: posted("abc"),
      closes: true,
      absent: ["Expect"],
    },
  ]),
  ...family("Versions", "RFC 9112, 2.3", [
    {
      name: "HTTP/1.0 in absolute form, without Host",
      bytes: "GET http://one.localhost/ HTTP/1.0\r\n\r\n",
      reaches: plain,
      closes: true,
    },
  ]),
];

export const refusedCases: readonly OfFamily<RefusedCase>[] = [
  ...family("Host", "RFC 9112, 3.2", [
    { name: "no Host (RFC 9112, 3.2)", bytes: "GET / HTTP/1.1\r\n\r\n", status: 400 },
    { name: "two hosts", bytes: "GET / HTTP/1.1\r\nHost: one.localhost\r\nHost: two.localhost\r\n\r\n", status: 400 },
    { name: "the same host twice", bytes: `GET / HTTP/1.1\r\n${host}${host}\r\n`, status: 400 },
    {
      name: "two hosts in one field",
      bytes: "GET / HTTP/1.1\r\nHost: one.localhost, two.localhost\r\n\r\n",
      status: 400,
    },
    { name: "a host with a blank", bytes: "GET / HTTP/1.1\r\nHost: one.local host\r\n\r\n", status: 400 },
    { name: "a host with a path", bytes: "GET / HTTP/1.1\r\nHost: one.localhost/x\r\n\r\n", status: 400 },
    { name: "a host with a user", bytes: "GET / HTTP/1.1\r\nHost: me@one.localhost\r\n\r\n", status: 400 },
    {
      name: "a host with a port that is none",
      rfc: "choice",
      bytes: "GET / HTTP/1.1\r\nHost: one.localhost:99999\r\n\r\n",
      status: 400,
    },
    { name: "a host with letters for a port", bytes: "GET / HTTP/1.1\r\nHost: one.localhost:a\r\n\r\n", status: 400 },
  ]),
  ...family("Absolute form", "RFC 9112, 3.2.2", [
    {
      name: "an absolute form with a user",
      rfc: "choice",
      bytes: `GET http://me@one.localhost/ HTTP/1.1\r\n${host}\r\n`,
      status: 400,
    },
    {
      name: "an absolute form of another scheme",
      rfc: "choice",
      bytes: `GET ftp://one.localhost/ HTTP/1.1\r\n${host}\r\n`,
      status: 400,
    },
  ]),
  ...family("Targets", "RFC 9112, 3.2", [
    { name: "a target without a slash", bytes: `GET x HTTP/1.1\r\n${host}\r\n`, status: 400 },
    {
      name: "a fragment in an absolute form",
      bytes: `GET http://one.localhost/#x HTTP/1.1\r\n${host}\r\n`,
      status: 400,
    },
    { name: "* for another method than OPTIONS", bytes: `GET * HTTP/1.1\r\n${host}\r\n`, status: 400 },
    { name: "a blank in the target", bytes: `GET /a b HTTP/1.1\r\n${host}\r\n`, status: 400 },
    { name: "a tab in the request line", bytes: `GET\t/ HTTP/1.1\r\n${host}\r\n`, status: 400 },
    { name: "no target", bytes: `GET HTTP/1.1\r\n${host}\r\n`, status: 400 },
    { name: "a NUL in the target", bytes: `GET /\0 HTTP/1.1\r\n${host}\r\n`, status: 400 },
  ]),
  ...family("Versions", "RFC 9112, 2.3", [
    { name: "HTTP/0.9", bytes: "GET /\r\n", status: 400 },
    { name: "HTTP/2.0 in a request line", rfc: "choice", bytes: `GET / HTTP/2.0\r\n${host}\r\n`, status: [400, 505] },
    { name: "HTTP/1.2", rfc: "valid", bytes: `GET / HTTP/1.2\r\n${host}\r\n`, status: [400, 505] },
    { name: "http/1.1 in small letters", bytes: `GET / http/1.1\r\n${host}\r\n`, status: 400 },
    { name: "another protocol", bytes: `GET / ICE/1.0\r\n${host}\r\n`, status: 400 },
  ]),
  ...family("Request line and methods", "RFC 9112, 3", [
    { name: "a method in small letters", rfc: "valid", bytes: `get / HTTP/1.1\r\n${host}\r\n`, status: [400, 501] },
    { name: "a method that there is not", rfc: "valid", bytes: `FOO / HTTP/1.1\r\n${host}\r\n`, status: [400, 501] },
    { name: "a method with a blank before", bytes: ` GET / HTTP/1.1\r\n${host}\r\n`, status: 400 },
    { name: "TLS at a door without it", bytes: "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", status: 400 },
    {
      name: "CONNECT",
      rfc: "choice",
      bytes: "CONNECT two.localhost:80 HTTP/1.1\r\nHost: two.localhost:80\r\n\r\n",
      status: 405,
    },
  ]),
  ...family("Fields", "RFC 9112, 5", [
    { name: "a line that is no field", bytes: get("nonsense\r\n"), status: 400 },
    { name: "a field without a name", bytes: get(": 1\r\n"), status: 400 },
    { name: "a blank before the colon (RFC 9112, 5.1)", bytes: get("X-A : 1\r\n"), status: 400 },
    { name: "a tab before the colon", bytes: get("X-A\t: 1\r\n"), status: 400 },
  ]),
  ...family("Line ends and folding", "RFC 9112, 2.2", [
    { name: "a field that is folded (RFC 9112, 5.2)", rfc: "choice", bytes: get("X-A: 1\r\n 2\r\n"), status: 400 },
    { name: "a field folded by a tab", rfc: "choice", bytes: get("X-A: 1\r\n\t2\r\n"), status: 400 },
    {
      name: "a blank before the first field (RFC 9112, 2.2)",
      rfc: "choice",
      bytes: `GET / HTTP/1.1\r\n ${host}\r\n`,
      status: 400,
    },
  ]),
  ...family("Fields", "RFC 9112, 5", [
    { name: "a bracket in a name", bytes: get("X[A]: 1\r\n"), status: 400 },
    { name: "a NUL in a name", bytes: get("X\0A: 1\r\n"), status: 400 },
    { name: "a letter beyond ASCII in a name", bytes: get("X\u00e9: 1\r\n"), status: 400 },
    { name: "a NUL in a value", rfc: "choice", bytes: get("X-A: 1\x002\r\n"), status: 400 },
  ]),
  ...family("Line ends and folding", "RFC 9112, 2.2", [
    { name: "a bare CR in a value", rfc: "choice", bytes: get("X-A: 1\r2\r\n"), status: 400 },
    { name: "a bare LF in a value", rfc: "choice", bytes: get("X-A: 1\nX-B: 2\r\n"), status: 400 },
  ]),
  ...family("Fields", "RFC 9112, 5", [
    { name: "an escape sequence in a value", rfc: "choice", bytes: get("X-A: \u001b[2J\r\n"), status: 400 },
  ]),
  ...family("Line ends and folding", "RFC 9112, 2.2", [
    {
      name: "lines that end in LF alone",
      rfc: "choice",
      bytes: `GET / HTTP/1.1\nHost: one.localhost\n\n`,
      status: [400, 505],
    },
    {
      name: "a request line that ends in LF alone",
      rfc: "choice",
      bytes: `GET / HTTP/1.1\n${host}\r\n`,
      status: [400, 505],
    },
    { name: "a head that ends in LF alone", rfc: "choice", bytes: `GET / HTTP/1.1\r\n${host}\n`, status: 400 },
    { name: "a line that ends in CR alone", bytes: `GET / HTTP/1.1\r${host}\r\n`, status: 400 },
  ]),
  ...family("Fields", "RFC 9112, 5", [
    { name: "a head of 70 kB", rfc: "choice", bytes: get(`X-Long: ${"z".repeat(70_000)}\r\n`), status: 431 },
    { name: "a target of 70 kB", rfc: "choice", bytes: get("", `/${"z".repeat(70_000)}`), status: 431 },
  ]),
  ...family("Content-Length", "RFC 9112, 6.3", [
    { name: "an empty length", bytes: post("Content-Length: \r\n", ""), status: 400 },
    { name: "a negative length", bytes: post("Content-Length: -1\r\n", ""), status: 400 },
    { name: "a length with a plus", bytes: post("Content-Length: +3\r\n", "abc"), status: 400 },
    { name: "a length in base 16", bytes: post("Content-Length: 0x3\r\n", "abc"), status: 400 },
    { name: "a length with a point", bytes: post("Content-Length: 3.0\r\n", "abc"), status: 400 },
    { name: "a length with a blank inside", bytes: post("Content-Length: 3 0\r\n", "abc"), status: 400 },
    { name: "two lengths in one field", rfc: "choice", bytes: post("Content-Length: 3, 3\r\n", "abc"), status: 400 },
    {
      name: "the same length twice",
      rfc: "choice",
      bytes: post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"),
      status: 400,
    },
    { name: "two lengths", bytes: post("Content-Length: 3\r\nContent-Length: 50\r\n", `abc${smuggled}`), status: 400 },
    {
      name: "a length beyond all numbers",
      rfc: "choice",
      bytes: post("Content-Length: 99999999999999999999999\r\n", ""),
      status: 400,
    },
    { name: "a vertical tab before a length", bytes: post("Content-Length:\x0b3\r\n", "abc"), status: 400 },
  ]),
  ...family("Two lengths, odd codings", "RFC 9112, 6.1", [
    {
      name: "CL.TE",
      rfc: "choice",
      bytes: post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
      status: 400,
    },
    {
      name: "TE.CL",
      rfc: "choice",
      bytes: post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", `5c\r\n${smuggled}\r\n0\r\n\r\n`),
      status: 400,
    },
    {
      name: "CL.TE with a length of nothing",
      rfc: "choice",
      bytes: post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
      status: 400,
    },
    {
      name: "CL.TE on a GET",
      rfc: "choice",
      bytes: `${get("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n")}0\r\n\r\n${smuggled}`,
      status: 400,
    },
    {
      name: "TE.TE: two fields, one of them nonsense",
      bytes: post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "0\r\n\r\n"),
      status: [400, 501],
    },
    {
      name: "TE.TE: nonsense first",
      bytes: post("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
      status: [400, 501],
    },
    {
      name: "TE.TE: identity and chunked",
      bytes: post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
      status: [400, 501],
    },
    {
      name: "TE.TE: chunked twice",
      bytes: post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
      status: [400, 501],
    },
    {
      name: "TE: chunked, chunked",
      bytes: post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
      status: [400, 501],
    },
    {
      name: "TE: a blank before the colon",
      bytes: post("Transfer-Encoding : chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"),
      status: 400,
    },
    { name: "TE: folded", rfc: "choice", bytes: post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), status: 400 },
    {
      name: "TE: behind a LF",
      rfc: "choice",
      bytes: post("X-A: 1\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"),
      status: 400,
    },
    { name: "TE: a vertical tab", bytes: post("Transfer-Encoding:\x0bchunked\r\n", "0\r\n\r\n"), status: [400, 501] },
    { name: "TE: a NUL", bytes: post("Transfer-Encoding: chunked\0\r\n", "0\r\n\r\n"), status: 400 },
    { name: "TE: in quotes", bytes: post('Transfer-Encoding: "chunked"\r\n', "0\r\n\r\n"), status: [400, 501] },
    { name: "TE: xchunked", bytes: post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), status: [400, 501] },
    {
      name: "TE: chunked with a parameter",
      bytes: post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"),
      status: [400, 501],
    },
    { name: "TE: identity", bytes: post("Transfer-Encoding: identity\r\n", ""), status: [400, 501] },
    { name: "TE: gzip", bytes: post("Transfer-Encoding: gzip\r\n", ""), status: [400, 501] },
    {
      name: "TE: gzip, chunked (RFC 9112, 6.1)",
      rfc: "choice",
      bytes: post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
      status: 501,
    },
    { name: "TE: chunked, gzip", bytes: post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), status: 400 },
    { name: "TE: empty", bytes: post("Transfer-Encoding:\r\n", "0\r\n\r\n"), status: [400, 501] },
    {
      name: "TE: a comma before",
      rfc: "choice",
      bytes: post("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n"),
      status: [400, 501],
    },
    {
      name: "TE in HTTP/1.0 (RFC 9112, 6.1)",
      rfc: "choice",
      bytes: `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      status: 400,
    },
  ]),
  ...family("Expect", "RFC 9110, 10.1.1", [
    {
      name: "an expectation that there is not (RFC 9110, 10.1.1)",
      rfc: "choice",
      bytes: post("Expect: cookies\r\nContent-Length: 3\r\n", "abc"),
      status: 417,
    },
  ]),
  ...family("Upgrade", "RFC 9110, 7.8", [
    {
      name: "a WebSocket with a body",
      rfc: "choice",
      bytes: `${get("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n")}abc`,
      status: 400,
    },
    {
      name: "a WebSocket by POST",
      rfc: "choice",
      bytes: post("Connection: Upgrade\r\nUpgrade: websocket\r\n", ""),
      status: 400,
    },
  ]),

  ...family("Host", "RFC 9112, 3.2", [
    { name: "port 65536", bytes: hosted("one.localhost:65536"), status: 400, rfc: "choice" },
    { name: "a port with a plus", bytes: hosted("one.localhost:+80"), status: 400 },
    { name: "two ports", bytes: hosted("one.localhost:80:80"), status: 400 },
    { name: "a bracket that is not closed", bytes: hosted("[::1"), status: 400 },
    { name: "IPv6 without brackets", bytes: hosted("::1"), status: 400 },
    { name: "an IPv6 address with a zone", bytes: hosted("[fe80::1%25eth0]"), status: 400 },
    { name: "letters beyond ASCII", bytes: hosted("\u00c3\u00b6ne.localhost"), status: 400 },
    { name: "a fragment", bytes: hosted("one.localhost#x"), status: 400 },
    { name: "a query", bytes: hosted("one.localhost?x"), status: 400 },
    { name: "a backslash", bytes: hosted("one.localhost\\"), status: 400 },
    { name: "a quote", bytes: hosted('one.localhost"'), status: 400 },
    { name: "a URL", bytes: hosted("http://one.localhost"), status: 400 },
    { name: "a tab inside", bytes: hosted("one.localhost\ttwo.localhost"), status: 400 },
    { name: "a NUL", bytes: hosted("one.localhost\0.two.localhost"), status: 400 },
    {
      name: "folded",
      bytes: "GET / HTTP/1.1\r\nHost:\r\n one.localhost\r\n\r\n",
      status: 400,
      rfc: "choice",
      section: "RFC 9112, 5.2",
    },
    {
      name: "a blank before the colon",
      bytes: "GET / HTTP/1.1\r\nHost : one.localhost\r\n\r\n",
      status: 400,
      section: "RFC 9112, 5.1",
    },
    {
      name: "two hosts, one of them in odd capitals",
      bytes: `GET / HTTP/1.1\r\n${host}hOsT: two.localhost\r\n\r\n`,
      status: 400,
    },
    {
      name: "two hosts with 2,100 fields between",
      bytes: `GET / HTTP/1.1\r\n${host}${manyFields}Host: two.localhost\r\n\r\n`,
      status: 400,
    },
  ]),
  ...family("Absolute form", "RFC 9112, 3.2.2", [
    {
      name: "without Host",
      bytes: "GET http://one.localhost/x HTTP/1.1\r\n\r\n",
      status: 400,
      section: "RFC 9112, 3.2",
    },
    {
      name: "beside a Host that is none",
      bytes: "GET http://one.localhost/x HTTP/1.1\r\nHost: a b\r\n\r\n",
      status: 400,
      section: "RFC 9112, 3.2",
    },
    {
      name: "beside two hosts",
      bytes: `GET http://one.localhost/x HTTP/1.1\r\n${host}${host}\r\n`,
      status: 400,
      section: "RFC 9112, 3.2",
    },
    {
      name: "a port that is none",
      rfc: "choice",
      bytes: `GET http://one.localhost:99999/ HTTP/1.1\r\n${host}\r\n`,
      status: 400,
    },
    { name: "without a name", bytes: `GET http:///x HTTP/1.1\r\n${host}\r\n`, status: 400, section: "RFC 9110, 4.2.1" },
    { name: "one slash", bytes: `GET http:/x HTTP/1.1\r\n${host}\r\n`, status: 400 },
    { name: "a backslash", bytes: `GET http://one.localhost\\x HTTP/1.1\r\n${host}\r\n`, status: 400 },
    {
      name: "another name as user",
      bytes: `GET http://two.localhost:80@one.localhost/ HTTP/1.1\r\n${host}\r\n`,
      status: 400,
      section: "RFC 9110, 4.2.4",
    },
    { name: "of a WebSocket", rfc: "choice", bytes: `GET ws://one.localhost/x HTTP/1.1\r\n${host}\r\n`, status: 400 },
    {
      name: "of HTTPS on a connection without TLS",
      bytes: `GET https://one.localhost/x HTTP/1.1\r\n${host}\r\n`,
      status: 421,
      section: "RFC 9110, 7.4",
    },
  ]),
  ...family("Targets", "RFC 9112, 3.2", [
    { name: "the authority form of CONNECT", bytes: get("", "one.localhost:80"), status: 400 },
    { name: "a fragment", bytes: get("", "/x#y"), status: 400 },
    { name: "a fragment alone", bytes: get("", "/#"), status: 400 },
    { name: "a fragment behind a query", bytes: get("", "/x?y#z"), status: 400 },
    { name: "a query alone", bytes: get("", "?x"), status: 400 },
    { name: "a letter beyond ASCII", bytes: get("", "/caf\u00e9"), status: 400 },
    { name: "a letter in UTF-8", bytes: get("", "/caf\u00c3\u00a9"), status: 400 },
    { name: "a control character", bytes: get("", "/a\x01b"), status: 400 },
    { name: "DEL", bytes: get("", "/a\x7fb"), status: 400 },
    { name: "a tab", bytes: get("", "/a\tb"), status: 400 },
    { name: "a form feed", bytes: get("", "/a\fb"), status: 400 },
  ]),
  ...family("Versions", "RFC 9112, 2.3", [
    { name: "the version twice", bytes: `GET / HTTP/1.1 HTTP/1.1\r\n${host}\r\n`, status: [400, 505] },
    {
      name: "a blank behind the version",
      bytes: `GET / HTTP/1.1 \r\n${host}\r\n`,
      status: [400, 505],
      rfc: "choice",
      section: "RFC 9112, 3",
    },
    { name: "HTTP/01.1", bytes: `GET / HTTP/01.1\r\n${host}\r\n`, status: [400, 505] },
    { name: "HTTP/1.10", bytes: `GET / HTTP/1.10\r\n${host}\r\n`, status: [400, 505] },
    { name: "HTTP/1", bytes: `GET / HTTP/1\r\n${host}\r\n`, status: [400, 505] },
    { name: "HTTP/0.9 with a version", bytes: `GET / HTTP/0.9\r\n${host}\r\n`, status: [400, 505] },
    { name: "HTTP/3.0", bytes: `GET / HTTP/3.0\r\n${host}\r\n`, status: [400, 505] },
  ]),
  ...family("Request line and methods", "RFC 9112, 3", [
    { name: "a method that is no token", bytes: `G@T / HTTP/1.1\r\n${host}\r\n`, status: 400 },
    { name: "a vertical tab for a blank", bytes: `GET\x0b/ HTTP/1.1\r\n${host}\r\n`, status: 400, rfc: "choice" },
    { name: "TRACE", bytes: `TRACE / HTTP/1.1\r\n${host}\r\n`, status: 405, rfc: "choice", section: "RFC 9110, 9.3.8" },
    {
      name: "TRACE with a body",
      rfc: "choice",
      bytes: `TRACE / HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc`,
      status: 405,
      section: "RFC 9110, 9.3.8",
    },
    { name: "CONNECT to a path", bytes: `CONNECT / HTTP/1.1\r\n${host}\r\n`, status: 405, section: "RFC 9110, 9.3.6" },
  ]),
  ...family("Fields", "RFC 9112, 5", [
    { name: "round brackets in a name", bytes: get("X(A): 1\r\n"), status: 400 },
    { name: "a slash in a name", bytes: get("X/A: 1\r\n"), status: 400 },
    { name: "an @ in a name", bytes: get("X@A: 1\r\n"), status: 400 },
    { name: "a vertical tab in a name", bytes: get("X\x0bA: 1\r\n"), status: 400 },
    { name: "a byte order mark before a name", bytes: get("\xef\xbb\xbfX-A: 1\r\n"), status: 400 },
    { name: "a colon alone", bytes: get(":\r\n"), status: 400 },
    { name: "DEL in a value", bytes: get("X-A: \x7f\r\n"), status: 400, rfc: "choice", section: "RFC 9110, 5.5" },
    {
      name: "a control character in a value",
      bytes: get("X-A: \x01\r\n"),
      status: 400,
      rfc: "choice",
      section: "RFC 9110, 5.5",
    },
  ]),
  ...family("Line ends and folding", "RFC 9112, 2.2", [
    { name: "a value that ends in CR CR LF", bytes: get("X-A: 1\r\r\n"), status: 400 },
    { name: "a bare CR in a name", bytes: get("X\rA: 1\r\n"), status: 400 },
    { name: "a head that ends in CR CR LF", bytes: `GET / HTTP/1.1\r\n${host}\r\r\n\r\n`, status: 400 },
    { name: "a head that ends in LF LF", bytes: `GET / HTTP/1.1\r\n${host}X-A: 1\n\n`, status: 400, rfc: "choice" },
  ]),
  ...family("Content-Length", "RFC 9112, 6.3", [
    { name: "a length with an underscore", bytes: post("Content-Length: 1_0\r\n", "0123456789"), status: 400 },
    { name: "minus nothing", bytes: post("Content-Length: -0\r\n", ""), status: 400 },
    { name: "a form feed before a length", bytes: post("Content-Length: \f3\r\n", "abc"), status: 400 },
    { name: "a NUL behind a length", bytes: post("Content-Length: 3\0\r\n", "abc"), status: 400 },
    { name: "a length and an empty one", bytes: post("Content-Length: 3\r\nContent-Length:\r\n", "abc"), status: 400 },
    { name: "a length with a semicolon", bytes: post("Content-Length: 3;\r\n", "abc"), status: 400 },
    { name: "a length with a comma", bytes: post("Content-Length: 3,\r\n", "abc"), status: 400 },
    {
      name: "a folded length",
      bytes: post("Content-Length:\r\n 3\r\n", "abc"),
      status: 400,
      rfc: "choice",
      section: "RFC 9112, 5.2",
    },
    { name: "digits of another script", bytes: post("Content-Length: \u00d9\u00a3\r\n", "abc"), status: 400 },
    {
      name: "two lengths that are the same in other words",
      bytes: post("Content-Length: 3\r\ncontent-length: 03\r\n", "abc"),
      status: 400,
    },
    {
      name: "a length of 2^63",
      bytes: post("Content-Length: 9223372036854775808\r\n", "abc"),
      status: 413,
      rfc: "choice",
    },
    {
      name: "a length of 2^64 and 3",
      bytes: post("Content-Length: 18446744073709551619\r\n", "abc"),
      status: [400, 413],
      rfc: "choice",
    },
  ]),
  ...family("Two lengths, odd codings", "RFC 9112, 6.1", [
    {
      name: "TE: a comma behind",
      bytes: post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"),
      status: [400, 501],
      rfc: "choice",
    },
    {
      name: "TE: chunked, identity",
      bytes: post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
      status: [400, 501],
    },
    {
      name: "TE: identity, chunked",
      bytes: post("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n"),
      status: [400, 501],
    },
    {
      name: "TE: a tab behind",
      bytes: post("Transfer-Encoding: chunked\t\r\n", "0\r\n\r\n"),
      status: [400, 501],
      rfc: "valid",
    },
    {
      name: "TE: a form feed behind",
      bytes: post("Transfer-Encoding: chunked\f\r\n", "0\r\n\r\n"),
      status: [400, 501],
    },
    {
      name: "TE: a byte of 0xA0 behind",
      bytes: post("Transfer-Encoding: chunked\xa0\r\n", "0\r\n\r\n"),
      status: [400, 501],
    },
    {
      name: "TE: a byte of 0xFF behind",
      bytes: post("Transfer-Encoding: chunked\xff\r\n", "0\r\n\r\n"),
      status: [400, 501],
    },
    { name: "TE: chunkedx", bytes: post("Transfer-Encoding: chunkedx\r\n", "0\r\n\r\n"), status: [400, 501] },
    {
      name: "TE: the Kelvin sign for k",
      bytes: post("Transfer-Encoding: chun\u00e2\u0084\u00aaed\r\n", "0\r\n\r\n"),
      status: [400, 501],
    },
    {
      name: "TE.CL: xchunked beside a length",
      bytes: post("Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${smuggled}`),
      status: [400, 501],
    },
    {
      name: "TE.CL: a blank inside the name",
      bytes: post("Transfer Encoding: chunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${smuggled}`),
      status: 400,
    },
    {
      name: "TE.CL: a NUL behind the name",
      bytes: post("Transfer-Encoding\0: chunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${smuggled}`),
      status: 400,
    },
    {
      name: "TE.CL: a vertical tab before the name",
      bytes: post("\x0bTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${smuggled}`),
      status: 400,
    },
    {
      name: "TE.CL: folded, and more behind the fold",
      bytes: post("Transfer-Encoding: chunked\r\n , x\r\nContent-Length: 5\r\n", `0\r\n\r\n${smuggled}`),
      status: 400,
    },
    {
      name: "TE.CL: Connection names the length",
      bytes: post(
        "Connection: Content-Length\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        `0\r\n\r\n${smuggled}`,
      ),
      status: 400,
      rfc: "choice",
    },
    {
      name: "TE.TE: the second one empty",
      bytes: post("Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", "0\r\n\r\n"),
      status: [400, 501],
      rfc: "choice",
    },
  ]),
  ...family("Upgrade", "RFC 9110, 7.8", [
    {
      name: "a WebSocket with chunks",
      bytes: `${get("Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n")}0\r\n\r\n`,
      status: 400,
      rfc: "choice",
      section: "RFC 6455, 4.1",
    },
  ]),
  ...family("Several requests on one connection", "RFC 9112, 9.3", [
    { name: "a good request, then nonsense", bytes: `${get("")}nonsense\r\n\r\n`, status: 400, reaches: plain },
    {
      name: "a good request, then one with two lengths",
      bytes: get("") + post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
      status: 400,
      reaches: plain,
      rfc: "choice",
      section: "RFC 9112, 6.1",
    },
    {
      name: "a good request with a body, then one without Host",
      bytes: `${post("Content-Length: 3\r\n", "abc")}GET / HTTP/1.1\r\n\r\n`,
      status: 400,
      reaches: posted("abc"),
    },
  ]),
];

/** Bodies that turn out to be malformed when their request is on its way already: the server never sees them whole. */
export const brokenBodies: readonly OfFamily<Case & { readonly endAfter?: boolean }>[] = [
  ...family("Chunks", "RFC 9112, 7.1", [
    { name: "a chunk size that is none", bytes: chunked("G\r\nhello\r\n0\r\n\r\n") },
    { name: "a negative chunk size", bytes: chunked("-1\r\nhello\r\n0\r\n\r\n") },
    { name: "a chunk size in C's way", bytes: chunked("0x5\r\nhello\r\n0\r\n\r\n") },
    { name: "a chunk size with a plus", bytes: chunked("+5\r\nhello\r\n0\r\n\r\n") },
    { name: "an empty chunk size", bytes: chunked("\r\nhello\r\n0\r\n\r\n") },
    { name: "a blank behind a chunk size", bytes: chunked("5 \r\nhello\r\n0\r\n\r\n") },
    {
      name: "a chunk size of seventeen digits",
      rfc: "choice",
      bytes: chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"),
    },
    { name: "a chunk size that ends in LF", bytes: chunked("5\nhello\r\n0\r\n\r\n") },
    { name: "a chunk size that ends in CR", bytes: chunked("5\rhello\r\n0\r\n\r\n") },
    { name: "a chunk extension that ends in LF", bytes: chunked("5;a\nhello\r\n0\r\n\r\n") },
    { name: "a NUL in a chunk extension", bytes: chunked("5;a\0\r\nhello\r\n0\r\n\r\n") },
    { name: "a chunk that is longer than it says", bytes: chunked("5\r\nhelloworld\r\n0\r\n\r\n") },
    { name: "a chunk that is shorter than it says", bytes: chunked("9\r\nhello\r\n0\r\n\r\n\r\n\r\n") },
    { name: "a chunk that ends in LF", bytes: chunked("5\r\nhello\n0\r\n\r\n") },
    { name: "a chunk without an end", bytes: chunked("5\r\nhello0\r\n\r\n") },
    { name: "a last chunk that ends in LF", bytes: chunked("5\r\nhello\r\n0\n\r\n") },
  ]),
  ...family("Trailers", "RFC 9112, 7.1.2", [
    { name: "a trailer that ends in LF", bytes: chunked("5\r\nhello\r\n0\r\nX-A: 1\n\r\n") },
    { name: "a trailer that is no field", bytes: chunked("5\r\nhello\r\n0\r\nnonsense\r\n\r\n") },
    { name: "a trailer that is folded", bytes: chunked("5\r\nhello\r\n0\r\nX-A: 1\r\n 2\r\n\r\n") },
    {
      name: "a length in the trailers",
      rfc: "choice",
      bytes: chunked("5\r\nhello\r\n0\r\nContent-Length: 99\r\n\r\n"),
    },
  ]),
  ...family("Chunks", "RFC 9112, 7.1", [
    {
      name: "20 kB of chunk extensions",
      rfc: "choice",
      bytes: chunked(`5;${"a".repeat(20_000)}\r\nhello\r\n0\r\n\r\n`),
    },
  ]),

  ...family("Chunks", "RFC 9112, 7.1", [
    { name: "a last chunk in C's way", bytes: chunked("5\r\nhello\r\n0x0\r\n\r\n") },
    { name: "a blank before a chunk size", bytes: chunked(" 5\r\nhello\r\n0\r\n\r\n") },
    { name: "a tab before a chunk size", bytes: chunked("\t5\r\nhello\r\n0\r\n\r\n") },
    { name: "a vertical tab behind a chunk size", bytes: chunked("5\x0b\r\nhello\r\n0\r\n\r\n") },
    { name: "a blank behind the last chunk's size", bytes: chunked("5\r\nhello\r\n0 \r\n\r\n") },
    { name: "a letter behind a chunk size", bytes: chunked("5h\r\nhello\r\n0\r\n\r\n") },
    { name: "two chunk sizes", bytes: chunked("5,5\r\nhello\r\n0\r\n\r\n") },
    { name: "a last chunk of minus nothing", bytes: chunked("5\r\nhello\r\n-0\r\n\r\n") },
    {
      name: "a blank before a chunk extension",
      bytes: chunked("5 ;a=b\r\nhello\r\n0\r\n\r\n"),
      rfc: "valid",
      section: "RFC 9112, 7.1.1",
    },
    { name: "a chunk extension of nothing", bytes: chunked("5;\r\nhello\r\n0\r\n\r\n"), section: "RFC 9112, 7.1.1" },
    {
      name: "a bare CR in a chunk extension",
      bytes: chunked("5;a\rb\r\nhello\r\n0\r\n\r\n"),
      section: "RFC 9112, 7.1.1",
    },
    {
      name: "a letter beyond ASCII in a chunk extension",
      bytes: chunked("5;a=\u00e9\r\nhello\r\n0\r\n\r\n"),
      section: "RFC 9112, 7.1.1",
    },
    {
      name: "a line end in a quoted chunk extension",
      bytes: chunked('5;a="\r\n";\r\nhello\r\n0\r\n\r\n'),
      section: "RFC 9112, 7.1.1",
    },
    { name: "an empty line behind a chunk", bytes: chunked("5\r\nhello\r\n\r\n0\r\n\r\n") },
    {
      name: "a chunk of 2^63 bytes",
      bytes: chunked("8000000000000000\r\nhello\r\n0\r\n\r\n"),
      endAfter: true,
      rfc: "choice",
    },
  ]),
  ...family("Trailers", "RFC 9112, 7.1.2", [
    { name: "a request where trailers could be", bytes: chunked(`5\r\nhello\r\n0\r\n${smuggled}`) },
    {
      name: "a coding in the trailers",
      bytes: chunked("5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
      rfc: "choice",
      section: "RFC 9110, 6.5.1",
    },
    { name: "a blank before a trailer's colon", bytes: chunked("5\r\nhello\r\n0\r\nX-A : 1\r\n\r\n") },
    { name: "a NUL in a trailer", bytes: chunked("5\r\nhello\r\n0\r\nX-A: \0\r\n\r\n") },
    {
      name: "70 kB of trailers",
      bytes: chunked(`5\r\nhello\r\n0\r\nX-A: ${"z".repeat(70_000)}\r\n\r\n`),
      rfc: "choice",
    },
  ]),
];

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
    { name: "an empty line before the request line (RFC 9112, 2.2)", bytes: `\r\n${get("")}`, reaches: plain },
    {
      name: "two blanks in the request line (RFC 9112, 3 lets them pass)",
      bytes: `GET  / HTTP/1.1\r\n${host}\r\n`,
      reaches: plain,
    },
    { name: "HEAD", bytes: `HEAD / HTTP/1.1\r\n${host}\r\n`, methods: ["HEAD"], reaches: ["one HEAD /"] },
    { name: "OPTIONS", bytes: `OPTIONS /x HTTP/1.1\r\n${host}\r\n`, reaches: ["one OPTIONS /x"] },
    {
      name: "OPTIONS of the server as a whole",
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
    { name: "Host with a final dot", bytes: "GET / HTTP/1.1\r\nHost: one.localhost.\r\n\r\n", reaches: plain },
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
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n",
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
    { name: "30 kB in a field", bytes: get(`X-Long: ${"z".repeat(30_000)}\r\n`), reaches: plain },
    {
      name: "300 fields",
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
      bytes: get("Proxy-Authorization: Basic YTpi\r\n"),
      reaches: plain,
      absent: ["Proxy-Authorization"],
    },
  ]),
  ...family("Who asked", "RFC 9110, 7.6.3", [
    {
      name: "nobody else says who asked",
      bytes: get(
        "X-Forwarded-For: 203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\nX-Forwarded-Proto: https\r\n",
      ),
      reaches: plain,
      fields: ["X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http"],
      absent: ["X-Real-IP"],
    },
    {
      name: "nor with an underscore",
      bytes: get("X_Forwarded_For: 203.0.113.9\r\nX-Forwarded_Host: evil\r\n"),
      reaches: plain,
      absent: ["X_Forwarded_For", "X-Forwarded_Host"],
    },
    { name: "a length with an underscore is no length", bytes: get("Content_Length: 9\r\n"), reaches: plain },
    {
      name: "a coding with an underscore is none",
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
      bytes: "GET / HTTP/1.0\r\n\r\n",
      reaches: [],
      closes: true,
      answered: [404],
    },
  ]),
];

const smuggled = "GET /smuggled HTTP/1.1\r\nHost: two.localhost\r\n\r\n";

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
      bytes: "GET / HTTP/1.1\r\nHost: one.localhost:99999\r\n\r\n",
      status: 400,
    },
    { name: "a host with letters for a port", bytes: "GET / HTTP/1.1\r\nHost: one.localhost:a\r\n\r\n", status: 400 },
  ]),
  ...family("Absolute form", "RFC 9112, 3.2.2", [
    {
      name: "an absolute form with a user",
      bytes: `GET http://me@one.localhost/ HTTP/1.1\r\n${host}\r\n`,
      status: 400,
    },
    {
      name: "an absolute form of another scheme",
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
    { name: "HTTP/2.0 in a request line", bytes: `GET / HTTP/2.0\r\n${host}\r\n`, status: [400, 505] },
    { name: "HTTP/1.2", bytes: `GET / HTTP/1.2\r\n${host}\r\n`, status: [400, 505] },
    { name: "http/1.1 in small letters", bytes: `GET / http/1.1\r\n${host}\r\n`, status: 400 },
    { name: "another protocol", bytes: `GET / ICE/1.0\r\n${host}\r\n`, status: 400 },
  ]),
  ...family("Request line and methods", "RFC 9112, 3", [
    { name: "a method in small letters", bytes: `get / HTTP/1.1\r\n${host}\r\n`, status: [400, 501] },
    { name: "a method that there is not", bytes: `FOO / HTTP/1.1\r\n${host}\r\n`, status: [400, 501] },
    { name: "a method with a blank before", bytes: ` GET / HTTP/1.1\r\n${host}\r\n`, status: 400 },
    { name: "TLS at a door without it", bytes: "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", status: 400 },
    { name: "CONNECT", bytes: "CONNECT two.localhost:80 HTTP/1.1\r\nHost: two.localhost:80\r\n\r\n", status: 405 },
  ]),
  ...family("Fields", "RFC 9112, 5", [
    { name: "a line that is no field", bytes: get("nonsense\r\n"), status: 400 },
    { name: "a field without a name", bytes: get(": 1\r\n"), status: 400 },
    { name: "a blank before the colon (RFC 9112, 5.1)", bytes: get("X-A : 1\r\n"), status: 400 },
    { name: "a tab before the colon", bytes: get("X-A\t: 1\r\n"), status: 400 },
  ]),
  ...family("Line ends and folding", "RFC 9112, 2.2", [
    { name: "a field that is folded (RFC 9112, 5.2)", bytes: get("X-A: 1\r\n 2\r\n"), status: 400 },
    { name: "a field folded by a tab", bytes: get("X-A: 1\r\n\t2\r\n"), status: 400 },
    { name: "a blank before the first field (RFC 9112, 2.2)", bytes: `GET / HTTP/1.1\r\n ${host}\r\n`, status: 400 },
  ]),
  ...family("Fields", "RFC 9112, 5", [
    { name: "a bracket in a name", bytes: get("X[A]: 1\r\n"), status: 400 },
    { name: "a NUL in a name", bytes: get("X\0A: 1\r\n"), status: 400 },
    { name: "a letter beyond ASCII in a name", bytes: get("X\u00e9: 1\r\n"), status: 400 },
    { name: "a NUL in a value", bytes: get("X-A: 1\x002\r\n"), status: 400 },
  ]),
  ...family("Line ends and folding", "RFC 9112, 2.2", [
    { name: "a bare CR in a value", bytes: get("X-A: 1\r2\r\n"), status: 400 },
    { name: "a bare LF in a value", bytes: get("X-A: 1\nX-B: 2\r\n"), status: 400 },
  ]),
  ...family("Fields", "RFC 9112, 5", [
    { name: "an escape sequence in a value", bytes: get("X-A: \u001b[2J\r\n"), status: 400 },
  ]),
  ...family("Line ends and folding", "RFC 9112, 2.2", [
    { name: "lines that end in LF alone", bytes: `GET / HTTP/1.1\nHost: one.localhost\n\n`, status: [400, 505] },
    { name: "a request line that ends in LF alone", bytes: `GET / HTTP/1.1\n${host}\r\n`, status: [400, 505] },
    { name: "a head that ends in LF alone", bytes: `GET / HTTP/1.1\r\n${host}\n`, status: 400 },
    { name: "a line that ends in CR alone", bytes: `GET / HTTP/1.1\r${host}\r\n`, status: 400 },
  ]),
  ...family("Fields", "RFC 9112, 5", [
    { name: "a head of 70 kB", bytes: get(`X-Long: ${"z".repeat(70_000)}\r\n`), status: 431 },
    { name: "a target of 70 kB", bytes: get("", `/${"z".repeat(70_000)}`), status: 431 },
  ]),
  ...family("Content-Length", "RFC 9112, 6.3", [
    { name: "an empty length", bytes: post("Content-Length: \r\n", ""), status: 400 },
    { name: "a negative length", bytes: post("Content-Length: -1\r\n", ""), status: 400 },
    { name: "a length with a plus", bytes: post("Content-Length: +3\r\n", "abc"), status: 400 },
    { name: "a length in base 16", bytes: post("Content-Length: 0x3\r\n", "abc"), status: 400 },
    { name: "a length with a point", bytes: post("Content-Length: 3.0\r\n", "abc"), status: 400 },
    { name: "a length with a blank inside", bytes: post("Content-Length: 3 0\r\n", "abc"), status: 400 },
    { name: "two lengths in one field", bytes: post("Content-Length: 3, 3\r\n", "abc"), status: 400 },
    { name: "the same length twice", bytes: post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), status: 400 },
    { name: "two lengths", bytes: post("Content-Length: 3\r\nContent-Length: 50\r\n", `abc${smuggled}`), status: 400 },
    {
      name: "a length beyond all numbers",
      bytes: post("Content-Length: 99999999999999999999999\r\n", ""),
      status: 400,
    },
    { name: "a vertical tab before a length", bytes: post("Content-Length:\x0b3\r\n", "abc"), status: 400 },
  ]),
  ...family("Two lengths, odd codings", "RFC 9112, 6.1", [
    {
      name: "CL.TE",
      bytes: post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
      status: 400,
    },
    {
      name: "TE.CL",
      bytes: post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", `5c\r\n${smuggled}\r\n0\r\n\r\n`),
      status: 400,
    },
    {
      name: "CL.TE with a length of nothing",
      bytes: post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
      status: 400,
    },
    {
      name: "CL.TE on a GET",
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
    { name: "TE: folded", bytes: post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), status: 400 },
    {
      name: "TE: behind a LF",
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
      bytes: post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
      status: 501,
    },
    { name: "TE: chunked, gzip", bytes: post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), status: 400 },
    { name: "TE: empty", bytes: post("Transfer-Encoding:\r\n", "0\r\n\r\n"), status: [400, 501] },
    { name: "TE: a comma before", bytes: post("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n"), status: [400, 501] },
    {
      name: "TE in HTTP/1.0 (RFC 9112, 6.1)",
      bytes: `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      status: 400,
    },
  ]),
  ...family("Expect", "RFC 9110, 10.1.1", [
    {
      name: "an expectation that there is not (RFC 9110, 10.1.1)",
      bytes: post("Expect: cookies\r\nContent-Length: 3\r\n", "abc"),
      status: 417,
    },
  ]),
  ...family("Upgrade", "RFC 9110, 7.8", [
    {
      name: "a WebSocket with a body",
      bytes: `${get("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n")}abc`,
      status: 400,
    },
    { name: "a WebSocket by POST", bytes: post("Connection: Upgrade\r\nUpgrade: websocket\r\n", ""), status: 400 },
  ]),
];

/** Bodies that turn out to be malformed when their request is on its way already: the server never sees them whole. */
export const brokenBodies: readonly OfFamily<Case>[] = [
  ...family("Chunks", "RFC 9112, 7.1", [
    { name: "a chunk size that is none", bytes: chunked("G\r\nhello\r\n0\r\n\r\n") },
    { name: "a negative chunk size", bytes: chunked("-1\r\nhello\r\n0\r\n\r\n") },
    { name: "a chunk size in C's way", bytes: chunked("0x5\r\nhello\r\n0\r\n\r\n") },
    { name: "a chunk size with a plus", bytes: chunked("+5\r\nhello\r\n0\r\n\r\n") },
    { name: "an empty chunk size", bytes: chunked("\r\nhello\r\n0\r\n\r\n") },
    { name: "a blank behind a chunk size", bytes: chunked("5 \r\nhello\r\n0\r\n\r\n") },
    { name: "a chunk size of seventeen digits", bytes: chunked("10000000000000005\r\nhello\r\n0\r\n\r\n") },
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
    { name: "a length in the trailers", bytes: chunked("5\r\nhello\r\n0\r\nContent-Length: 99\r\n\r\n") },
  ]),
  ...family("Chunks", "RFC 9112, 7.1", [
    { name: "20 kB of chunk extensions", bytes: chunked(`5;${"a".repeat(20_000)}\r\nhello\r\n0\r\n\r\n`) },
  ]),
];

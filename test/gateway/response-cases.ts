/**
 * @module Answers of servers byte by byte, after RFC 9112 and RFC 9110.
 */
import { gzipSync } from "node:zlib";
import { family, type Case, type OfFamily } from "./case-family.ts";

/** An answer that a client gets. */
export interface AnswerCase extends Case {
  readonly method?: string;
  /** The server closes the connection behind it. */
  readonly end?: boolean;
  readonly status: number;
  readonly body?: string;
  readonly fields?: readonly string[];
  readonly absent?: readonly string[];
  readonly interim?: readonly number[];
  readonly trailers?: readonly string[];
}

/** An answer that is none. */
export interface BrokenAnswer extends Case {
  /** The server closes the connection behind it. */
  readonly end?: boolean;
}

const ok = "HTTP/1.1 200 OK\r\n";
const coded = (coding: string, body = "2\r\nhe\r\n0\r\n\r\n"): string =>
  `${ok}Transfer-Encoding: ${coding}\r\n\r\n${body}`;
const hello = "Content-Length: 5\r\n\r\nhello";
const packed = gzipSync("hello").toString("latin1");
/** What a server says too much, and nobody may get as an answer. */
const forged = `${ok}Content-Length: 6\r\n\r\nforged`;

/** Answers that reach the client. */
export const wholeAnswers: readonly OfFamily<AnswerCase>[] = [
  ...family("Answers: length", "RFC 9112, 6.3", [
    { name: "a length", bytes: `${ok}Content-Length: 5\r\n\r\nhello`, status: 200, body: "hello" },
  ]),
  ...family("Answers: codings and chunks", "RFC 9112, 7.1", [
    {
      name: "chunks",
      bytes: `${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`,
      status: 200,
      body: "hello",
    },
    {
      name: "chunks with extensions",
      bytes: `${ok}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n`,
      status: 200,
      body: "hello",
    },
  ]),
  ...family("Answers: length", "RFC 9112, 6.3", [
    { name: "until the connection ends", bytes: `${ok}\r\nhello`, end: true, status: 200, body: "hello" },
    { name: "HTTP/1.0", bytes: "HTTP/1.0 200 OK\r\n\r\nhello", end: true, status: 200, body: "hello" },
    {
      name: "HTTP/1.0 with a length",
      bytes: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      status: 200,
      body: "hello",
      end: true,
    },
    { name: "nothing by a length", bytes: `${ok}Content-Length: 0\r\n\r\n`, status: 200, body: "" },
  ]),
  ...family("Answers without a body", "RFC 9112, 6.3", [
    { name: "204", bytes: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, body: "" },
    {
      name: "304 with the length that there would be",
      bytes: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n",
      status: 304,
      body: "",
      fields: ["etag: x"],
    },
    {
      name: "HEAD with a length",
      bytes: `${ok}Content-Length: 5\r\n\r\n`,
      method: "HEAD",
      status: 200,
      body: "",
      fields: ["content-length: 5"],
    },
    {
      name: "HEAD with chunks",
      bytes: `${ok}Transfer-Encoding: chunked\r\n\r\n`,
      method: "HEAD",
      status: 200,
      body: "",
    },
  ]),
  ...family("Answers: status line and fields", "RFC 9112, 4", [
    {
      name: "a later version's number is made plain",
      rfc: "choice",
      bytes: "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
      status: 200,
    },
    { name: "404", bytes: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", status: 404 },
    { name: "500", bytes: "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", status: 500 },
    {
      name: "a status that there is not",
      rfc: "choice",
      bytes: "HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n",
      status: 799,
    },
    { name: "no reason", bytes: "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", status: 200 },
    {
      name: "a redirection stays as it is",
      bytes: "HTTP/1.1 302 Found\r\nLocation: http://one.localhost/x\r\nContent-Length: 0\r\n\r\n",
      status: 302,
      fields: ["location: http://one.localhost/x"],
    },
    {
      name: "several cookies",
      bytes: `${ok}Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n`,
      status: 200,
      fields: ["set-cookie: a=1", "set-cookie: b=2"],
    },
    {
      name: "values with letters beyond ASCII",
      bytes: `${ok}X-Name: caf\u00e9\r\nContent-Length: 0\r\n\r\n`,
      status: 200,
      fields: ["x-name: caf\u00e9"],
    },
    {
      name: "the server's date",
      bytes: `${ok}Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n`,
      status: 200,
      fields: ["date: Thu, 01 Jan 1970 00:00:00 GMT"],
    },
  ]),
  ...family("Answers: fields of one connection", "RFC 9110, 7.6.1", [
    {
      name: "Connection and what it names end here",
      bytes: `${ok}Connection: X-Own\r\nX-Own: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n`,
      status: 200,
      absent: ["x-own"],
    },
    {
      name: "Connection: close is between the server and the gateway",
      bytes: `${ok}Connection: close\r\nContent-Length: 5\r\n\r\nhello`,
      end: true,
      status: 200,
      body: "hello",
    },
    {
      name: "Proxy-Connection ends here",
      bytes: `${ok}Proxy-Connection: close\r\nContent-Length: 0\r\n\r\n`,
      status: 200,
      absent: ["proxy-connection"],
    },
    {
      name: "an offer of another protocol ends here",
      bytes: `${ok}Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n`,
      status: 200,
      absent: ["upgrade"],
    },
  ]),
  ...family("Answers: trailers", "RFC 9110, 6.5", [
    {
      name: "trailers",
      bytes: `${ok}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n`,
      status: 200,
      body: "hello",
      trailers: ["X-Sum: 42"],
    },
  ]),
  ...family("Answers before the answer", "RFC 9110, 15.2", [
    { name: "100 first", bytes: `HTTP/1.1 100 Continue\r\n\r\n${ok}Content-Length: 0\r\n\r\n`, status: 200 },
    {
      name: "102 first",
      bytes: `HTTP/1.1 102 Processing\r\n\r\n${ok}Content-Length: 0\r\n\r\n`,
      status: 200,
      interim: [102],
    },
    {
      name: "103 first",
      bytes: `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${ok}Content-Length: 0\r\n\r\n`,
      status: 200,
      interim: [103],
    },
  ]),
  ...family("Answers: length", "RFC 9112, 6.3", [
    {
      name: "a megabyte",
      bytes: `${ok}Content-Length: 1048576\r\n\r\n${"z".repeat(1_048_576)}`,
      status: 200,
      body: "z".repeat(1_048_576),
    },
    {
      name: "a compressed body is not touched",
      bytes: `${ok}Content-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n${packed}`,
      status: 200,
      body: packed,
      fields: ["content-encoding: gzip"],
    },
  ]),

  ...family("Answers without a body", "RFC 9112, 6.3", [
    {
      name: "204 that names a length and has a body",
      bytes: `HTTP/1.1 204 No Content\r\n${hello}`,
      status: 204,
      absent: ["content-length"],
      rfc: "choice",
    },
    {
      name: "204 with chunks",
      bytes: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      status: 204,
      rfc: "choice",
    },
    {
      name: "204, and an answer that nobody asked for",
      bytes: `HTTP/1.1 204 No Content\r\n\r\n${forged}`,
      status: 204,
      rfc: "choice",
    },
    {
      name: "205 with a body",
      bytes: `HTTP/1.1 205 Reset Content\r\n${hello}`,
      status: 205,
      body: "hello",
      rfc: "choice",
    },
    { name: "304 with a body", bytes: `HTTP/1.1 304 Not Modified\r\n${hello}`, status: 304, rfc: "choice" },
    {
      name: "304 with chunks",
      bytes: "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      status: 304,
      rfc: "choice",
    },
    {
      name: "304, and an answer that nobody asked for",
      bytes: `HTTP/1.1 304 Not Modified\r\n\r\n${forged}`,
      status: 304,
      rfc: "choice",
    },
    {
      name: "HEAD with a body",
      bytes: `${ok}${hello}`,
      method: "HEAD",
      status: 200,
      fields: ["content-length: 5"],
      rfc: "choice",
    },
    { name: "HEAD without a length", bytes: `${ok}\r\n`, method: "HEAD", status: 200 },
    { name: "HEAD with chunks of a body", bytes: coded("chunked"), method: "HEAD", status: 200, rfc: "choice" },
  ]),
  ...family("Answers: length", "RFC 9112, 6.3", [
    { name: "a length with leading zeros", bytes: `${ok}Content-Length: 005\r\n\r\nhello`, status: 200, body: "hello" },
    {
      name: "more than the length says",
      bytes: `${ok}Content-Length: 3\r\n\r\nhello`,
      status: 200,
      body: "hel",
      rfc: "choice",
    },
    {
      name: "a second answer that nobody asked for",
      bytes: `${ok}${hello}${forged}`,
      status: 200,
      body: "hello",
      rfc: "choice",
    },
    {
      name: "keep-alive without a length ends with the connection",
      bytes: `${ok}Connection: keep-alive\r\n\r\nhello`,
      end: true,
      status: 200,
      body: "hello",
    },
  ]),
  ...family("Answers: codings and chunks", "RFC 9112, 7.1", [
    {
      name: "a coding of identity is none",
      bytes: coded("identity", "hello"),
      end: true,
      status: 200,
      body: "hello",
      rfc: "choice",
      section: "RFC 9112, 6.1",
    },
    {
      name: "chunks of HTTP/1.0",
      bytes: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n\r\n",
      end: true,
      status: 200,
      body: "he",
      rfc: "choice",
      section: "RFC 9112, 6.1",
    },
  ]),
  ...family("Answers: status line and fields", "RFC 9112, 4", [
    {
      name: "neither reason nor a blank before it",
      bytes: `HTTP/1.1 200\r\n${hello}`,
      status: 200,
      body: "hello",
      rfc: "choice",
    },
    { name: "a reason in Latin 1", bytes: `HTTP/1.1 200 caf\u00e9\r\n${hello}`, status: 200, body: "hello" },
    { name: "a reason in UTF-8", bytes: `HTTP/1.1 200 caf\u00c3\u00a9\r\n${hello}`, status: 200, body: "hello" },
    { name: "an empty line before", bytes: `\r\n${ok}${hello}`, status: 200, body: "hello", rfc: "choice" },
    {
      name: "2,100 fields",
      bytes: `${ok}${Array.from({ length: 2100 }, (_, index) => `A${index}: 1\r\n`).join("")}${hello}`,
      status: 200,
      body: "hello",
      fields: ["a2099: 1"],
      rfc: "choice",
    },
  ]),
  ...family("Answers: fields of one connection", "RFC 9110, 7.6.1", [
    {
      name: "Connection takes no length off",
      bytes: `${ok}Connection: Content-Length\r\n${hello}`,
      status: 200,
      body: "hello",
      fields: ["content-length: 5"],
    },
  ]),
  ...family("Answers before the answer", "RFC 9110, 15.2", [
    {
      name: "twenty times 100",
      bytes: `${"HTTP/1.1 100 Continue\r\n\r\n".repeat(20)}${ok}${hello}`,
      status: 200,
      body: "hello",
    },
    {
      name: "103 that names a length",
      bytes: `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${ok}${hello}`,
      status: 200,
      body: "hello",
      rfc: "choice",
      section: "RFC 9110, 8.6",
    },
  ]),
];

/** Heads that are no answer: the client gets a 502. */
export const brokenHeads: readonly OfFamily<BrokenAnswer>[] = [
  ...family("Answers: status line and fields", "RFC 9112, 4", [
    { name: "no HTTP", bytes: "hello\r\n\r\n", end: true },
    { name: "another protocol", bytes: "SSH-2.0-OpenSSH_9.2\r\n", end: true },
    { name: "nothing", bytes: "", end: true },
    { name: "half a head", bytes: "HTTP/1.1 200 OK\r\nContent-Le", end: true },
    { name: "a status of two digits", bytes: "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", end: true },
    { name: "a status of letters", bytes: "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", end: true },
  ]),
  ...family("Answers: length", "RFC 9112, 6.3", [
    { name: "a negative length", bytes: `${ok}Content-Length: -1\r\n\r\n`, end: true },
    { name: "two lengths", bytes: `${ok}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`, end: true },
    { name: "two lengths in one field", rfc: "choice", bytes: `${ok}Content-Length: 5, 5\r\n\r\nhello`, end: true },
    { name: "a length that is none", bytes: `${ok}Content-Length: x\r\n\r\nhello`, end: true },
  ]),
  ...family("Answers: status line and fields", "RFC 9112, 4", [
    { name: "a NUL in a value", rfc: "choice", bytes: `${ok}X-A: a\0b\r\nContent-Length: 0\r\n\r\n`, end: true },
    { name: "a blank in a name", bytes: `${ok}X A: b\r\nContent-Length: 0\r\n\r\n`, end: true },
  ]),
  ...family("Answers before the answer", "RFC 9110, 15.2", [
    {
      name: "another protocol that nobody asked for",
      rfc: "invalid",
      bytes: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      end: true,
    },
  ]),
  ...family("Answers: status line and fields", "RFC 9112, 4", [
    {
      name: "300 kB of head",
      rfc: "choice",
      bytes: `${ok}X-A: ${"a".repeat(300_000)}\r\nContent-Length: 0\r\n\r\n`,
      end: true,
    },
  ]),

  ...family("Answers: codings and chunks", "RFC 9112, 6.1", [
    {
      name: "a length and a coding",
      bytes: `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n\r\n`,
      end: true,
      rfc: "choice",
      section: "RFC 9112, 6.3",
    },
    { name: "gzip, chunked", bytes: coded("gzip, chunked"), end: true, rfc: "choice" },
    { name: "xchunked", bytes: coded("xchunked"), end: true, rfc: "choice" },
    {
      name: "xchunked beside a length",
      bytes: `${ok}Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\nhe`,
      end: true,
    },
    { name: "chunked twice in one field", bytes: coded("chunked, chunked"), end: true },
    {
      name: "chunked in two fields",
      bytes: `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n\r\n`,
      end: true,
    },
    { name: "a vertical tab before chunked", bytes: coded("\x0bchunked"), end: true },
    {
      name: "a blank behind Transfer-Encoding",
      bytes: `${ok}Transfer-Encoding : chunked\r\n\r\n2\r\nhe\r\n0\r\n\r\n`,
      end: true,
      rfc: "choice",
      section: "RFC 9112, 5.1",
    },
  ]),
  ...family("Answers: length", "RFC 9112, 6.3", [
    { name: "the same length twice", bytes: `${ok}Content-Length: 5\r\n${hello}`, end: true, rfc: "choice" },
    { name: "a length with a plus", bytes: `${ok}Content-Length: +5\r\n\r\nhello`, end: true },
    { name: "an empty length", bytes: `${ok}Content-Length: \r\n\r\n`, end: true },
    { name: "a length in base 16", bytes: `${ok}Content-Length: 0x5\r\n\r\nhello`, end: true },
    { name: "a length of 2^64 and 5", bytes: `${ok}Content-Length: 18446744073709551621\r\n\r\nhello`, end: true },
    {
      name: "a blank behind Content-Length",
      bytes: `${ok}Content-Length : 5\r\n\r\nhello`,
      end: true,
      rfc: "choice",
      section: "RFC 9112, 5.1",
    },
  ]),
  ...family("Answers: status line and fields", "RFC 9112, 4", [
    {
      name: "a folded field",
      bytes: `${ok}X-A: a\r\n b\r\n${hello}`,
      end: true,
      rfc: "choice",
      section: "RFC 9112, 5.2",
    },
    {
      name: "lines that end in LF alone",
      bytes: "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
      end: true,
      rfc: "choice",
      section: "RFC 9112, 2.2",
    },
    {
      name: "a bare CR in a value",
      bytes: `${ok}X-A: a\rb\r\n${hello}`,
      end: true,
      rfc: "choice",
      section: "RFC 9112, 2.2",
    },
    {
      name: "a control character in a value",
      bytes: `${ok}X-A: \u001b[2J\r\n${hello}`,
      end: true,
      rfc: "choice",
      section: "RFC 9110, 5.5",
    },
    { name: "brackets in a name", bytes: `${ok}X(A): a\r\n${hello}`, end: true, section: "RFC 9112, 5" },
    { name: "a line that is no field", bytes: `${ok}nonsense\r\n${hello}`, end: true, section: "RFC 9112, 5" },
    { name: "a status of four digits", bytes: `HTTP/1.1 1000 Odd\r\n${hello}`, end: true },
    { name: "a tab for a blank", bytes: `HTTP/1.1\t200\tOK\r\n${hello}`, end: true, rfc: "choice" },
    { name: "http/1.1 in small letters", bytes: `http/1.1 200 OK\r\n${hello}`, end: true },
    { name: "HTTP/3.0", bytes: `HTTP/3.0 200 OK\r\n${hello}`, end: true },
  ]),
  ...family("Answers before the answer", "RFC 9110, 15.2", [
    { name: "103 and no more", bytes: "HTTP/1.1 103 Early Hints\r\n\r\n", end: true },
  ]),
];

/** Bodies that are malformed or end too early: the client can tell. */
export const brokenAnswers: readonly OfFamily<BrokenAnswer>[] = [
  ...family("Answers: length", "RFC 9112, 6.3", [
    { name: "a body that is shorter than it says", bytes: `${ok}Content-Length: 10\r\n\r\nhello` },
  ]),
  ...family("Answers: codings and chunks", "RFC 9112, 7.1", [
    { name: "chunks that end too early", bytes: `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n` },
    { name: "a chunk that is none", bytes: `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nG\r\n` },
    {
      name: "a chunk that is longer than it says",
      bytes: `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n`,
    },
  ]),

  ...family("Answers: codings and chunks", "RFC 9112, 7.1", [
    { name: "a chunk size in C's way", bytes: coded("chunked", "0x5\r\nhello\r\n0\r\n\r\n") },
    { name: "a chunk size that ends in LF", bytes: coded("chunked", "5\nhello\r\n0\r\n\r\n") },
    { name: "a negative chunk size", bytes: coded("chunked", "-1\r\nhello\r\n0\r\n\r\n") },
    { name: "a chunk size of seventeen digits", bytes: coded("chunked", "10000000000000005\r\nhello\r\n0\r\n\r\n") },
    { name: "a last chunk without its empty line", bytes: coded("chunked", "5\r\nhello\r\n0\r\n") },
    {
      name: "a trailer that is no field",
      bytes: coded("chunked", "5\r\nhello\r\n0\r\nnonsense\r\n\r\n"),
      section: "RFC 9112, 7.1.2",
    },
  ]),
];

/**
 * @module First bytes of connections that a proxy introduces.
 */
import { expect, test } from "vitest";
import { proxyProtocol } from "./proxy-protocol.ts";

const sniff = (text: string): string =>
  proxyProtocol.sniff!(new Uint8Array(Buffer.from(text, "latin1")), "tcp").verdict;

test.each(["PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN", "\r\n\r\n\0\r\nQUIT\n"])("%j matches", (opening) => {
  expect(sniff(`${opening}x`)).toBe("match");
  for (let length = 0; length < opening.length; length++) expect(sniff(opening.slice(0, length))).toBe("more");
});

test("nothing else does", () => {
  for (const text of ["PRI * HTTP/2.0", "POST / HTTP/1.1", "PROXY / HTTP/1.1", "\r\n\r\nGET", "\0", "proxy tcp4 "]) {
    expect(sniff(text), text).toBe("no");
  }
  expect(proxyProtocol.sniff!(new Uint8Array(Buffer.from("PROXY TCP4 ")), "udp").verdict).toBe("no");
});

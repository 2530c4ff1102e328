/**
 * @module First datagrams of QUIC clients and of others.
 */
import { expect, test } from "vitest";
import { quic } from "./quic.ts";

/** A datagram that begins with these bytes. */
function datagram(hex: string, length = 1200): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(Buffer.from(hex, "hex"));
  return bytes;
}

const sniff = (bytes: Uint8Array): string => quic.sniff!(bytes, "udp").verdict;

test("an Initial of version 1, version 2 or one that is not known yet matches", () => {
  for (const hex of ["c30000000108", "d36b3343cf08", "ca1a2a3a4a14"]) expect(sniff(datagram(hex)), hex).toBe("match");
});

test("nothing else does", () => {
  const strangers = [
    datagram("c30000000108", 1199),
    // Short header; no fixed bit; version negotiation; Handshake; ids of wrong lengths.
    datagram("430000000108"),
    datagram("830000000108"),
    datagram("c30000000008"),
    datagram("e30000000108"),
    datagram("c30000000107"),
    datagram("c30000000115"),
    datagram(`c30000000108${"00".repeat(8)}15`),
    new Uint8Array(0),
    datagram("c3", 1),
  ];
  for (const bytes of strangers) expect(sniff(bytes)).toBe("no");
  expect(quic.sniff!(datagram("c30000000108"), "tcp").verdict).toBe("no");
});

/**
 * @module First datagrams of WireGuard clients and of others.
 */
import { expect, test } from "vitest";
import { wireguard } from "./wireguard.ts";

function datagram(length: number, ...start: number[]): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(start.slice(0, length));
  return bytes;
}

test("a handshake initiation matches, nothing else does", () => {
  const sniff = (bytes: Uint8Array): string => wireguard.sniff!(bytes, "udp").verdict;
  expect(sniff(datagram(148, 1))).toBe("match");
  for (const bytes of [datagram(147, 1), datagram(149, 1), datagram(148, 2), datagram(148, 1, 0, 0, 1), datagram(0)]) {
    expect(sniff(bytes)).toBe("no");
  }
  expect(wireguard.sniff!(datagram(148, 1), "tcp").verdict).toBe("no");
});

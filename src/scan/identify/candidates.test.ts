/**
 * @module Which protocols are asked where.
 */
import { expect, test } from "vitest";
import { nearProtocols, otherProtocols, recogniseBytes, usualProtocols, usuallyEncrypted } from "./candidates.ts";

function nearest(port: number, transport: "tcp" | "udp" = "tcp", tls = false): string | undefined {
  return nearProtocols(port, transport, tls)[0]?.id;
}

test.each([
  [5433, "postgresql"],
  [15_432, "postgresql"],
  [54_320, "postgresql"],
  [3307, "mysql"],
  [33_060, "mysql"],
  [2222, "ssh"],
  [10_022, "ssh"],
  [5353, "dns"],
  [1445, "smb"],
  [13_389, "rdp"],
  [6390, "redis"],
  [8444, "tls"],
  [10_443, "tls"],
  [1993, "tls"],
  [2465, "tls"],
  [16_380, "tls"],
  [5070, "sip"],
  [1884, "mqtt"],
  [5673, "amqp"],
])("port %i reminds of %s first", (port, id) => {
  expect(nearest(port)).toBe(id);
});

test("inside TLS the encrypted ports count", () => {
  expect(nearest(8884, "tcp", true)).toBe("mqtt");
  expect(nearest(1636, "tcp", true)).toBe("ldap");
});

test("what is usual, plain and encrypted", () => {
  expect(usualProtocols(22, "tcp", false).map(({ id }) => id)).toEqual(["ssh"]);
  expect(usualProtocols(9100, "tcp", false).map(({ id }) => id)).toContain("http");
  expect(usualProtocols(993, "tcp", true).map(({ id }) => id)).toContain("imap");
  expect(usuallyEncrypted(443)).toBe(true);
  expect(usuallyEncrypted(80)).toBe(false);
});

test("nobody who waits to be greeted is asked at an unknown port, and everybody else once", () => {
  const asked = otherProtocols(40_001, [], false);
  expect(asked.every(({ speaksFirst }) => speaksFirst === "client")).toBe(true);
  expect(new Set(asked).size).toBe(asked.length);
  expect(asked.length).toBeLessThan(16);
});

test("greetings that two protocols share go first to the one that they name", () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  expect(recogniseBytes(bytes("220 mx ESMTP Postfix\r\n"))[0]?.id).toBe("smtp");
  expect(recogniseBytes(bytes("220 (vsFTPd 3.0.3)\r\n"))[0]?.id).toBe("ftp");
  expect(recogniseBytes(new Uint8Array(0))).toEqual([]);
});

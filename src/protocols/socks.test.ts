/**
 * @module SOCKS clients' first bytes.
 */
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../test/support/replay.ts";
import { socks } from "./socks.ts";

const sniff = (hex: string): string => socks.sniff!(fromHex(hex), "tcp").verdict;

describe("a client's first bytes", () => {
  // curl --socks5; curl --socks4; curl --socks4a example.com with a user.
  const hellos = ["05020002", "050100", "04010050c000020100", "0402001500000001726f6f74006578616d706c652e636f6d00"];

  test.each(hellos)("%s matches when it is whole", (hello) => {
    expect(sniff(hello)).toBe("match");
    for (let length = 0; length < hello.length; length += 2) expect(sniff(hello.slice(0, length))).toBe("more");
  });

  test("nothing else does", () => {
    for (const hex of ["00", "16", "0500", "0502ff", "0403", "0400", "47455420", "0401005000000001000000"]) {
      expect(sniff(hex), hex).toBe("no");
    }
    expect(socks.sniff!(fromHex("050100"), "udp").verdict).toBe("no");
  });

  test("names that never end are not waited for", () => {
    const start = "04010050c0000201";
    expect(sniff(start + toHex(new Uint8Array(255).fill(97)))).toBe("more");
    expect(sniff(start + toHex(new Uint8Array(256).fill(97)))).toBe("no");
  });
});

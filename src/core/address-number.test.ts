/**
 * @module Addresses as numbers and back.
 */
import { assert, bigInt, property } from "fast-check";
import { expect, test } from "vitest";
import { addressFromNumber, addressToNumber, bitsOfFamily } from "./address-number.ts";
import { parseIpAddress } from "./ip-address.ts";

test("known addresses", () => {
  expect(addressToNumber("0.0.0.1")).toBe(1n);
  expect(addressToNumber("192.168.1.8")).toBe(0xc0a80108n);
  expect(addressToNumber("::1")).toBe(1n);
  expect(addressToNumber("fe80::1")).toBe((0xfe80n << 112n) | 1n);
  expect(addressFromNumber(0xffffffffn, "ipv4")).toBe("255.255.255.255");
  expect(() => addressToNumber("nobody")).toThrow(expect.objectContaining({ code: "ADDRESS_INVALID" }));
});

test("every number is an address and comes back", () => {
  for (const family of ["ipv4", "ipv6"] as const) {
    const most = (1n << BigInt(bitsOfFamily(family))) - 1n;
    assert(
      property(bigInt(0n, most), (number) => {
        const text = addressFromNumber(number, family);
        expect(parseIpAddress(text)).toMatchObject({ address: text, family });
        expect(addressToNumber(text)).toBe(number);
      }),
    );
  }
});

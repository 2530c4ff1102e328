import { expect, test } from "vitest";
import { canonicalAddressFromBytes } from "../../core/index.ts";
import { addressBytes, packAddresses } from "./native-plan.ts";

test.each(["127.0.0.1", "255.255.255.255", "0.0.0.0", "10.99.0.2"])("bytes of %s", (text) => {
  expect(canonicalAddressFromBytes(addressBytes(text), 0, "ipv4")).toBe(text);
});

test.each(["::", "::1", "fe80::1", "2001:db8::", "2001:db8:1:2:3:4:5:6", "::ffff:1.2.3.4", "1::8", "64:ff9b::102:304"])(
  "bytes of %s",
  (text) => {
    expect(canonicalAddressFromBytes(addressBytes(text), 0, "ipv6")).toBe(text);
  },
);

test("socket addresses have the kernel's layout", () => {
  const packed = packAddresses([
    { family: "ipv4", address: "1.2.3.4", scopeId: 0 },
    { family: "ipv6", address: "fe80::5", scopeId: 3 },
  ]);
  expect([...packed.subarray(0, 8)]).toEqual([2, 0, 0, 0, 1, 2, 3, 4]);
  expect([...packed.subarray(32, 42)]).toEqual([10, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x80]);
  expect([...packed.subarray(55, 60)]).toEqual([5, 3, 0, 0, 0]);
});

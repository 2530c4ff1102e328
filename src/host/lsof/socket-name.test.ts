import { describe, expect, test } from "vitest";
import { parseSocketName } from "./socket-name.ts";

describe("names of sockets", () => {
  test.each([
    ["*:80", "ipv4", "0.0.0.0 80", null],
    ["*:80", "ipv6", ":: 80", null],
    ["127.0.0.1:8080", "ipv4", "127.0.0.1 8080", null],
    ["[::1]:8080", "ipv6", "::1 8080", null],
    ["127.0.0.1:58382->127.0.0.1:59219", "ipv4", "127.0.0.1 58382", "127.0.0.1 59219"],
    ["[::1]:41572->[::1]:9", "ipv6", "::1 41572", "::1 9"],
    // A dual-stack socket that speaks IPv4.
    ["127.0.0.1:57391->10.0.0.8:53942", "ipv6", "::ffff:127.0.0.1 57391", "::ffff:10.0.0.8 53942"],
    ["*:5353->*:*", "ipv4", "0.0.0.0 5353", null],
  ] as const)("%s of an %s socket", (name, family, local, remote) => {
    const ends = parseSocketName(name, family)!;
    expect(`${ends.local.address} ${ends.local.port}`).toBe(local);
    expect(ends.remote && `${ends.remote.address} ${ends.remote.port}`).toBe(remote);
    expect(ends.zone).toBeNull();
  });

  test("link-local addresses of BSD kernels carry their interface inside (KAME)", () => {
    expect(parseSocketName("[fe80:4::aede:48ff:fe00:1122]:49153->[fe80:4::1]:62078", "ipv6")).toEqual({
      local: { address: "fe80::aede:48ff:fe00:1122", port: 49_153 },
      remote: { address: "fe80::1", port: 62_078 },
      zone: "4",
    });
    expect(parseSocketName("[fe80:1e::1]:546", "ipv6")).toMatchObject({ local: { address: "fe80::1" }, zone: "30" });
    expect(parseSocketName("[fe80::1%en0]:546", "ipv6")).toMatchObject({ local: { address: "fe80::1" }, zone: "en0" });
    expect(parseSocketName("[fe80::aede:48ff:fe00:1122]:546", "ipv6")).toMatchObject({
      local: { address: "fe80::aede:48ff:fe00:1122" },
      zone: null,
    });
  });

  test.each(["", "*:*", "80", "*:99999", "*:-1", "*:http", "[::1:80", "a->b->c", "[::1]:80", "127.0.0.1:80->", "x:80"])(
    "%j is none of IPv4",
    (name) => {
      expect(parseSocketName(name, "ipv4")).toBeUndefined();
    },
  );
});

/** Texts after sysctl(8) of the systems: not run there. */
import { expect, test } from "vitest";
import { known, unknown } from "../../core/index.ts";
import { limitsOfSysctl, parseSysctl } from "./sysctl.ts";

const macos = `net.inet.ip.portrange.first: 49152
net.inet.ip.portrange.last: 65535
net.inet.ip.portrange.hifirst: 49152
net.inet.ip.portrange.hilast: 65535
net.inet6.ip6.v6only: 0
sysctl: unknown oid 'net.inet.ip.portrange.reservedhigh'
`;

test("macOS: any user may take a low port on the wildcard address since 10.14, and on no other", () => {
  const context = { platform: "darwin", release: "23.5.0", asRoot: false };
  expect(limitsOfSysctl(parseSysctl(macos), context)).toEqual({
    unprivilegedPortStart: known(1024),
    unprivilegedOnWildcard: true,
    ephemeralRange: known({ first: 49_152, last: 65_535 }),
    reservedPorts: unknown("unsupported"),
    mayBindPrivileged: known(false),
    v6onlyDefault: known(false),
    localNetworks: unknown("unsupported"),
    nonlocalBind: { ipv4: unknown("unsupported"), ipv6: unknown("unsupported") },
  });
  expect(limitsOfSysctl(parseSysctl(macos), { ...context, release: "17.7.0" })).not.toHaveProperty(
    "unprivilegedOnWildcard",
  );
});

test("FreeBSD says where privileged ports end", () => {
  const text = `net.inet.ip.portrange.first: 65535
net.inet.ip.portrange.last: 10000
net.inet.ip.portrange.reservedhigh: 80
net.inet6.ip6.v6only: 1
`;
  const limits = limitsOfSysctl(parseSysctl(text), { platform: "freebsd", release: "14.1", asRoot: true });
  expect(limits).toMatchObject({
    unprivilegedPortStart: known(81),
    ephemeralRange: known({ first: 10_000, last: 65_535 }),
    mayBindPrivileged: known(true),
    v6onlyDefault: known(true),
  });
  expect(limits).not.toHaveProperty("unprivilegedOnWildcard");
});

test("OpenBSD's form, and values that are none", () => {
  const text = `net.inet.ip.porthifirst=49152\nnet.inet.ip.porthilast=65535\n`;
  const context = { platform: "openbsd", release: "7.5", asRoot: false };
  expect(limitsOfSysctl(parseSysctl(text), context).ephemeralRange).toEqual(known({ first: 49_152, last: 65_535 }));
  for (const odd of [
    "",
    "net.inet.ip.portrange.first: 1\n",
    "net.inet.ip.portrange.first: -1\nnet.inet.ip.portrange.last: 99999\n",
  ]) {
    expect(limitsOfSysctl(parseSysctl(odd), context).ephemeralRange).toEqual(unknown("unsupported"));
  }
});

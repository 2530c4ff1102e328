import { describe, expect, test } from "vitest";
import { isPortolanError, known, type Port, type Socket } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { selectConnections, type ConnectionFilter } from "./connection-filter.ts";
import type { JoinedConnection } from "./connection-join.ts";

function connectionTo(address: string, port: number, more: Partial<Socket> = {}): JoinedConnection {
  const near: Socket = {
    transport: "tcp",
    family: address.includes(":") ? "ipv6" : "ipv4",
    state: "ESTABLISHED",
    local: { address: "10.0.0.1", port: 40_000 as Port },
    remote: { address, port: port as Port },
    v6only: null,
    boundInterface: known(null),
    inode: 1,
    uid: 0,
    receiveQueue: 0,
    sendQueue: known(0),
    ...more,
  };
  return { near, far: null, direction: "out", servicePort: port, nearLook: 0, farLook: 0 };
}

const nobody = { holdersOf: () => known([]) } as unknown as Snapshot;
function accepts(filter: ConnectionFilter, connection: JoinedConnection): boolean {
  return selectConnections(filter).accepts(connection, nobody);
}

describe("remote", () => {
  test.each([
    ["192.0.2.9", "192.0.2.9", true],
    ["192.0.2.9", "192.0.2.8", false],
    ["192.0.2.0/24", "192.0.2.255", true],
    ["192.0.2.77/24", "192.0.3.1", false],
    ["192.0.2.0/24", "::ffff:192.0.2.9", true],
    ["::ffff:192.0.2.0/120", "192.0.2.9", true],
    ["::ffff:192.0.2.0/120", "192.0.3.9", false],
    ["0.0.0.0/0", "192.0.2.9", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["::/0", "192.0.2.9", false],
  ])("%s and %s: %s", (remote, address, expected) => {
    expect(accepts({ remote }, connectionTo(address, 443))).toBe(expected);
  });

  test.each(["", "localhost", "192.0.2.0/33", "192.0.2.0/", "2001:db8::/129", "192.0.2", "1.2.3.4/24/24"])(
    "%j is refused by name",
    (remote) => {
      expect(() => selectConnections({ remote })).toThrow(/--remote/);
      try {
        selectConnections({ remote });
      } catch (error) {
        expect(isPortolanError(error, "ADDRESS_INVALID")).toBe(true);
      }
    },
  );
});

describe("state", () => {
  test.each([
    ["established", true],
    ["ESTAB", true],
    ["time-wait, Established", true],
    ["time-wait", false],
    ["fin-wait-1", false],
  ])("%s: %s", (state, expected) => {
    expect(accepts({ state }, connectionTo("192.0.2.9", 443))).toBe(expected);
  });

  test.each(["", "listen", "unconnected", "bound", "open", "established,"])("%j is refused", (state) => {
    expect(() => selectConnections({ state })).toThrow(/--state/);
  });

  test("of either end", () => {
    const half = { ...connectionTo("10.0.0.1", 443), far: connectionTo("10.0.0.1", 1, { state: "CLOSE_WAIT" }).near };
    expect(accepts({ state: "close-wait" }, half)).toBe(true);
  });
});

describe("ports", () => {
  test.each([
    [["443"], true],
    [["40000"], true],
    [["https", "22"], true],
    [["..1023"], true],
    [["8000-8100"], false],
  ])("%j: %s", (port, expected) => {
    expect(accepts({ port }, connectionTo("192.0.2.9", 443))).toBe(expected);
  });

  test.each(["nosuchservice", "70000", "5-", ""])("%j is refused or open-ended", (word) => {
    if (word === "5-") expect(selectConnections({ port: [word] }).ports?.size).toBe(65_531);
    else expect(() => selectConnections({ port: [word] })).toThrow();
  });
});

test("empty text to look for in processes is refused", () => {
  expect(() => selectConnections({ process: "" })).toThrow(/--process/);
});

import { describe, expect, test } from "vitest";
import { known, unknown, type Port, type Socket } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { joinLooks } from "./connection-looks.ts";

function socket(local: readonly [string, number], remote: readonly [string, number] | null): Socket {
  return {
    transport: "tcp",
    family: "ipv4",
    state: remote === null ? "LISTEN" : "ESTABLISHED",
    local: { address: local[0], port: local[1] as Port },
    remote: remote === null ? null : { address: remote[0], port: remote[1] as Port },
    v6only: null,
    boundInterface: known(null),
    inode: 1,
    uid: 0,
    receiveQueue: 0,
    sendQueue: known(0),
  };
}

function look(inode: number, sockets: readonly Socket[], others: readonly Snapshot[] = []): Snapshot {
  const facts: Partial<Snapshot> = {
    networkNamespace: known(`net:[${inode}]`),
    sockets,
    interfaces: [],
    limits: {
      unprivilegedPortStart: unknown("permission"),
      ephemeralRange: known({ first: 32_768, last: 60_999 }),
      reservedPorts: unknown("permission"),
      mayBindPrivileged: unknown("permission"),
      v6onlyDefault: unknown("permission"),
    },
    others,
  };
  return facts as Snapshot;
}

const host = ["10.88.0.1", 41_000] as const;
const web = ["10.88.0.5", 80] as const;
const listener = socket(["0.0.0.0", 80], null);
const call = socket(host, web);
const answer = socket(web, host);

describe("ends in two namespaces", () => {
  test("are one connection from the caller's to the called one's, whichever is looked at first", () => {
    const inside = look(1, [call], [look(2, [listener, answer])]);
    const expected = { near: call, far: answer, direction: "local", servicePort: 80 };
    expect(joinLooks(inside, inside)).toEqual([{ ...expected, nearLook: 0, farLook: 1 }]);
    const outside = look(2, [listener, answer], [look(1, [call])]);
    expect(joinLooks(outside, outside)).toEqual([{ ...expected, nearLook: 1, farLook: 0 }]);
  });

  test("are left apart when several could be meant", () => {
    const snapshot = look(1, [call], [look(2, [listener, answer]), look(3, [listener, answer])]);
    expect(joinLooks(snapshot, snapshot).map(({ near, far, direction }) => ({ near, far, direction }))).toEqual([
      { near: call, far: null, direction: "out" },
      { near: answer, far: null, direction: "in" },
      { near: answer, far: null, direction: "in" },
    ]);
  });

  test("on loopback never meet: each namespace has its own", () => {
    const near = socket(["127.0.0.1", 41_000], ["127.0.0.1", 80]);
    const far = socket(["127.0.0.1", 80], ["127.0.0.1", 41_000]);
    const snapshot = look(1, [near], [look(2, [listener, far])]);
    expect(joinLooks(snapshot, snapshot).map((connection) => connection.far)).toEqual([null, null]);
  });

  test("listeners of a second look are matched by the number of their namespace", () => {
    const snapshot = look(1, [], [look(2, [answer]), look(3, [call])]);
    const listening = look(1, [], [look(9, []), look(2, [listener])]);
    expect(joinLooks(snapshot, listening)).toEqual([
      { near: call, far: answer, direction: "local", servicePort: 80, nearLook: 2, farLook: 1 },
    ]);
  });
});

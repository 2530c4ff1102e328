import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { known, unknown, type Port, type Socket, type SocketState } from "../core/index.ts";
import { joinConnections, type JoinSurroundings } from "./connection-join.ts";

let inode = 1;

function socket(local: string, remote: string | null, more: Partial<Socket> = {}): Socket {
  return {
    transport: "tcp",
    family: local.startsWith("[") ? "ipv6" : "ipv4",
    state: remote === null ? "LISTEN" : "ESTABLISHED",
    local: end(local),
    remote: remote === null ? null : end(remote),
    v6only: null,
    boundInterface: known(null),
    inode: inode++,
    uid: 0,
    receiveQueue: 0,
    sendQueue: known(0),
    traffic: unknown("unsupported"),
    ...more,
  };
}

function end(text: string): Socket["local"] {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(text) ?? [];
  return { address: bracketed ?? plain ?? "", port: Number(port) as Port };
}

function join(sockets: readonly Socket[], more: Partial<JoinSurroundings> = {}) {
  return joinConnections(sockets, {
    listeners: sockets,
    ownAddresses: ["10.0.0.1", "2001:db8::1"],
    ephemeralRange: { first: 32_768, last: 60_999 },
    ...more,
  });
}

describe("two ends on this machine", () => {
  const client = socket("127.0.0.1:40000", "127.0.0.1:5432");
  const server = socket("127.0.0.1:5432", "127.0.0.1:40000");

  test.each([
    ["the caller's first", [client, server]],
    ["the called one's first", [server, client]],
  ])("are one row from caller to called, %s", (_, pair) => {
    const listener = socket("0.0.0.0:5432", null);
    expect(join([listener, ...pair])).toMatchObject([
      { near: client, far: server, direction: "local", servicePort: 5432 },
    ]);
  });

  test("are told apart by the kernel's range for callers when nobody listens any more", () => {
    expect(join([server, client])).toMatchObject([
      { near: client, far: server, direction: "local", servicePort: 5432 },
    ]);
    const odd = [socket("127.0.0.1:40000", "127.0.0.1:40001"), socket("127.0.0.1:40001", "127.0.0.1:40000")] as const;
    expect(join(odd)).toMatchObject([{ near: odd[0], far: odd[1], direction: "local", servicePort: null }]);
  });

  test("meet though one is IPv4 and the other IPv4-mapped", () => {
    const mapped = socket("[::ffff:127.0.0.1]:8080", "[::ffff:127.0.0.1]:40000");
    const plain = socket("127.0.0.1:40000", "127.0.0.1:8080");
    const listener = socket("[::]:8080", null, { v6only: known(false) });
    expect(join([listener, mapped, plain])).toMatchObject([
      { near: plain, far: mapped, direction: "local", servicePort: 8080 },
    ]);
  });

  test("do not meet across transports, ports or addresses", () => {
    const others = [
      socket("127.0.0.1:40000", "127.0.0.1:5433"),
      socket("127.0.0.2:5432", "127.0.0.1:40000"),
      socket("127.0.0.1:5432", "127.0.0.1:40000", { transport: "udp" }),
    ];
    expect(join([client, ...others]).map(({ far }) => far)).toEqual([null, null, null, null]);
  });

  test("a socket connected with itself is one end", () => {
    const self = socket("127.0.0.1:40000", "127.0.0.1:40000");
    expect(join([self])).toMatchObject([{ near: self, far: null, direction: "local", servicePort: null }]);
  });

  test("what is left of one keeps its place and its service", () => {
    const waiting = socket("127.0.0.1:5432", "127.0.0.1:40000", { state: "TIME_WAIT", inode: 0 });
    expect(join([waiting])).toMatchObject([{ near: waiting, far: null, direction: "local", servicePort: 5432 }]);
    const caller = socket("10.0.0.1:40000", "10.0.0.1:5432", { state: "SYN_SENT" });
    expect(join([caller])).toMatchObject([{ near: caller, far: null, direction: "local", servicePort: 5432 }]);
    const unclear = socket("127.0.0.1:40000", "127.0.0.1:40001", { state: "TIME_WAIT", inode: 0 });
    expect(join([unclear])).toMatchObject([{ near: unclear, far: null, direction: "local", servicePort: null }]);
  });

  test("every two that mirror each other meet, and no others", () => {
    const address = fc.constantFrom("127.0.0.1", "127.0.0.2", "10.0.0.1", "192.0.2.1", "[::1]", "[::ffff:127.0.0.1]");
    const place = fc.tuple(address, fc.integer({ min: 1, max: 4 })).map(([host, port]) => `${host}:${port}`);
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(place, place), { selector: plainKey, maxLength: 60 }), (ends) => {
        const sockets = ends.map(([local, remote]) => socket(local, remote));
        const met = join(sockets).flatMap(({ near, far }) => (far === null ? [] : [keyOf(near), keyOf(far)]));
        const keys = new Set(sockets.map(keyOf));
        const expected = sockets
          .filter((one) => keys.has(turnedKeyOf(one)) && keyOf(one) !== turnedKeyOf(one))
          .map(keyOf);
        expect(met.toSorted()).toEqual(expected.toSorted());
      }),
    );
  });

  test("50,000 pairs find their own partners", () => {
    const sockets: Socket[] = [];
    for (let index = 0; index < 50_000; index++) {
      const near = `127.0.${index >> 10}.1:${32_768 + (index & 1023)}`;
      sockets.push(socket(near, "127.0.0.1:80"));
    }
    const servers = sockets.map(({ local }) => socket("127.0.0.1:80", `${local.address}:${local.port}`));
    const joined = join([...servers, ...sockets]);
    expect(joined).toHaveLength(50_000);
    expect(
      joined.every(
        ({ near, far }) => near.local.port === far?.remote?.port && near.local.address === far.remote.address,
      ),
    ).toBe(true);
  });
});

describe("one end here", () => {
  const states: readonly SocketState[] = ["ESTABLISHED", "CLOSE_WAIT", "TIME_WAIT"];

  test.each(states)("is in when a listener has its port, %s", (state) => {
    const incoming = socket("10.0.0.1:22", "192.0.2.9:51000", { state });
    for (const place of ["0.0.0.0:22", "10.0.0.1:22", "[::]:22"]) {
      expect(join([socket(place, null), incoming])).toMatchObject([
        { near: incoming, far: null, direction: "in", servicePort: 22 },
      ]);
    }
  });

  test("a listener at another address or of another transport takes no calls", () => {
    const outgoing = socket("10.0.0.1:40000", "192.0.2.9:443");
    const listeners = [
      socket("127.0.0.1:40000", null),
      socket("0.0.0.0:40000", null, { transport: "udp", state: "UNCONNECTED" }),
    ];
    expect(join([...listeners, outgoing])).toMatchObject([
      { near: outgoing, far: null, direction: "out", servicePort: 443 },
    ]);
  });

  test("is unknown when nobody listens on a port that callers are not given", () => {
    const left = socket("10.0.0.1:8080", "192.0.2.9:51000");
    expect(join([left])).toMatchObject([{ near: left, far: null, direction: "unknown", servicePort: null }]);
    const calling = socket("10.0.0.1:800", "192.0.2.9:2049", { state: "SYN_SENT" });
    expect(join([calling])).toMatchObject([{ near: calling, far: null, direction: "out", servicePort: 2049 }]);
    const called = socket("10.0.0.1:8080", "192.0.2.9:51000", { state: "SYN_RECEIVED" });
    expect(join([called])[0]?.direction).toBe("in");
  });

  test("listeners and bound sockets are no connections", () => {
    expect(join([socket("0.0.0.0:80", null), socket("0.0.0.0:81", null, { state: "BOUND" })])).toEqual([]);
  });
});

function plain({ address, port }: Socket["local"]): string {
  return `${address.replace("::ffff:", "")} ${port}`;
}

function keyOf({ local, remote }: Socket): string {
  return `${plain(local)} ${plain(remote!)}`;
}

function turnedKeyOf({ local, remote }: Socket): string {
  return `${plain(remote!)} ${plain(local)}`;
}

function plainKey([local, remote]: readonly [string, string]): string {
  return `${plain(end(local))} ${plain(end(remote))}`;
}

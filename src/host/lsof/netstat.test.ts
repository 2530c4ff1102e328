/** Text after netstat(1) of macOS and FreeBSD: not run there. */
import { describe, expect, test } from "vitest";
import { known, unknown } from "../../core/index.ts";
import { parseFieldOutput } from "./field-output.ts";
import { completeByNetstat, parseNetstat } from "./netstat.ts";
import { listSockets, type SocketChoice } from "./socket-list.ts";

const text = `Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)    
tcp4       0      0  127.0.0.1.3000         127.0.0.1.50001        ESTABLISHED
tcp4       5      7  192.168.1.23.50002     1.2.3.4.443            TIME_WAIT  
tcp46      0      0  *.3000                 *.*                    LISTEN     
tcp6       0      0  *.4000                 *.*                    LISTEN     
tcp4       0      0  *.88                   *.*                    LISTEN     
tcp4       0      0  *.*                    *.*                    CLOSED     
tcp4       0      0  127.0.0.1.4001         *.*                    CLOSED     
tcp6       0      0  fe80::1%lo0.546        *.*                    LISTEN     
udp4       0      0  *.5353                 *.*                               
udp46      0      0  *.3000                 *.*                               
icm4       0      0  *.*                    *.*                               
udp4       0      0  300.1.1.1.5353         *.*                               
`;

const everything: SocketChoice = { states: "all", ports: undefined };

function complete(fields: string, choice = everything) {
  const list = listSockets(parseFieldOutput(Buffer.from(fields.replaceAll("|", "\0"))), choice);
  return completeByNetstat(list, parseNetstat(text), choice);
}

test("rows with a port", () => {
  const rows = parseNetstat(text);
  expect(rows.map(({ transport, version, local }) => `${transport}${version} ${local.address} ${local.port}`)).toEqual([
    "tcp4 127.0.0.1 3000",
    "tcp4 192.168.1.23 50002",
    "tcp46 :: 3000",
    "tcp6 :: 4000",
    "tcp4 0.0.0.0 88",
    "tcp4 127.0.0.1 4001",
    "tcp6 fe80::1 546",
    "udp4 0.0.0.0 5353",
    "udp46 :: 3000",
  ]);
  expect(rows[1]).toMatchObject({ receiveQueue: 5, sendQueue: 7, remote: { address: "1.2.3.4", port: 443 } });
  expect(rows[6]?.zone).toBe("lo0");
});

describe("together with lsof", () => {
  const fields =
    "p501|u501|\nf21|tIPv6|d0x81|PTCP|n*:3000|TST=LISTEN|\nf22|tIPv6|d0x82|PTCP|n*:4000|TST=LISTEN|\n" +
    "f23|tIPv6|d0x83|PTCP|n127.0.0.1:3000->127.0.0.1:50001|TST=ESTABLISHED|\n";

  test("netstat tells which IPv6 listeners take IPv4", () => {
    const [dual, sole, connected] = complete(fields);
    expect([dual?.v6only, sole?.v6only]).toEqual([known(false), known(true)]);
    expect(connected?.v6only).toEqual(unknown("unsupported"));
  });

  test("each socket that lsof sees stands once, the others behind with numbers of their own", () => {
    const sockets = complete(fields);
    expect(
      sockets.map(({ transport, state, local }) => `${transport} ${state} ${local.address} ${local.port}`),
    ).toEqual([
      "tcp LISTEN :: 3000",
      "tcp LISTEN :: 4000",
      "tcp ESTABLISHED ::ffff:127.0.0.1 3000",
      "tcp TIME_WAIT 192.168.1.23 50002",
      "tcp LISTEN 0.0.0.0 88",
      "tcp BOUND 127.0.0.1 4001",
      "tcp LISTEN fe80::1 546",
      "udp UNCONNECTED 0.0.0.0 5353",
      "udp UNCONNECTED :: 3000",
    ]);
    expect(sockets[3]?.inode).toBe(0);
    const others = sockets.slice(4).map(({ inode }) => inode);
    expect(new Set(others).size).toBe(others.length);
    expect(complete(fields).map(({ inode }) => inode)).toEqual(sockets.map(({ inode }) => inode));
  });

  test("only what was asked for, and what lsof saw of the rest is not added again", () => {
    const ports = new Set([3000]);
    expect(complete(fields, { states: "listening", ports: undefined })).toHaveLength(7 - 1);
    expect(complete(fields, { states: "all", ports })).toHaveLength(3);
    expect(complete(fields, { states: "listening", ports }).map(({ transport }) => transport)).toEqual(["tcp", "udp"]);
  });

  test("two sockets of one address (SO_REUSEPORT) need two rows", () => {
    const twice = "p1|u0|\nf1|tIPv4|d0x1|PTCP|n*:88|TST=LISTEN|\nf2|tIPv4|d0x2|PTCP|n*:88|TST=LISTEN|\n";
    expect(complete(twice, { states: "all", ports: new Set([88]) })).toHaveLength(2);
    const once = "p1|u0|\nf1|tIPv4|d0x1|PTCP|n*:88|TST=LISTEN|\n";
    expect(complete(once, { states: "all", ports: new Set([88]) })).toHaveLength(1);
  });
});

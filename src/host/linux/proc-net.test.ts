import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { isPortolanError, type Socket } from "../../core/index.ts";
import { createRowParser, readProcSockets, type TableRequest } from "./proc-net.ts";

const everything: TableRequest = { states: "all", ports: undefined };
const listening: TableRequest = { states: "listening", ports: undefined };

// Captured from Linux 6.18.
const tcpText = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 23456 1 0000000000000000 100 0 0 10 0                     
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0                     
   2: 0A01A8C0:A4D2 08080808:01BB 01 0000001C:00000102 01:00000016 00000000  1000        0 34567 2 0000000000000000 22 4 30 10 -1                    
   3: 0100007F:1F90 0100007F:C350 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0000000000000000                                      
`;
const tcp6Text = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 45678 1 0000000000000000 100 0 0 10 0
   1: 0000000000000000FFFF00000100007F:0BB8 0000000000000000FFFF00000100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 45679 1 0000000000000000 20 4 30 10 -1
   2: 000080FE00000000FF005450B69FAEFE:0BB9 00000000000000000000000001000000:0050 08 00000000:00000000 00:00000000 00000000  1000        0 45680 1 0000000000000000 20 4 30 10 -1
`;
const udpText = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            
  453: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000   110        0 19001 2 0000000000000000 0         
 1021: 0A01A8C0:B1B1 08080808:0035 01 00000000:00000000 00:00000000 00000000  1000        0 19002 2 0000000000000000 0         
`;

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function saveTree(files: Readonly<Record<string, string>>): { root: string } {
  const root = mkdtempSync(join(tmpdir(), "portolan-proc-net-"));
  folders.push(root);
  mkdirSync(join(root, "proc/net"), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, "proc/net", name), text);
  return { root };
}

function parse(text: string | Uint8Array, request = everything, transport: "tcp" | "udp" = "tcp"): Socket[] {
  const sockets: Socket[] = [];
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  createRowParser(transport, "ipv4", request, sockets)(bytes, bytes.length, true);
  return sockets;
}

/** The line with which every table opens. */
const head = `${tcpText.split("\n")[0]}\n`;

describe("the kernel's text", () => {
  test("every fact of a row is read", () => {
    const [listener, , connection, waiting] = readProcSockets(saveTree({ tcp: tcpText }), everything);
    expect(listener).toEqual({
      transport: "tcp",
      family: "ipv4",
      state: "LISTEN",
      local: { address: "127.0.0.1", port: 8080 },
      remote: null,
      v6only: null,
      boundInterface: { known: false, why: "unsupported" },
      inode: 23456,
      uid: 1000,
      receiveQueue: 3,
      sendQueue: { known: false, why: "unsupported" },
    });
    expect(connection).toMatchObject({
      state: "ESTABLISHED",
      local: { address: "192.168.1.10", port: 42194 },
      remote: { address: "8.8.8.8", port: 443 },
      receiveQueue: 258,
      sendQueue: { known: true, value: 28 },
    });
    expect(waiting).toMatchObject({ state: "TIME_WAIT", inode: 0, remote: { address: "127.0.0.1", port: 50000 } });
  });

  test("IPv6 words are turned and mapped addresses named as such", () => {
    const sockets = readProcSockets(saveTree({ tcp: head, tcp6: tcp6Text }), everything);
    expect(sockets.map(({ local, remote, state }) => [local.address, remote?.address ?? null, state])).toEqual([
      ["::", null, "LISTEN"],
      ["::ffff:127.0.0.1", "::ffff:127.0.0.1", "ESTABLISHED"],
      ["fe80::5054:ff:feae:9fb6", "::1", "CLOSE_WAIT"],
    ]);
    expect(sockets[0]?.v6only).toEqual({ known: false, why: "unsupported" });
  });

  test("UDP with a peer is established, without one it is unconnected", () => {
    const tree = saveTree({ tcp: head, udp: udpText });
    expect(readProcSockets(tree, everything).map((socket) => [socket.state, socket.local.port])).toEqual([
      ["UNCONNECTED", 5353],
      ["ESTABLISHED", 45489],
    ]);
    expect(readProcSockets(tree, listening).map((socket) => socket.local.port)).toEqual([5353]);
  });

  test("reading for listeners stops at the first row that is none", () => {
    const moved = tcpText + tcpText.split("\n")[1] + "\n";
    expect(parse(moved, listening).map((socket) => socket.local.port)).toEqual([8080, 22]);
    expect(parse(moved, everything)).toHaveLength(5);
  });

  test("ports match on either end", () => {
    expect(parse(tcpText, { states: "all", ports: new Set([443, 50000]) }).map((socket) => socket.state)).toEqual([
      "ESTABLISHED",
      "TIME_WAIT",
    ]);
  });

  test("a table larger than one read loses no row", () => {
    const row = tcpText.split("\n")[1]!;
    const rows = Array.from({ length: 5000 }, (_, index) =>
      row.replace("1F90", (1000 + index).toString(16).toUpperCase().padStart(4, "0")),
    );
    const sockets = readProcSockets(saveTree({ tcp: `${tcpText.split("\n")[0]}\n${rows.join("\n")}\n` }), listening);
    expect(sockets.map((socket) => socket.local.port)).toEqual(rows.map((_, index) => 1000 + index));
  });
});

describe("text that is odd", () => {
  const good = tcpText.split("\n")[1]!;
  test.each([
    ["a torn row", good.slice(0, 40)],
    ["a row without an inode", good.slice(0, 88)],
    ["an unknown state", good.replace(" 0A ", " 7F ")],
    ["a port of five digits", good.replace("1F90", "1F901")],
    ["an address of another size", good.replace("0100007F", "0100007F00000000")],
    ["an address that is no number", good.replace("0100007F", "0100Z07F")],
    ["nothing but spaces", "   "],
    ["NULs", "\0\0\0"],
  ])("%s is left out and the next row is read", (_name, odd) => {
    expect(parse(`${odd}\n${good}\n`).map((socket) => socket.inode)).toEqual([23456]);
  });

  test("a line of a megabyte is passed over", () => {
    const tree = saveTree({ tcp: `${head}${"9".repeat(1_000_000)}\n${good}\n` });
    expect(readProcSockets(tree, listening).map((socket) => socket.inode)).toEqual([23456]);
  });

  test("a last row without a newline counts", () => {
    expect(parse(good)).toHaveLength(1);
  });

  test("no bytes make the parser throw", () => {
    const mutated = fc
      .tuple(fc.nat(tcpText.length - 1), fc.string({ maxLength: 12 }))
      .map(([at, text]) => tcpText.slice(0, at) + text + tcpText.slice(at + text.length));
    fc.assert(
      fc.property(
        fc.oneof(
          mutated.map((text) => Buffer.from(text)),
          fc.uint8Array({ maxLength: 400 }),
        ),
        (bytes) => {
          for (const socket of parse(bytes)) {
            expect(socket.local.port).toBeLessThan(65536);
            expect(Number.isSafeInteger(socket.inode)).toBe(true);
          }
        },
      ),
    );
  });
});

test("a folder without tables is refused, a kernel without IPv6 is not", () => {
  expect(readProcSockets(saveTree({ tcp: tcpText }), listening)).toHaveLength(2);
  let failure: unknown;
  try {
    readProcSockets({ root: join(tmpdir(), "portolan-nothing-here") }, listening);
  } catch (error) {
    failure = error;
  }
  expect(isPortolanError(failure, "SNAPSHOT_ROOT_INVALID")).toBe(true);
});

import { describe, expect, test } from "vitest";
import { known, unknown } from "../../core/index.ts";
import { parseFieldOutput } from "./field-output.ts";
import { listSockets, type SocketChoice } from "./socket-list.ts";

const everything: SocketChoice = { states: "all", ports: undefined };

function listText(text: string, choice = everything, names?: ReadonlyMap<number, string>) {
  return listSockets(parseFieldOutput(Buffer.from(text.replaceAll("|", "\0"))), choice, names);
}

describe("lsof on Linux", () => {
  test("a socket of several processes and descriptors stands once, with all its holders", () => {
    const { sockets, holders } = listText(
      "p20|u0|\nf7|tIPv4|d500|PTCP|n*:80|TST=LISTEN|TQR=2|TQS=0|\nf5|tIPv4|d500|PTCP|n*:80|TST=LISTEN|\n" +
        "p3|u33|\nf5|tIPv4|d500|PTCP|n*:80|TST=LISTEN|\n",
    );
    expect(sockets).toEqual([
      {
        transport: "tcp",
        family: "ipv4",
        state: "LISTEN",
        local: { address: "0.0.0.0", port: 80 },
        remote: null,
        v6only: null,
        boundInterface: unknown("unsupported"),
        inode: 500,
        uid: 0,
        receiveQueue: 2,
        sendQueue: unknown("unsupported"),
      },
    ]);
    expect(holders.get(500)).toEqual([
      { pid: 3, fileDescriptors: [5] },
      { pid: 20, fileDescriptors: [5, 7] },
    ]);
  });

  test("a descriptor from 10000 on is cut by lsof, so the holder is named without it", () => {
    const { holders } = listText("p9|u0|\nf*345|tIPv4|d1|PTCP|n*:80|TST=LISTEN|\n");
    expect(holders.get(1)).toEqual([{ pid: 9, fileDescriptors: [] }]);
  });

  test("UDP without and with a peer", () => {
    const { sockets } = listText(
      "p9|u0|\nf3|tIPv4|d1|PUDP|n*:53|\nf4|tIPv6|d2|PUDP|n[::1]:5000->[::1]:53|TQR=0|TQS=7|\n",
    );
    expect(sockets.map(({ state }) => state)).toEqual(["UNCONNECTED", "ESTABLISHED"]);
    expect(sockets[1]!.sendQueue).toEqual(known(7));
  });

  test("only what was asked for", () => {
    const text =
      "p9|u0|\nf3|tIPv4|d1|PTCP|n*:80|TST=LISTEN|\nf4|tIPv4|d2|PTCP|n127.0.0.1:80->127.0.0.1:5000|TST=ESTABLISHED|\nf5|tIPv4|d3|PUDP|n*:53|\n";
    const inodes = (choice: SocketChoice) => listText(text, choice).sockets.map(({ inode }) => inode);
    expect(inodes(everything)).toEqual([1, 2, 3]);
    expect(inodes({ states: "listening", ports: undefined })).toEqual([1, 3]);
    expect(inodes({ states: "all", ports: new Set([5000]) })).toEqual([2]);
    const none = listText(text, { states: "listening", ports: new Set() });
    expect([none.sockets.length, none.all.length]).toEqual([0, 3]);
  });

  test("hostile or strange rows are left out, the others stay", () => {
    const { sockets } = listText(
      "p9|u0|\nf3|tsock|d1|n protocol: TCP|\nf4|tIPv4|d2|PICMP|n*:1|\nf5|tIPv4|d3|PTCP|n*:99999|TST=LISTEN|\n" +
        "f6|tIPv4|d4|PTCP|n*:80|TST=DANCING|\nf7|tIPv4|d5|PTCP|n*:81|TST=LISTEN|TQR=99999999999999999999|T|Tx|\n",
    );
    expect(sockets).toMatchObject([{ inode: 5, receiveQueue: 0 }]);
  });
});

/** Written after lsof(8) and the sources of lsof's darwin dialect: not run on macOS. */
describe("lsof on macOS (documented format, not run there)", () => {
  const text =
    "p501|u501|\nfcwd|tDIR|n/Users/ada/r\\xc3\\xa9sum\\xc3\\xa9\\tx|\n" +
    "f21|tIPv6|d0x8b2c3d4e5f607182|PTCP|n*:3000|TST=LISTEN|TSO=ACCEPTCONN,PQLEN=0,QLEN=3,QLIM=511,RCVBUF=131072|TQR=0|TQS=0|\n" +
    "f22|tIPv6|d0x8b2c3d4e5f607183|PTCP|n[fe80:4::1]:49153->[fe80:4::2]:62078|TST=ESTABLISHED|\n" +
    "f23|tIPv4|d0x8b2c3d4e5f607184|PTCP|n127.0.0.1:4000|TST=CLOSED|\n" +
    "f24|tIPv4|d0x8b2c3d4e5f607185|PUDP|n*:*|\n" +
    "p502|u501|\nf9|tIPv6|d0x8b2c3d4e5f607182|PTCP|n*:3000|TST=LISTEN|\n";

  test("sockets are told apart by the address of their control block", () => {
    const { sockets, holders } = listText(text, everything, new Map([[4, "en0"]]));
    expect(sockets.map(({ state, local }) => `${state} ${local.address} ${local.port}`)).toEqual([
      "LISTEN :: 3000",
      "ESTABLISHED fe80::1 49153",
      "BOUND 127.0.0.1 4000",
    ]);
    expect(new Set(sockets.map(({ inode }) => inode)).size).toBe(3);
    expect(sockets.every(({ inode }) => Number.isSafeInteger(inode) && inode > 0)).toBe(true);
    expect(holders.get(sockets[0]!.inode)?.map(({ pid }) => pid)).toEqual([501, 502]);
    expect(sockets[0]).toMatchObject({ receiveQueue: 3, sendQueue: known(511) });
    expect(sockets[1]!.boundInterface).toEqual(known("en0"));
    expect(sockets[0]!.v6only).toEqual(unknown("unsupported"));
  });

  test("working directories come with their bytes again", () => {
    expect(listText(text).workingDirectories).toEqual(new Map([[501, "/Users/ada/résumé\tx"]]));
  });

  test("without an address each row is a socket of its own", () => {
    const { sockets } = listText("p1|u0|\nf3|tIPv4|PTCP|n*:80|TST=LISTEN|\nf4|tIPv4|PTCP|n*:81|TST=LISTEN|\n");
    expect(new Set(sockets.map(({ inode }) => inode)).size).toBe(2);
  });

  test("states by the names of the BSDs", () => {
    const named = ["SYN_RCVD", "FIN_WAIT_1", "FIN_WAIT_2", "LAST_ACK", "CLOSE_WAIT"].map(
      (state) => listText(`p1|u0|\nf3|tIPv4|d0x1|PTCP|n1.2.3.4:80->1.2.3.5:81|TST=${state}|\n`).sockets[0]?.state,
    );
    expect(named).toEqual(["SYN_RECEIVED", "FIN_WAIT_1", "FIN_WAIT_2", "LAST_ACK", "CLOSE_WAIT"]);
  });
});

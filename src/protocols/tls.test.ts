/**
 * @module TLS: the handshake as proof, and a client's hello read from a real one and from broken ones.
 */
import { createServer, type AddressInfo, type Socket } from "node:net";
import { connect } from "node:tls";
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { recordingOf, replay } from "../../test/support/replay.ts";
import type { Sniff } from "./protocol.ts";
import { latin1Bytes } from "./talk.ts";
import { tls } from "./tls.ts";

describe("the probe", () => {
  test.each(["nginx", "caddy"])("%s proves itself by its handshake", (name) => {
    const { verdict, sent } = replay(tls, readCapture("tls", name));
    expect(verdict).toMatchObject({ outcome: "proved", facts: [] });
    expect(verdict.evidence).toMatch(/^handshake of TLSv1\.[23] with TLS_/);
    expect(sent).toEqual([]);
  });

  test("a failed handshake proves nothing; one that TLS itself refused is a hint", () => {
    expect(replay(tls, readCapture("tls", "plain-http-server")).verdict.outcome).toBe("other");
    expect(replay(tls, readCapture("tls", "caddy-wants-server-name")).verdict.outcome).toBe("suggested");
  });

  test("no encryption, no proof", () => {
    expect(replay(tls, recordingOf([])).verdict.outcome).toBe("other");
  });

  test("a server's alert or hello is recognised, other bytes are not", () => {
    const recognise = (hex: string): string => tls.recognise!(new Uint8Array(Buffer.from(hex, "hex")));
    expect(recognise("15030300020228")).toBe("match");
    expect(recognise("160303007a02000076")).toBe("match");
    expect(recognise("150303")).toBe("more");
    for (const hex of ["48545450", "1602", "160305", "15030300030228", "150303000203", "160303007a01"]) {
      expect(recognise(hex), hex).toBe("no");
    }
  });
});

/** The first flight of Node's own TLS client. */
async function captureHello(serverName: string, alpn: readonly string[]): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket: Socket) => {
      socket.once("data", (bytes: Uint8Array) => {
        socket.destroy();
        server.close();
        resolve(new Uint8Array(bytes));
      });
      socket.on("error", () => undefined);
    });
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      const options = { host: "127.0.0.1", port, ALPNProtocols: [...alpn], servername: serverName };
      connect({ ...options, rejectUnauthorized: false }).on("error", () => undefined);
    });
  });
}

const sniff = (bytes: Uint8Array): Sniff => tls.sniff!(bytes, "tcp");
const bytesOf = (...parts: (Uint8Array | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));
const sized = (size: 1 | 2 | 3, body: Uint8Array): Uint8Array =>
  bytesOf([body.length >> 16, body.length >> 8, body.length].map((part) => part & 255).slice(3 - size), body);

/** The handshake message cut into records of that many bytes. */
function inRecords(message: Uint8Array, fragment: number): Uint8Array {
  const records: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += fragment) {
    records.push(bytesOf([0x16, 3, 1], sized(2, message.subarray(at, at + fragment))));
  }
  return bytesOf(...records);
}

function helloOf(extensions: Uint8Array | null, suites = [0x13, 0x01]): Uint8Array {
  const vectors = [sized(1, bytesOf([])), sized(2, bytesOf(suites)), sized(1, bytesOf([0]))];
  const body = bytesOf([3, 3], new Uint8Array(32), ...vectors, extensions === null ? [] : sized(2, extensions));
  return bytesOf([1], sized(3, body));
}

const extension = (type: number, body: Uint8Array): Uint8Array => bytesOf([0, type], sized(2, body));
const serverNameOf = (name: string): Uint8Array => extension(0, sized(2, bytesOf([0], sized(2, latin1Bytes(name)))));

describe("a client's hello", () => {
  test("a real one yields server name and ALPN, and every shorter part of it wants more", async () => {
    const hello = await captureHello("app.Test", ["h2", "http/1.1"]);
    expect(sniff(hello)).toEqual({ verdict: "match", serverName: "app.test", alpn: ["h2", "http/1.1"] });
    for (let length = 0; length < hello.length; length++) {
      expect(sniff(hello.subarray(0, length)), String(length)).toEqual({ verdict: "more" });
    }
    const message = hello.subarray(5);
    for (const fragment of [1, 3, 4, 50, 511]) {
      expect(sniff(inRecords(message, fragment)), String(fragment)).toMatchObject({ serverName: "app.test" });
    }
  });

  test("without extensions it is one too", () => {
    expect(sniff(inRecords(helloOf(null), 99))).toEqual({ verdict: "match" });
    expect(sniff(inRecords(helloOf(bytesOf([])), 99))).toEqual({ verdict: "match" });
  });

  test("a name that is not plain ASCII is left out", () => {
    expect(sniff(inRecords(helloOf(serverNameOf("a\u0000b\u001b[m")), 999))).toEqual({ verdict: "match" });
  });

  test("what breaks a rule of the format is none", () => {
    const broken: [string, Uint8Array][] = [
      ["another record", bytesOf([0x17, 3, 3, 0, 1, 1])],
      ["an empty record", bytesOf([0x16, 3, 1, 0, 0])],
      ["SSLv2", bytesOf([0x16, 2])],
      ["a record that is too long", bytesOf([0x16, 3, 1, 0x40, 1])],
      ["another message", bytesOf([0x16, 3, 1, 0, 9, 2])],
      ["a hello that is longer than is waited for", bytesOf([0x16, 3, 1, 0x40, 0, 1, 0, 0x40, 0])],
      ["two records of different kinds", bytesOf(inRecords(helloOf(null).subarray(0, 20), 20), [0x15])],
      ["an odd number of suite bytes", inRecords(helloOf(null, [0x13, 0x01, 0x13]), 999)],
      ["no suites", inRecords(helloOf(null, []), 999)],
      ["one extension twice", inRecords(helloOf(bytesOf(serverNameOf("a"), serverNameOf("b"))), 999)],
      ["an extension that is too long", inRecords(helloOf(bytesOf([0, 9, 0, 9, 1])), 999)],
      ["an empty server name", inRecords(helloOf(serverNameOf("")), 999)],
      ["an empty list of names", inRecords(helloOf(extension(0, bytesOf([0, 0]))), 999)],
      ["a broken ALPN list", inRecords(helloOf(extension(16, bytesOf([0, 3, 9, 104, 50]))), 999)],
    ];
    for (const [what, bytes] of broken) expect(sniff(bytes), what).toEqual({ verdict: "no" });
  });

  test("one that grows for ever is given up at 16 KiB", () => {
    const message = bytesOf([1, 0, 0x3f, 0], new Uint8Array(16_128));
    const bytes = inRecords(message, 1);
    expect(sniff(bytes.subarray(0, 16_383)).verdict).not.toBe("match");
    expect(sniff(bytes)).toEqual({ verdict: "no" });
  });

  test("random bytes never throw and never match", () => {
    let state = 1;
    const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 24;
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from({ length: 11 + (random() % 120) }, random);
      bytes.set([0x16, 3, 1, 0, 0x60, 1, 0, 0, 0x5c, 3, 3]);
      expect(["no", "more"]).toContain(sniff(bytes).verdict);
    }
    expect(tls.sniff!(inRecords(helloOf(null), 99), "udp")).toEqual({ verdict: "no" });
  });
});

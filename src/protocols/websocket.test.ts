/**
 * @module WebSocket's proof by hash, and the SHA-1 and Base64 beneath it.
 */
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { recordingOf, replay, toHex } from "../../test/support/replay.ts";
import type { HttpPage } from "./protocol.ts";
import { encodeBase64, hashSha1 } from "./sha1.ts";
import { latin1Bytes } from "./talk.ts";
import { websocket } from "./websocket.ts";

describe("the probe", () => {
  test("mosquitto proves itself by the hash of our key, and is left in order", () => {
    const { verdict, sent } = replay(websocket, readCapture("websocket", "mosquitto"));
    expect(verdict).toMatchObject({ outcome: "proved", facts: [] });
    const close = Buffer.from(sent[1]!, "hex");
    expect([close[0], close[1], close[6]! ^ close[2]!, close[7]! ^ close[3]!]).toEqual([0x88, 0x82, 0x03, 0xe8]);
  });

  test("the hash of another key, or none, proves nothing", () => {
    const capture = readCapture("websocket", "mosquitto");
    expect(replay(websocket, { ...capture, seed: capture.seed + 1 }).verdict.outcome).toBe("other");
    const bare = recordingOf([["<", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"]]);
    expect(replay(websocket, bare).verdict.outcome).toBe("other");
  });

  test("a page instead, another protocol, and silence", () => {
    expect(replay(websocket, readCapture("websocket", "nginx-refuses")).verdict.outcome).toBe("other");
    expect(replay(websocket, recordingOf([["<", "+OK\r\n"]])).verdict.outcome).toBe("other");
    expect(replay(websocket, recordingOf([], { after: "ended" })).verdict.outcome).toBe("silent");
  });

  test("it is asked where a page wants an upgrade", () => {
    const page = (status: number, headers: [string, string][], body = ""): HttpPage => ({
      httpVersion: "1.1",
      status,
      headers: new Map(headers),
      body,
      keepsAlive: true,
    });
    const asks = (at: HttpPage): boolean => websocket.worthAsking!(at, 1);
    expect(asks(page(426, []))).toBe(true);
    expect(asks(page(400, [["upgrade", "WebSocket"]]))).toBe(true);
    expect(asks(page(400, [["sec-websocket-version", "13"]]))).toBe(true);
    expect(asks(page(400, [], "Bad Request: not a WebSocket handshake"))).toBe(true);
    expect(asks(page(200, [], "a page about WebSocket"))).toBe(false);
    expect(asks(page(404, [["upgrade", "h2c"]]))).toBe(false);
  });
});

describe("SHA-1", () => {
  test.each([
    ["abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"],
    ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"],
    ["a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"],
    [
      "0123456701234567012345670123456701234567012345670123456701234567",
      10,
      "dea356a2cddd90c7a7ecedc5ebb563934f460452",
    ],
    ["", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
  ])("RFC 3174 §7.3: %s, %d times", (text, times, hash) => {
    expect(toHex(hashSha1(latin1Bytes(text.repeat(times))))).toBe(hash);
  });

  test("every length around a block's end", () => {
    const seen = new Set<string>();
    for (let length = 50; length < 140; length++) seen.add(toHex(hashSha1(new Uint8Array(length))));
    expect(seen.size).toBe(90);
  });

  test("the example of RFC 6455 §1.3", () => {
    const key = "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    expect(encodeBase64(hashSha1(latin1Bytes(key)))).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  });

  test("Base64 of RFC 4648 §10", () => {
    const examples = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
    for (const [length, text] of examples.entries())
      expect(encodeBase64(latin1Bytes("foobar".slice(0, length)))).toBe(text);
  });
});

/**
 * @module HTTP/2 and gRPC over recorded servers, and over servers that break the rules.
 */
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { fromHex, recordingOf, replay, toHex } from "../../test/support/replay.ts";
import { grpc } from "./grpc.ts";
import { encodeFields } from "./hpack.ts";
import { joinBytes } from "./http-message.ts";
import { connectionPreface, encodeFrame } from "./http2-connection.ts";
import { http2 } from "./http2.ts";
import type { HttpPage, Verdict } from "./protocol.ts";
import { latin1Bytes } from "./talk.ts";

const settings = encodeFrame(4, 0, 0, new Uint8Array(0));
const ok = encodeFields([
  [":status", "200"],
  ["server", "test/1.0"],
]);

function answer(...frames: Uint8Array[]): { verdict: Verdict; sent: readonly string[] } {
  return replay(
    http2,
    recordingOf([
      [">", ""],
      ["<", joinBytes(frames)],
    ]),
  );
}

function pageOf(verdict: Verdict): HttpPage | undefined {
  return "page" in verdict ? verdict.page : undefined;
}

function factsOf(verdict: Verdict): Record<string, unknown> {
  return "facts" in verdict ? Object.fromEntries(verdict.facts.map(({ name, value }) => [name, value])) : {};
}

describe("recorded servers", () => {
  test("nghttpd with prior knowledge: SETTINGS, and a response in Huffman codes", () => {
    const { verdict, sent } = replay(http2, readCapture("http2", "nghttpd"));
    expect(verdict.outcome).toBe("proved");
    expect(factsOf(verdict)).toEqual({
      protocolVersion: "2",
      status: 404,
      identity: "nghttpd nghttp2/1.52.0",
      title: "404 Not Found",
    });
    expect(pageOf(verdict)?.headers.get("content-length")).toBe("148");
    expect(sent[0]!.startsWith(toHex(latin1Bytes(connectionPreface)))).toBe(true);
    // SETTINGS acknowledged, then GOAWAY without error.
    expect(sent.slice(1)).toEqual(["000000040100000000", "0000080700000000000000000000000000"]);
  });

  test.each([
    ["nginx-inside-tls", { product: "nginx", version: "1.22.1", status: 200 }],
    ["caddy-inside-tls", { product: "Caddy", status: 200 }],
    ["nghttpd-inside-tls", { identity: "nghttpd nghttp2/1.52.0" }],
  ])("%s", (name, facts) => {
    const capture = readCapture("http2", name);
    expect(capture.tls?.alpn).toBe("h2");
    const { verdict } = replay(http2, capture);
    expect(verdict.outcome).toBe("proved");
    expect(factsOf(verdict)).toMatchObject(facts);
  });

  test("a server that resets the request has proved itself all the same", () => {
    const { verdict } = replay(http2, readCapture("http2", "etcd-resets-the-stream"));
    expect(verdict).toMatchObject({ outcome: "proved", evidence: "SETTINGS on stream 0" });
    expect(pageOf(verdict)).toBeUndefined();
  });

  test("a server of HTTP/1 proves nothing", () => {
    expect(replay(http2, readCapture("http2", "nginx-refuses")).verdict.outcome).toBe("other");
  });
});

describe("frames in any order", () => {
  test("padding, priority, continuation, interim responses and trailers are understood", () => {
    const interim = encodeFrame(1, 4, 1, encodeFields([[":status", "103"]]));
    const start = encodeFrame(
      1,
      8 | 32,
      1,
      joinBytes([Uint8Array.of(2, 0, 0, 0, 0, 9), ok.subarray(0, 5), new Uint8Array(2)]),
    );
    const rest = encodeFrame(9, 4, 1, ok.subarray(5));
    const data = encodeFrame(0, 8, 1, joinBytes([Uint8Array.of(3), latin1Bytes("hello"), new Uint8Array(3)]));
    const trailers = encodeFrame(1, 5, 1, encodeFields([["x-end", "1"]]));
    const unknown = encodeFrame(0xbe, 0, 0, Uint8Array.of(1, 2, 3));
    const { verdict } = answer(settings, unknown, interim, start, rest, data, trailers);
    expect(verdict.outcome).toBe("proved");
    expect(pageOf(verdict)).toMatchObject({ httpVersion: "2", status: 200, body: "hello", keepsAlive: false });
    expect(factsOf(verdict)).toMatchObject({ product: "test", version: "1.0" });
  });

  test("PING is answered with its bytes", () => {
    const ping = encodeFrame(6, 0, 0, latin1Bytes("12345678"));
    expect(answer(settings, ping).sent).toContain(toHex(encodeFrame(6, 1, 0, latin1Bytes("12345678"))));
  });

  test("a server that floods is left", () => {
    const { verdict, sent } = answer(...Array.from({ length: 1000 }, () => settings));
    expect(verdict.outcome).toBe("proved");
    expect(sent.length).toBeLessThan(20);
  });

  test("broken rules end the reading, never the program", () => {
    const headers = encodeFrame(1, 4, 1, ok);
    const broken: [string, Uint8Array[]][] = [
      ["DATA before HEADERS", [encodeFrame(0, 1, 1, latin1Bytes("x"))]],
      ["a continuation of nothing", [encodeFrame(9, 4, 1, ok)]],
      ["another frame within a block", [encodeFrame(1, 0, 1, ok), encodeFrame(0, 1, 1, latin1Bytes("x"))]],
      ["padding longer than the frame", [encodeFrame(1, 8 | 4, 1, Uint8Array.of(200, 0))]],
      ["a push", [encodeFrame(5, 4, 1, new Uint8Array(9))]],
      ["a response on a stream of nobody", [encodeFrame(1, 5, 7, ok)]],
      ["a block that cannot be decoded", [encodeFrame(1, 5, 1, Uint8Array.of(0x80))]],
      ["no status", [encodeFrame(1, 5, 1, encodeFields([["server", "x"]]))]],
      ["a status of letters", [encodeFrame(1, 5, 1, encodeFields([[":status", "abc"]]))]],
      ["GOAWAY before the request", [encodeFrame(7, 0, 0, new Uint8Array(8)), headers]],
      ["a frame larger than allowed", [Uint8Array.of(0, 0x40, 1, 1, 5, 0, 0, 0, 1)]],
    ];
    for (const [what, frames] of broken) {
      const { verdict } = answer(settings, ...frames);
      expect(verdict.outcome, what).toBe("proved");
      expect(pageOf(verdict), what).toBeUndefined();
    }
  });

  test("what does not start with SETTINGS is no HTTP/2", () => {
    for (const hex of [
      "000000040000000001",
      "000007040000000000",
      "000000040100000000",
      "485454502f312e31",
      "0000000600000000",
    ]) {
      expect(answer(fromHex(hex)).verdict.outcome, hex).toBe("other");
      if (hex.length >= 18) expect(http2.recognise!(fromHex(hex)), hex).toBe("no");
    }
    // An echo of the preface.
    expect(answer(latin1Bytes(connectionPreface)).verdict.outcome).toBe("other");
    expect(replay(http2, recordingOf([])).verdict.outcome).toBe("silent");
  });

  test("SETTINGS without being asked are recognised", () => {
    const unasked = fromHex("000006040000000000000300000064");
    expect(http2.recognise!(unasked)).toBe("match");
    for (let length = 0; length < 9; length++) expect(http2.recognise!(unasked.subarray(0, length))).toBe("more");
    expect(replay(http2, recordingOf([["<", unasked]])).verdict.outcome).toBe("proved");
  });
});

test("a client's preface", () => {
  const bytes = latin1Bytes(connectionPreface);
  expect(http2.sniff!(bytes, "tcp").verdict).toBe("match");
  for (let length = 0; length < bytes.length; length++) {
    expect(http2.sniff!(bytes.subarray(0, length), "tcp").verdict).toBe("more");
  }
  expect(http2.sniff!(latin1Bytes("PRI * HTTP/1.1\r\n"), "tcp").verdict).toBe("no");
});

describe("gRPC", () => {
  test("etcd: the status of an unknown method", () => {
    const { verdict } = replay(grpc, readCapture("grpc", "etcd"));
    expect(verdict.outcome).toBe("proved");
    expect(factsOf(verdict)).toEqual({ status: 12 });
  });

  test("a status in trailers counts", () => {
    const recording = recordingOf([
      [">", ""],
      [
        "<",
        joinBytes([settings, encodeFrame(1, 4, 1, ok), encodeFrame(1, 5, 1, encodeFields([["grpc-status", "12"]]))]),
      ],
    ]);
    const { verdict } = replay(grpc, recording);
    expect(verdict).toMatchObject({ outcome: "proved" });
    expect(factsOf(verdict)).toEqual({ status: 12, product: "test", version: "1.0" });
  });

  test("HTTP/2 alone, silence and other protocols are no gRPC", () => {
    expect(replay(grpc, readCapture("grpc", "nghttpd-refuses")).verdict.outcome).toBe("other");
    expect(replay(grpc, recordingOf([])).verdict.outcome).toBe("silent");
    expect(replay(grpc, recordingOf([["<", "SSH-2.0-x\r\n"]])).verdict.outcome).toBe("other");
    const odd = joinBytes([
      settings,
      encodeFrame(
        1,
        5,
        1,
        encodeFields([
          [":status", "200"],
          ["grpc-status", "\u001b"],
        ]),
      ),
    ]);
    expect(replay(grpc, recordingOf([["<", odd]])).verdict.outcome).toBe("other");
  });

  test("it is asked where the page or the port speaks for it", () => {
    const page = (headers: [string, string][], status = 200): HttpPage => ({
      httpVersion: "2",
      status,
      headers: new Map(headers),
      body: "",
      keepsAlive: false,
    });
    expect(grpc.worthAsking!(page([["content-type", "application/grpc"]]), 1)).toBe(true);
    expect(grpc.worthAsking!(page([["grpc-status", "12"]], 404), 1)).toBe(true);
    expect(grpc.worthAsking!(page([], 415), 1)).toBe(true);
    expect(grpc.worthAsking!(page([]), 50_051)).toBe(true);
    expect(grpc.worthAsking!(page([["content-type", "text/html"]]), 443)).toBe(false);
  });
});

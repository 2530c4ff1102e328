import { describe, expect, test } from "vitest";
import { known, unknown, type Socket } from "../../core/index.ts";
import { decodeReply, encodeRequest } from "./inet-diag.ts";
import { readTraffic } from "./tcp-info.ts";

function attribute(type: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + ((payload.length + 3) & ~3));
  bytes.writeUInt16LE(4 + payload.length, 0);
  bytes.writeUInt16LE(type, 2);
  payload.copy(bytes, 4);
  return bytes;
}

/** struct tcp_info of a kernel that knows so many bytes of it. */
function information(size: number): Buffer {
  const bytes = Buffer.alloc(248);
  bytes.writeUInt32LE(1500, 44);
  bytes.writeUInt32LE(40, 52);
  bytes.writeUInt32LE(20_345, 68);
  bytes.writeUInt32LE(12, 72);
  bytes.writeBigUInt64LE(5_000_000_001n, 120);
  bytes.writeBigUInt64LE(4_294_967_295n, 128);
  bytes.writeBigUInt64LE(5_000_000_000n, 200);
  return bytes.subarray(0, size);
}

function read(bytes: Buffer, state: Socket["state"] = "ESTABLISHED", end = bytes.length) {
  return readTraffic(bytes, 0, end, state);
}

const whole = {
  bytesAcknowledged: 5_000_000_001,
  bytesSent: 5_000_000_000,
  bytesReceived: 4_294_967_295,
  roundTripMicroseconds: 20_345,
  roundTripDeviationMicroseconds: 12,
  idleSendMs: 1500,
  idleReceiveMs: 40,
};

describe("struct tcp_info", () => {
  test("is found behind other attributes, counters of more than 32 bits included", () => {
    const bytes = Buffer.concat([attribute(8, Buffer.from([0])), attribute(2, information(248))]);
    expect(read(bytes)).toEqual(known(whole));
  });

  test("a kernel's shorter struct lacks what it did not know", () => {
    expect(read(attribute(2, information(200)))).toEqual(known({ ...whole, bytesSent: null }));
    expect(read(attribute(2, information(135)))).toEqual(unknown("unsupported"));
  });

  test("a round trip of 0 was never measured", () => {
    const bytes = information(248);
    bytes.writeUInt32LE(0, 68);
    expect(read(attribute(2, bytes))).toEqual(
      known({ ...whole, roundTripMicroseconds: null, roundTripDeviationMicroseconds: null }),
    );
  });

  test("says nothing of listeners, of what has none, and of attributes that are not whole", () => {
    const bytes = attribute(2, information(248));
    expect(read(bytes, "LISTEN")).toEqual(unknown("unsupported"));
    expect(read(Buffer.alloc(0), "TIME_WAIT")).toEqual(unknown("unsupported"));
    for (let end = 0; end < bytes.length; end++)
      expect(read(bytes, "ESTABLISHED", end)).toEqual(unknown("unsupported"));
    expect(read(Buffer.alloc(64))).toEqual(unknown("unsupported"));
  });
});

describe("in the table of sockets", () => {
  const request = { transport: "tcp", family: "ipv4", states: "all", ports: undefined } as const;
  const row = Buffer.alloc(16 + 72);
  row[16] = 2;
  row[17] = 1;
  row.writeUInt16BE(40_000, 20);
  row.writeUInt16BE(443, 22);
  const bytes = Buffer.concat([row, attribute(2, information(248))]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(20, 4);
  bytes.writeUInt32LE(3, 8);
  const context = {
    transport: "tcp",
    family: "ipv4",
    sequence: 3,
    keep: undefined,
    interfaceName: () => known(null),
  } as const;

  test("only who asks for traffic is told", () => {
    expect(encodeRequest(request, 1)[18]).toBe(0);
    expect(encodeRequest({ ...request, traffic: true }, 1)[18]).toBe(2);
    expect(encodeRequest({ ...request, transport: "udp", traffic: true }, 1)[18]).toBe(0);
    const plain: Socket[] = [];
    decodeReply(bytes, bytes.length, context, plain);
    expect(plain).toHaveLength(1);
    expect(plain[0]).not.toHaveProperty("traffic");
    const asked: Socket[] = [];
    decodeReply(bytes, bytes.length, { ...context, traffic: true }, asked);
    expect(asked[0]?.traffic).toEqual(known(whole));
  });
});

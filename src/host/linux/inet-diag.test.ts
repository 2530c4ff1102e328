import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPortolanError, known, unknown, type Socket } from "../../core/index.ts";
import {
  decodeReply,
  encodePortFilter,
  encodeRequest,
  gatherStretches,
  isFilteredByKernel,
  type DiagContext,
} from "./inet-diag.ts";

const context: DiagContext = {
  transport: "tcp",
  family: "ipv6",
  sequence: 7,
  keep: undefined,
  interfaceName: (index) => (index === 2 ? known("eth0") : unknown("gone")),
};

interface Row {
  readonly state: number;
  readonly port: number;
  readonly remotePort?: number;
  readonly device?: number;
  readonly attributes?: Buffer;
  readonly flags?: number;
}

function message(type: number, payload: Buffer, { flags = 2, sequence = 7 } = {}): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + payload.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, payload, Buffer.alloc((4 - (payload.length % 4)) % 4)]);
}

function rowMessage({ state, port, remotePort = 0, device = 0, attributes = Buffer.alloc(0), flags = 2 }: Row): Buffer {
  const row = Buffer.alloc(72);
  row[0] = 10;
  row[1] = state;
  row.writeUInt16BE(port, 4);
  row.writeUInt16BE(remotePort, 6);
  row[23] = 1; // ::1
  row.writeUInt32LE(device, 40);
  row.writeUInt32LE(5, 56);
  row.writeUInt32LE(511, 60);
  row.writeUInt32LE(1000, 64);
  row.writeUInt32LE(4_000_000_000, 68);
  return message(20, Buffer.concat([row, attributes]), { flags });
}

const v6only = Buffer.from([5, 0, 11, 0, 1, 0, 0, 0]);
const done = message(3, Buffer.alloc(4));

function decode(bytes: Buffer, use = context) {
  const sockets: Socket[] = [];
  return { sockets, reply: decodeReply(bytes, bytes.length, use, sockets) };
}

describe("answers", () => {
  test("every fact of a row is read", () => {
    const { sockets, reply } = decode(
      Buffer.concat([rowMessage({ state: 10, port: 3000, device: 2, attributes: v6only }), done]),
    );
    expect(reply).toEqual({ done: true, interrupted: false, errno: 0 });
    expect(sockets).toEqual([
      {
        transport: "tcp",
        family: "ipv6",
        state: "LISTEN",
        local: { address: "::1", port: 3000 },
        remote: null,
        v6only: known(true),
        boundInterface: known("eth0"),
        inode: 4_000_000_000,
        uid: 1000,
        receiveQueue: 5,
        sendQueue: known(511),
      },
    ]);
  });

  test("what the kernel does not tell is unknown", () => {
    const { sockets } = decode(rowMessage({ state: 1, port: 3000, remotePort: 50000, device: 9 }));
    expect(sockets[0]).toMatchObject({
      v6only: unknown("unsupported"),
      boundInterface: unknown("gone"),
      remote: { address: "::", port: 50000 },
    });
  });

  test("a closed TCP socket is a bound one, a closed UDP socket an unconnected one", () => {
    expect(decode(rowMessage({ state: 7, port: 3000 })).sockets[0]?.state).toBe("BOUND");
    expect(decode(rowMessage({ state: 7, port: 3000 }), { ...context, transport: "udp" }).sockets[0]?.state).toBe(
      "UNCONNECTED",
    );
  });

  test("rows of another request, family or port are passed over", () => {
    const other = rowMessage({ state: 10, port: 3000 });
    other.writeUInt32LE(6, 8);
    expect(decode(other).sockets).toEqual([]);
    expect(decode(rowMessage({ state: 10, port: 3000 }), { ...context, family: "ipv4" }).sockets).toEqual([]);
    expect(decode(rowMessage({ state: 10, port: 3000 }), { ...context, keep: new Set([80]) }).sockets).toEqual([]);
  });

  test("a changed table and the kernel's errors are told", () => {
    expect(decode(rowMessage({ state: 10, port: 1, flags: 0x12 })).reply.interrupted).toBe(true);
    const refused = Buffer.alloc(20);
    refused.writeInt32LE(-13, 0);
    expect(decode(message(2, refused)).reply).toMatchObject({ done: true, errno: 13 });
    const failed = Buffer.alloc(4);
    failed.writeInt32LE(-12, 0);
    expect(decode(message(3, failed)).reply).toMatchObject({ done: true, errno: 12 });
    expect(decode(message(2, Buffer.alloc(20))).reply).toMatchObject({ done: false, errno: 0 });
  });
});

describe("answers that are cut or garbage", () => {
  function survives(bytes: Buffer): void {
    try {
      decode(bytes);
    } catch (error) {
      expect(isPortolanError(error, "HOST_READ_FAILED")).toBe(true);
    }
  }
  const whole = Buffer.concat([rowMessage({ state: 10, port: 3000, attributes: v6only }), done]);

  test("every cut is a refusal or fewer rows", () => {
    for (let length = 0; length < whole.length; length++) survives(whole.subarray(0, length));
    expect(() => decode(whole.subarray(0, 90))).toThrow(/malformed/);
  });

  test("no bytes crash the decoder or hold it up", () => {
    const mutated = fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, byte]) => {
      const copy = Buffer.from(whole);
      copy[at] = byte;
      return copy;
    });
    fc.assert(
      fc.property(
        fc.oneof(
          mutated,
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        ),
        survives,
      ),
    );
  });

  test("an attribute of no size ends the attributes", () => {
    const { sockets } = decode(rowMessage({ state: 10, port: 1, attributes: Buffer.alloc(8) }));
    expect(sockets[0]?.v6only).toEqual(unknown("unsupported"));
  });
});

/** net/ipv4/inet_diag.c, inet_diag_bc_run: what the kernel does with the program. */
function runsToAccept(program: Buffer, sourcePort: number, destinationPort: number): boolean {
  let at = 0;
  while (at < program.length) {
    const port = at + 6 < program.length ? program.readUInt16LE(at + 6) : 0;
    const holds = [
      false,
      false,
      sourcePort >= port,
      sourcePort <= port,
      destinationPort >= port,
      destinationPort <= port,
    ];
    at += holds[program[at]!] ? program[at + 1]! : program.readUInt16LE(at + 2);
  }
  return at === program.length;
}

/** inet_diag_bc_audit and valid_cc: which programs the kernel takes. */
function passesAudit(program: Buffer): boolean {
  const reached = new Set<number>();
  for (let at = 0; at < program.length; at += program[at + 1]!) reached.add(at);
  return [...reached].every((at) => {
    const left = program.length - at;
    const no = program.readUInt16LE(at + 2);
    const yes = program[at + 1]!;
    if (no < 4 || no > left + 4 || no % 4 !== 0 || (no < left && !reached.has(at + no))) return false;
    return program[at] === 1 || (yes >= 8 && yes <= left + 4 && yes % 4 === 0);
  });
}

describe("filtering in the kernel", () => {
  const port = fc.nat(65535);
  test("accepts exactly the sockets of the ports, and passes the kernel's audit", () => {
    fc.assert(
      fc.property(fc.uniqueArray(port, { minLength: 1, maxLength: 30 }), port, port, (ports, source, destination) => {
        const program = encodePortFilter(gatherStretches(ports));
        expect(passesAudit(program)).toBe(true);
        for (const [a, b] of [
          [source, destination],
          [ports[0]!, destination],
          [source, ports.at(-1)!],
        ] as const) {
          expect(runsToAccept(program, a, b)).toBe(ports.includes(a) || ports.includes(b));
        }
      }),
    );
  });

  test("neighbours are one stretch, and too many stretches are left to the reader", () => {
    expect(gatherStretches([3002, 3000, 3001, 80, 80])).toEqual([
      { first: 80, last: 80 },
      { first: 3000, last: 3002 },
    ]);
    const scattered = gatherStretches(Array.from({ length: 200 }, (_, index) => index * 2));
    expect(isFilteredByKernel(scattered)).toBe(false);
    expect(isFilteredByKernel([])).toBe(false);
    const request = { transport: "tcp", family: "ipv4", states: "all", ports: scattered } as const;
    expect(encodeRequest(request, 1)).toHaveLength(72);
  });

  test("the request is laid out as struct inet_diag_req_v2", () => {
    const bytes = encodeRequest({ transport: "udp", family: "ipv6", states: "listening", ports: undefined }, 9);
    expect([bytes.readUInt32LE(0), bytes.readUInt16LE(4), bytes.readUInt16LE(6), bytes.readUInt32LE(8)]).toEqual([
      72, 20, 0x301, 9,
    ]);
    expect([bytes[16], bytes[17], bytes.readUInt32LE(20)]).toEqual([10, 17, 1 << 7]);
  });
});

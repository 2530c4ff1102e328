/**
 * @module Patterns over first bytes, held against what the protocols themselves take.
 */
import { assert, constantFrom, integer, property, tuple } from "fast-check";
import { expect, test } from "vitest";
import { protocols } from "../../protocols/index.ts";
import { firstBytes } from "./first-bytes.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

/** What clients of each say first. */
const samples: Readonly<Record<string, readonly Buffer[]>> = {
  ssh: [bytes("SSH-2.0-OpenSSH_9.2\r\n")],
  http2: [bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")],
  http: [
    bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    bytes("M-SEARCH * HTTP/1.0\n\n"),
    bytes("PROPFIND /\u00e9?a=~b HTTP/1.1\r\n"),
  ],
  postgresql: [
    bytes("\0\0\0\u0008\u0004\u00d2\u0016/"),
    bytes("\0\0\0\u0008\u0004\u00d2\u00160"),
    bytes("\0\0\0\u0010\u0004\u00d2\u0016.\0\0\0\u0001\0\0\0\u0002"),
    bytes("\0\0\0\u0012\0\u0003\0\0user\0me\0\0"),
  ],
  mqtt: [
    bytes("\u0010\u0010\0\u0004MQTT\u0004\u0002\0<\0\u0004test"),
    bytes("\u0010\u0090\u0001\0\u0006MQIsdp\u0003\u0002\0<"),
  ],
  redis: [bytes("*1\r\n$4\r\nPING\r\n"), bytes("*12\r\n$4\r\n")],
  amqp: [bytes("AMQP\0\0\u0009\u0001")],
  rdp: [bytes("\u0003\0\0\u0013\u000e\u00e0\0\0\0\0\0\u0001\0\u0008\0\u0003\0\0\0")],
  smb: [bytes("\0\0\0Eþ\u0053MB@\0\0\0"), bytes("\0\0\0/\u00ffSMBr\0\0\0")],
  vnc: [bytes("RFB 003.008\n")],
};
const all = Object.values(samples).flat();

const seen = (id: string, start: Buffer): boolean => new RegExp(firstBytes[id]!).test(start.toString("hex"));
const taken = (id: string, start: Buffer): boolean =>
  protocols.find((one) => one.id === id)!.sniff!(start, "tcp").verdict === "match";

test("every pattern has samples, and takes its own and nobody else's", () => {
  expect(Object.keys(samples).sort()).toEqual(Object.keys(firstBytes).sort());
  for (const [id, own] of Object.entries(samples))
    for (const sample of all) {
      expect(taken(id, sample), `${id}: ${sample.toString("hex")}`).toBe(own.includes(sample));
      expect(seen(id, sample), `${id}: ${sample.toString("hex")}`).toBe(own.includes(sample));
    }
});

test("with a byte changed both say the same", () => {
  const changed = tuple(constantFrom(...all), integer({ min: 0, max: 15 }), integer({ min: 0, max: 255 }));
  assert(
    property(changed, ([sample, at, value]) => {
      const start = Buffer.from(sample);
      // Lengths are not looked at.
      const isLength = [...samples["postgresql"]!, ...samples["smb"]!, ...samples["rdp"]!].includes(sample) && at < 5;
      if (at < start.length && !isLength) start[at] = value;
      for (const id of Object.keys(firstBytes))
        expect(seen(id, start), `${id}: ${start.toString("hex")}`).toBe(taken(id, start));
    }),
    { numRuns: 400 },
  );
});

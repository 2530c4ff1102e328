/**
 * @module DHCP's probe over recorded exchanges, strangers' answers and broken ones.
 */
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { fromHex, recordingOf, replay, seededRandom } from "../../test/support/replay.ts";
import { dhcp, dhcpClient } from "./dhcp.ts";
import type { Verdict } from "./protocol.ts";

/** A reply to the probe that uses seed 1: header, cookie and options. */
function reply(options: string, { operation = 2, id = seededRandom(1)(4), cookie = "63825363" } = {}): Uint8Array {
  const bytes = new Uint8Array(240 + options.length / 2);
  bytes.set([operation, 1, 6, 0, ...id]);
  bytes.set(fromHex(cookie + options), 236);
  return bytes;
}

function verdictOn(bytes: Uint8Array): Verdict {
  const lines = [[">", ""] as const, ["<", bytes] as const];
  return replay(dhcp, recordingOf(lines, { transport: "udp" })).verdict;
}

const acknowledged = "350105";
const named = "36047f000001";

describe("the probe", () => {
  test.each(["dnsmasq", "kea"])("%s answers an INFORM, and leases nothing", (name) => {
    const capture = readCapture("dhcp", name);
    const { verdict, sent } = replay(dhcp, capture);
    expect(verdict).toMatchObject({ outcome: "proved", facts: [{ name: "identity", value: "127.0.0.1" }] });
    expect(sent).toHaveLength(1);
    // BOOTREQUEST; our own address; INFORM.
    expect(sent[0]!.slice(0, 8)).toBe("01010600");
    expect(sent[0]!.slice(24, 32)).toBe("7f000001");
    expect(sent[0]!.slice(472, 486)).toBe("63825363350108");
    const context = { ...capture, random: seededRandom(capture.seed) };
    expect(Buffer.from(dhcp.datagram!(context)).toString("hex")).toBe(sent[0]);
  });

  test("an acknowledgement that lacks something is only a hint", () => {
    expect(verdictOn(reply(`${acknowledged}${named}ff`)).outcome).toBe("proved");
    for (const options of [`${acknowledged}ff`, `350102${named}ff`, `${acknowledged}3602`, "35", ""]) {
      expect(verdictOn(reply(options)).outcome, options).toBe("suggested");
    }
    expect(verdictOn(reply(`${acknowledged}${named}ff`, { cookie: "00000000" })).outcome).toBe("suggested");
  });

  test("silence, another's reply, an echo and strangers prove nothing", () => {
    expect(replay(dhcp, recordingOf([], { transport: "udp" })).verdict.outcome).toBe("silent");
    const whole = `${acknowledged}${named}ff`;
    expect(verdictOn(reply(whole, { operation: 1 })).outcome).toBe("other");
    expect(verdictOn(reply(whole, { id: new Uint8Array(4) })).outcome).toBe("other");
    expect(verdictOn(reply(whole).subarray(0, 239)).outcome).toBe("other");
    expect(verdictOn(new Uint8Array(1)).outcome).toBe("other");
  });
});

test("the answer comes to the port above; the client's own port is only explained", () => {
  expect(dhcp.replyPort!(67)).toBe(68);
  expect(dhcp.replyPort!(1067)).toBe(1068);
  expect(dhcpClient.probe).toBeUndefined();
});

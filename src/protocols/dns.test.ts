/**
 * @module DNS's probe over recorded exchanges, refusals, strangers' answers and broken replies; a client's query.
 */
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { fromHex, recordingOf, replay, seededRandom, type Recording } from "../../test/support/replay.ts";
import { dns } from "./dns.ts";
import type { Verdict } from "./protocol.ts";

const id = Buffer.from(seededRandom(1)(2)).toString("hex");
const question = "0000020001";

/** The verdict on a reply to the first query, over UDP unless said otherwise. */
function verdictOn(replies: readonly string[], options: Partial<Recording> = { transport: "udp" }): Verdict {
  return replay(dns, recordingOf([[">", ""], ...replies.map((hex) => ["<", fromHex(hex)] as const)], options)).verdict;
}

const isOther = { outcome: "other" };
const refused = `${id}80050001000000000000${question}`;

describe("the probe", () => {
  test.each(["bind-udp", "bind-tcp", "bind-tls"])("%s: refused, and yet it says its version", (name) => {
    const { verdict, sent } = replay(dns, readCapture("dns", name));
    expect(verdict).toMatchObject({
      outcome: "proved",
      facts: [
        { name: "status", value: "REFUSED" },
        { name: "product", value: "BIND" },
        { name: "version", value: "9.18.49-1~deb12u3-Debian" },
      ],
    });
    expect(sent).toHaveLength(2);
  });

  test.each(["dnsmasq-udp", "dnsmasq-tcp"])("%s names itself", (name) => {
    expect(replay(dns, readCapture("dns", name)).verdict).toMatchObject({
      outcome: "proved",
      facts: [
        { name: "status", value: "REFUSED" },
        { name: "capabilities", value: ["recursion"] },
        { name: "product", value: "dnsmasq" },
        { name: "version", value: "2.90" },
      ],
    });
  });

  test("the first datagram is the probe's own, and wants no recursion", () => {
    const recording = readCapture("dns", "bind-udp");
    const context = { ...recording, random: seededRandom(recording.seed) };
    expect(Buffer.from(dns.datagram!(context)).toString("hex")).toBe(replay(dns, recording).sent[0]);
  });

  test("a refusal is proof without a version, a bare error header only a hint", () => {
    expect(verdictOn([refused])).toMatchObject({ outcome: "proved", facts: [{ name: "status", value: "REFUSED" }] });
    expect(verdictOn([`${id}80010000000000000000`])).toMatchObject({ outcome: "suggested" });
  });

  test("what its owner wrote instead of a version is no version", () => {
    const asked = Buffer.from(seededRandom(1)(4).subarray(2)).toString("hex");
    const text = Buffer.from("\u001b[31mnone of 9.18.24", "latin1");
    const record = `c00c0010000300000000${(text.length + 1).toString(16).padStart(4, "0")}${text.length.toString(16)}`;
    const version = `${asked}8400000100010000000007${Buffer.from("version").toString("hex")}04${Buffer.from("bind").toString("hex")}0000100003${record}${text.toString("hex")}`;
    const lines = [
      [">", ""],
      ["<", fromHex(refused)],
      [">", ""],
      // The answer to the first query, sent again, comes late.
      ["<", fromHex(refused)],
      ["<", fromHex(version)],
    ] as const;
    const { verdict } = replay(dns, recordingOf(lines, { transport: "udp" }));
    expect(verdict).toMatchObject({
      outcome: "proved",
      facts: [{ name: "status" }, { name: "identity", value: "\u001b[31mnone of 9.18.24" }],
    });
  });

  test("silence, a stranger's answer and an echo are told apart", () => {
    expect(verdictOn([]).outcome).toBe("silent");
    expect(verdictOn(["485454502f312e3120343030"])).toMatchObject(isOther);
    // What came back is the query itself.
    expect(verdictOn([`${id}00000001000000000000${question}`])).toMatchObject(isOther);
    expect(verdictOn([`${id}80050001000000000000${question}`], {}).outcome).toBe("other");
  });

  test("another id, another question, another opcode or a broken length proves nothing", () => {
    const bad = [
      `ffff80050001000000000000${question}`,
      `${id}800500010000000000000000020003`,
      `${id}a8050001000000000000${question}`,
      `${id}80450001000000000000${question}`,
      `${id}80050002000000000000${question}`,
      `${id}80050001000000000000`,
      `${id}8005`,
    ];
    for (const hex of bad) {
      expect(verdictOn([hex]).outcome, hex).not.toBe("proved");
      const length = (hex.length / 2).toString(16).padStart(4, "0");
      expect(verdictOn([`${length}${hex}`], { transport: "tcp" }).outcome, hex).toBe("other");
    }
    // Records that point anywhere, claim any length, or never end.
    const version = "0776657273696f6e0462696e640000100003";
    for (const record of ["c00c00100003000000000019", "c00c0010000300000000ffffff", "3f", "c0", "ff".repeat(300)]) {
      expect(verdictOn([refused, `a5ff8400000100ff00000000${version}${record}`]).outcome).toBe("proved");
    }
  });
});

describe("a client's query", () => {
  const query = `a1b20120000100000000000003777777076578616d706c6503636f6d0000010001`;
  const framed = `0021${query}`;

  test("matches over UDP, and over TCP once it is whole", () => {
    expect(dns.sniff!(fromHex(query), "udp").verdict).toBe("match");
    expect(dns.sniff!(fromHex(framed), "tcp").verdict).toBe("match");
    for (let length = 2; length < framed.length; length += 2) {
      expect(dns.sniff!(fromHex(framed.slice(0, length)), "tcp").verdict).toBe("more");
    }
  });

  test("nothing else does", () => {
    for (const text of [
      "GET / HTTP/1.1\r\n\r\n",
      "SSH-2.0-x\r\n",
      "*1\r\n$4\r\nPING\r\n",
      "\u0016\u0003\u0001\u0002\u0000",
    ]) {
      expect(dns.sniff!(new Uint8Array(Buffer.from(text, "latin1")), "tcp").verdict, text).toBe("no");
    }
    // A reply; two questions; a name that does not end.
    expect(dns.sniff!(fromHex(query.replace("a1b20120", "a1b28120")), "udp").verdict).toBe("no");
    expect(dns.sniff!(fromHex(query.replace("01200001", "01200002")), "udp").verdict).toBe("no");
    expect(dns.sniff!(fromHex(`a1b201200001000000000000${"3f".repeat(40)}`), "udp").verdict).toBe("no");
  });
});

test("a server's reply is recognised, text is not", () => {
  expect(dns.recognise!(fromHex(`0011${refused}`))).toBe("match");
  expect(dns.recognise!(fromHex("0011"))).toBe("more");
  expect(dns.recognise!(new Uint8Array(Buffer.from("HTTP/1.1 400")))).toBe("no");
});

/**
 * @module DHCP: a client that has its address already asks for the rest (INFORM). No lease is taken.
 */
import type { Conversation, Fact, ProbeContext, Protocol } from "./protocol.ts";
import { describeEnding, fact, type Talk } from "./talk.ts";

const cookie = Uint8Array.of(0x63, 0x82, 0x53, 0x63);
/** Octets before the options (RFC 2131 §2). */
const fixedLength = 236;

function ipv4Bytes(address: string): Uint8Array {
  const parts = address.split(".").map(Number);
  return parts.length === 4 && parts.every((part) => part >= 0 && part < 256)
    ? Uint8Array.from(parts)
    : new Uint8Array(4);
}

/**
 * BOOTREQUEST, DHCPINFORM: the transaction id is random, ciaddr is our own address (RFC 2131 §3.4). The hardware address is
 * random too, locally administered: the server keeps no record of an INFORM.
 */
function makeInform(context: ProbeContext): Uint8Array {
  const bytes = new Uint8Array(300);
  bytes.set([1, 1, 6, 0]);
  bytes.set(context.random(4), 4);
  bytes.set(ipv4Bytes(context.localAddress), 12);
  bytes.set(context.random(6), 28);
  bytes[28] = 0x02;
  bytes.set(cookie, fixedLength);
  // Message type INFORM; parameters: subnet mask, routers, name servers, domain name; end.
  bytes.set([53, 1, 8, 55, 4, 1, 3, 6, 15, 255], fixedLength + 4);
  return bytes;
}

/** The options of a message by number, the first of each; RFC 2132 §2. */
function readOptions(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  let at = fixedLength + 4;
  while (at < bytes.length) {
    const code = bytes[at]!;
    if (code === 255) break;
    if (code === 0) {
      at += 1;
      continue;
    }
    const length = bytes[at + 1];
    if (length === undefined || at + 2 + length > bytes.length) break;
    if (!options.has(code)) options.set(code, bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return options;
}

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const inform = makeInform(context);
  yield* talk.send(inform);
  const reading = yield* talk.read((bytes) => ({ value: bytes, length: bytes.length }));
  if (!reading.ok) return { outcome: "silent", evidence: describeEnding(reading.why) };
  const answer = reading.value;
  if (answer.length < fixedLength + 4 || answer[0] !== 2) return { outcome: "other", evidence: "no BOOTREPLY" };
  for (let index = 0; index < 4; index++) {
    if (answer[4 + index] !== inform[4 + index]) return { outcome: "other", evidence: "a reply to somebody else" };
    if (answer[fixedLength + index] !== cookie[index])
      return { outcome: "suggested", evidence: "a BOOTP reply", facts: [] };
  }
  const options = readOptions(answer);
  if (options.get(53)?.[0] !== 5)
    return { outcome: "suggested", evidence: "a BOOTP reply that is no DHCPACK", facts: [] };
  const facts: Fact[] = [];
  const server = options.get(54);
  // RFC 2131 §4.3.1, table 3: a DHCPACK must name its server.
  if (server?.length !== 4) return { outcome: "suggested", evidence: "a DHCPACK that does not name its server", facts };
  facts.push(fact("identity", server.join("."), "option 54, server identifier"));
  return { outcome: "proved", evidence: "DHCPACK to our INFORM, with our transaction id", facts };
}

/** DHCP servers, RFC 2131. */
export const dhcp: Protocol = {
  id: "dhcp",
  title: "DHCP",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [{ port: 67, transport: "udp", tls: false }],
  text: {
    purpose:
      "Gives devices their addresses when they join a network. The server listens at 67, the client waits at 68.",
    weakProof: "A BOOTP reply with our transaction id that is not a DHCPACK.",
    strongProof:
      "A DHCPACK (option 53 = 5) with our transaction id and a server identifier (option 54), in answer to INFORM.",
    claims: [{ fact: "identity", from: "option 54, server identifier" }],
    effectOnTarget:
      "INFORM takes no lease; the server logs it as any other. The answer comes to port 68 (one above the server's port), which needs the right to take it.",
    wire: [
      {
        from: "client",
        bytes: "01 01 06 00 … 63 82 53 63 35 01 08 …",
        meaning: "BOOTREQUEST, cookie, option 53: INFORM",
      },
      { from: "server", bytes: "02 … 63 82 53 63 35 01 05 36 04 …", meaning: "BOOTREPLY, ACK, server identifier" },
    ],
    sources: ["RFC 2131 §2, §3.4, §4.3.5", "RFC 2132 §9.6, §9.7"],
  },
  datagram: makeInform,
  replyPort: (port) => port + 1,
  probe: converse,
};

/** The other end: explained, never probed. */
export const dhcpClient: Protocol = {
  id: "dhcp-client",
  title: "DHCP client",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [{ port: 68, transport: "udp", tls: false }],
  text: {
    purpose:
      "A device waits here for the answer of a DHCP server while it asks for its address. Nothing serves others here.",
    weakProof: null,
    strongProof: "None: a client answers nobody.",
    claims: [],
    effectOnTarget: null,
    wire: [],
    sources: ["RFC 2131 §4.1"],
  },
};

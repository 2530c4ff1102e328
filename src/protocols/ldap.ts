/**
 * @module LDAP: an anonymous question for the entry about the server itself.
 */
import { joinBytes, makeElement, readElement, readElements } from "./ber.ts";
import type { Conversation, Fact, Protocol } from "./protocol.ts";
import { describeEnding, fact, latin1Bytes, utf8Text, type Parsed, type Talk } from "./talk.ts";

const startTlsOid = "1.3.6.1.4.1.1466.20037";

const [sequence, integer, octets, enumerated, boolean, set] = [0x30, 0x02, 0x04, 0x0a, 0x01, 0x31] as const;
/** Tags of the operations (RFC 4511 §4.2 and after). */
const [searchRequest, searchEntry, searchDone, extendedResponse, bindResponse] = [
  0x63, 0x64, 0x65, 0x78, 0x61,
] as const;

const asked = ["vendorName", "vendorVersion", "supportedLDAPVersion", "supportedExtension", "supportedSASLMechanisms"];

function text(value: string): Uint8Array {
  return makeElement(octets, latin1Bytes(value));
}

/** SearchRequest for the rootDSE: base object "", filter (objectClass=*) (RFC 4511 §4.5.1, RFC 4512 §5.1). */
const search = makeElement(
  sequence,
  joinBytes(
    makeElement(integer, Uint8Array.of(1)),
    makeElement(
      searchRequest,
      joinBytes(
        text(""),
        makeElement(enumerated, Uint8Array.of(0)),
        makeElement(enumerated, Uint8Array.of(0)),
        makeElement(integer, Uint8Array.of(1)),
        makeElement(integer, Uint8Array.of(5)),
        makeElement(boolean, Uint8Array.of(0)),
        makeElement(0x87, latin1Bytes("objectClass")),
        makeElement(sequence, joinBytes(...asked.map(text))),
      ),
    ),
  ),
);

/** UnbindRequest (RFC 4511 §4.3). */
const unbind = Uint8Array.of(0x30, 0x05, 0x02, 0x01, 0x02, 0x42, 0x00);

interface Message {
  readonly id: number;
  readonly operation: number;
  readonly attributes: ReadonlyMap<string, readonly string[]>;
  readonly resultCode: number | null;
}

function parseMessage(bytes: Uint8Array): Parsed<Message> {
  if (bytes[0] !== sequence) return bytes.length === 0 ? undefined : null;
  const outer = readElement(bytes, 0);
  if (outer === null || outer === undefined) return outer;
  if (bytes.length < outer.end) return undefined;
  const [id, operation] = readElements(bytes, outer.start, outer.end);
  if (id?.tag !== integer || id.end - id.start > 4 || operation === undefined) return null;
  if (![searchEntry, searchDone, extendedResponse, bindResponse].includes(operation.tag as 0x64)) return null;
  let number = 0;
  for (let index = id.start; index < id.end; index++) number = number * 256 + bytes[index]!;
  const parts = [...readElements(bytes, operation.start, operation.end)];
  const attributes = new Map<string, readonly string[]>();
  let resultCode: number | null = null;
  if (operation.tag === searchEntry) {
    if (parts[0]?.tag !== octets || parts[1]?.tag !== sequence) return null;
    for (const attribute of readElements(bytes, parts[1].start, parts[1].end)) {
      const [name, values] = readElements(bytes, attribute.start, attribute.end);
      if (name?.tag !== octets || values?.tag !== set) continue;
      const list = [...readElements(bytes, values.start, values.end)].map(({ start, end }) =>
        utf8Text(bytes.subarray(start, Math.min(end, start + 256))),
      );
      attributes.set(utf8Text(bytes.subarray(name.start, name.end)).toLowerCase(), list);
    }
  } else {
    if (parts[0]?.tag !== enumerated || parts[0].end - parts[0].start !== 1) return null;
    resultCode = bytes[parts[0].start]!;
  }
  return { value: { id: number, operation: operation.tag, attributes, resultCode }, length: outer.end };
}

function describe(attributes: ReadonlyMap<string, readonly string[]>): Fact[] {
  const facts: Fact[] = [];
  const from = (name: string): string => `rootDSE, ${name}`;
  const [vendor] = attributes.get("vendorname") ?? [];
  if (vendor !== undefined) facts.push(fact("product", vendor, from("vendorName")));
  const [version] = attributes.get("vendorversion") ?? [];
  if (version !== undefined) facts.push(fact("version", version, from("vendorVersion")));
  const versions = attributes.get("supportedldapversion") ?? [];
  if (versions.length > 0) facts.push(fact("protocolVersion", versions.join(", "), from("supportedLDAPVersion")));
  if (attributes.get("supportedextension")?.includes(startTlsOid) === true) {
    facts.push(fact("startTls", "offered", from("supportedExtension")));
  }
  const mechanisms = attributes.get("supportedsaslmechanisms") ?? [];
  if (mechanisms.length > 0) facts.push(fact("authentication", mechanisms, from("supportedSASLMechanisms")));
  return facts;
}

function* converse(talk: Talk): Conversation {
  yield* talk.send(search);
  let facts: Fact[] = [];
  for (let count = 0; count < 4; count++) {
    const reading = yield* talk.read(parseMessage);
    if (!reading.ok) {
      if (count > 0) return { outcome: "suggested", evidence: "an LDAP entry without the end of the search", facts };
      return reading.seen.length === 0
        ? { outcome: "silent", evidence: describeEnding(reading.why) }
        : { outcome: "other", evidence: describeEnding(reading.why) };
    }
    const { id, operation, attributes, resultCode } = reading.value;
    // Message id 0 is a notice of disconnection (RFC 4511 §4.4.1).
    if (operation === extendedResponse && id === 0) {
      return { outcome: "proved", evidence: "a notice of disconnection", facts: [] };
    }
    if (id !== 1) return { outcome: "other", evidence: "an answer to somebody else" };
    if (operation === searchEntry) {
      facts = describe(attributes);
      continue;
    }
    if (operation !== searchDone) return { outcome: "other", evidence: "not an answer to a search" };
    yield* talk.send(unbind);
    // 48 inappropriateAuthentication, 50 insufficientAccessRights, 8 strongerAuthRequired (RFC 4511 appendix A).
    if (resultCode === 50 || resultCode === 48 || resultCode === 8)
      facts.push(fact("login", "required", "result code"));
    return { outcome: "proved", evidence: `answer to a search of the rootDSE, result ${resultCode}`, facts };
  }
  return { outcome: "other", evidence: "more entries than a rootDSE has" };
}

/** LDAP, RFC 4511. */
export const ldap: Protocol = {
  id: "ldap",
  title: "LDAP",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [
    { port: 389, transport: "tcp", tls: false },
    { port: 636, transport: "tcp", tls: true },
  ],
  text: {
    purpose: "A directory of people, groups and machines, and the place where logins are checked.",
    weakProof: "An entry without the end of the search.",
    strongProof:
      "An answer to the search of the rootDSE: entry and result with our message id, or a notice of disconnection.",
    claims: [
      { fact: "product", from: "rootDSE, vendorName" },
      { fact: "version", from: "rootDSE, vendorVersion; often absent" },
      { fact: "protocolVersion", from: "rootDSE, supportedLDAPVersion" },
      { fact: "startTls", from: "rootDSE, supportedExtension has 1.3.6.1.4.1.1466.20037" },
      { fact: "authentication", from: "rootDSE, supportedSASLMechanisms" },
      { fact: "login", from: "result code of the search" },
    ],
    effectOnTarget: "One anonymous search, which servers that log statistics write down.",
    wire: [
      {
        from: "client",
        bytes: "30 … 02 01 01 63 … 04 00 0a 01 00 …",
        meaning: "search of the base object with empty name",
      },
      { from: "server", bytes: "30 … 02 01 01 64 …", meaning: "the entry" },
      { from: "server", bytes: "30 … 02 01 01 65 … 0a 01 00", meaning: "end of the search, success" },
      { from: "client", bytes: "30 05 02 01 02 42 00", meaning: "unbind" },
    ],
    sources: ["RFC 4511 §4.5", "RFC 4512 §5.1"],
  },
  recognise: (bytes) => {
    if (bytes.length === 0) return "more";
    const parsed = parseMessage(bytes);
    return parsed === null ? "no" : parsed === undefined ? "more" : "match";
  },
  probe: converse,
  sniff: (bytes) => {
    if (bytes.length === 0) return { verdict: "more" };
    if (bytes[0] !== sequence) return { verdict: "no" };
    const outer = readElement(bytes, 0);
    if (outer === null) return { verdict: "no" };
    const id = outer === undefined ? undefined : readElement(bytes, outer.start, outer.end);
    if (id === null || (id !== undefined && (id.tag !== integer || id.end - id.start > 4))) return { verdict: "no" };
    const operation = id === undefined ? undefined : bytes[id.end];
    if (operation === undefined) return { verdict: bytes.length > 32 ? "no" : "more" };
    // BindRequest, SearchRequest, ExtendedRequest.
    return { verdict: operation === 0x60 || operation === searchRequest || operation === 0x77 ? "match" : "no" };
  },
};

/**
 * @module SSH: the server's identification line is the whole proof.
 */
import type { Conversation, Protocol, Verdict } from "./protocol.ts";
import { describeEnding, fact, matchPrefix, parseLine, type Talk } from "./talk.ts";

/** Lines that a server may send before its identification (RFC 4253 §4.2), bounded here. */
const mostLinesBefore = 32;

const identification = /^SSH-(2\.0|1\.\d{1,3})-([^\s-][^ ]*)(?: (.*))?$/;

function* converse(talk: Talk): Conversation {
  for (let count = 0; count <= mostLinesBefore; count++) {
    const line = yield* talk.read(parseLine);
    if (!line.ok) {
      return line.seen.length === 0 && count === 0
        ? { outcome: "silent", evidence: describeEnding(line.why) }
        : { outcome: "other", evidence: "no SSH identification line" };
    }
    const match = identification.exec(line.value);
    if (match !== null) {
      // Who leaves without having named itself is logged as an error by OpenSSH.
      yield* talk.send("SSH-2.0-portolan\r\n");
      return describe(match[1]!, match[2]!, match[3]);
    }
    // RFC 4253 §4.2: lines before the identification must not begin with "SSH-".
    if (line.value.startsWith("SSH-")) return { outcome: "other", evidence: "a malformed SSH identification line" };
  }
  return { outcome: "other", evidence: `no SSH identification within ${mostLinesBefore} lines` };
}

function describe(protocolVersion: string, software: string, comment: string | undefined): Verdict {
  const from = "identification line";
  // OpenSSH_9.2p1, dropbear_2022.83: product and version by an underscore.
  const named = /^([A-Za-z][A-Za-z0-9.+]*)[_-]v?(\d[\w.+]*)$/.exec(software);
  const facts = [fact("protocolVersion", protocolVersion, from)];
  facts.push(fact("product", named?.[1] ?? software, from));
  if (named !== null) facts.push(fact("version", named[2]!, from));
  if (comment !== undefined && comment !== "") facts.push(fact("identity", comment, from));
  return { outcome: "proved", evidence: `identification line SSH-${protocolVersion}-…`, facts };
}

/** SSH, RFC 4253. */
export const ssh: Protocol = {
  id: "ssh",
  title: "SSH",
  speaksFirst: "server",
  over: "transport",
  usualPorts: [{ port: 22, transport: "tcp", tls: false }],
  text: {
    purpose: "A shell, files and forwarded ports on another machine, encrypted.",
    weakProof: null,
    strongProof: "A line that starts with SSH-2.0- or SSH-1.99-, possibly after other lines.",
    claims: [
      { fact: "protocolVersion", from: "identification line, after SSH-" },
      { fact: "product", from: "identification line, software version before the underscore" },
      { fact: "version", from: "identification line, software version after the underscore" },
      { fact: "identity", from: "identification line, comments" },
    ],
    effectOnTarget:
      "The client names itself, because OpenSSH logs an error about who does not, and leaves. The server logs that a connection was closed before authentication; OpenSSH 9.8 and later slow down an address that does this about fifteen times.",
    wire: [
      { from: "server", bytes: "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\\r\\n", meaning: "identification line" },
      { from: "client", bytes: "SSH-2.0-portolan\\r\\n", meaning: "ours" },
    ],
    sources: ["RFC 4253 §4.2"],
  },
  recognise: (bytes) => matchPrefix(bytes, "SSH-"),
  probe: converse,
  sniff: (bytes) => ({ verdict: matchPrefix(bytes, "SSH-") }),
};

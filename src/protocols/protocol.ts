/**
 * @module What a protocol is: one declaration from which scanning, the gateway and the reference pages work.
 *
 * Pure: bytes in, steps and a verdict out. Who opens sockets, waits and encrypts is the driver (`scan/identify`), which gives the
 * same conversation the same verdict however the bytes were cut into packets.
 */
import type { Talk } from "./talk.ts";

/** Transports over which a protocol is probed. */
export type ProbeTransport = "tcp" | "udp";

/** A port at which the protocol is usually met. */
export interface UsualPort {
  readonly port: number;
  readonly transport: ProbeTransport;
  /** TLS from the first byte ("implicit TLS"). */
  readonly tls: boolean;
}

/**
 * What may be claimed of a service. `startTls`: TLS can be had on this very connection; `login`: what must be shown before use;
 * `protocolVersion`: the version of the protocol, not of the program; `level`: a capability level such as SMB's dialect.
 */
export type FactName =
  | "product"
  | "version"
  | "protocolVersion"
  | "startTls"
  | "login"
  | "authentication"
  | "hostName"
  | "operatingSystem"
  | "title"
  | "status"
  | "location"
  | "capabilities"
  | "identity"
  | "stratum"
  | "role";

/** One fact, and from which bytes it comes. No fact is ever stated that the wire did not carry. */
export interface Fact {
  readonly name: FactName;
  /** Raw text from outside is kept raw: printers escape it. Clipped to 256 UTF-16 units. */
  readonly value: string | number | boolean | readonly string[];
  /** The bytes it was read from, a phrase: `greeting`, `Server header`, `HELLO reply, field version`. */
  readonly from: string;
}

/** What the handshake of TLS told (RFC 8446, RFC 5280). Filled in by the driver. */
export interface TlsFacts {
  /** `TLSv1.3`. */
  readonly version: string;
  readonly cipher: string;
  /** Protocol chosen by ALPN (RFC 7301), `null` for none. */
  readonly alpn: string | null;
  /** `null` when the server showed none that could be read. */
  readonly certificate: CertificateFacts | null;
}

/** What a certificate says of itself; nothing here was checked against an authority. */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  /** ISO 8601. */
  readonly validFrom: string;
  readonly validTo: string;
  readonly selfSigned: boolean;
  /** SHA-256 over the DER form, lower-case hexadecimal without colons. */
  readonly fingerprint: string;
}

/** What a web server answered to `GET /`. */
export interface HttpPage {
  /** `1.1`, `1.0`, `2`. */
  readonly httpVersion: string;
  readonly status: number;
  /** By lower-case name; several of one name joined with `, `. Latin-1. */
  readonly headers: ReadonlyMap<string, string>;
  /** First 64 KiB of the body, decoded from chunks, as UTF-8. */
  readonly body: string;
  /** The connection takes another request. */
  readonly keepsAlive: boolean;
}

/**
 * How a conversation ended.
 * - `proved`: strong evidence; only this protocol answers like that.
 * - `suggested`: weak evidence; it looks like this protocol, another could look the same.
 * - `other`: an answer came that is not this protocol's. `suggests` names protocols to ask next.
 * - `silent`: no answer, or the connection ended before there was one.
 */
export type Verdict =
  | {
      readonly outcome: "proved" | "suggested";
      /** What was seen, one phrase for people: `220 greeting and 211 reply to FEAT`. */
      readonly evidence: string;
      readonly facts: readonly Fact[];
      /** HTTP: what `GET /` brought, for the applications on top. */
      readonly page?: HttpPage;
    }
  | { readonly outcome: "other"; readonly evidence: string; readonly suggests?: readonly string[] }
  | { readonly outcome: "silent"; readonly evidence: string };

/** What the driver is asked to do next. */
export type Step =
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** Wait until something new came, the connection ended, or the patience ran out. */
  | { readonly kind: "receive"; readonly patienceMs: number }
  /** Encrypt this connection from here on. What was received before must have been read. */
  | { readonly kind: "startTls"; readonly alpn: readonly string[] };

/** What the driver gives back after each step. */
export interface Inbox {
  /** What came since the last step; over UDP one whole datagram. Empty when nothing came. */
  readonly bytes: Uint8Array;
  /** `open`: more may come. `silent`: the patience ran out. `overflow`: more than the driver keeps (256 KiB). */
  readonly state: "open" | "silent" | "ended" | "reset" | "overflow";
  /** After `startTls`: what the handshake told, or why it failed. */
  readonly tls?: TlsFacts | { readonly failed: string };
}

/** What a probe may know and use. Nothing else: no clock, no randomness of its own. */
export interface ProbeContext {
  readonly transport: ProbeTransport;
  readonly port: number;
  /** The target as the user named it, for Host headers: a name, or an address (IPv6 without brackets). */
  readonly host: string;
  /** Own address on this connection, canonical text. */
  readonly localAddress: string;
  /** The connection is encrypted already. */
  readonly tls: TlsFacts | null;
  /** For applications on HTTP: what `GET /` brought; `null` for everything else. */
  readonly page: HttpPage | null;
  /** That many random bytes; the driver can replay them. */
  readonly random: (count: number) => Uint8Array;
}

/** One conversation. Written as a generator: the language keeps the state. */
export type Conversation<Result = Verdict> = Generator<Step, Result, Inbox>;

/** Three-valued answer to "are these bytes this protocol's?". */
export type Sniff =
  | { readonly verdict: "match"; readonly serverName?: string; readonly alpn?: readonly string[] }
  | { readonly verdict: "no" }
  | { readonly verdict: "more" };

/** A piece of the wire for the reference page. */
export interface WireLine {
  /** Who sends it. */
  readonly from: "server" | "client";
  /** Text with escapes as in a program (`220 …\r\n`), or hexadecimal in pairs (`03 00 00 13`). */
  readonly bytes: string;
  readonly meaning: string;
}

/** What people read about it. Whole sentences of our own. */
export interface ProtocolText {
  /** What it is for: one or two sentences. */
  readonly purpose: string;
  readonly weakProof: string | null;
  readonly strongProof: string;
  /** What may be claimed, each with the bytes it comes from. */
  readonly claims: readonly { readonly fact: FactName | "tls" | "certificate"; readonly from: string }[];
  /** What the probe does to the target: log lines, counters, limits. `null`: nothing known. */
  readonly effectOnTarget: string | null;
  readonly wire: readonly WireLine[];
  /** `RFC 4253 §4.2`, `[MS-SMB2] 2.2.3`. */
  readonly sources: readonly string[];
}

/** The declaration of one protocol. */
export interface Protocol {
  /** Lower-case word, kebab-case: `ssh`, `webpack-dev-server`. Permanent. */
  readonly id: string;
  readonly title: string;
  /** Who sends the first byte. For UDP always the client. */
  readonly speaksFirst: "server" | "client";
  readonly usualPorts: readonly UsualPort[];
  /** `http`: it is an application on HTTP, asked after `http` was proved on the same connection. */
  readonly over: "transport" | "http";
  readonly text: ProtocolText;
  /**
   * Bytes from a server, unasked or in answer to another protocol's hello: could they be this protocol's? A reason to ask it
   * next, never a proof. Must be cheap and look at no more than the first 512 bytes.
   */
  readonly recognise?: (bytes: Uint8Array) => "match" | "no" | "more";
  /** Applications on HTTP: does the page, or the port, make it worth asking? Costs the target a request. */
  readonly worthAsking?: (page: HttpPage, port: number) => boolean;
  /** The conversation. Absent for what cannot be probed and is only explained. */
  readonly probe?: (talk: Talk, context: ProbeContext) => Conversation;
  /** UDP: the first datagram, which is also what a UDP scan of a usual port sends. */
  readonly datagram?: (context: ProbeContext) => Uint8Array;
  /** UDP: local port at which the answer arrives when it is not the sender's (DHCP). */
  readonly replyPort?: (port: number) => number;
  /** First bytes of a client: are they this protocol's? For the gateway. */
  readonly sniff?: (bytes: Uint8Array, transport: ProbeTransport) => Sniff;
}

/**
 * @module What a client's first bytes look like in a regular expression over their hexadecimal digits, for engines that can look at bytes and know
 * no protocol. Each fits what the protocol's own `sniff` takes; a length that does not fit is not told from one that does.
 */

const byte = "..";
/** A token (RFC 9110, section 5.6.2). */
const method = "(?:2[13-7abde]|3[0-9]|4[1-9a-f]|5[0-9aef]|6.|7[0-9ace])+";

/** By a protocol's identifier. Lower case; TLS is not among them: every engine knows it. */
export const firstBytes: Readonly<Record<string, string>> = {
  ssh: "^5353482d",
  // The preface up to its first line's end (RFC 9113, section 3.4).
  http2: "^505249202a20485454502f322e300d0a",
  // Method, target, HTTP/1 (RFC 9112, section 3).
  http: `^${method}20(?:2[1-9a-f]|[3-6].|7[0-9a-e]|[89a-f].)+20485454502f312e3[0-9](?:0d)?0a`,
  // SSLRequest, GSSENCRequest, CancelRequest, or a StartupMessage of protocol 3.
  postgresql: `^(?:0000000804d2162[f]|0000000804d21630|0000001004d2162e|0000${byte}${byte}0003)`,
  // CONNECT, its length, and the protocol's name (MQTT 3.1.1, section 3.1; MQIsdp before that).
  mqtt: "^10(?:[89a-f].){0,3}[0-7].(?:00044d515454|00064d5149736470)",
  // An array of bulk strings.
  redis: "^2a3[1-9](?:3[0-9]){0,6}0d0a24",
  // Protocol header (AMQP 0-9-1, section 4.2.2).
  amqp: "^414d51500[0-3]0[01]0[0-9a]0[0-9a]",
  // TPKT with a connection request of X.224.
  rdp: "^0300......e0",
  // A session message that carries SMB 1, 2 or 3.
  smb: "^0000....f[ef]534d42",
  vnc: "^52464220",
};

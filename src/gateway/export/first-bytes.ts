/**
 * @module What a client's first bytes look like in a regular expression over their hexadecimal digits, for engines that can look at bytes and know
 * no protocol. Each says no more than the protocol's own `sniff`, and those that bytes alone cannot tell have none.
 */

const byte = "..";
/** Every token character of a method (RFC 9110, section 5.6.2) that is used in one: letters and `-`. */
const method = "(?:2d|[46][1-9a-f]|[57][0-9a])+";

/** By a protocol's identifier. Lower case; the first digit is that of the first byte. */
export const firstBytes: Readonly<Record<string, string>> = {
  // A record of a handshake (RFC 8446, section 5.1).
  tls: "^1603[0-4]",
  ssh: "^5353482d",
  // The preface up to its first line's end (RFC 9113, section 3.4).
  http2: "^505249202a20485454502f322e300d0a",
  // Method, target, HTTP/1 (RFC 9112, section 3).
  http: `^${method}20(?:2[1-9a-f]|[3-6].|7[0-9a-e]|[89a-f].)+20485454502f312e3.(?:0d)?0a`,
  // SSLRequest, GSSENCRequest, CancelRequest, or a StartupMessage of protocol 3.
  postgresql: `^(?:0000000804d2162[f]|0000000804d21630|0000001004d2162e|0000${byte}${byte}0003)`,
  // CONNECT, its length, and the protocol's name (MQTT 3.1.1, section 3.1; MQIsdp before that).
  mqtt: "^10(?:[89a-f].){0,3}[0-7].(?:00044d515454|00064d5149736470)",
  // An array of bulk strings.
  redis: "^2a3[1-9](?:3.){0,6}0d0a24",
  // Protocol header (AMQP 0-9-1, section 4.2.2).
  amqp: "^414d5150",
  // TPKT with a connection request of X.224.
  rdp: "^0300....(?:..)e0",
  // A session message that carries SMB 1, 2 or 3.
  smb: "^00......(?:ff|fe)534d42",
  vnc: "^52464220",
};

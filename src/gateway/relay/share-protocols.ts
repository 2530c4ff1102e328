/**
 * @module Which protocols a share can tell by a client's first bytes, from the table of all protocols.
 */
import { protocols, type Protocol } from "../../protocols/index.ts";

/** A header before the protocol and not one itself. */
const before = "proxy-protocol";

/** Every protocol over TCP that its client's first bytes tell, in the table's order. */
export const toldByBytes: readonly Protocol[] = protocols.filter(
  ({ id, sniff }) => id !== before && sniff?.(new Uint8Array(0), "tcp").verdict === "more",
);

/** For traces also what begins with a header that nobody said would come. */
export const seenInBytes: readonly Protocol[] = [...toldByBytes, protocols.find(({ id }) => id === before)!];

/**
 * The server speaks first and the clients wait for it, so that they say nothing that could tell them. Not SSH: RFC 4253, section 4.2, lets
 * both begin, and the usual clients do at once.
 */
export const waitingClients: readonly Protocol[] = protocols.filter(
  ({ id, speaksFirst, probe }) => speaksFirst === "server" && probe !== undefined && id !== "ssh",
);

/** Protocols whose first bytes carry the name that is asked for. */
export const namingProtocols = ["tls", "http"] as const;

/**
 * The order in which protocols are asked when nothing else says one: those told by more, or by rarer, bytes before those told by words. A `get`
 * could begin a request of HTTP with an odd method, so HTTP goes before memcached.
 */
const precision =
  "ssh tls http2 postgresql rdp mqtt amqp smb vnc dns socks ldap mongodb sip http redis memcached nats smtp imap pop3 ftp".split(
    " ",
  );

/** Sorts identifiers of protocols by it; one that is not listed comes last. */
export function byPrecision(one: string, other: string): number {
  const rank = (id: string): number => (precision.includes(id) ? precision.indexOf(id) : precision.length);
  return rank(one) - rank(other);
}

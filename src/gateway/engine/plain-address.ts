/**
 * @module How the address of a client is written.
 */

/** IPv4 inside IPv6 is IPv4 (RFC 4291, section 2.5.5.2). */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

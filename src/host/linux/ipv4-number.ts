/**
 * @module IPv4 addresses as unsigned 32-bit numbers, for comparing networks.
 */

/** A network of one interface. */
export interface Ipv4Network {
  readonly name: string;
  /** First address. */
  readonly first: number;
  readonly prefixLength: number;
}

/** Dotted decimal as a number; what is no address gives some number, never an error. */
export function ipv4FromText(text: string): number {
  return text.split(".").reduce((number, part) => ((number << 8) | (Number(part) & 255)) >>> 0, 0);
}

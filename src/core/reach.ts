/**
 * @module From where a listener can be reached. The words only; `plan/reach.ts` works them out.
 */
import type { IpFamily } from "./socket.ts";

/**
 * Farthest place from which a listener can be reached, as far as addresses decide (firewalls are not considered).
 * - `namespace`: only programs of the network namespace it is in, which is not the reader's own: its loopback addresses.
 * - `machine`: only this machine (loopback addresses).
 * - `networks`: the networks of some named interfaces or addresses.
 * - `everywhere`: every address of this machine, present and future (wildcard bind).
 * - `nowhere`: bound to an address that no interface has now, or every address is taken by more specific sockets.
 */
export type ReachScope = "namespace" | "machine" | "networks" | "everywhere" | "nowhere";

/** Who can use an address of this machine: by its kind (RFC 6890). */
export type AddressAudience = "this-machine" | "link" | "private-network" | "internet";

/** One concrete address at which a listener answers. */
export interface ReachableAddress {
  /** Canonical text without zone, e.g. `192.168.1.8`. */
  readonly address: string;
  readonly family: IpFamily;
  /** Interface that has the address, e.g. `eth0`; empty when the interfaces could not be read. */
  readonly interfaceName: string;
  /** Network of the address there, e.g. `192.168.1.0/24`; `null` when it is not known. */
  readonly network: string | null;
  /** By the address (RFC 6890), and `this-machine` while the interface is down. */
  readonly audience: AddressAudience;
  /** `[fe80::1%eth0]:80`-style endpoint text, canonical. */
  readonly endpoint: string;
  /** URL for a browser when the service is claimed to speak HTTP; `null` otherwise (also for link-local IPv6, which browsers cannot open). */
  readonly url: string | null;
  /**
   * False when an option that could not be read decides whether it answers there: v6only of an IPv6 wildcard, or, where a
   * socket bound to an interface shares the port, SO_REUSEPORT and SO_REUSEADDR (which Linux shows to nobody).
   */
  readonly certain: boolean;
}

/** An address of the machine on which another, more specific socket answers the same port. */
export interface TakenAddress {
  readonly address: string;
  readonly family: IpFamily;
  /** Inode of the socket that answers there instead. */
  readonly inode: number;
}

/** Whether a family's traffic arrives: `depends` when an option that decides is not known. */
export type FamilyReach = "yes" | "no" | "depends";

/** Where a listener can be reached. */
export interface Reach {
  readonly scope: ReachScope;
  readonly ipv4: FamilyReach;
  readonly ipv6: FamilyReach;
  readonly addresses: readonly ReachableAddress[];
  readonly taken: readonly TakenAddress[];
  /** Why, in one sentence for a person, e.g. `Bound to 127.0.0.1, an address that only this machine can use.` */
  readonly reason: string;
}

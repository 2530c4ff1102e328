/**
 * @module Which doors open on to which street: of each interface the services that answer at its addresses, and who that lets in.
 */
import type { InterfacesResult } from "../../../src/operations/interfaces.ts";
import type { ListedService } from "../../../src/operations/schemas.ts";

type Interface = InterfacesResult["interfaces"][number];

/** A street with its doors. */
export interface Street {
  readonly networkInterface: Interface;
  readonly doors: readonly ListedService[];
  readonly kind: "inner" | "outer" | "bridge";
}

/** Names under which engines and machines make bridges and pairs for their guests. */
const bridgeNames = /^(docker|podman|cni|br-|virbr|veth|lxc|cali|flannel)/;

/** Streets in the order in which they are shown: those that lead out first, the loopback last. */
export function streetsOf(interfaces: readonly Interface[], services: readonly ListedService[]): readonly Street[] {
  const order = { outer: 0, bridge: 1, inner: 2 };
  return interfaces
    .map((networkInterface): Street => {
      const { name, loopback } = networkInterface;
      const addresses = new Set(networkInterface.addresses.map(({ address }) => address));
      return {
        networkInterface,
        kind: loopback ? "inner" : bridgeNames.test(name) ? "bridge" : "outer",
        doors: services.filter(({ reach }) =>
          reach.addresses.some(({ address, interfaceName }) => interfaceName === name || addresses.has(address)),
        ),
      };
    })
    .sort((left, right) => order[left.kind] - order[right.kind]);
}

/** What the street is to somebody who asks. */
export function describeStreet({ kind, doors, networkInterface }: Street): string {
  const { addresses } = networkInterface;
  if (kind === "inner") return "The inner yard: only programs on this machine come here.";
  if (doors.length === 0) return "No door opens on to it.";
  const internet = addresses.some(({ audience }) => audience === "internet");
  if (kind === "bridge") return "Leads to containers or virtual machines on this machine.";
  return internet
    ? "Has an address of the internet: unless a firewall stands before it, everybody can knock."
    : "A phone or a computer on this network can knock at these doors.";
}

/**
 * @module `interfaces`: the streets this machine lives on, and who can use each address.
 */
import * as v from "valibot";
import { audienceOf, isWildcardAddress, knownOr, networkOf } from "../core/index.ts";
import type { NetworkInterface } from "../host/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { optionalSwitch } from "./parameters.ts";
import { familySchema, knownSchema, listOf } from "./schemas.ts";

const inputSchema = v.object({
  all: optionalSwitch("Interfaces that are down or have no address too", { short: "a" }),
});

const interfaceSchema = v.object({
  name: v.string(),
  index: knownSchema(v.number()),
  up: knownSchema(v.boolean()),
  loopback: v.boolean(),
  hardwareAddress: knownSchema(v.nullable(v.string())),
  mtuBytes: knownSchema(v.number()),
  defaultRoute: v.object({ ipv4: knownSchema(v.boolean()), ipv6: knownSchema(v.boolean()) }),
  reachableFromOutside: v.pipe(
    v.boolean(),
    v.description("Up, not loopback, and with an address that another device can use"),
  ),
  addresses: listOf(
    v.object({
      address: v.string(),
      family: familySchema,
      prefixLength: v.number(),
      network: v.string(),
      audience: v.picklist(["this-machine", "link", "private-network", "internet"]),
    }),
  ),
});

const outputSchema = v.object({
  complete: v.boolean(),
  interfaces: listOf(interfaceSchema),
  hidden: v.pipe(v.number(), v.description("Interfaces left out because they are down or have no address")),
});

export type InterfacesInput = v.InferInput<typeof inputSchema>;
export type InterfacesResult = v.InferOutput<typeof outputSchema>;
type DescribedInterface = v.InferOutput<typeof interfaceSchema>;

/** Runs `interfaces`. */
export async function runInterfaces(input: InterfacesInput, context: OperationContext): Promise<InterfacesResult> {
  const described = context.host.readInterfaces().map(describeInterface);
  const shown = described.filter((one) => input.all === true || (one.addresses.length > 0 && knownOr(one.up, true)));
  return { complete: true, interfaces: shown, hidden: described.length - shown.length };
}

/** An interface with what its addresses mean. */
export function describeInterface(networkInterface: NetworkInterface): DescribedInterface {
  const addresses = networkInterface.addresses
    .filter(({ address }) => !isWildcardAddress(address))
    .map(({ address, family, prefixLength }) => ({
      address,
      family,
      prefixLength,
      network: networkOf(address, prefixLength),
      audience: audienceOf(address),
    }));
  return {
    name: networkInterface.name,
    index: networkInterface.index,
    up: networkInterface.up,
    loopback: networkInterface.loopback,
    hardwareAddress: networkInterface.hardwareAddress,
    mtuBytes: networkInterface.mtuBytes,
    defaultRoute: networkInterface.defaultRoute,
    reachableFromOutside:
      !networkInterface.loopback &&
      knownOr(networkInterface.up, true) &&
      addresses.some(({ audience }) => audience !== "this-machine"),
    addresses,
  };
}

/** The declaration of `interfaces`. */
export const interfacesOperation = defineOperation({
  name: "interfaces",
  summary: "The network interfaces with their addresses, and which ones other devices can use",
  description:
    "An address belongs to an interface. Loopback addresses are for this machine alone, link-local ones for the neighbours on the same " +
    "cable or Wi-Fi, private ones for the local networks, the others for the internet, as far as routers and firewalls let traffic through.",
  effect: "read",
  faces: ["cli", "http", "mcp"],
  positional: [],
  examples: [
    { command: "interfaces", note: "addresses of this machine" },
    { command: "interfaces --all", note: "those that are down too" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runInterfaces,
});

/**
 * @module `explain`: a port, a name, an endpoint or a URL taken apart for somebody who has never met a port.
 */
import * as v from "valibot";
import {
  audienceOf,
  isPortolanError,
  isWildcardAddress,
  known,
  parseEndpoint,
  parsePort,
  tryParseIpAddress,
  unknown,
  type AddressAudience,
  type Endpoint,
  type IpAddress,
  type Known,
} from "../core/index.ts";
import type { NetworkInterface } from "../host/index.ts";
import type { Protocol } from "../protocols/index.ts";
import { findService, portOfScheme } from "../registry/index.ts";
import { defineOperation } from "./define-operation.ts";
import { explainProtocol, explainedProtocolSchema, findProtocol, protocolsAt } from "./explain-protocols.ts";
import { describeMeaning, meaningSchema } from "./meaning.ts";
import type { OperationContext } from "./operation.ts";
import { requiredText } from "./parameters.ts";
import { readLimitsOrUnknown } from "./ranges.ts";
import { familySchema, knownSchema, listOf, portSchema, serviceSchema, transportSchema } from "./schemas.ts";
import { describeListeners } from "./services.ts";
import { unknownService } from "./who.ts";

const inputSchema = v.object({
  what: requiredText("A port, a service name, an address, 192.168.1.8:5500 or a URL", { placeholder: "WHAT" }),
});

const outputSchema = v.object({
  complete: v.boolean(),
  kind: v.picklist(["port", "service", "endpoint", "address"]),
  address: v.pipe(
    v.nullable(
      v.object({
        text: v.string(),
        kind: v.picklist(["ip", "name", "every", "unsaid"]),
        family: v.nullable(familySchema),
        audience: v.nullable(v.picklist(["this-machine", "link", "private-network", "internet"])),
        interfaceName: v.pipe(
          knownSchema(v.nullable(v.string())),
          v.description("Interface of this machine that has the address; null when none has it"),
        ),
        explanation: v.string(),
      }),
    ),
    v.description("The street address: which device"),
  ),
  scheme: v.nullable(v.object({ name: v.string(), port: v.nullable(portSchema), explanation: v.string() })),
  transport: v.nullable(transportSchema),
  path: v.nullable(v.string()),
  service: v.pipe(
    v.nullable(v.object({ name: v.string(), alias: v.nullable(v.string()), description: v.string() })),
    v.description("The service that was asked by name"),
  ),
  ports: v.pipe(
    listOf(
      v.object({
        ...meaningSchema.entries,
        explanation: v.string(),
        here: v.pipe(knownSchema(listOf(serviceSchema)), v.description("What listens on it on this machine now")),
      }),
    ),
    v.description("The apartments: which application"),
  ),
  protocols: v.pipe(
    listOf(explainedProtocolSchema),
    v.description("How what is usually met there proves itself; for a protocol's name that one alone"),
  ),
});

export type ExplainInput = v.InferInput<typeof inputSchema>;
export type ExplainResult = v.InferOutput<typeof outputSchema>;
type ExplainedAddress = NonNullable<ExplainResult["address"]>;

/** What the words turned out to be. */
interface Subject {
  readonly kind: ExplainResult["kind"];
  readonly endpoint: Endpoint | null;
  readonly address: IpAddress | null;
  readonly ports: readonly number[];
  readonly service: ExplainResult["service"];
  /** Protocols whose prose is told. */
  readonly protocols: readonly Protocol[];
}

/** Runs `explain`. */
export async function runExplain(input: ExplainInput, context: OperationContext): Promise<ExplainResult> {
  const subject = readSubject(input.what.trim());
  const limits = readLimitsOrUnknown(context);
  const services = subject.ports.length === 0 ? known([]) : await describeListeners(context);
  const endpoint = subject.endpoint;
  return {
    complete: true,
    kind: subject.kind,
    address: explainHost(subject, context),
    scheme: endpoint?.scheme === undefined || endpoint.scheme === null ? null : explainScheme(endpoint.scheme),
    transport: endpoint?.transport ?? null,
    path: endpoint?.path ?? null,
    service: subject.service,
    protocols: subject.protocols.map(explainProtocol),
    ports: subject.ports.map((number) => {
      const port = parsePort(String(number));
      return {
        ...describeMeaning(port, limits),
        explanation: explainPort(port),
        here: services.known ? known(services.value.filter((service) => service.port === port)) : services,
      };
    }),
  };
}

/**
 * Reads what was given: a number is a port, a name a service, the rest an address or an endpoint.
 * @throws PORT_INVALID, ENDPOINT_INVALID, SERVICE_UNKNOWN
 */
function readSubject(what: string): Subject {
  const nothing = { endpoint: null, address: null, service: null, protocols: [] };
  if (/^[+-]?[0-9][0-9a-z]*$/i.test(what) || what === "") {
    const port = parsePort(what);
    return { ...nothing, kind: "port", ports: [port], protocols: protocolsAt([port]) };
  }
  const address = tryParseIpAddress(what.startsWith("[") && what.endsWith("]") ? what.slice(1, -1) : what);
  if (address !== undefined) return { ...nothing, kind: "address", address, ports: [] };
  if (!what.includes(":") && !what.includes("/")) {
    const service = findService(what);
    const protocol = findProtocol(what);
    if (service === undefined && protocol === undefined) throw unknownService(what);
    const ports = service?.ports.map((entry) => entry.port) ?? usualPortsOf(protocol);
    return {
      ...nothing,
      kind: "service",
      ports,
      service:
        service === undefined
          ? { name: what.toLowerCase(), alias: null, description: protocol?.title ?? "" }
          : { name: service.name, alias: service.alias, description: service.description },
      protocols: protocol === undefined ? protocolsAt(ports) : [protocol],
    };
  }
  const endpoint = parseEndpoint(what, { portOfScheme });
  const host = endpoint.host;
  return {
    kind: "endpoint",
    endpoint,
    address: host.kind === "address" ? host.address : null,
    ports: [endpoint.port],
    service: null,
    protocols: protocolsAt([endpoint.port]),
  };
}

function usualPortsOf(protocol: Protocol | undefined): readonly number[] {
  return [...new Set(protocol?.usualPorts.map(({ port }) => port))];
}

function explainHost(subject: Subject, context: OperationContext): ExplainedAddress | null {
  if (subject.address !== null) return explainAddress(subject.address, context);
  const host = subject.endpoint?.host;
  if (host === undefined) return null;
  const nobody = { family: null, audience: null, interfaceName: known(null) };
  if (host.kind === "name") {
    const local = host.name === "localhost" || host.name.endsWith(".localhost");
    return {
      ...nobody,
      text: host.name,
      kind: "name",
      audience: local ? "this-machine" : null,
      explanation: local
        ? "A name for this very machine: it stands for 127.0.0.1 and ::1, so traffic to it never leaves the machine (RFC 6761 §6.3)."
        : "A name. Before anything is sent, the name is looked up, and the answer is the IP address that finds the device.",
    };
  }
  if (host.kind === "any") {
    return {
      ...nobody,
      text: "*",
      kind: "every",
      explanation: "Every address of this machine, IPv4 and IPv6: whichever one the traffic comes to.",
    };
  }
  return {
    ...nobody,
    text: "",
    kind: "unsaid",
    explanation:
      "No address was given. A program that listens so means every address; one that connects so means this machine.",
  };
}

const audienceText: Record<AddressAudience, string> = {
  "this-machine":
    "It is a loopback address: it leads back to the machine that uses it, so no other device can come in through it.",
  link: "It is a link-local address: it works only between neighbours on the same cable or Wi-Fi.",
  "private-network":
    "It is a private address: devices of the same home, office or cloud network can use it, the internet cannot.",
  internet: "It is a public address: as far as addresses decide, any device on the internet can use it.",
};

function explainAddress(ip: IpAddress, context: OperationContext): ExplainedAddress {
  const family = ip.family === "ipv4" ? "IPv4" : "IPv6";
  const text = ip.zone === null ? ip.address : `${ip.address}%${ip.zone}`;
  if (isWildcardAddress(ip.address)) {
    const reaches =
      ip.family === "ipv4"
        ? "every IPv4 address of this machine"
        : "every IPv6 address of this machine and, unless the program asked otherwise, every IPv4 address too";
    return {
      text,
      kind: "every",
      family: ip.family,
      audience: null,
      interfaceName: known(null),
      explanation: `Not one address but all: a program that listens here is reached at ${reaches}.`,
    };
  }
  const audience = audienceOf(ip.address);
  const interfaceName = findInterface(ip.address, context);
  const own =
    interfaceName.known && interfaceName.value !== null
      ? ` This machine has it, on its interface ${interfaceName.value}.`
      : "";
  return {
    text,
    kind: "ip",
    family: ip.family,
    audience,
    interfaceName,
    explanation: `An ${family} address is the street address: it finds the device. ${audienceText[audience]}${own}`,
  };
}

function findInterface(address: string, context: OperationContext): Known<string | null> {
  let interfaces: readonly NetworkInterface[];
  try {
    interfaces = context.host.readInterfaces();
  } catch (error) {
    if (isPortolanError(error, "HOST_UNSUPPORTED")) return unknown("unsupported");
    throw error;
  }
  const owner = interfaces.find(
    ({ loopback, addresses }) =>
      (loopback && address.startsWith("127.")) || addresses.some((own) => own.address === address),
  );
  return known(owner?.name ?? null);
}

function explainPort(port: number): string {
  const floor = Math.floor(port / 256);
  return port === 0
    ? "Port 0 is nobody's apartment: a program that asks for it is given any free port."
    : `The port is the apartment: the address finds the device, and ${port} tells which application in it gets the traffic. ` +
        `Of the 65,536 apartments, 256 on each of 256 floors, it is number ${port % 256} on floor ${floor}.`;
}

function explainScheme(name: string): NonNullable<ExplainResult["scheme"]> {
  const port = portOfScheme(name) ?? null;
  return {
    name,
    port: port === null ? null : parsePort(String(port)),
    explanation:
      port === null
        ? "The scheme says which protocol to speak."
        : `The scheme says which protocol to speak. Its own port is ${port}: a URL that names no port means that one.`,
  };
}

/** The declaration of `explain`. */
export const explainOperation = defineOperation({
  name: "explain",
  summary: "What a port, a service name, an address or a URL means, in plain words",
  description:
    "Takes the text apart into street address and apartment and tells what each is, what the port was assigned to, what developers use it " +
    "for, who may take it, what listens on it on this machine now, and how what is usually there proves itself. Sends nothing to anybody: names are not looked up.",
  effect: "read",
  faces: ["cli", "http", "mcp"],
  positional: ["what"],
  examples: [
    { command: "explain 5432", note: "a port" },
    { command: "explain rdp", note: "a name that people say" },
    { command: "explain 192.168.1.8:5500", note: "an address and a port" },
    { command: "explain https://localhost:8443/", note: "a URL" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runExplain,
});

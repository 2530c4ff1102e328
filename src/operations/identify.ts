/**
 * @module `identify`: what one door proves to be.
 */
import * as v from "valibot";
import { formatSocketAddress, parseEndpoint, PortolanError, quote } from "../core/index.ts";
import { portOfScheme } from "../registry/index.ts";
import { identifyEndpoint, type EndpointAnswer, type ScanTarget } from "../scan/index.ts";
import { defineOperation } from "./define-operation.ts";
import { describeIdentified } from "./describe-door.ts";
import type { OperationContext } from "./operation.ts";
import { requiredText } from "./parameters.ts";
import { doorMeaningEntries, portStateSchema, scanTransportSchema } from "./scan-schemas.ts";
import { addressesOfHost } from "./scan-targets.ts";
import { portSchema } from "./schemas.ts";

const inputSchema = v.object({
  endpoint: requiredText("A port of this machine (3000), host:port, udp://host:port or a URL", {
    placeholder: "ENDPOINT",
  }),
});

const outputSchema = v.object({
  complete: v.boolean(),
  endpoint: v.pipe(v.string(), v.description("The address and port that were asked")),
  address: v.string(),
  host: v.pipe(v.nullable(v.string()), v.description("Host name as it was given; null for an address")),
  transport: scanTransportSchema,
  port: portSchema,
  state: portStateSchema,
  reason: v.pipe(v.string(), v.description("Why it is in this state")),
  ...doorMeaningEntries,
  elapsedMs: v.number(),
});

export type IdentifyInput = v.InferInput<typeof inputSchema>;
export type IdentifyResult = v.InferOutput<typeof outputSchema>;

/** Runs `identify`. */
export async function runIdentify(input: IdentifyInput, context: OperationContext): Promise<IdentifyResult> {
  const startedMs = context.nowMs();
  const { transport, port, targets } = await readDoor(input.endpoint.trim(), context);
  const { target, answer } = await askFirstOpen(targets, transport, port, context);
  const identification = answer.identification;
  return {
    complete: !context.signal.aborted,
    endpoint: formatSocketAddress(target.address, port),
    address: target.address,
    host: target.name,
    transport,
    port,
    state: answer.state,
    reason: answer.reason,
    ...describeIdentified(transport, port, identification),
    elapsedMs: context.nowMs() - startedMs,
  };
}

interface Door {
  readonly transport: "tcp" | "udp";
  readonly port: number;
  /** Addresses of the host, at least one. */
  readonly targets: readonly ScanTarget[];
}

/** @throws ENDPOINT_INVALID; ARGUMENT_INVALID for port 0 and other transports; TARGET_UNRESOLVED */
async function readDoor(text: string, context: OperationContext): Promise<Door> {
  const endpoint = parseEndpoint(text, { portOfScheme });
  const transport = endpoint.transport ?? "tcp";
  if (transport !== "tcp" && transport !== "udp") {
    throw new PortolanError("ARGUMENT_INVALID", `${quote(text)} is ${transport}, and only TCP and UDP can be asked.`);
  }
  if (endpoint.port === 0) {
    throw new PortolanError("ARGUMENT_INVALID", "Port 0 is no door: nothing can be sent to it.");
  }
  return { transport, port: endpoint.port, targets: await addressesOfHost(endpoint.host, context) };
}

/** A name can stand for several addresses, and a server may listen at one of them only: the first that is open answers for it. */
async function askFirstOpen(
  targets: readonly ScanTarget[],
  transport: "tcp" | "udp",
  port: number,
  context: OperationContext,
): Promise<{ readonly target: ScanTarget; readonly answer: EndpointAnswer }> {
  let first: { readonly target: ScanTarget; readonly answer: EndpointAnswer } | undefined;
  for (const target of targets) {
    const answer = await identifyEndpoint(target, transport, port, { signal: context.signal, nowMs: context.nowMs });
    if (answer.state === "open") return { target, answer };
    first ??= { target, answer };
    if (context.signal.aborted) break;
  }
  if (first === undefined) throw new PortolanError("INTERNAL", "A host without addresses was not refused.");
  return first;
}

/** The declaration of `identify`. */
export const identifyOperation = defineOperation({
  name: "identify",
  summary: "What one port proves to be: its protocol, product, encryption, and the bytes that say so",
  description:
    "Connects, listens, asks the port's usual protocol first, and others only when that is not it; one connection when it is, sixteen " +
    "at most. No password is ever tried. Exit status 0 when a protocol was recognised, 1 when none was or the port is not open.",
  effect: "network",
  faces: ["cli", "http", "mcp"],
  positional: ["endpoint"],
  examples: [
    { command: "identify 3000", note: "what answers on this machine's port 3000" },
    { command: "identify 192.168.1.8:5432", note: "a port of another device" },
    { command: "identify https://nas.local:8443/", note: "its certificate too" },
    { command: "identify udp://192.168.1.1:53", note: "by UDP" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runIdentify,
});

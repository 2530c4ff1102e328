/**
 * @module `doctor`: why something cannot be reached, with what was seen and what to do.
 */
import * as v from "valibot";
import {
  PortolanError,
  isPortolanError,
  known,
  knownOr,
  parseDuration,
  parseEndpoint,
  quote,
  unknown,
  type Endpoint,
} from "../core/index.ts";
import { readOwnFirewall, readOwnNeighbours, readOwnRoutes, type NetworkInterface } from "../host/index.ts";
import {
  diagnoseReach,
  findProxy,
  isServiceStopped,
  placeAt,
  type Asked,
  type DoctorFacts,
  type NameFacts,
} from "../plan/index.ts";
import { browserBlockedPorts, portOfScheme } from "../registry/index.ts";
import { askResolver, readTrustedCertificates } from "../scan/index.ts";
import { findStateFolder } from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import { lookAtRoutes } from "./own-files.ts";
import { tryAddresses, type AttemptWish } from "./doctor-attempts.ts";
import { usualProgramsOf } from "./nearby-services.ts";
import { ownAuthorityName, readGatewayFacts, readHostsLines, readPromised } from "./doctor-gateway.ts";
import { doctorSchema, type DoctorResult } from "./doctor-schemas.ts";
import { lookAtListeners, type ListenerLook } from "./doctor-services.ts";
import type { OperationContext } from "./operation.ts";
import { optionalText, requiredText } from "./parameters.ts";

/** How long an answer is waited for where nothing else is said. */
const usualTimeout = "4s";
const shortestTimeoutMs = 50;
/** Longest time for the resolver, milliseconds: its usual two tries of five seconds. */
const resolverTimeoutMs = 10_000;

const inputSchema = v.object({
  endpoint: requiredText("A port of this machine (3000), host:port, or a URL as the browser shows it", {
    placeholder: "PORT|ENDPOINT|URL",
  }),
  timeout: optionalText(`How long to wait for an answer (default ${usualTimeout})`, { placeholder: "DURATION" }),
});

export type DoctorInput = v.InferInput<typeof inputSchema>;
export type { DoctorResult } from "./doctor-schemas.ts";

/** Runs `doctor`. */
export async function runDoctor(input: DoctorInput, context: OperationContext): Promise<DoctorResult> {
  const timeoutMs = parseDuration(input.timeout ?? usualTimeout, "--timeout");
  if (timeoutMs < shortestTimeoutMs) {
    throw new PortolanError(
      "ARGUMENT_INVALID",
      `--timeout: ${quote(input.timeout ?? "")} is too short to be answered in.`,
    );
  }
  const asked = readAsked(parseEndpoint(input.endpoint.trim(), { portOfScheme }), input.endpoint);
  const { environment, signal } = context;
  const stateFolder = findStateFolder(environment);
  context.progress("looking at this machine");
  const look = await tryLook(context);
  if (look?.snapshot.live === false) {
    throw new PortolanError(
      "ARGUMENT_INVALID",
      "doctor tries what is there now, and a saved machine cannot be tried.",
      {
        details: { argument: "from", hint: "Run it on that machine itself." },
      },
    );
  }
  const firewallReading = readOwnFirewall(signal);
  const interfaces = look?.snapshot.interfaces ?? [];
  const name = asked.hostKind === "name" ? await readName(asked.host!, context) : null;
  const gateway = name === null ? null : await readGatewayFacts(name.name, asked.path, stateFolder);
  const addresses = addressesOf(asked, name, input.endpoint, interfaces);
  context.progress(`trying ${addresses.map(({ address }) => address).join(", ")}`);
  const authority = ownAuthorityName(stateFolder);
  const attempts = await tryAddresses(
    {
      asked,
      addresses,
      interfaces,
      services: look?.here ?? [],
      isStopped: isServiceStopped,
      trusted: () => readTrustedCertificates(environment),
      isOwnAuthority: (issuer) => issuer === authority,
      timeoutMs,
    },
    context,
  );
  const facts: DoctorFacts = {
    asked,
    name,
    attempts,
    services: look === null ? unknown("unsupported") : known(look.here),
    elsewhere: look?.elsewhere ?? [],
    interfaces,
    routes: readOwnRoutes(),
    neighbours: readOwnNeighbours(),
    firewall: await firewallReading,
    proxy: readProxy(asked, addresses, look, environment),
    gateway,
    promised: readPromised(stateFolder),
    usualPrograms: usualProgramsOf(asked.port, asked.transport),
    browserBlocked: browserBlockedPorts.includes(asked.port),
    workingDirectory: context.workingDirectory,
  };
  return describeDiagnosis(facts, look, context);
}

function describeDiagnosis(facts: DoctorFacts, look: ListenerLook | null, context: OperationContext): DoctorResult {
  const { asked, attempts } = facts;
  const findings = diagnoseReach(facts);
  return {
    complete: !context.signal.aborted && (look?.snapshot.complete ?? true),
    asked: {
      text: placeAt(asked, asked.host ?? "localhost", asked.port),
      transport: asked.transport,
      scheme: asked.scheme,
      host: asked.host,
      port: asked.port,
    },
    healthy: findings.length === 0,
    findings: findings.map(({ evidence, remedies, ...rest }) => ({
      ...rest,
      evidence: [...evidence],
      remedies: [...remedies],
    })),
    attempts: attempts.map(({ address, family, own, outcome, elapsedMs, exchange }) => ({
      address,
      family,
      own,
      outcome,
      elapsedMs,
      answered: exchange?.answered ?? null,
      status: exchange?.status ?? null,
      failure: exchange?.failure ?? null,
      identified: (exchange?.identified ?? []).map(({ title }) => title),
    })),
    notes: notesOn(facts, look, findings.length === 0),
    notLookedAt: listUnseen(facts, look, context),
  };
}

/** @throws ARGUMENT_INVALID for port 0 and transports but TCP and UDP */
function readAsked({ transport, scheme, host, port, path }: Endpoint, text: string): Asked {
  if (transport !== null && transport !== "tcp" && transport !== "udp") {
    throw new PortolanError("ARGUMENT_INVALID", `${quote(text)} is ${transport}, and only TCP and UDP can be tried.`);
  }
  if (port === 0) throw new PortolanError("ARGUMENT_INVALID", "Port 0 is no door: nothing can be sent to it.");
  const common = { transport: transport ?? "tcp", scheme, port, path: path ?? "" } as const;
  if (host.kind === "name") return { ...common, host: host.name.replace(/\.$/, ""), hostKind: "name" };
  if (host.kind !== "address" || host.address.address === "0.0.0.0" || host.address.address === "::") {
    return { ...common, host: null, hostKind: "this-machine" };
  }
  return { ...common, host: host.address.address, hostKind: "address" };
}

async function readName(name: string, { environment, signal }: OperationContext): Promise<NameFacts> {
  return {
    name,
    resolved: await askResolver(name, { signal, timeoutMs: resolverTimeoutMs }),
    localhost: name === "localhost" || name.endsWith(".localhost"),
    ...readHostsLines(name, environment),
  };
}

/** @throws TARGET_INVALID for a zone that is none */
function addressesOf(
  asked: Asked,
  name: NameFacts | null,
  text: string,
  interfaces: readonly NetworkInterface[],
): AttemptWish["addresses"] {
  const plain = (address: string) => ({ address, zone: null, scopeId: 0 });
  if (asked.hostKind === "address") {
    const { host } = parseEndpoint(text.trim(), { portOfScheme });
    const zone = host.kind === "address" ? host.address.zone : null;
    const device = interfaces.find((one) => one.name === zone || String(knownOr(one.index, "")) === zone);
    if (zone !== null && device === undefined) {
      throw new PortolanError("TARGET_INVALID", `This machine has no network interface ${quote(zone)}.`);
    }
    return [{ address: asked.host!, zone, scopeId: device === undefined ? 0 : knownOr(device.index, 0) }];
  }
  if (name !== null && name.resolved.length > 0) return name.resolved.map(plain);
  if (name !== null && !name.localhost) return [];
  const hasIpv6 =
    interfaces.length === 0 || interfaces.some(({ addresses }) => addresses.some(({ address }) => address === "::1"));
  return (hasIpv6 ? ["127.0.0.1", "::1"] : ["127.0.0.1"]).map(plain);
}

async function tryLook(context: OperationContext): Promise<ListenerLook | null> {
  try {
    return await lookAtListeners(context);
  } catch (error) {
    if (isPortolanError(error, "HOST_UNSUPPORTED")) return null;
    throw error;
  }
}

function readProxy(
  { scheme, host, port }: Asked,
  addresses: AttemptWish["addresses"],
  look: ListenerLook | null,
  environment: OperationContext["environment"],
): DoctorFacts["proxy"] {
  if (scheme === null || !/^(?:https?|wss?)$/.test(scheme)) return null;
  const wanted = { scheme, host: host ?? "localhost", addresses: addresses.map(({ address }) => address), port };
  const found = findProxy(environment, wanted);
  if (found === null) return null;
  const { variable, proxy, exceptions, local } = found;
  const nobodyThere =
    local && look !== null && !look.here.some((one) => one.transport === "tcp" && one.port === found.port);
  return { variable, proxy, exceptions, nobodyThere };
}

function notesOn({ asked, attempts, name }: DoctorFacts, look: ListenerLook | null, healthy: boolean): string[] {
  const notes: string[] = [];
  const answered = attempts.find(({ exchange }) => exchange?.answered === true);
  const status = answered?.exchange?.status ?? null;
  if (status !== null && status >= 400)
    notes.push(`It answers with HTTP status ${status}: reached, and not content with the request.`);
  if (answered?.exchange?.spoke === "probe" && (answered.exchange.identified ?? []).length === 0) {
    notes.push("The connection is taken; what is spoken there was not recognised.");
  }
  if (healthy && name !== null && answered !== undefined) {
    for (const { address, outcome } of attempts) {
      if (outcome !== "open")
        notes.push(
          `${name.name} is ${address} too, which answers ${outcome}: programs that try only one address may fail.`,
        );
    }
  }
  if (name?.localhost === true && name.resolved.length === 0) {
    notes.push(
      `The system's resolver does not know ${name.name}; browsers and curl take it to loopback, other programs may not.`,
    );
  }
  if (healthy) notes.push(...(look?.reachNotes(asked.port, asked.transport) ?? []));
  return notes;
}

function listUnseen(
  { firewall, routes }: DoctorFacts,
  look: ListenerLook | null,
  { environment }: OperationContext,
): DoctorResult["notLookedAt"] {
  const unseen: DoctorResult["notLookedAt"][number][] = [];
  if (!firewall.chains.known) {
    const { why } = firewall.chains;
    const refusing = firewall.asked.filter(({ outcome }) => outcome !== "not installed").map(({ program }) => program);
    unseen.push({
      what: "firewall",
      why,
      message:
        why === "permission"
          ? `The firewall's rules, which only root may read (${refusing.join(", ")}).`
          : "The firewall's rules: there is no program here by which Portolan reads them.",
    });
  }
  const nft = firewall.asked.find(({ program }) => program === "nft");
  if (firewall.chains.known && nft !== undefined && nft.outcome !== "read") {
    unseen.push({
      what: "firewall",
      why: "unsupported",
      message: "Rules that only nft tells: it gave no answer here, or is not installed.",
    });
  }
  if (!routes.known)
    unseen.push({
      what: "routes",
      why: routes.why,
      message: "The routes to other machines: this system is not asked for them.",
    });
  for (const { why, message } of lookAtRoutes(environment).blindSpots) unseen.push({ what: "files", why, message });
  if (look === null) {
    unseen.push({
      what: "sockets",
      why: "unsupported",
      message: "This machine's sockets: Portolan has no reader for this system.",
    });
  }
  const spots = look === null ? [] : [...look.snapshot.blindSpots, ...look.containers.blindSpots];
  return [...unseen, ...spots.map(({ what, why, message }) => ({ what, why, message }))];
}

/** The declaration of `doctor`. */
export const doctorOperation = defineOperation({
  name: "doctor",
  summary: "Why something cannot be reached: each cause with what was seen, how sure, and what to do",
  description:
    "Tries what was named, and nothing else: one connection for each of its addresses, one request where the URL asks for HTTP, and at most " +
    "sixteen more to prove what is spoken. Looks at this machine's listeners, their processes, containers, interfaces, routes and firewall. " +
    "What could not be looked at is said. Exit status 0 when all is well, 1 with findings, 2 when the words name no place.",
  effect: "network",
  faces: ["cli", "http", "mcp"],
  positional: ["endpoint"],
  examples: [
    { command: "doctor 3000", note: "why does nothing answer at port 3000?" },
    { command: "doctor http://localhost:5173/", note: "as the browser shows it" },
    { command: "doctor http://192.168.1.8:5173/", note: "why can my phone not open it?" },
    { command: "doctor https://shop.localhost/", note: "a name of the gateway, with its certificate" },
    { command: "doctor postgres://localhost:5432", note: "and is it PostgreSQL?" },
  ],
  input: inputSchema,
  output: doctorSchema,
  run: runDoctor,
});

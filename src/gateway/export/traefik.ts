/**
 * @module The dynamic configuration of Traefik 3, for its file provider; what belongs into its static one stands above as a comment.
 */
import { stringify } from "./yaml-text.ts";
import { formatSocketAddress } from "../../core/index.ts";
import { routeName } from "../route.ts";
import { groupLimits, headComment } from "./comment-lines.ts";
import type { ExportDoors, Exported, ExportFacts, ExportLimit, ExportRoute } from "./export-facts.ts";
import { isOwnMachine, ownAuthority, soundFacts, wordOf, type SoundFacts } from "./sound-facts.ts";
import { writeTraefikRelays, type EntryPoint } from "./traefik-relays.ts";
import { traefikPattern, traefikText } from "./traefik-words.ts";

type Part = Record<string, unknown>;

/** Writes it. */
export function writeTraefik(given: ExportFacts): Exported {
  const facts = soundFacts(given);
  const limits: ExportLimit[] = [...facts.limits, ...limitsOfNames(facts)];
  const names = facts.routes.length === 0 ? {} : writeNames(facts);
  const relays = writeTraefikRelays(facts.relays, limits);
  const secure = facts.routes.length === 0 ? {} : writeCertificates(facts.doors);
  const entryPoints = [...(facts.routes.length === 0 ? [] : doorPoints(facts.doors)), ...relays.entryPoints];
  const about = [
    "Give it to the file provider. Its static configuration needs these, for they can stand nowhere else:",
    ...stringify({ entryPoints: Object.fromEntries(entryPoints.map(({ name, settings }) => [name, settings])) })
      .trimEnd()
      .split("\n")
      .map((line) => `  ${line}`),
  ];
  const content: Part = { ...names, ...relays.parts, ...secure };
  const text = Object.keys(content).length === 0 ? "{}\n" : stringify(content, { lineWidth: 0 });
  const said = groupLimits(limits);
  return { text: `${headComment("Traefik", about, said)}\n${text}`, limits: said };
}

function doorPoints({ addresses, httpPort, https }: ExportDoors): EntryPoint[] {
  const points: EntryPoint[] = [];
  for (const [index, address] of addresses.entries()) {
    // An upload may take its time.
    const settings = (port: number): Part => ({
      address: formatSocketAddress(address, port),
      transport: { respondingTimeouts: { readTimeout: "0s" } },
    });
    if (httpPort !== null) points.push({ name: pointName("http", index), settings: settings(httpPort) });
    if (https !== null) points.push({ name: pointName("https", index), settings: settings(https.port) });
  }
  return points;
}

function pointName(scheme: "http" | "https", index: number): string {
  return `portolan_${scheme}${index === 0 ? "" : String(index + 1)}`;
}

function limitsOfNames({ routes }: SoundFacts): ExportLimit[] {
  if (routes.length === 0) return [];
  const limits: ExportLimit[] = [
    {
      concerns: "every name",
      text: "servers get no Forwarded (RFC 7239), and X-Real-Ip and X-Forwarded-Server beside the other fields; WebSockets come by HTTP/1.1 alone.",
    },
  ];
  if (routes.some(({ path }) => path !== "/"))
    limits.push({
      concerns: "paths",
      text: "Traefik takes the detours out of a path (%2e, ..) before the server gets it, and refuses some escaped characters (%2F among them); portolan passes it on as it was written.",
    });
  for (const { host, path, target } of routes)
    if (target.host === "localhost")
      limits.push({
        concerns: routeName({ host, path }),
        text: "localhost is what Traefik's own machine takes it for: in a container the container itself, and 127.0.0.1 alone where its hosts file does not name ::1.",
      });
  return limits;
}

function writeNames({ routes, doors }: SoundFacts): Part {
  const routers: Part = {};
  const services: Part = {};
  const middlewares: Part = {};
  const transports: Part = {};
  const schemes = [
    ...(doors.httpPort === null ? [] : (["http"] as const)),
    ...(doors.https === null ? [] : (["https"] as const)),
  ];
  for (const [index, route] of routes.entries()) {
    const word = wordOf(index + 1, routeName(route));
    const { path, strip, ownHost, target } = route;
    const used: string[] = [];
    if (strip && path !== "/") {
      middlewares[`${word}_strip`] = { stripPrefix: { prefixes: [path] } };
      used.push(`${word}_strip`);
    }
    if (ownHost) {
      middlewares[`${word}_host`] = { headers: { customRequestHeaders: { Host: ownAuthority(route) } } };
      used.push(`${word}_host`);
    }
    for (const scheme of schemes)
      routers[`${word}_${scheme}`] = {
        rule: ruleOf(route),
        // The order is the gateway's: exact names, then wildcards, the longest path first.
        priority: routes.length - index,
        entryPoints: doors.addresses.map((_address, at) => pointName(scheme, at)),
        ...(used.length === 0 ? {} : { middlewares: used }),
        service: word,
        ...(scheme === "https" ? { tls: {} } : {}),
      };
    if (target.protocol === "https") transports[word] = transportOf(route);
    services[word] = {
      loadBalancer: {
        servers: [{ url: `${target.protocol}://${formatSocketAddress(target.host, target.port)}` }],
        ...(target.protocol === "https" ? { serversTransport: word } : {}),
      },
    };
  }
  const http = { routers, services, ...some({ middlewares, serversTransports: transports }) };
  return { http };
}

/** Without what is empty: Traefik refuses to read an empty map. */
function some(parts: Readonly<Record<string, Part>>): Part {
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => Object.keys(part).length > 0));
}

function ruleOf({ host, path }: ExportRoute): string {
  const name = host.startsWith("*.")
    ? `HostRegexp(${traefikText(String.raw`(?i)^.+${traefikPattern(host.slice(1))}\.?$`)})`
    : `Host(${traefikText(host)})`;
  return path === "/" ? name : `${name} && (Path(${traefikText(path)}) || PathPrefix(${traefikText(`${path}/`)}))`;
}

function transportOf({ target: { host } }: ExportRoute): Part {
  const isName = /[a-z]/.test(host) && !host.includes(":");
  return {
    ...(isName ? { serverName: host } : {}),
    // A development server on this machine has signed its certificate itself.
    ...(isOwnMachine(host) ? { insecureSkipVerify: true } : {}),
  };
}

function writeCertificates({ https }: ExportDoors): Part {
  if (https === null) return {};
  const files = { certFile: https.certificatePath, keyFile: https.keyPath };
  return { tls: { certificates: [files], stores: { default: { defaultCertificate: files } } } };
}

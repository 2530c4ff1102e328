/**
 * @module How findings speak of services, addresses and URLs.
 */
import { formatSocketAddress, knownOr, quoteForShell } from "../../core/index.ts";
import type { Asked, DoctorFacts, SeenService } from "./facts.ts";
import type { Remedy } from "./finding.ts";

/** `Vite (node, pid 4711)`. */
export function nameOf({ title, keepers, container, sockets }: SeenService): string {
  const first = knownOr(keepers, [])[0];
  const who =
    first !== undefined
      ? `${first.name}, pid ${first.pid}`
      : keepers.known
        ? null
        : `a process of user ${sockets[0]?.uid ?? "?"}`;
  const inside = container === null ? "" : ` in the container ${container.name}`;
  if (title === null) return `${who ?? "somebody"}${inside}`;
  return who === null ? `${title}${inside}` : `${title} (${who})${inside}`;
}

/** Where a service is bound: `127.0.0.1 and ::1`. */
export function boundTo({ sockets }: SeenService): string {
  return joinWords([...new Set(sockets.map(({ local }) => local.address))]);
}

/** `a`, `a and b`, `a, b and c`. */
export function joinWords(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? "";
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)!}`;
}

/** The asked place with another host or port, as it was asked: a URL stays one. */
export function placeAt(asked: Asked, host: string, port: number, scheme = asked.scheme): string {
  if (scheme === null) return formatSocketAddress(host, port);
  const authority = host.includes(":") ? `[${host}]` : host;
  const usual = { http: 80, ws: 80, https: 443, wss: 443 }[scheme];
  return `${scheme}://${authority}${port === usual ? "" : `:${port}`}${asked.path === "" ? "/" : asked.path}`;
}

/** A place to open in a browser for a service that is claimed to speak HTTP, else host and port. */
export function openAt(facts: DoctorFacts, service: SeenService, host = facts.asked.host ?? "localhost"): string {
  return placeAt(facts.asked, host, service.port, service.scheme ?? facts.asked.scheme);
}

/** The command that asks about the same place again, for a shell. */
export function doctorCommand(asked: Asked, words = ""): string {
  return `portolan doctor ${quoteForShell(placeAt(asked, asked.host ?? "localhost", asked.port))}${words}`;
}

/** A remedy with a command. */
export function run(text: string, command: string): Remedy {
  return { text, command };
}

/** A remedy in words alone. */
export function advise(text: string): Remedy {
  return { text, command: null };
}

/** Services of the own namespace on the asked port and transport. */
export function servicesAsked({ services, asked }: DoctorFacts): readonly SeenService[] {
  return knownOr(services, []).filter(({ port, transport }) => port === asked.port && transport === asked.transport);
}

/** Whether any try opened and was answered as it was asked. */
export function isReached({ attempts }: DoctorFacts): boolean {
  return attempts.some(({ outcome, exchange }) => outcome === "open" && exchange?.answered === true);
}

/** Whether a connection opened anywhere. */
export function isOpen({ attempts }: DoctorFacts): boolean {
  return attempts.some(({ outcome }) => outcome === "open");
}

/** Whether the asked place is this machine by every address that was tried. */
export function isOwn({ attempts }: DoctorFacts): boolean {
  return attempts.length > 0 && attempts.every(({ own }) => own);
}

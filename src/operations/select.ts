/**
 * @module Which rows a person asked for: filters and orders over described services.
 */
import { PortSet, PortolanError, knownOr, parseIpAddress, quote, type Port, type ReachScope } from "../core/index.ts";
import { ranges, resolveServiceName } from "../registry/index.ts";
import type { ListedHolder, ListedService } from "./schemas.ts";

/** Orders that rows can be put in. */
export const sortKeys = ["port", "process", "project", "user", "reach", "started", "memory"] as const;
export type SortKey = (typeof sortKeys)[number];

/** What narrows a list of services. Every given filter must accept a row. */
export interface ServiceFilter {
  readonly filter?: readonly string[] | undefined;
  readonly port?: string | undefined;
  readonly process?: string | undefined;
  readonly pid?: number | undefined;
  readonly project?: string | undefined;
  readonly user?: string | undefined;
  readonly transport?: "tcp" | "udp" | undefined;
  readonly address?: string | undefined;
  readonly container?: string | undefined;
  readonly namespace?: string | undefined;
  readonly range?: "well-known" | "registered" | "dynamic" | undefined;
  readonly reach?: ReachScope | undefined;
}

/** A compiled filter. */
export interface Selection {
  /** True when no filter was given. */
  readonly everything: boolean;
  accepts(service: ListedService): boolean;
  /** The part of the filter that concerns ports, transports and addresses, for sockets that are no services. */
  acceptsSocket(socket: { transport: string; port: Port; address: string; uid: number }): boolean;
}

/**
 * Compiles a filter. Free words: those made of digits, dots, hyphens and commas are ports, the others are text or a service's name;
 * ports widen each other, texts widen each other, and a row must satisfy both kinds.
 * @throws PORT_SET_INVALID, ADDRESS_INVALID, ARGUMENT_INVALID
 */
export function selectServices(filter: ServiceFilter): Selection {
  const tests: ((service: ListedService) => boolean)[] = [];
  const portWords: string[] = [];
  const textWords: string[] = [];
  for (const word of filter.filter ?? []) (looksLikePorts(word) ? portWords : textWords).push(word);

  let ports: PortSet | undefined;
  if (portWords.length > 0) ports = PortSet.parse(portWords.join(","), resolveServiceName);
  if (filter.port !== undefined) {
    const asked = PortSet.parse(filter.port, resolveServiceName);
    ports = ports === undefined ? asked : ports.intersect(asked);
  }
  if (filter.range !== undefined) {
    const range = ranges.find((candidate) => candidate.id === filter.range);
    if (range === undefined) throw new PortolanError("ARGUMENT_INVALID", `There is no range ${quote(filter.range)}.`);
    const asked = PortSet.range(range.first, range.last);
    ports = ports === undefined ? asked : ports.intersect(asked);
  }
  if (ports !== undefined) {
    const wanted = ports;
    tests.push((service) => wanted.has(service.port));
  }
  if (textWords.length > 0) {
    const named = textWords.map((word) => new Set<number>(resolveServiceName(word) ?? []));
    tests.push((service) =>
      textWords.some((word, index) => named[index]?.has(service.port) === true || mentions(service, word)),
    );
  }
  const { process: program, pid, project, container, namespace, user, transport, reach } = filter;
  if (program !== undefined) {
    requireText("process", program);
    tests.push((service) => holdersOf(service).some((holder) => holderMentions(holder, program)));
  }
  if (pid !== undefined) tests.push((service) => holdersOf(service).some((holder) => holder.pid === pid));
  if (project !== undefined) {
    requireText("project", project);
    tests.push((service) => projectMentions(service, project));
  }
  if (container !== undefined) {
    requireText("container", container);
    tests.push((service) => containerMentions(service, container));
  }
  if (namespace !== undefined) {
    requireText("namespace", namespace);
    tests.push((service) => isInNamespace(service, namespace));
  }
  if (user !== undefined) {
    requireText("user", user);
    tests.push((service) => belongsTo(service, user));
  }
  if (transport !== undefined) tests.push((service) => service.transport === transport);
  const address = filter.address === undefined ? undefined : parseIpAddress(filter.address).address;
  if (address !== undefined) {
    tests.push(
      (service) =>
        service.reach.addresses.some((reachable) => reachable.address === address) ||
        service.sockets.some((socket) => socket.local.address === address),
    );
  }
  if (reach !== undefined) tests.push((service) => service.reach.scope === reach);

  const wantedUid = user !== undefined && /^\d+$/.test(user) ? Number(user) : undefined;
  return {
    everything: tests.length === 0,
    accepts: (service) => tests.every((test) => test(service)),
    acceptsSocket: (socket) =>
      (ports === undefined || ports.has(socket.port)) &&
      (transport === undefined || socket.transport === transport) &&
      (address === undefined || socket.address === address) &&
      (wantedUid === undefined || socket.uid === wantedUid),
  };
}

/** A copy in the asked order; rows that lack the key come last, equal rows stay in order of port. */
export function sortServices(services: readonly ListedService[], key: SortKey, reverse: boolean): ListedService[] {
  // Described services come in order of their port.
  if (key === "port" && !reverse) return [...services];
  const sign = reverse ? -1 : 1;
  return services
    .map((service) => ({ service, value: sortValueOf(service, key) }))
    .sort((left, right) => {
      if (left.value === undefined || right.value === undefined) {
        return (
          Number(left.value === undefined) - Number(right.value === undefined) || byPort(left.service, right.service)
        );
      }
      if (left.value < right.value) return -sign;
      if (left.value > right.value) return sign;
      return byPort(left.service, right.service);
    })
    .map((entry) => entry.service);
}

function byPort(left: ListedService, right: ListedService): number {
  return left.port - right.port || (left.transport < right.transport ? -1 : left.transport > right.transport ? 1 : 0);
}

const reachOrder = ["nowhere", "namespace", "machine", "networks", "everywhere"];

function sortValueOf(service: ListedService, key: SortKey): string | number | undefined {
  if (key === "port") return service.port;
  if (key === "project") return service.project?.value.name.toLowerCase();
  if (key === "reach") return reachOrder.indexOf(service.reach.scope);
  const leader = holdersOf(service)[0];
  if (leader === undefined) return undefined;
  if (key === "process") return knownOr(leader.name, undefined)?.toLowerCase();
  if (key === "user") return knownOr(leader.userName, undefined) ?? knownOr(leader.uid, undefined)?.toString();
  if (key === "started") return knownOr(leader.startedAt, undefined);
  return knownOr(leader.memoryBytes, undefined);
}

/** Digits, or one of the signs that only port sets have. `3000-`, `..1023`, `22,ssh` are ports; `my-app` is text. */
export function looksLikePorts(word: string): boolean {
  return word === "" || /^[\d\s.-]+$/.test(word) || /[,\uff0c]|\.\./.test(word) || /^[+-]?\d/.test(word);
}

function requireText(argument: string, text: string): void {
  if (text === "") throw new PortolanError("ARGUMENT_INVALID", `--${argument} needs some text to look for.`);
}

function holdersOf(service: ListedService): readonly ListedHolder[] {
  return knownOr(service.holders, []);
}

function includesText(text: string | null | undefined, wanted: string): boolean {
  return text !== undefined && text !== null && text.toLowerCase().includes(wanted.toLowerCase());
}

function holderMentions(holder: ListedHolder, wanted: string): boolean {
  return (
    includesText(knownOr(holder.name, undefined), wanted) ||
    includesText(knownOr(holder.executable, undefined), wanted) ||
    knownOr(holder.arguments, []).some((argument) => includesText(argument, wanted))
  );
}

function projectMentions(service: ListedService, wanted: string): boolean {
  const project = service.project?.value;
  return project !== undefined && (includesText(project.name, wanted) || includesText(project.root, wanted));
}

function containerMentions({ container }: ListedService, wanted: string): boolean {
  if (container === null) return false;
  const { id, name, image, pod, composeProject, composeService } = container.value;
  return [id, name, image, pod, composeProject, composeService].some((text) => includesText(text, wanted));
}

/** Whether a service is in a namespace that the user named: `own`, a name, `net:[4026532181]` or the number alone. */
export function isInNamespace({ networkNamespace }: Pick<ListedService, "networkNamespace">, wanted: string): boolean {
  if (networkNamespace === null) return wanted === "own";
  const id = knownOr(networkNamespace.id, "");
  return networkNamespace.names.includes(wanted) || id === wanted || id === `net:[${wanted}]`;
}

function belongsTo(service: ListedService, user: string): boolean {
  if (service.sockets.some((socket) => String(socket.uid) === user)) return true;
  return holdersOf(service).some(
    (holder) => knownOr(holder.userName, null) === user || String(knownOr(holder.uid, "")) === user,
  );
}

function mentions(service: ListedService, wanted: string): boolean {
  return (
    service.names.some((name) => includesText(name.value, wanted)) ||
    includesText(service.framework?.value.id, wanted) ||
    includesText(service.supervisor?.value.name, wanted) ||
    projectMentions(service, wanted) ||
    containerMentions(service, wanted) ||
    holdersOf(service).some((holder) => holderMentions(holder, wanted) || knownOr(holder.userName, null) === wanted)
  );
}

/**
 * @module Which services a search means: a port or a range, or text found in anything that is known of a service.
 */
import { knownOr } from "../../../src/core/index.ts";
import type { ListedService } from "../../../src/operations/schemas.ts";
import { routesByPort } from "../state/routes.ts";

/** Whether a service is meant. Every word must be found; words are compared without case. */
export function createMatcher(text: string): ((service: ListedService) => boolean) | null {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return null;
  const tests = words.map(createWordTest);
  return (service) => tests.every((test) => test(service));
}

function createWordTest(word: string): (service: ListedService) => boolean {
  const range = /^:?(\d{1,5})(?:(?:-|\.\.)(\d{1,5}))?$/.exec(word);
  if (range !== null) {
    const first = Number(range[1]);
    const last = range[2] === undefined ? null : Number(range[2]);
    // One number is the beginning of a port, too, while it is being typed; and a pid.
    return last === null
      ? (service) => String(service.port).startsWith(range[1]!) || hasPid(service, first)
      : (service) => service.port >= first && service.port <= last;
  }
  return (service) => wordsOf(service).some((known) => known.toLowerCase().includes(word));
}

function hasPid({ holders }: ListedService, pid: number): boolean {
  return knownOr(holders, []).some((holder) => holder.pid === pid);
}

/** Everything of a service that a person would search for. */
function* wordSource(service: ListedService): Generator<string | null | undefined> {
  yield service.transport;
  yield service.range;
  yield service.reach.scope;
  yield service.title?.value;
  for (const { value } of service.names) yield value;
  yield service.scheme?.value;
  if (service.transport === "tcp") for (const { name } of routesByPort.value.get(service.port) ?? []) yield name;
  yield service.project?.value.name;
  yield service.project?.value.root;
  yield service.framework?.value.title;
  yield service.supervisor?.value.name;
  yield service.container?.value.name;
  yield service.container?.value.image;
  for (const address of service.addresses) yield address;
  for (const holder of knownOr(service.holders, [])) {
    yield knownOr(holder.name, null);
    yield knownOr(holder.executable, null);
    yield knownOr(holder.userName, null);
  }
}

function wordsOf(service: ListedService): string[] {
  return [...wordSource(service)].filter((word): word is string => typeof word === "string");
}

/** The port that a search names outright: `3000`, `:3000`. */
export function namedPort(text: string): number | null {
  const digits = /^\s*:?(\d{1,5})\s*$/.exec(text)?.[1];
  const port = digits === undefined ? Number.NaN : Number(digits);
  return port <= 65_535 ? port : null;
}

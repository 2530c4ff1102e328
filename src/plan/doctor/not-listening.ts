/**
 * @module Nobody listens at the port on this machine; and who does nearby, that may be meant.
 */
import { formatSocketAddress, knownOr, quoteForShell } from "../../core/index.ts";
import { isHeldInside } from "./container.ts";
import type { DoctorFacts, SeenService } from "./facts.ts";
import type { Look, Remedy } from "./finding.ts";
import { boundTo, isOpen, isOwn, nameOf, openAt, run, servicesAsked, advise } from "./words.ts";

/** How far a program goes on when its port is taken: Vite, Next and others count up by one. */
const nearPorts = 10;
const mostNearby = 4;

/** Somebody who may be meant, and why. */
export interface Nearby {
  readonly service: SeenService;
  readonly why: string;
  /** Higher is nearer. */
  readonly weight: number;
}

/** What it takes to say who may be meant. */
export type NearbyFacts = Pick<DoctorFacts, "services" | "usualPrograms" | "workingDirectory" | "promised"> & {
  readonly asked: Pick<DoctorFacts["asked"], "transport" | "port">;
};

/** Who may be meant, nearest first. */
export function findNearby({
  services,
  asked,
  usualPrograms,
  workingDirectory,
  promised,
}: NearbyFacts): readonly Nearby[] {
  const found: Nearby[] = [];
  for (const service of knownOr(services, [])) {
    const { port, transport, frameworkId, projectRoot } = service;
    if (transport !== asked.transport) continue;
    const reasons: [number, string][] = [];
    const inProject = projectRoot !== null && projectRoot !== "/" && isWithin(workingDirectory, projectRoot);
    const usual = frameworkId !== null && usualPrograms.includes(frameworkId);
    const distance = port - asked.port;
    const near = Math.abs(distance) <= nearPorts;
    const kept = promised.some(
      (one) => one.port === port && one.project !== null && isWithin(workingDirectory, one.project),
    );
    if (usual) reasons.push([4, `${asked.port} is its usual port`]);
    if (inProject) reasons.push([3, "it is of this project"]);
    if (kept) reasons.push([3, "the port is kept for this project"]);
    if (near && distance > 0)
      reasons.push([2, "the number is near, as when a port was taken and the next one is used"]);
    else if (near) reasons.push([1, "the number is near"]);
    else if (isTypo(port, asked.port)) reasons.push([1, "the number looks alike"]);
    if (reasons.length === 0) continue;
    found.push({
      service,
      why: reasons.map(([, reason]) => reason).join("; "),
      weight: reasons.reduce((sum, [weight]) => sum + weight, 0),
    });
  }
  return found
    .toSorted((one, other) => other.weight - one.weight || one.service.port - other.service.port)
    .slice(0, mostNearby);
}

/** Nobody listens. */
export const notListening: Look = (facts) => {
  const { asked, attempts, services, promised } = facts;
  if (!isOwn(facts) || isOpen(facts) || isHeldInside(facts)) return null;
  const refused = attempts.every(({ outcome }) => outcome === "ECONNREFUSED");
  if (services.known ? servicesAsked(facts).length > 0 : !refused) return null;
  const nearby = findNearby(facts);
  const others = knownOr(services, []).filter(
    ({ port, transport }) => port === asked.port && transport !== asked.transport,
  );
  const kept = promised.find(({ port }) => port === asked.port);
  return {
    kind: "not-listening",
    sure: "certain",
    title: `Nobody listens at ${asked.transport.toUpperCase()} port ${asked.port} on this machine.`,
    evidence: [
      ...attempts.map(({ address, outcome }) => `${formatSocketAddress(address, asked.port)} answers ${outcome}.`),
      ...others.map(
        (service) => `By ${service.transport.toUpperCase()} ${nameOf(service)} listens there, at ${boundTo(service)}.`,
      ),
      ...nearby.map(({ service, why }) => `${nameOf(service)} listens at port ${service.port}: ${why}.`),
      ...(kept === undefined
        ? []
        : [`The port is kept for ${kept.name}${kept.project === null ? "" : ` in ${kept.project}`}.`]),
    ],
    remedies: [...openNearby(facts, nearby), ...startAgain(kept)],
  };
};

function openNearby(facts: DoctorFacts, nearby: readonly Nearby[]): Remedy[] {
  return nearby
    .filter(({ weight }, index) => weight > 1 && index < 2)
    .map(({ service }) => run(`${service.title ?? "The program"} is at port ${service.port}:`, openAt(facts, service)));
}

function startAgain(kept: { readonly name: string } | undefined): Remedy[] {
  if (kept !== undefined)
    return [
      run(
        "Start the program at the port that is kept for it:",
        `portolan run --name ${quoteForShell(kept.name)} -- COMMAND`,
      ),
    ];
  return [advise("Start the program, and look whether it says another port when it starts.")];
}

function isWithin(folder: string, root: string): boolean {
  return folder === root || folder.startsWith(`${root}/`);
}

/** Two neighbouring digits exchanged, or one more or less: 5173 and 5713, 3000 and 30000. */
function isTypo(one: number, other: number): boolean {
  const [short, long] = [String(one), String(other)].toSorted((left, right) => left.length - right.length) as [
    string,
    string,
  ];
  for (let index = 0; index < long.length; index += 1) {
    const [before, here, next, after] = [
      long.slice(0, index),
      long.charAt(index),
      long.charAt(index + 1),
      long.slice(index + 2),
    ];
    if (`${before}${next}${after}` === short || `${before}${next}${here}${after}` === short) return true;
  }
  return false;
}

/**
 * @module The server is in a container or another network namespace, and the door between is missing or leads nowhere.
 */
import { isLoopbackAddress, quoteForShell } from "../../core/index.ts";
import type { DoctorFacts, SeenService } from "./facts.ts";
import type { Look, Remedy } from "./finding.ts";
import { listenEverywhere } from "./listen-flags.ts";
import { advise, boundTo, isOwn, isReached, joinWords, nameOf, placeAt, run, servicesAsked } from "./words.ts";

/** A container listens at the port, and the machine does not publish it there. */
export const containerNotPublished: Look = (facts) => {
  const { asked } = facts;
  const inside = insideAsked(facts).find(({ container }) => container !== null);
  const container = inside?.container ?? null;
  if (inside === undefined || container === null) return null;
  const { engine, name, image, composeService } = container;
  const elsewhere = inside.publishedAt;
  const asPublished = elsewhere.map((place) => Number(/:(\d+)$/.exec(place)?.[1])).filter((port) => port > 0);
  return {
    kind: "container-not-published",
    sure: "certain",
    title:
      elsewhere.length === 0
        ? `${nameOf(inside)} listens at port ${asked.port} inside, and the machine does not publish it.`
        : `${nameOf(inside)} listens at port ${asked.port} inside, and the machine publishes it at ${joinWords(elsewhere)}.`,
    evidence: [
      "Nobody listens at that port on the machine itself.",
      `In the container's network namespace it listens at ${boundTo(inside)}.`,
    ],
    remedies: [
      ...asPublished.map((port) => run("Open:", placeAt(asked, asked.host ?? "localhost", port))),
      ...(elsewhere.length > 0 ? [] : publish(engine, asked.port, name, image, composeService)),
      ...inside.outerAddresses
        .slice(0, 1)
        .map((address) => run("From this machine it answers at:", placeAt(asked, address, asked.port))),
    ],
  };
};

function publish(
  engine: string,
  port: number,
  name: string,
  image: string | null,
  composeService: string | null,
): Remedy[] {
  if (composeService !== null) {
    return [
      run(`Publish it under ${composeService} in the Compose file, then \`up\` again:`, `ports: ["${port}:${port}"]`),
    ];
  }
  if (engine !== "docker" && engine !== "podman") return [advise("Publish the port where the container is defined.")];
  return [
    run(
      `Ports are published when a container is made; make ${name} again with:`,
      `${engine} run --publish ${port}:${port} ${image === null ? "IMAGE" : quoteForShell(image)}`,
    ),
  ];
}

/** The published port leads to a server that listens on the container's own loopback. */
export const containerLoopback: Look = (facts) => {
  if (isReached(facts)) return null;
  for (const door of servicesAsked(facts)) {
    const inside = behind(facts, door);
    if (inside === undefined || !inside.sockets.every(({ local }) => isLoopbackAddress(local.address))) continue;
    return {
      kind: "container-loopback",
      sure: "certain",
      title: `The published port leads into the container, and there ${nameOf(inside)} listens on loopback only.`,
      evidence: [
        `Port ${door.port} of the machine leads to port ${inside.port} of the container.`,
        `There it is bound to ${boundTo(inside)}, which only programs in the container reach.`,
      ],
      remedies: [listenEverywhere(inside)],
    };
  }
  return null;
};

/** The published port leads to a port of the container at which nobody listens. */
export const containerPortSilent: Look = (facts) => {
  if (isReached(facts)) return null;
  for (const door of servicesAsked(facts)) {
    if (door.behindPort === null || behind(facts, door) !== undefined) continue;
    const ports = [...new Set(facts.elsewhere.filter((one) => isSame(one, door)).map(({ port }) => port))];
    return {
      kind: "container-port-silent",
      sure: "likely",
      title: `Port ${door.port} leads to port ${door.behindPort} of the container ${door.container?.name ?? ""}, and nobody listens there.`,
      evidence: [
        ports.length === 0
          ? "No program in the container listens at any port."
          : `In the container somebody listens at ${joinWords(ports.map(String))}.`,
      ],
      remedies:
        ports[0] === undefined
          ? [advise("Look whether the program in the container has started: its log says why not.")]
          : [run("Publish the port at which it listens:", `--publish ${door.port}:${ports[0]}`)],
    };
  }
  return null;
};

/** Somebody listens at the port in another network namespace that is no known container. */
export const otherNamespace: Look = (facts) => {
  const { asked } = facts;
  const inside = insideAsked(facts).find(({ container }) => container === null);
  if (inside === undefined || servicesAsked(facts).length > 0) return null;
  const [address] = inside.outerAddresses;
  return {
    kind: "other-namespace",
    sure: "likely",
    title: `${nameOf(inside)} listens at port ${asked.port} in another network namespace (${inside.namespace ?? "?"}).`,
    evidence: ["Nobody listens at that port in this network namespace.", `There it is bound to ${boundTo(inside)}.`],
    remedies: [
      ...(address === undefined ? [] : [run("From here it answers at:", placeAt(asked, address, asked.port))]),
      advise("Programs in that namespace reach it; others need a way in, such as a published port."),
    ],
  };
};

/** Services inside others on the asked port, when nobody here is reached by it. */
function insideAsked(facts: DoctorFacts): readonly SeenService[] {
  const { asked, elsewhere } = facts;
  if (!isOwn(facts) || servicesAsked(facts).length > 0) return [];
  return elsewhere.filter(({ port, transport }) => port === asked.port && transport === asked.transport);
}

function behind({ elsewhere }: DoctorFacts, door: SeenService): SeenService | undefined {
  if (door.behindPort === null) return undefined;
  return elsewhere.find((one) => one.port === door.behindPort && one.transport === door.transport && isSame(one, door));
}

function isSame(one: SeenService, door: SeenService): boolean {
  return one.container !== null && one.container.name === door.container?.name;
}

/** Whether somebody inside holds the asked port, so that it is not simply free. */
export function isHeldInside(facts: DoctorFacts): boolean {
  return insideAsked(facts).length > 0;
}

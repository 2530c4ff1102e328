/**
 * @module Names of Portolan's own gateway: it does not run, it has no such route, or nobody is at the route's end.
 */
import { knownOr, nearestName, quoteForShell } from "../../core/index.ts";
import type { DoctorFacts } from "./facts.ts";
import type { Look, Remedy } from "./finding.ts";
import { advise, isOpen, isReached, placeAt, run } from "./words.ts";

/** There is a route, and no gateway that would follow it. */
export const gatewayNotRunning: Look = (facts) => {
  const { gateway, asked } = facts;
  if (gateway === null || gateway.running || gateway.route === null || isReached(facts)) return null;
  return {
    kind: "gateway-not-running",
    sure: "certain",
    title: `The name ${asked.host ?? ""} is a route of Portolan's, and its gateway does not run.`,
    evidence: [
      `The route ${gateway.route.name} leads to ${gateway.route.target}.`,
      "No gateway answers for this user.",
    ],
    remedies: [
      run("Start it:", "portolan gateway start"),
      run("Or have it start with the session:", "portolan gateway install"),
    ],
  };
};

/** The gateway listens at another port than the URL has. */
export const gatewayOtherPort: Look = (facts) => {
  const { gateway, asked } = facts;
  if (gateway === null || !gateway.running || gateway.route === null || isOpen(facts)) return null;
  const listeners = gateway.listeners;
  if (listeners.length === 0 || listeners.some(({ port }) => port === asked.port)) return null;
  return {
    kind: "gateway-other-port",
    sure: "certain",
    title: `Portolan's gateway does not listen at port ${asked.port}.`,
    evidence: [`It listens at ${listeners.map(({ scheme, port }) => `${port} (${scheme})`).join(" and ")}.`],
    remedies: listeners.map(({ scheme, port }) => run("Open:", placeAt(asked, asked.host ?? "", port, scheme))),
  };
};

/** The gateway has no route of this name. */
export const routeMissing: Look = (facts) => {
  const { gateway, asked } = facts;
  if (gateway === null || gateway.route !== null) return null;
  const asks = gateway.running && gateway.listeners.some(({ port }) => port === asked.port);
  if (!asks && (gateway.running || isOpen(facts))) return null;
  const host = asked.host ?? "";
  const near = nearestName(host, gateway.names);
  const name = host.replace(/\.localhost$/, "");
  return {
    kind: "route-missing",
    sure: "certain",
    title: `No route has the name ${host}.`,
    evidence: [
      asks
        ? `Portolan's gateway runs and listens at port ${asked.port}.`
        : "No gateway of Portolan's runs, and nobody else listens there.",
      gateway.names.length === 0 ? "There are no routes." : `Routes: ${gateway.names.slice(0, 8).join(", ")}.`,
    ],
    remedies: [
      ...(near === undefined ? [] : [run("Was this meant?", placeAt(asked, near, asked.port))]),
      run("Start the program with the name:", `portolan run ${quoteForShell(name)} -- COMMAND`),
      run("Or give the name to a port:", `portolan route add ${quoteForShell(name)} PORT`),
    ],
  };
};

/** The route's server is not there. */
export const routeTargetDown: Look = (facts) => {
  const { gateway, services } = facts;
  const route = gateway?.route ?? null;
  if (gateway === null || !gateway.running || route === null || !route.local || !services.known) return null;
  const there = services.value.some(({ port, transport }) => transport === "tcp" && port === route.targetPort);
  if (there) return null;
  return {
    kind: "route-target-down",
    sure: "certain",
    title: `The route ${route.name} leads to ${route.target}, and nobody listens there.`,
    evidence: [
      ...(route.endedWith === null ? [] : [`Its program ended with status ${route.endedWith}.`]),
      `Nobody listens at port ${route.targetPort}.`,
    ],
    remedies: [...restart(route), ...moved(facts, route.name)],
  };
};

function restart({ command, name }: { readonly command: readonly string[]; readonly name: string }): Remedy[] {
  if (command.length === 0) return [advise("Start the server that the route leads to.")];
  const words = command.map((word) => quoteForShell(word)).join(" ");
  return [run("Start it again:", `portolan run ${quoteForShell(name.replace(/\.localhost.*$/, ""))} -- ${words}`)];
}

/** A server of the project in which the question was asked. */
function moved({ services, workingDirectory }: DoctorFacts, name: string): Remedy[] {
  const own = knownOr(services, []).find(
    ({ projectRoot, transport, scheme }) =>
      transport === "tcp" && scheme !== null && projectRoot !== null && isWithin(workingDirectory, projectRoot),
  );
  if (own === undefined) return [];
  return [
    run(
      "Or lead the name to this project's server:",
      `portolan route add --force ${quoteForShell(name.replace(/\.localhost.*$/, ""))} ${own.port}`,
    ),
  ];
}

function isWithin(folder: string, root: string): boolean {
  return root !== "/" && (folder === root || folder.startsWith(`${root}/`));
}

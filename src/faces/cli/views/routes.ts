/**
 * @module How `route` and `routes` look.
 */
import type { ListedRoute } from "../../../operations/route-schemas.ts";
import type { RouteResult } from "../../../operations/route.ts";
import type { RoutesResult } from "../../../operations/routes.ts";
import { blindSpotNotes } from "./blind-spots.ts";
import { paragraph, span, table, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";

/** The view of `route`. */
export const routeView: View<RouteResult> = {
  result({ action, route, gatewayRuns }) {
    if (action === "remove") return [paragraph(`${route.name} leads nowhere any more.`)];
    const [url] = route.urls;
    const name: Line = url === undefined ? [span(route.name, "strong")] : [span(url, "link")];
    const later = gatewayRuns ? "" : ", as soon as a gateway runs: portolan gateway start";
    return [paragraph([...name, ` leads to ${route.target}${later}.`])];
  },
  notes: ({ replaced, gatewayStarted, needsHosts, route }, { terminal }) => [
    ...(replaced ? [paragraph([span("The name led elsewhere before.", "warning")])] : []),
    ...(needsHosts ? [paragraph([span(hostsNote(route.name), "warning")])] : []),
    ...(gatewayStarted && terminal
      ? [paragraph([span("The gateway was started; portolan gateway stop ends it.", "dim")])]
      : []),
  ],
};

/** Nobody but the resolver decides where a name outside .localhost leads. */
function hostsNote(name: string): string {
  const host = name.replace(/\/.*$/, "");
  return host.startsWith("*.")
    ? `Names below ${host.slice(2)} lead here only if your resolver says so; a hosts file cannot.`
    : `${host} leads here only if this machine resolves it so: portolan hosts puts it into the hosts file.`;
}

/** The view of `routes`. */
export const routesView: View<RoutesResult> = {
  result({ routes, blindSpots }) {
    // That there is none is not known then.
    if (routes.length === 0 && blindSpots.length > 0) return [];
    if (routes.length === 0) return [paragraph("No name leads anywhere yet. portolan route add NAME PORT gives one.")];
    const columns = [
      { title: "NAME", priority: 0, leastWidth: 12 },
      { title: "LEADS TO", priority: 0, leastWidth: 12 },
      { title: "STATE", priority: 1 },
      { title: "PROGRAM", priority: 2, leastWidth: 8 },
      { title: "FOLDER", priority: 3, leastWidth: 10 },
    ];
    return [table(columns, routes.map(rowOf))];
  },
  notes({ gatewayRuns, index, problems, routes, blindSpots }, context) {
    const { terminal } = context;
    const blocks: Block[] = [
      ...problems.map(({ reason }) => paragraph([span(reason, "warning")])),
      ...blindSpotNotes(blindSpots, [], context),
    ];
    if (!gatewayRuns && routes.length > 0)
      blocks.push(paragraph([span("No gateway runs: portolan gateway start starts it.", "warning")]));
    else if (terminal && index !== null) blocks.push(paragraph([span(`The same in a browser: ${index}`, "dim")]));
    return blocks;
  },
  exitStatus: ({ routes, blindSpots }) => (routes.length > 0 ? 0 : blindSpots.length > 0 ? 3 : 1),
};

function rowOf(route: ListedRoute): readonly Line[] {
  const { name, urls, target, command, workingDirectory } = route;
  return [
    urls[0] === undefined ? [name] : [span(urls[0], "link")],
    [target],
    stateOf(route),
    command === null ? [] : [command.join(" ")],
    workingDirectory === null ? [] : [span(workingDirectory, "dim")],
  ];
}

function stateOf({ state, pid, exitStatus }: ListedRoute): Line {
  if (state === "kept") return ["kept"];
  if (state === "running") return [span("running", "good"), span(` ${pid}`, "dim")];
  if (state === "ended") return [span(`ended with ${exitStatus}`, "warning")];
  return [span(state, "warning")];
}

/**
 * @module What the gateway itself has to say. No page names another application to a browser that was sent here under a foreign name.
 */
import { formatDuration } from "../../core/index.ts";
import { formatTarget, gatewayHost, isRouteHost, routeName, type Route } from "../route.ts";
import { holderLives as isHolderAlive } from "../route-store.ts";
import type { GatewayPage, Line, PageEntry } from "./page-writing.ts";

export { pageFields, writeHtml, writeText, type GatewayPage } from "./page-writing.ts";

/**
 * The server of a route does not answer.
 * @param atThisMachine whoever reads it may know how and where its program was started: arguments and folders are nobody else's
 */
export function notUpPage(
  route: Route,
  error: Error,
  holderLives: boolean | null,
  nowMs: number,
  atThisMachine: boolean,
): GatewayPage {
  const { target, holder, ended } = route;
  const name = routeName(route);
  const lines: Line[] = [];
  const facts: [string, Line][] = [];
  if (ended !== null) {
    const ago = formatDuration(Math.max(0, nowMs - ended.atMs));
    lines.push(["Its program ended ", ago, " ago with exit status ", { code: String(ended.exitStatus) }, "."]);
  } else if (holder !== null && holderLives === false) {
    lines.push(["Its program, process ", { code: String(holder.pid) }, ", is gone."]);
  } else if (holder !== null) {
    lines.push(["Its program, process ", { code: String(holder.pid) }, ", runs, but does not listen yet."]);
  } else {
    lines.push([whyUnreached(error), " at ", { code: formatTarget(target) }, "."]);
  }
  if (holder !== null && atThisMachine) {
    facts.push(["Started as", [{ code: holder.command.join(" ") }]], ["In", [{ code: holder.workingDirectory }]]);
    facts.push(["Leads to", [{ code: formatTarget(target) }, ` (${whyUnreached(error).toLowerCase()})`]]);
  }
  const crashed = ended !== null || (holder !== null && holderLives === false);
  return {
    status: 502,
    title: crashed ? `${name} has ended` : `${name} is not up`,
    lines,
    facts,
    advice: [
      crashed
        ? ["The terminal where it was started has its last words."]
        : !atThisMachine
          ? ["The machine that it runs on can tell more."]
          : [{ code: `portolan doctor ${formatTarget(target)}` }, " tells what is in the way."],
      ["This page looks again every two seconds."],
    ],
    refresh: 2,
    fields: ["Retry-After", "2"],
  };
}

function whyUnreached(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code ?? error.message;
  if (code === "ECONNREFUSED") return "Nothing listens";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "No address is known";
  return `Nobody answers (${code})`;
}

/** The server's answer was none. */
export function badAnswerPage(route: Route, error: Error): GatewayPage {
  const why = (error as NodeJS.ErrnoException).code ?? error.message;
  return {
    status: 502,
    title: `${routeName(route)} gave no proper answer`,
    lines: [[{ code: formatTarget(route.target) }, ` was asked, and the connection failed (${why}).`]],
  };
}

/** The gateway itself can open no more connections. */
export function exhaustedPage(route: Route): GatewayPage {
  return {
    status: 503,
    title: "The gateway has no room for another connection",
    lines: [
      [
        { code: formatTarget(route.target) },
        " was not asked: too many connections are open, no file descriptor is left.",
      ],
      [{ code: "portolan gateway" }, " tells how many; ", { code: "ulimit -n" }, " how many there can be."],
    ],
    fields: ["Retry-After", "1"],
  };
}

/** A request that comes round and round. */
export function loopPage(route: Route): GatewayPage {
  return {
    status: 508,
    title: `Requests for ${routeName(route)} go in circles`,
    lines: [
      [{ code: formatTarget(route.target) }, " sends them back to this gateway under the same name."],
      [
        "A development server that passes requests on must change their Host: in Vite ",
        { code: "server.proxy['/api'].changeOrigin = true" },
        ".",
      ],
    ],
  };
}

/** Nobody has this name. */
export function unknownPage(host: string, near: readonly Route[], urlOf: (host: string) => string): GatewayPage {
  // A name elsewhere that leads here is how a foreign page would look at what runs here (DNS rebinding): it learns nothing.
  if (host !== "localhost" && !host.endsWith(".localhost"))
    return { status: 404, title: "No application has this name", lines: [] };
  const lines: Line[] = [];
  if (near.length > 0) {
    lines.push([
      "Did you mean ",
      ...near.flatMap((route, index) => [
        ...(index === 0 ? [] : [" or "]),
        { link: placeOf(route, urlOf), text: routeName(route) },
      ]),
      "?",
    ]);
  }
  const name = host.replace(/\.localhost$/, "");
  lines.push([{ link: urlOf(gatewayHost), text: "Every name that leads somewhere" }]);
  return {
    status: 404,
    title: `No application is called ${host}`,
    lines,
    // A link can name any host, $(…).localhost as well: what is offered to be copied into a shell has nothing that a shell acts on.
    advice: isRouteHost(host)
      ? [
          ["To start one under this name: ", { code: `portolan run ${name} -- npm run dev` }],
          ["To give it to one that runs: ", { code: `portolan route add ${name} 3000` }],
        ]
      : [],
  };
}

/** Every route. */
export function indexPage(routes: readonly Route[], urlOf: (host: string) => string): GatewayPage {
  const sorted = routes.toSorted((one, other) => (routeName(one) < routeName(other) ? -1 : 1));
  return {
    status: 200,
    title:
      routes.length === 0
        ? "No name leads anywhere yet"
        : routes.length === 1
          ? "One name leads to an application"
          : `${routes.length} names lead to applications`,
    lines: [],
    entries: sorted.map((route) => describeEntry(route, urlOf)),
    advice: [
      ["A program under a name: ", { code: "portolan run NAME -- npm run dev" }],
      ["A name for one that runs: ", { code: "portolan route add NAME 3000" }],
    ],
  };
}

function placeOf({ host, path }: Route, urlOf: (host: string) => string): string {
  return `${urlOf(host)}${path.slice(1)}`;
}

function describeEntry(route: Route, urlOf: (host: string) => string): PageEntry {
  const name = routeName(route);
  const lives = isHolderAlive(route);
  const entry = {
    name: [route.host.startsWith("*.") ? { code: name } : { link: placeOf(route, urlOf), text: name }],
    target: [{ code: formatTarget(route.target) }],
  };
  if (route.ended !== null) return { ...entry, state: `has ended with ${route.ended.exitStatus}`, tone: "bad" };
  if (route.holder === null || lives === null) return { ...entry, state: "", tone: "plain" };
  return lives ? { ...entry, state: "runs", tone: "good" } : { ...entry, state: "is gone", tone: "bad" };
}

/** A request that is not passed on. */
export function refusalPage(status: number, reason: string): GatewayPage {
  return { status, title: "The request is not passed on", lines: [[reason]] };
}

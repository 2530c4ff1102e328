/**
 * @module What a route is: a name, and a path below it, that lead to a server.
 */
import { isIPv4, isIPv6 } from "node:net";
import { PortolanError, isPort, quote, type Port } from "../core/index.ts";

/** How a server is spoken to: `h2c` is HTTP/2 without TLS (RFC 9113, section 3.3). */
export type TargetProtocol = "http" | "https" | "h2c";

/** Where a route leads. */
export interface Target {
  readonly protocol: TargetProtocol;
  /** Name or IP address without brackets; `localhost` is this machine's loopback of either family, whichever answers. */
  readonly host: string;
  readonly port: Port;
}

/** The process that a route belongs to. */
export interface RouteHolder {
  readonly pid: number;
  /** What tells it from a later process of that pid; `null` where the system does not tell. */
  readonly identity: string | null;
  /** Program and arguments, secrets masked. */
  readonly command: readonly string[];
  readonly workingDirectory: string;
}

/** How the program of a route ended. */
export interface RouteEnding {
  readonly atMs: number;
  readonly exitStatus: number;
}

/** One route. */
export interface Route {
  /** Host name in lower case without a final dot; `*.` before it means every name below. */
  readonly host: string;
  /** Path that it begins at: `/`, or `/api` for that and everything below. */
  readonly path: string;
  readonly target: Target;
  /** The path is taken off before the server sees the request. */
  readonly strip: boolean;
  /** The server sees its own name in `Host`, instead of the route's. */
  readonly ownHost: boolean;
  /** The program that `run` started for it; `null` for a route that stays. */
  readonly holder: RouteHolder | null;
  readonly ended: RouteEnding | null;
  readonly createdAtMs: number;
}

/** Longest name (RFC 1035, section 2.3.4) and path. */
const longestHost = 253;
const longestPath = 100;
const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

/** The name under which the gateway shows its routes. */
export const gatewayHost = "portolan.localhost";

/**
 * The host name that a user means: `shop` is `shop.localhost`, `*.shop` every name below; one that ends in a dot is taken as it is.
 * @throws ROUTE_NAME_INVALID
 */
export function readRouteHost(text: string): string {
  const wildcard = text.startsWith("*.");
  const lower = (wildcard ? text.slice(2) : text).toLowerCase();
  const ascii = toAscii(lower.replace(/\.$/, ""));
  const host =
    lower.endsWith(".") || ascii === "localhost" || ascii.endsWith(".localhost") ? ascii : `${ascii}.localhost`;
  if (!isRouteHost(host)) throw invalidName(text);
  // A number or an address is what a name is given for; the two were exchanged.
  if (/^[\d.]+$/.test(ascii)) throw invalidName(text);
  if (host === gatewayHost || (host === "localhost" && !wildcard)) {
    throw new PortolanError("ROUTE_NAME_INVALID", `${host} is the gateway's own.`, { details: { name: text } });
  }
  return wildcard ? `*.${host}` : host;
}

/** Whether a host name, in lower case without a final dot, can be a route's. */
export function isRouteHost(host: string): boolean {
  return host.length <= longestHost && host.split(".").every((part) => label.test(part));
}

function toAscii(name: string): string {
  if (/^[\u0021-\u007f]*$/.test(name)) return name;
  try {
    // What browsers do to a name of other letters (UTS 46).
    return new URL(`http://${name}`).hostname;
  } catch {
    return "";
  }
}

function invalidName(text: string): PortolanError {
  return new PortolanError("ROUTE_NAME_INVALID", `${quote(text)} is not a name that a route can have.`, {
    details: { name: text },
  });
}

/**
 * A path to begin at.
 * @throws ROUTE_NAME_INVALID
 */
export function readRoutePath(text: string): string {
  const path = text.replace(/\/+$/, "");
  if (path === "") return "/";
  if (path.length <= longestPath && /^(?:\/[\w.~!$&'()+,;=:@-]+)+$/.test(path) && !/\/\.{1,2}(?:\/|$)/.test(path))
    return path;
  throw new PortolanError("ROUTE_NAME_INVALID", `${quote(text)} is not a path that a route can begin at.`, {
    details: { path: text },
  });
}

/**
 * Where a route is to lead: a port, `host:port`, or a URL without a path.
 * @throws ROUTE_TARGET_INVALID
 */
export function readTarget(text: string): Target {
  const refused = (): PortolanError =>
    new PortolanError("ROUTE_TARGET_INVALID", `${quote(text)} is not a server that a route can lead to.`, {
      details: { target: text },
    });
  const bare = /^:?(\d{1,5})$/.exec(text);
  if (bare !== null) return { protocol: "http", host: "localhost", port: portOf(bare[1]!, refused) };
  const match = /^(?:(https?|h2c):\/\/)?(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?\/?$/.exec(text);
  if (match === null) throw refused();
  const protocol = (match[1] ?? "http") as TargetProtocol;
  // A name alone could be meant as anything: without a scheme it takes a port.
  if (match[3] === undefined && match[1] === undefined) throw refused();
  const port = portOf(match[3] ?? (protocol === "https" ? "443" : "80"), refused);
  const host = match[2]!.replaceAll(/[[\]]/g, "").toLowerCase();
  if (!isAddressOrName(host, match[2]!.startsWith("["))) throw refused();
  return { protocol, host, port };
}

/** What ends in a number is an IPv4 address or nothing (URL Standard, "ends in a number"). */
function isAddressOrName(host: string, bracketed: boolean): boolean {
  if (bracketed) return isIPv6(host);
  return isIPv4(host) || (isRouteHost(host.replace(/\.$/, "")) && !/(?:^|\.)\d+\.?$/.test(host));
}

function portOf(text: string, refused: () => PortolanError): Port {
  const port = Number(text);
  if (!isPort(port) || port === 0) throw refused();
  return port;
}

/** `http://localhost:3000`. */
export function formatTarget({ protocol, host, port }: Target): string {
  return `${protocol}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** What a route is called: `shop.localhost` or `shop.localhost/api`. */
export function routeName({ host, path }: Pick<Route, "host" | "path">): string {
  return path === "/" ? host : `${host}${path}`;
}

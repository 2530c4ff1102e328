/**
 * @module Paths and addresses of a request: as they are compared, passed on and told.
 */
import { plainPath } from "../request-path.ts";
import type { Route } from "../route.ts";
import type { Client } from "./origin-fields.ts";

/** A target without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}

/** A target without a route's path. */
export function stripped(target: string, prefix: string): string {
  const path = pathOf(target);
  const rest = plainPath(path).slice(prefix.length) + target.slice(path.length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** What a server takes for its own `Host`. */
export function authorityOf({ target: { host, port, protocol } }: Route): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === (protocol === "https" ? 443 : 80) ? name : `${name}:${port}`;
}

/** Where a name is opened by whoever has asked. */
export function urlFrom({ scheme, localPort }: Client, host: string): string {
  const usual = scheme === "https" ? 443 : 80;
  return `${scheme}://${host}${localPort === usual ? "" : `:${localPort}`}/`;
}

/**
 * @module Who asked: what a client may not say of itself, and what the gateway says of it.
 */
import type { RequestHead } from "./request-head.ts";

/** Who asked, and how. */
export interface Client {
  readonly address: string;
  readonly port: number;
  /** Port of the gateway that was asked. */
  readonly localPort: number;
  readonly scheme: "http" | "https";
}

/** What proxies say of whoever asked, and the gateway alone may say. */
export const originFields: readonly string[] = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-forwarded-server",
  // Set for a route that takes its path off, and by nobody else: applications put it before their own addresses.
  "x-forwarded-prefix",
  "x-real-ip",
  // What Rack, gunicorn and Microsoft's servers take for the scheme as well.
  "x-forwarded-protocol",
  "x-forwarded-scheme",
  "x-forwarded-ssl",
  "x-url-scheme",
  "front-end-https",
];

/** How often a request has passed this gateway, by its own entries in `Via`. */
export function countPassages(via: string | undefined, pseudonym: string): number {
  return via === undefined ? 0 : via.split(pseudonym).length - 1;
}

/**
 * Says who asked: `Via` (RFC 9110, section 7.6.3), `Forwarded` (RFC 7239) and the older fields. What a client says of itself there
 * is dropped: nobody stands before the gateway.
 */
export function addOrigin(
  fields: string[],
  head: Pick<RequestHead, "authority" | "via">,
  client: Client,
  httpVersion: string,
  pseudonym: string,
): void {
  const { address, port, localPort, scheme } = client;
  const own = `${httpVersion} ${pseudonym}`;
  const node = address.includes(":") ? `"[${address}]:${port}"` : `"${address}:${port}"`;
  fields.push(
    "Via",
    head.via === undefined ? own : `${head.via}, ${own}`,
    "Forwarded",
    `for=${node};host="${head.authority}";proto=${scheme}`,
    "X-Forwarded-For",
    address,
    "X-Forwarded-Host",
    head.authority,
    "X-Forwarded-Port",
    String(localPort),
    "X-Forwarded-Proto",
    scheme,
  );
}

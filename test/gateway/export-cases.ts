/**
 * @module Requests that an exported file has to lead where the gateway leads them: names, wildcards, paths at the borders of segments, what is
 * taken off, and what clients say of themselves.
 */

/** One request, its lines as they go over the wire. */
export interface ExportCase {
  readonly name: string;
  readonly start: string;
  readonly fields: readonly string[];
  readonly body?: string;
}

const get = (name: string, path: string, host: string, ...fields: string[]): ExportCase => ({
  name,
  start: `GET ${path} HTTP/1.1`,
  fields: [`Host: ${host}`, ...fields],
});

const shop = "shop.localhost";

/** Cases of HTTP/1. `PORT` is the port that is asked. */
export const exportCases: readonly ExportCase[] = [
  get("a name", "/", shop),
  get("a path of a name", "/cart/1", shop),
  get("capitals in the name", "/", "SHOP.LocalHost"),
  get("a final dot", "/", "shop.localhost."),
  get("the port beside the name", "/", "shop.localhost:PORT"),
  get("another port beside the name", "/", "shop.localhost:1"),
  get("a final dot and the port", "/", "shop.localhost.:PORT"),
  get("a query", "/cart?a=1&b=/api/x", shop),
  get("a query alone", "/?a=%2Fapi", shop),
  get("a query with a question mark", "/cart?a=?b", shop),
  get("an empty query", "/cart?", shop),
  get("a path's beginning", "/api", shop),
  get("a path's beginning with a slash", "/api/", shop),
  get("below a path", "/api/items/1", shop),
  get("a path and a query", "/api?x=1", shop),
  get("no whole segment", "/apix", shop),
  get("no whole segment, with a dot", "/api.json", shop),
  get("another case", "/API/items", shop),
  get("the longer path", "/api/v2/items", shop),
  get("the longer path itself", "/api/v2", shop),
  get("the longer path with a slash", "/api/v2/", shop),
  get("the longer path and a query", "/api/v2?x=1", shop),
  get("the longer path, a slash and a query", "/api/v2/?x=1", shop),
  get("no whole segment of the longer path", "/api/v20", shop),
  get("two slashes behind what is taken off", "/api/v2//items", shop),
  get("an escaped slash behind what is taken off", "/api/v2/a%2Fb?c=%2F", shop),
  get("an escaped space behind what is taken off", "/api/v2/a%20b", shop),
  get("an escaped question mark behind what is taken off", "/api/v2/a%3Fb?c", shop),
  get("letters beyond ASCII behind what is taken off", "/api/v2/caf%C3%A9", shop),
  get("a plus and an equals sign behind what is taken off", "/api/v2/a+b=c;d,e", shop),
  get("escaped letters in a path", "/%61pi/items", shop),
  get("a detour into a path", "/x/../api/items", shop),
  get("a detour out of a path", "/api/../cart", shop),
  get("an escaped detour out of a path", "/api/%2e%2e/cart", shop),
  get("a detour into what is taken off", "/x/../api/v2/items", shop),
  get("an escaped letter in what is taken off", "/api/%762/items", shop),
  get("an escaped letter and an escaped slash behind it", "/api/v2/%61%2Fb", shop),
  get("a detour behind what is taken off", "/api/v2/x/../y", shop),
  get("a dot in a path", "/./api/./items", shop),
  get("a file that begins with a dot", "/api/.well-known/x", shop),
  get("an escaped slash", "/cart/a%2Fb", shop),
  get("an escaped percent sign", "/cart/a%252Fb", shop),
  get("a space, escaped", "/cart/a%20b", shop),
  get("two slashes", "//cart", shop),
  get("two slashes before a path", "//api/items", shop),
  get("an escaped slash at a path's border", "/api%2Fitems", shop),
  get("two slashes in a path", "/cart//x", shop),
  get("a path with a plus and brackets", "/a+b(c)/x", shop),
  get("a path with quotes and a semicolon", "/q'u;o,t/x", shop),
  get("a path with a dollar sign, taken off", "/d$1/x?y", shop),
  get("the server's own name", "/own/x", shop),
  get("the server's own name, beside another port", "/own", "shop.localhost:PORT"),
  get("a server at ::1 alone", "/six/x", shop),
  get("a server with TLS", "/tls/x", shop),
  get("below a wildcard", "/", "blue.shop.localhost"),
  get("two names below a wildcard", "/", "dark.blue.shop.localhost"),
  get("capitals below a wildcard", "/", "BLUE.Shop.localhost"),
  get("a wildcard's path", "/deep/x", "blue.shop.localhost"),
  get("a nearer wildcard's path", "/near/x", "a.near.shop.localhost"),
  get("the wildcard above, for another path", "/far/x", "a.near.shop.localhost"),
  get("the wildcard above, for its own path", "/deep/x", "a.near.shop.localhost"),
  get("the wildcard's own name has none", "/near/x", "near.shop.localhost"),
  get("a name of paths alone", "/guide/x", "docs.localhost"),
  get("a name of paths alone, elsewhere", "/elsewhere", "docs.localhost"),
  get("an exact name below a wildcard", "/only/x", "one.shop.localhost"),
  get("the wildcard for what the exact name has not", "/deep/x", "one.shop.localhost"),
  get("the wildcard's rest for what the exact name has not", "/other", "one.shop.localhost"),
  get("a name that nobody has", "/", "nobody.localhost"),
  get("a name that nobody has, with a path of somebody's", "/api/items", "nobody.localhost"),
  get("a name that only ends alike", "/", "workshop.localhost"),
  get("a name that only begins alike", "/", "shop.localhost.example"),
  get("an address", "/", "127.0.0.1:PORT"),
  get("localhost", "/api", "localhost:PORT"),
  get("what clients say of themselves", "/cart", shop, "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Host: evil.example"),
  get(
    "a scheme that the client says",
    "/cart",
    shop,
    "X-Forwarded-Proto: https",
    "Forwarded: for=192.0.2.1;proto=https",
  ),
  get("other names for it", "/cart", shop, "X-Real-IP: 192.0.2.1", "X-Forwarded-Ssl: on", "Front-End-Https: on"),
  get("the same with _", "/cart", shop, "X_Forwarded_For: 192.0.2.1", "x_forwarded_proto: https"),
  get("a path taken off that the client says", "/cart", shop, "X-Forwarded-Prefix: /evil", "x_forwarded_prefix: /e"),
  get("a port that the client says", "/cart", shop, "X-Forwarded-Port: 9", "X-Forwarded-Server: evil"),
  get("cookies and authorization", "/cart", shop, "Cookie: a=1; b=2", "Authorization: Basic eDp5"),
  get("fields of one connection", "/cart", shop, "Connection: close, X-Hop", "X-Hop: 1"),
  get("a wish for another protocol", "/cart", shop, "Connection: Upgrade", "Upgrade: chat/1"),
  { name: "HEAD", start: "HEAD /cart HTTP/1.1", fields: [`Host: ${shop}`] },
  { name: "DELETE", start: "DELETE /api/v2/items/1 HTTP/1.1", fields: [`Host: ${shop}`] },
  { name: "OPTIONS", start: "OPTIONS /api HTTP/1.1", fields: [`Host: ${shop}`] },
  { name: "a body", start: "POST /cart HTTP/1.1", fields: [`Host: ${shop}`, "Content-Length: 5"], body: "hello" },
  {
    name: "a body behind what is taken off",
    start: "PUT /api/v2/items HTTP/1.1",
    fields: [`Host: ${shop}`, "Content-Length: 5"],
    body: "hello",
  },
  {
    name: "a body in chunks",
    start: "POST /api/items HTTP/1.1",
    fields: [`Host: ${shop}`, "Transfer-Encoding: chunked"],
    body: "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
  },
  {
    name: "a body to a server at ::1 alone",
    start: "POST /six HTTP/1.1",
    fields: [`Host: ${shop}`, "Content-Length: 2"],
    body: "ok",
  },
  { name: "HTTP/1.0", start: "GET /cart HTTP/1.0", fields: [`Host: ${shop}`] },
  { name: "HTTP/1.0 without a name", start: "GET /cart HTTP/1.0", fields: [] },
  { name: "an absolute target", start: `GET http://${shop}/api/v2/x?y HTTP/1.1`, fields: [`Host: ${shop}`] },
  { name: "an absolute target without a path", start: `GET http://${shop} HTTP/1.1`, fields: [`Host: ${shop}`] },
  {
    name: "an absolute target of another name",
    start: `GET http://${shop}/cart HTTP/1.1`,
    fields: ["Host: docs.localhost"],
  },
  { name: "no name", start: "GET /cart HTTP/1.1", fields: [] },
  { name: "about the server as a whole", start: "OPTIONS * HTTP/1.1", fields: [`Host: ${shop}`] },
  { name: "an absolute target with a query alone", start: `GET http://${shop}?x HTTP/1.1`, fields: [`Host: ${shop}`] },
  { name: "two names", start: "GET /cart HTTP/1.1", fields: [`Host: ${shop}`, "Host: docs.localhost"] },
];

/** Cases over TLS, by HTTP/2. */
export const streamCases: readonly { readonly name: string; readonly authority: string; readonly path: string }[] = [
  { name: "a name", authority: shop, path: "/cart?x" },
  { name: "a path, taken off", authority: "shop.localhost:PORT", path: "/api/v2/items?x" },
  { name: "below a wildcard", authority: "blue.shop.localhost", path: "/deep" },
  { name: "the server's own name", authority: shop, path: "/own" },
  { name: "a name that nobody has", authority: "nobody.localhost", path: "/" },
];

/** The bytes of a request to this port. */
export function wireOf({ start, fields, body }: ExportCase, port: number): string {
  const lines = [start, ...fields].map((line) => line.replaceAll("PORT", String(port)));
  return `${lines.join("\r\n")}\r\n\r\n${body ?? ""}`;
}

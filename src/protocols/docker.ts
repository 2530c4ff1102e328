/**
 * @module The Docker API, which Docker and Podman serve.
 */
import { parseServerHeader } from "./http-facts.ts";
import { describeMiss, fetchPage, objectOf, parseJsonObject, textOf } from "./http-message.ts";
import type { Conversation, Fact, HttpPage, ProbeContext, Protocol } from "./protocol.ts";
import { fact, type Talk } from "./talk.ts";

/** Products by the name of a component at /version. */
const products: Readonly<Record<string, string>> = { Engine: "Docker", "Podman Engine": "Podman" };

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const ping = yield* fetchPage(talk, context, { path: "/_ping" });
  if (!ping.ok) return describeMiss(ping);
  const { status, headers, body, keepsAlive } = ping.page;
  const apiVersion = headers.get("api-version");
  if (apiVersion === undefined || !/^\d{1,3}\.\d{1,4}$/.test(apiVersion) || !(status === 200 || status === 500)) {
    return { outcome: "other", evidence: `status ${status} to GET /_ping, without Api-Version` };
  }
  const facts: Fact[] = [fact("protocolVersion", apiVersion, "Api-Version header")];
  const built = keepsAlive ? yield* fetchPage(talk, context, { path: "/version" }) : undefined;
  const named = built?.ok === true ? componentFacts(built.page) : [];
  facts.push(...(named.length > 0 ? named : headerFacts(headers.get("server"))));
  const system = parseServerHeader(headers.get("server") ?? "").operatingSystem;
  if (system !== undefined) facts.push(fact("operatingSystem", system, "Server header"));
  // Anybody may set one header; the body is the second half of the proof.
  if (status === 200 && body.trim() === "OK") {
    return { outcome: "proved", evidence: `OK and Api-Version ${apiVersion} to GET /_ping`, facts };
  }
  return { outcome: "suggested", evidence: `Api-Version ${apiVersion} to GET /_ping, status ${status}`, facts };
}

/** Product and version as /version lists them. */
function componentFacts(page: HttpPage): Fact[] {
  const body = page.status === 200 ? parseJsonObject(page.body) : undefined;
  const components: unknown = body?.["Components"];
  for (const entry of Array.isArray(components) ? components.slice(0, 16) : []) {
    const component = objectOf(entry);
    const name = textOf(component?.["Name"]) ?? "";
    const version = textOf(component?.["Version"]);
    if (!Object.hasOwn(products, name)) continue;
    const from = `/version, component ${name}`;
    return [
      fact("product", products[name]!, from),
      ...(version === undefined ? [] : [fact("version", version, `${from}, field Version`)]),
    ];
  }
  return [];
}

/** `Docker/24.0.7 (linux)`, `Libpod/4.3.1 (linux)`. */
function headerFacts(server: string | undefined): Fact[] {
  const { product, version } = parseServerHeader(server ?? "");
  if (product === undefined) return [];
  const from = "Server header";
  return [fact("product", product, from), ...(version === undefined ? [] : [fact("version", version, from)])];
}

function isHinted(page: HttpPage): boolean {
  if (page.headers.has("api-version") || page.headers.has("libpod-api-version")) return true;
  if (/^(?:Docker|Libpod)\//.test(page.headers.get("server") ?? "")) return true;
  // What Docker and Podman answer at `/`; Podman's text is not the one that Go's servers give by default.
  return page.status === 404 && /^\s*(?:\{"message":"page not found"\}|Not Found)\s*$/.test(page.body.slice(0, 256));
}

/** Docker Engine API. */
export const docker: Protocol = {
  id: "docker",
  title: "Docker API",
  speaksFirst: "client",
  over: "http",
  usualPorts: [
    { port: 2375, transport: "tcp", tls: false },
    { port: 2376, transport: "tcp", tls: true },
  ],
  text: {
    purpose: "Starts and stops containers. Whoever reaches it without TLS is root on that machine.",
    weakProof: "An Api-Version header to GET /_ping with another body or status than OK.",
    strongProof: "GET /_ping brings the body OK and an Api-Version header.",
    claims: [
      { fact: "protocolVersion", from: "Api-Version header" },
      { fact: "product", from: "/version, name of the engine's component; or Server header" },
      { fact: "version", from: "/version, version of that component; or Server header" },
      { fact: "operatingSystem", from: "Server header, the comment" },
    ],
    effectOnTarget: "Two requests that change nothing: /_ping and /version.",
    wire: [
      { from: "client", bytes: "GET /_ping HTTP/1.1\\r\\n\u2026\\r\\n\\r\\n", meaning: "is it there?" },
      {
        from: "server",
        bytes: "HTTP/1.1 200 OK\\r\\nApi-Version: 1.41\\r\\nServer: Libpod/4.3.1 (linux)\\r\\n\u2026\\r\\n\\r\\nOK",
        meaning: "it is, and this is its API",
      },
      { from: "client", bytes: "GET /version HTTP/1.1\\r\\n\u2026\\r\\n\\r\\n", meaning: "which engine?" },
      {
        from: "server",
        bytes: '{\u2026"Components":[{"Name":"Podman Engine","Version":"4.3.1"\u2026',
        meaning: "its parts",
      },
    ],
    sources: ["Docker Engine API v1.41, GET /_ping", "Docker Engine API v1.41, GET /version"],
  },
  worthAsking: (page, port) => isHinted(page) || port === 2375 || port === 2376,
  probe: converse,
};

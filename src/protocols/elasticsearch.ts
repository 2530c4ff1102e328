/**
 * @module Elasticsearch and OpenSearch: their page at `/` is the proof.
 */
import { objectOf, parseJsonObject, textOf } from "./http-message.ts";
import type { Conversation, Fact, HttpPage, ProbeContext, Protocol } from "./protocol.ts";
import { fact, type Talk } from "./talk.ts";

const taglines: Readonly<Record<string, string>> = {
  "You Know, for Search": "Elasticsearch",
  "The OpenSearch Project: https://opensearch.org/": "OpenSearch",
};

// eslint-disable-next-line require-yield -- the page that is there already is the whole evidence
function* converse(_talk: Talk, context: ProbeContext): Conversation {
  const { page } = context;
  if (page === null) return { outcome: "silent", evidence: "no page" };
  const body = parseJsonObject(page.body);
  const tagline = textOf(body?.["tagline"]) ?? "";
  const version = objectOf(body?.["version"]);
  if (Object.hasOwn(taglines, tagline)) {
    const number = textOf(version?.["number"]);
    const facts: Fact[] = [fact("product", taglines[tagline]!, "field tagline")];
    if (number !== undefined) facts.push(fact("version", number, "field version.number"));
    const cluster = textOf(body?.["cluster_name"]);
    if (cluster !== undefined) facts.push(fact("identity", cluster, "field cluster_name"));
    return { outcome: "proved", evidence: `tagline ${tagline}`, facts };
  }
  const login: Fact[] = page.status === 401 ? [fact("login", true, "status 401")] : [];
  if (saysElastic(page)) {
    const from = "X-elastic-product header";
    return {
      outcome: "proved",
      evidence: `X-elastic-product: Elasticsearch, status ${page.status}`,
      facts: [fact("product", "Elasticsearch", from), ...login],
    };
  }
  if (page.status === 401 && textOf(objectOf(body?.["error"])?.["type"]) === "security_exception") {
    return { outcome: "suggested", evidence: "status 401 with a security_exception", facts: login };
  }
  return { outcome: "other", evidence: "a page without traces of Elasticsearch" };
}

function saysElastic(page: HttpPage): boolean {
  return page.headers.get("x-elastic-product") === "Elasticsearch";
}

/** Elasticsearch, OpenSearch. */
export const elasticsearch: Protocol = {
  id: "elasticsearch",
  title: "Elasticsearch",
  speaksFirst: "client",
  over: "http",
  usualPorts: [{ port: 9200, transport: "tcp", tls: false }],
  text: {
    purpose: "Stores documents and searches them by their words.",
    weakProof: "Status 401 with an error of the type security_exception.",
    strongProof: "The tagline of its page (You Know, for Search), or the header X-elastic-product: Elasticsearch.",
    claims: [
      { fact: "product", from: "field tagline, or X-elastic-product header" },
      { fact: "version", from: "field version.number" },
      { fact: "identity", from: "field cluster_name" },
      { fact: "login", from: "status 401" },
    ],
    effectOnTarget:
      "Nothing beyond the request for /. Where security is on it counts as a request without credentials.",
    wire: [
      { from: "client", bytes: "GET / HTTP/1.1\\r\\n\u2026\\r\\n\\r\\n", meaning: "the request of HTTP's own probe" },
      {
        from: "server",
        bytes:
          'X-elastic-product: Elasticsearch\\r\\n\u2026{"version":{"number":"8.11.1"},"tagline":"You Know, for Search"}',
        meaning: "who it is",
      },
    ],
    sources: [
      "Elasticsearch documentation, REST APIs: GET /",
      "Elasticsearch documentation, Networking: http.port",
      "OpenSearch documentation, Getting started",
    ],
  },
  worthAsking: (page, port) =>
    saysElastic(page) || port === 9200 || /"tagline"|"security_exception"/.test(page.body.slice(0, 4096)),
  probe: converse,
};

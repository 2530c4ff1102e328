/**
 * @module The Prometheus server: its sentence of health, and what it says of its build.
 */
import { describeMiss, fetchPage, objectOf, parseJsonObject, textOf } from "./http-message.ts";
import type { Conversation, HttpPage, ProbeContext, Protocol } from "./protocol.ts";
import { fact, type Talk } from "./talk.ts";

const healthPath = "/-/healthy";
const buildPath = "/api/v1/status/buildinfo";

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const health = yield* fetchPage(talk, context, { path: healthPath });
  if (!health.ok) return describeMiss(health);
  const { status, body, keepsAlive } = health.page;
  if (status !== 200 || !/^Prometheus (?:Server )?is Healthy\.\s*$/.test(body.slice(0, 256))) {
    return { outcome: "other", evidence: `status ${status} to GET ${healthPath}, without Prometheus's sentence` };
  }
  const facts = [fact("product", "Prometheus", healthPath)];
  if (keepsAlive) {
    const build = yield* fetchPage(talk, context, { path: buildPath });
    const data =
      build.ok && build.page.status === 200 ? objectOf(parseJsonObject(build.page.body)?.["data"]) : undefined;
    const version = textOf(data?.["version"]);
    if (version !== undefined) facts.push(fact("version", version, `${buildPath}, field version`));
  }
  return { outcome: "proved", evidence: `${body.trim()} at ${healthPath}`, facts };
}

function isHinted(page: HttpPage): boolean {
  const location = page.headers.get("location") ?? "";
  if (page.status >= 300 && page.status < 400 && /\/(?:graph|query)$/.test(location)) return true;
  return /<title>Prometheus/i.test(page.body);
}

/** Prometheus. */
export const prometheus: Protocol = {
  id: "prometheus",
  title: "Prometheus",
  speaksFirst: "client",
  over: "http",
  usualPorts: [{ port: 9090, transport: "tcp", tls: false }],
  text: {
    purpose: "Collects measurements of programs as time series, and answers questions about them.",
    weakProof: null,
    strongProof: "The sentence Prometheus Server is Healthy. at /-/healthy.",
    claims: [
      { fact: "product", from: "/-/healthy" },
      { fact: "version", from: "/api/v1/status/buildinfo, field version" },
    ],
    effectOnTarget: "Two requests, counted in Prometheus's own metrics of requests.",
    wire: [
      { from: "client", bytes: "GET /-/healthy HTTP/1.1\\r\\n\u2026\\r\\n\\r\\n", meaning: "is it well?" },
      { from: "server", bytes: "HTTP/1.1 200 OK\\r\\n\u2026Prometheus Server is Healthy.\\n", meaning: "its sentence" },
      {
        from: "client",
        bytes: "GET /api/v1/status/buildinfo HTTP/1.1\\r\\n\u2026\\r\\n\\r\\n",
        meaning: "which version?",
      },
      {
        from: "server",
        bytes: '{"status":"success","data":{"version":"2.42.0","revision":"\u2026"}}',
        meaning: "its build",
      },
    ],
    sources: [
      "Prometheus documentation, Management API: Health check",
      "Prometheus documentation, HTTP API: Build Information",
    ],
  },
  worthAsking: (page, port) => isHinted(page) || port === 9090 || port === 9091,
  probe: converse,
};

/**
 * @module Exporters for Prometheus: a page of measurements in its text format.
 */
import { describeMiss, fetchPage } from "./http-message.ts";
import type { Conversation, Fact, HttpPage, ProbeContext, Protocol } from "./protocol.ts";
import { fact, type Talk } from "./talk.ts";

/** Ports of the exporters that are met most, each from its own documentation. */
const usualPorts: readonly number[] = [9100, 9104, 9113, 9115, 9121, 9187];

const metricsPath = "/metrics";

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const reading = yield* fetchPage(talk, context, {
    path: metricsPath,
    headers: [["Accept", "text/plain;version=0.0.4, */*;q=0.1"]],
  });
  if (!reading.ok) return describeMiss(reading);
  const { status, headers, body } = reading.page;
  const type = headers.get("content-type") ?? "";
  const named = /^text\/plain;.*\bversion=0\.0\.4\b|^application\/openmetrics-text\b/.test(type);
  const described = /^# TYPE [A-Za-z_:][\w:]* (?:counter|gauge|histogram|summary|untyped|unknown|info|stateset)$/m.test(
    body,
  );
  if (status !== 200 || !(named || described)) {
    return { outcome: "other", evidence: `status ${status} to GET ${metricsPath}, without measurements` };
  }
  const facts = buildFacts(body);
  if (named && described) {
    return { outcome: "proved", evidence: `measurements at ${metricsPath}, ${type.slice(0, 80)}`, facts };
  }
  return { outcome: "suggested", evidence: `something like measurements at ${metricsPath}`, facts };
}

/** Product and version of the series whose name ends in `_build_info`: an exporter's own before a server's, a library's never. */
function buildFacts(body: string): Fact[] {
  const series = [...body.matchAll(/^([a-z][a-z0-9_]{0,63})_build_info\{([^}\n]{0,1024})\}/gm)]
    .slice(0, 16)
    .map((match) => ({ product: match[1]!, version: /(?:^|,)version="([^"\\]{1,64})"/.exec(match[2]!)?.[1] }))
    .filter(({ product, version }) => product !== "go" && version !== undefined && version !== "");
  const own =
    series.find(({ product }) => product.endsWith("_exporter")) ?? (series.length === 1 ? series[0] : undefined);
  if (own?.version === undefined) return [];
  const from = `series ${own.product}_build_info`;
  return [fact("product", own.product, from), fact("version", own.version, `${from}, label version`)];
}

function isHinted(page: HttpPage): boolean {
  return /<a\s[^<>]{0,256}href=["']?[^"'<>]{0,256}\bmetrics\b/i.test(page.body);
}

/** Exporters for Prometheus. */
export const prometheusExporter: Protocol = {
  id: "prometheus-exporter",
  title: "Prometheus exporter",
  speaksFirst: "client",
  over: "http",
  usualPorts: usualPorts.map((port) => ({ port, transport: "tcp", tls: false })),
  text: {
    purpose: "Shows the measurements of a machine or program for Prometheus to collect.",
    weakProof: "Lines of measurements without the content type, or the content type without such lines.",
    strongProof:
      "GET /metrics brings text/plain with version=0.0.4, or application/openmetrics-text, and lines that start with # TYPE.",
    claims: [
      { fact: "product", from: "series whose name ends in _build_info, the name before it" },
      { fact: "version", from: "the same series, label version" },
    ],
    effectOnTarget:
      "One collection, as Prometheus makes one every few seconds: the exporter measures once. Asked only where the page links to metrics or at the usual ports.",
    wire: [
      { from: "client", bytes: "GET /metrics HTTP/1.1\\r\\n\u2026\\r\\n\\r\\n", meaning: "asks for all measurements" },
      {
        from: "server",
        bytes: "Content-Type: text/plain; version=0.0.4; charset=utf-8\\r\\n\u2026",
        meaning: "text format of Prometheus",
      },
      {
        from: "server",
        bytes: '# TYPE node_exporter_build_info gauge\\nnode_exporter_build_info{\u2026version="1.5.0"} 1\\n',
        meaning: "which exporter it is",
      },
    ],
    sources: ["Prometheus documentation, Exposition formats: Text-based format", "OpenMetrics 1.0, Overall Structure"],
  },
  worthAsking: (page, port) => isHinted(page) || usualPorts.includes(port),
  probe: converse,
};

/**
 * @module The applications on HTTP over recorded and written exchanges: each proves itself and no other proves it.
 */
import { describe, expect, test } from "vitest";
import { listCaptures, readCapture } from "../../test/support/captures.ts";
import { recordingOf, replay } from "../../test/support/replay.ts";
import { docker } from "./docker.ts";
import { elasticsearch } from "./elasticsearch.ts";
import { kubernetes } from "./kubernetes.ts";
import { next } from "./next.ts";
import { prometheusExporter } from "./prometheus-exporter.ts";
import { prometheus } from "./prometheus.ts";
import type { HttpPage, Protocol, Verdict } from "./protocol.ts";
import { vite } from "./vite.ts";
import { webpackDevServer } from "./webpack-dev-server.ts";

const applications: readonly Protocol[] = [
  vite,
  webpackDevServer,
  next,
  prometheus,
  prometheusExporter,
  elasticsearch,
  docker,
  kubernetes,
];

function factsOf(verdict: Verdict): Record<string, unknown> {
  return "facts" in verdict ? Object.fromEntries(verdict.facts.map(({ name, value }) => [name, value])) : {};
}

function pageOf(status: number, body: string, headers: Record<string, string> = {}): HttpPage {
  return { httpVersion: "1.1", status, headers: new Map(Object.entries(headers)), body, keepsAlive: true };
}

function response(status: number, body: string, fields = ""): string {
  return `HTTP/1.1 ${status} X\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

function ask(protocol: Protocol, page: HttpPage | null, ...answers: string[]): Verdict {
  const lines = answers.flatMap((text) => [[">", ""] as const, ["<", text] as const]);
  return replay(protocol, recordingOf(lines, { page })).verdict;
}

describe("each proves itself", () => {
  test.each<[Protocol, string, Verdict["outcome"], Record<string, unknown>]>([
    [vite, "vite", "proved", { product: "Vite", role: "development server" }],
    [webpackDevServer, "written-report", "proved", { product: "webpack-dev-server", role: "development server" }],
    [next, "written-development", "proved", { product: "Next.js", role: "development server" }],
    [next, "written-built-without-header", "suggested", { product: "Next.js" }],
    [prometheus, "prometheus", "proved", { product: "Prometheus", version: "2.42.0+ds" }],
    [prometheusExporter, "node-exporter", "proved", { product: "node_exporter", version: "1.5.0" }],
    [elasticsearch, "written-page", "proved", { product: "Elasticsearch", version: "8.11.1", identity: "harbour" }],
    [elasticsearch, "written-login", "suggested", { login: true }],
    [elasticsearch, "written-opensearch", "proved", { product: "OpenSearch", version: "2.11.0", identity: "c" }],
    [
      docker,
      "podman",
      "proved",
      { product: "Podman", version: "4.3.1", protocolVersion: "1.41", operatingSystem: "linux" },
    ],
    [
      docker,
      "written-docker",
      "proved",
      { product: "Docker", version: "24.0.7", protocolVersion: "1.43", operatingSystem: "linux" },
    ],
    [kubernetes, "written-version", "proved", { product: "Kubernetes", version: "v1.28.4" }],
    [kubernetes, "written-refusal", "proved", { product: "Kubernetes", login: true }],
  ])("%s %s", (protocol, name, outcome, facts) => {
    const capture = readCapture(protocol.id, name);
    const { verdict } = replay(protocol, capture);
    expect(verdict.outcome).toBe(outcome);
    expect(factsOf(verdict)).toEqual(facts);
    expect(protocol.worthAsking!(capture.page!, protocol.usualPorts[0]!.port)).toBe(true);
  });
});

describe("none proves another", () => {
  const foreign = applications.flatMap((protocol) =>
    listCaptures(protocol.id).map((name) => [protocol.id, name] as const),
  );

  test.each(applications.map((protocol) => [protocol.id, protocol] as const))("%s", (id, protocol) => {
    let count = 0;
    for (const [other, name] of foreign) {
      // Its own servers, also where they refuse another protocol.
      if ((other === id && !/refuses|none/.test(name)) || name.startsWith(`${id}-`)) continue;
      expect(replay(protocol, readCapture(other, name)).verdict.outcome, `${id} on ${other}/${name}`).toMatch(
        /^(other|silent)$/,
      );
      count += 1;
    }
    expect(count).toBeGreaterThan(10);
  });

  test.each(applications.map((protocol) => [protocol.id, protocol] as const))(
    "%s: silence, bytes and no page",
    (_id, protocol) => {
      const page = pageOf(200, "<html></html>");
      for (const text of [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\u0000\u0001\u0002",
        "HTTP/1.1 200",
        response(200, '{"a":'),
        response(500, ""),
      ]) {
        expect(ask(protocol, page, text).outcome).toBe("other");
      }
      for (const nothing of [ask(protocol, null), ask(protocol, page)])
        expect(nothing.outcome).toMatch(/^(other|silent)$/);
    },
  );

  test.each(applications.map((protocol) => [protocol.id, protocol] as const))(
    "%s is not asked of any page",
    (_id, protocol) => {
      expect(protocol.worthAsking!(pageOf(200, "<html><title>shop</title></html>", { server: "nginx" }), 80)).toBe(
        false,
      );
      expect(protocol.worthAsking!(pageOf(404, "404 page not found\n"), 8080)).toBe(false);
    },
  );
});

describe("traps", () => {
  test("a server that answers everything with 204 is no Vite", () => {
    expect(ask(vite, pageOf(204, ""), response(204, "")).outcome).toBe("other");
    expect(ask(vite, pageOf(200, ""), "HTTP/1.1 204 No Content\r\n\r\n").outcome).toBe("proved");
  });

  test("an older Vite without ping is suggested by its script", () => {
    expect(ask(vite, pageOf(200, '<script src="/@vite/client">'), response(200, "x")).outcome).toBe("suggested");
  });

  test("Vite without an index.html is asked", () => {
    expect(vite.worthAsking!(pageOf(404, "", { vary: "Origin" }), 1)).toBe(true);
    expect(vite.worthAsking!(pageOf(404, "", { vary: "Accept-Encoding" }), 1)).toBe(false);
  });

  test("a page that speaks of Prometheus is not its sentence", () => {
    expect(ask(prometheus, pageOf(200, ""), response(200, "Is Prometheus Server is Healthy.?")).outcome).toBe("other");
    expect(ask(prometheus, pageOf(200, ""), response(404, "Prometheus Server is Healthy.\n")).outcome).toBe("other");
  });

  test("a build that is no JSON leaves Prometheus without a version", () => {
    const healthy = response(200, "Prometheus Server is Healthy.\n");
    for (const build of [
      response(200, "[]"),
      response(200, '{"data":{"version":7}}'),
      response(404, "{}"),
      "garbage",
    ]) {
      const verdict = ask(prometheus, pageOf(302, ""), healthy, build);
      expect(verdict.outcome).toBe("proved");
      expect(factsOf(verdict)).toEqual({ product: "Prometheus" });
    }
  });

  test("measurements need their type and their form", () => {
    const lines = '# TYPE up gauge\nup 1\n# TYPE go_build_info gauge\ngo_build_info{path="x",version="(devel)"} 1\n';
    const type = "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n";
    const full = ask(prometheusExporter, pageOf(200, ""), response(200, lines, type));
    expect(full.outcome).toBe("proved");
    expect(factsOf(full)).toEqual({});
    expect(ask(prometheusExporter, pageOf(200, ""), response(200, lines)).outcome).toBe("suggested");
    expect(ask(prometheusExporter, pageOf(200, ""), response(200, "", type)).outcome).toBe("suggested");
    expect(ask(prometheusExporter, pageOf(200, ""), response(401, lines, type)).outcome).toBe("other");
  });

  test("JSON that is deep, wrong or inherited proves nothing", () => {
    const deep = `{"a":${"[".repeat(60_000)}`;
    const odd = [
      '{"tagline":"constructor"}',
      '{"tagline":["You Know, for Search"]}',
      '{"gitVersion":{}}',
      '{"kind":"Status"}',
      deep,
    ];
    for (const body of odd) {
      expect(ask(elasticsearch, pageOf(200, body)).outcome).toBe("other");
      expect(ask(kubernetes, pageOf(200, body), response(200, body)).outcome).toBe("other");
    }
    const components = '{"Components":[null,7,{"Name":"toString","Version":"1"},{"Name":"Engine","Version":{}}]}';
    const ping = response(200, "OK", "Api-Version: 1.41\r\nServer: Docker/1.2\r\n");
    expect(factsOf(ask(docker, pageOf(404, ""), ping, response(200, components)))).toEqual({
      protocolVersion: "1.41",
      product: "Docker",
    });
  });

  test("Docker without its version names itself by its header", () => {
    const ping = response(200, "OK", "Api-Version: 1.41\r\nServer: Docker/24.0.7 (linux)\r\n");
    expect(factsOf(ask(docker, pageOf(404, ""), ping))).toMatchObject({ product: "Docker", version: "24.0.7" });
    expect(ask(docker, pageOf(404, ""), response(200, "no", "Api-Version: 1.41\r\n")).outcome).toBe("suggested");
    expect(ask(docker, pageOf(404, ""), response(200, "OK", "Api-Version: x\r\n")).outcome).toBe("other");
  });
});

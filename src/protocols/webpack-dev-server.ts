/**
 * @module webpack-dev-server: its report of what it has built.
 */
import { describeMiss, fetchPage } from "./http-message.ts";
import type { Conversation, HttpPage, ProbeContext, Protocol } from "./protocol.ts";
import { fact, type Talk } from "./talk.ts";

const reportPath = "/webpack-dev-server";

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const reading = yield* fetchPage(talk, context, { path: reportPath });
  if (!reading.ok) return describeMiss(reading);
  const { status, body } = reading.page;
  if (status === 200 && /<h1>Assets Report:<\/h1>/.test(body) && /<h2>Compilation: /.test(body)) {
    const from = `report at ${reportPath}`;
    return {
      outcome: "proved",
      evidence: "its report of built assets",
      facts: [fact("product", "webpack-dev-server", from), fact("role", "development server", from)],
    };
  }
  return { outcome: "other", evidence: `status ${status} to GET ${reportPath}, without a report` };
}

function isHinted(page: HttpPage): boolean {
  if (/webpack-dev-server|webpackHotUpdate/.test(page.body)) return true;
  const isExpress = page.headers.get("x-powered-by") === "Express";
  return isExpress && /<script\b[^<>]{0,512}\bsrc="[^"<>]{0,256}\b(?:bundle|main)\.js"/.test(page.body);
}

/** webpack-dev-server. */
export const webpackDevServer: Protocol = {
  id: "webpack-dev-server",
  title: "webpack-dev-server",
  speaksFirst: "client",
  over: "http",
  usualPorts: [{ port: 8080, transport: "tcp", tls: false }],
  text: {
    purpose: "Builds a web project with webpack while it is written, and serves the result from memory.",
    weakProof: null,
    strongProof: "GET /webpack-dev-server brings its report: Assets Report, with a heading for each compilation.",
    claims: [
      { fact: "product", from: "report at /webpack-dev-server" },
      { fact: "role", from: "report at /webpack-dev-server" },
    ],
    effectOnTarget:
      "One request. It waits until a build that is under way is done. Asked only where the page names webpack-dev-server or is served by Express with a bundle.",
    wire: [
      {
        from: "client",
        bytes: "GET /webpack-dev-server HTTP/1.1\\r\\n\u2026\\r\\n\\r\\n",
        meaning: "asks for the report",
      },
      {
        from: "server",
        bytes: "HTTP/1.1 200 OK\\r\\n\u2026<h1>Assets Report:</h1><div><h2>Compilation: unnamed</h2>\u2026",
        meaning: "what was built",
      },
    ],
    sources: [
      "webpack documentation, DevServer: accessing /webpack-dev-server",
      "webpack-dev-server, lib/Server.js: setupMiddlewares",
    ],
  },
  worthAsking: isHinted,
  probe: converse,
};

/**
 * @module Next.js: what its page says; nothing more is asked.
 */
import type { Conversation, Fact, HttpPage, ProbeContext, Protocol } from "./protocol.ts";
import { fact, type Talk } from "./talk.ts";

/** Traces of a development server in a page: names that a build never has. */
const developmentTraces: readonly (readonly [trace: RegExp, name: string])[] = [
  [/\/_next\/static\/development\//, "/_next/static/development/ in the page"],
  [/"buildId":"development"/, "build id development in the page"],
  [/\/_next\/static\/chunks\/react-refresh\.js/, "react-refresh.js in the page"],
  [/\/_next\/webpack-hmr/, "/_next/webpack-hmr in the page"],
];

// eslint-disable-next-line require-yield -- the page that is there already is the whole evidence
function* converse(_talk: Talk, context: ProbeContext): Conversation {
  const { page } = context;
  if (page === null) return { outcome: "silent", evidence: "no page" };
  const trace = developmentTraces.find(([pattern]) => pattern.test(page.body));
  const role: Fact[] = trace === undefined ? [] : [fact("role", "development server", trace[1])];
  if (saysNext(page)) {
    const from = "X-Powered-By header";
    return { outcome: "proved", evidence: "X-Powered-By: Next.js", facts: [fact("product", "Next.js", from), ...role] };
  }
  if (loadsNext(page)) {
    const from = "scripts under /_next/static/ in the page";
    return { outcome: "suggested", evidence: from, facts: [fact("product", "Next.js", from), ...role] };
  }
  return { outcome: "other", evidence: "a page without traces of Next.js" };
}

function saysNext(page: HttpPage): boolean {
  return /^Next\.js(?: [\d.]+)?$/.test(page.headers.get("x-powered-by") ?? "");
}

function loadsNext(page: HttpPage): boolean {
  return page.body.includes("/_next/static/");
}

/** Next.js. */
export const next: Protocol = {
  id: "next",
  title: "Next.js",
  speaksFirst: "client",
  over: "http",
  usualPorts: [3000, 3001].map((port) => ({ port, transport: "tcp", tls: false })),
  text: {
    purpose: "Serves web applications written with React, as a development server or as a built one.",
    weakProof: "The page loads scripts from /_next/static/.",
    strongProof: "The header X-Powered-By: Next.js.",
    claims: [
      { fact: "product", from: "X-Powered-By header, or scripts under /_next/static/ in the page" },
      { fact: "role", from: "names in the page that only a development server uses" },
    ],
    effectOnTarget:
      "Nothing beyond the request for /. A development server compiles that page when it is first asked for.",
    wire: [
      { from: "client", bytes: "GET / HTTP/1.1\\r\\n\u2026\\r\\n\\r\\n", meaning: "the request of HTTP's own probe" },
      {
        from: "server",
        bytes: "HTTP/1.1 200 OK\\r\\n\u2026X-Powered-By: Next.js\\r\\n\u2026",
        meaning: "who serves it",
      },
    ],
    sources: ["Next.js documentation, next.config.js: poweredByHeader", "Next.js documentation, CLI: next dev"],
  },
  worthAsking: (page) => saysNext(page) || loadsNext(page),
  probe: converse,
};

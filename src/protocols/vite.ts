/**
 * @module Vite's development server: it answers the ping of its own page.
 */
import { describeMiss, fetchPage } from "./http-message.ts";
import type { Conversation, HttpPage, ProbeContext, Protocol } from "./protocol.ts";
import { fact, type Talk } from "./talk.ts";

/** Address of the script that Vite puts into every page. */
const clientScript = "/@vite/client";

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const reading = yield* fetchPage(talk, context, { path: "/", headers: [["Accept", "text/x-vite-ping"]] });
  if (!reading.ok) return describeMiss(reading);
  const { status } = reading.page;
  const hasScript = context.page?.body.includes(clientScript) === true;
  // A server that answers everything with 204 has not understood the ping.
  if (status === 204 && context.page?.status !== 204) {
    return {
      outcome: "proved",
      evidence: `204 to Accept: text/x-vite-ping${hasScript ? `, and ${clientScript} in the page` : ""}`,
      facts: [
        fact("product", "Vite", "reply to text/x-vite-ping"),
        fact("role", "development server", "reply to text/x-vite-ping"),
      ],
    };
  }
  if (hasScript) {
    const from = `script ${clientScript} in the page`;
    return { outcome: "suggested", evidence: from, facts: [fact("product", "Vite", from)] };
  }
  return { outcome: "other", evidence: `status ${status} to Accept: text/x-vite-ping` };
}

function isHinted(page: HttpPage): boolean {
  if (page.body.includes(clientScript)) return true;
  // Without an index.html Vite answers with an empty 404 that varies by origin.
  return page.status === 404 && page.body === "" && /(?:^|,)\s*origin\s*(?:,|$)/i.test(page.headers.get("vary") ?? "");
}

/** Vite. */
export const vite: Protocol = {
  id: "vite",
  title: "Vite dev server",
  speaksFirst: "client",
  over: "http",
  usualPorts: [5173, 5174, 5175, 5176, 5177, 5178, 5179, 4173].map((port) => ({ port, transport: "tcp", tls: false })),
  text: {
    purpose: "Serves the sources of a web project while it is written, and tells the page what has changed.",
    weakProof: "The page loads /@vite/client, but the ping is not answered.",
    strongProof:
      "Status 204 to GET / with Accept: text/x-vite-ping, where the same address gives another status otherwise.",
    claims: [
      { fact: "product", from: "reply to the ping, or the script /@vite/client in the page" },
      { fact: "role", from: "reply to the ping" },
    ],
    effectOnTarget: "One request that Vite's own page makes too, when it waits for its server. Nothing is compiled.",
    wire: [
      {
        from: "client",
        bytes: "GET / HTTP/1.1\\r\\n\u2026Accept: text/x-vite-ping\\r\\n\\r\\n",
        meaning: "ping of Vite's page",
      },
      { from: "server", bytes: "HTTP/1.1 204 No Content\\r\\n\u2026\\r\\n\\r\\n", meaning: "the server is there" },
    ],
    sources: [
      "Vite, packages/vite/src/node/server/index.ts: viteHMRPingMiddleware",
      "Vite documentation, Server Options: server.port",
    ],
  },
  worthAsking: (page, port) => isHinted(page) || (port >= 5173 && port <= 5179) || port === 4173,
  probe: converse,
};

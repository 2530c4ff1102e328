/**
 * @module What runs on HTTP: asked after a web server has proved itself, on its connection where that is kept.
 */
import type { HttpPage, Protocol } from "../../protocols/index.ts";
import type { IdentifiedLayer } from "../identification.ts";
import { ask, describeLayer, type Connect, type Line } from "./ask.ts";
import { applicationsOf, protocolOf } from "./candidates.ts";
import type { Inquiry } from "./inquiry.ts";

/** A web server answered: which application on it is worth asking, and does it prove itself? */
export async function askApplications(
  inquiry: Inquiry,
  first: Line,
  connect: Connect,
  protocol: Protocol,
  page: HttpPage | undefined,
): Promise<IdentifiedLayer[]> {
  if (page === undefined) return protocol.id === "http2" ? askCalls(inquiry, connect) : [];
  let current: Line | null = first;
  let reusable = page.keepsAlive && page.httpVersion !== "2";
  for (const protocol of applicationsOf(page, inquiry.door.port)) {
    if (current === null || !reusable || !current.channel.usable) {
      // Without TLS there is no ALPN, and who speaks HTTP/2 there by prior knowledge alone has no HTTP/1.1 to offer.
      if (page.httpVersion === "2" && first.channel.tls === null && protocol.id !== "grpc") continue;
      current = inquiry.exhausted ? null : await connect(protocol.id === "grpc" ? ["h2"] : ["http/1.1"]);
      if (current === null) return [];
    }
    const verdict = await ask(inquiry, current, protocol, { page });
    if (verdict.outcome === "proved" || verdict.outcome === "suggested") return [describeLayer(protocol, verdict)];
    // A conversation that went wrong leaves the connection in an unknown state.
    reusable = false;
  }
  return [];
}

/** HTTP/2 that brings no page may be there for remote calls alone. */
async function askCalls(inquiry: Inquiry, connect: Connect): Promise<IdentifiedLayer[]> {
  const grpc = protocolOf("grpc");
  const line = grpc === undefined || inquiry.exhausted ? null : await connect(["h2"]);
  if (grpc === undefined || line === null) return [];
  const verdict = await ask(inquiry, line, grpc);
  return verdict.outcome === "proved" || verdict.outcome === "suggested" ? [describeLayer(grpc, verdict)] : [];
}

/**
 * @module How services prove themselves, in words: what `explain` tells from the protocols' declarations.
 */
import * as v from "valibot";
import { protocols, type Protocol } from "../protocols/index.ts";
import { listOf } from "./schema-parts.ts";
import { scanTransportSchema } from "./scan-schemas.ts";
import { portSchema } from "./schemas.ts";

/** What people read about a protocol. */
export const explainedProtocolSchema = v.object({
  id: v.string(),
  title: v.string(),
  purpose: v.string(),
  speaksFirst: v.picklist(["server", "client"]),
  usualPorts: listOf(v.object({ port: portSchema, transport: scanTransportSchema, tls: v.boolean() })),
  strongProof: v.pipe(v.string(), v.description("What answer is proof")),
  weakProof: v.pipe(v.nullable(v.string()), v.description("What answer only looks like it")),
  effectOnTarget: v.pipe(v.nullable(v.string()), v.description("What asking leaves behind at the server")),
  asked: v.pipe(v.boolean(), v.description("Whether scan and identify can ask it; false for what is only explained")),
  sources: listOf(v.string()),
});

export type ExplainedProtocol = v.InferOutput<typeof explainedProtocolSchema>;

/** The protocol of that id. */
export function findProtocol(id: string): Protocol | undefined {
  const asked = id.toLowerCase();
  return protocols.find((protocol) => protocol.id === asked);
}

/** Protocols usually met at one of the ports; what has the port in plain before what has it inside TLS. */
export function protocolsAt(ports: readonly number[]): readonly Protocol[] {
  const rank = ({ usualPorts }: Protocol): number =>
    Math.min(...usualPorts.filter(({ port }) => ports.includes(port)).map(({ tls }) => (tls ? 1 : 0)));
  return protocols
    .filter(({ usualPorts }) => usualPorts.some(({ port }) => ports.includes(port)))
    .toSorted((left, right) => rank(left) - rank(right));
}

/** A protocol's prose for a result. */
export function explainProtocol({ id, title, speaksFirst, usualPorts, text, probe }: Protocol): ExplainedProtocol {
  const { purpose, strongProof, weakProof, effectOnTarget, sources } = text;
  return {
    id,
    title,
    purpose,
    speaksFirst,
    usualPorts,
    strongProof,
    weakProof,
    effectOnTarget,
    asked: probe !== undefined,
    sources,
  };
}

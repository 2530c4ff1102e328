/**
 * @module Schema of an identification: what one door answered when it was asked what it is.
 */
import * as v from "valibot";
import { listOf } from "./schema-parts.ts";

const countSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

const factSchema = v.object({
  name: v.string(),
  value: v.union([v.string(), v.number(), v.boolean(), listOf(v.string())]),
  from: v.pipe(v.string(), v.description("The bytes it was read from")),
});

const certificateSchema = v.object({
  subject: v.string(),
  issuer: v.string(),
  names: listOf(v.string()),
  validFrom: v.string(),
  validTo: v.string(),
  selfSigned: v.boolean(),
  fingerprint: v.pipe(v.string(), v.description("SHA-256 over the DER form")),
});

const tlsSchema = v.object({
  version: v.string(),
  cipher: v.string(),
  alpn: v.nullable(v.string()),
  certificate: v.pipe(
    v.nullable(certificateSchema),
    v.description("What it says of itself; nothing was checked against an authority"),
  ),
});

/** What one door proved to be. */
export const identificationSchema = v.object({
  layers: v.pipe(
    listOf(
      v.object({
        protocol: v.string(),
        title: v.string(),
        strength: v.pipe(
          v.picklist(["strong", "weak"]),
          v.description("strong: only this protocol answers like that; weak: another could look the same"),
        ),
        evidence: v.string(),
        facts: listOf(factSchema),
      }),
    ),
    v.description("Protocols found one inside the other, outermost first; empty when nothing was recognised"),
  ),
  tls: v.nullable(tlsSchema),
  unexplained: v.pipe(
    v.nullable(v.string()),
    v.description("First bytes that came, as Latin-1, when no protocol explains them"),
  ),
  evidence: v.string(),
  connections: v.pipe(countSchema, v.description("Connections or sockets used, the scan's own included")),
  asked: v.pipe(listOf(v.string()), v.description("Protocols that were asked, in their order")),
  elapsedMs: v.pipe(v.number(), v.minValue(0)),
  complete: v.pipe(v.boolean(), v.description("False when a deadline or an interrupt cut it short")),
});

export type ListedIdentification = v.InferOutput<typeof identificationSchema>;
export type ListedTls = v.InferOutput<typeof tlsSchema>;

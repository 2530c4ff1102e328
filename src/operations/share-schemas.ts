/**
 * @module What `share` takes and tells.
 */
import * as v from "valibot";
import { relayTermEntries } from "./forward.ts";
import { optionalChoice, optionalText, optionalTexts } from "./parameters.ts";
import { relayCountsSchema, relayPlaceSchema } from "./relay-schemas.ts";
import { listOf } from "./schemas.ts";
import { protocolFlags } from "./share-wish.ts";

/** A flag for each protocol that first bytes tell, and for those whose clients say nothing first. */
const protocolEntries = Object.fromEntries(
  protocolFlags.map(({ flag, protocol, title, waits }) => {
    const what =
      flag === protocol
        ? `${title} goes there${waits ? ", and whoever says nothing, as its clients do at first" : ""}`
        : `The same as --${protocol}`;
    const names = protocol === "tls" || protocol === "http" ? "; NAME=TARGET for those that ask for that name" : "";
    return [flag, optionalTexts(`${what}${names}`, { placeholder: names === "" ? "TARGET" : "[NAME=]TARGET" })];
  }),
);

export const shareInputSchema = v.object({
  listen: optionalText("Where to listen: 443, 0.0.0.0:443, *:443; without it the shares of the project's file start", {
    placeholder: "LISTEN",
  }),
  name: optionalTexts(
    "Who asks for this name, by SNI of TLS or Host of HTTP, goes there; *.shop.test is every name below",
    {
      placeholder: "NAME=TARGET",
    },
  ),
  alpn: optionalTexts("Clients of TLS that offer this protocol go there: h2=:8443", { placeholder: "PROTOCOL=TARGET" }),
  ...protocolEntries,
  silent: optionalText("Who says nothing goes there (default: is closed)", { placeholder: "TARGET" }),
  wait: optionalText("How long a client may say nothing (default 3s)", { placeholder: "DURATION" }),
  fallback: optionalText("What no rule fits goes there (default: is closed)", { placeholder: "TARGET" }),
  sendProxy: optionalChoice(["1", "2"], "Tell all servers who the client is, by the PROXY protocol of this version"),
  ...relayTermEntries,
});

const toldTargetSchema = v.object({
  target: v.pipe(v.string(), v.description("Host and port")),
  sendProxy: v.nullable(v.picklist([1, 2])),
});

const shareSchema = v.object({
  listen: relayPlaceSchema,
  rules: listOf(
    v.object({
      number: v.pipe(v.number(), v.description("As traces call it, from 1")),
      protocol: v.nullable(v.string()),
      name: v.nullable(v.string()),
      alpn: v.nullable(v.string()),
      ...toldTargetSchema.entries,
    }),
  ),
  silent: v.pipe(v.nullable(toldTargetSchema), v.description("Who says nothing; null: is closed")),
  waitMs: v.number(),
  fallback: v.pipe(v.nullable(toldTargetSchema), v.description("What no rule fits; null: is closed")),
  acceptProxy: v.boolean(),
});

export const shareEventSchema = v.object({
  kind: v.literal("ready"),
  shares: listOf(shareSchema),
  notes: v.pipe(
    listOf(v.string()),
    v.description("Rules that can never be reached, who else gets in, what does not work"),
  ),
});

export const shareOutputSchema = v.object({
  complete: v.boolean(),
  shares: listOf(v.object({ ...shareSchema.entries, counts: relayCountsSchema })),
});

export type ShareInput = v.InferInput<typeof shareInputSchema> & Readonly<Record<string, unknown>>;
export type ShareEvent = v.InferOutput<typeof shareEventSchema>;
export type ShareResult = v.InferOutput<typeof shareOutputSchema>;
export type ListedShare = v.InferOutput<typeof shareSchema>;

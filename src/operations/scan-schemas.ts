/**
 * @module Schemas of what a scan finds, shared by `scan` and `identify`.
 */
import * as v from "valibot";
import { identificationSchema } from "./identification-schema.ts";
import { claimSchema, listOf } from "./schema-parts.ts";
import { familySchema, portSchema } from "./schemas.ts";

const countSchema = v.pipe(v.number(), v.integer(), v.minValue(0));
const millisecondsSchema = v.pipe(v.number(), v.minValue(0));

/** Transports that are scanned. */
export const scanTransportSchema = v.picklist(["tcp", "udp"]);

export const portStateSchema = v.picklist(["open", "closed", "filtered", "open|filtered", "unscanned"]);

/** What a door is, in the words that tables and other formats show. */
export const doorMeaningEntries = {
  title: v.pipe(
    v.nullable(claimSchema(v.string())),
    v.description("The strongest claim of what it is; null when nothing is known of it"),
  ),
  names: v.pipe(listOf(claimSchema(v.string())), v.description("Every claim of what it is, strongest first")),
  product: v.pipe(v.nullable(v.string()), v.description("Product, as the service itself says")),
  version: v.pipe(v.nullable(v.string()), v.description("Version, as the service itself says")),
  identification: v.pipe(v.nullable(identificationSchema), v.description("null when it was not asked what it is")),
};

/** One door that is open or may be. */
export const doorSchema = v.object({
  address: v.string(),
  host: v.pipe(v.nullable(v.string()), v.description("Host name as it was given; null for an address")),
  transport: scanTransportSchema,
  port: portSchema,
  state: portStateSchema,
  reason: v.string(),
  roundTripMs: v.nullable(millisecondsSchema),
  ...doorMeaningEntries,
});

/** The ports of one device in one state for one reason. */
const stateSchema = v.object({
  transport: scanTransportSchema,
  state: portStateSchema,
  reason: v.string(),
  count: countSchema,
  ports: v.pipe(v.string(), v.description("As a set: 1-21,23-79")),
});

/** One device. */
export const hostSchema = v.object({
  address: v.string(),
  family: familySchema,
  host: v.pipe(v.nullable(v.string()), v.description("Host name as it was given; null for an address")),
  answered: v.pipe(v.boolean(), v.description("Whether anything at all came back from it")),
  doors: v.pipe(listOf(doorSchema), v.description("Ports that are open or answered, by transport and number")),
  states: v.pipe(listOf(stateSchema), v.description("How many ports are in each state, and why")),
});

/** One engine's part of the work. */
export const engineSchema = v.object({
  name: v.picklist(["node", "blocking-reuse", "epoll"]),
  asked: v.pipe(countSchema, v.description("Ports that it asked")),
  attempts: v.pipe(countSchema, v.description("Connections and datagrams, repetitions included")),
  repeated: v.pipe(countSchema, v.description("Ports that were asked more than once")),
  measuredLoss: v.pipe(v.nullable(v.number()), v.description("Share of tries that got lost, 0 to 1")),
  roundTripMs: v.nullable(millisecondsSchema),
  widestWindow: v.pipe(countSchema, v.description("Most ports asked at the same time")),
  exhausted: v.pipe(countSchema, v.description("How often this machine ran out of files or source ports")),
});

export type ListedDoor = v.InferOutput<typeof doorSchema>;
export type ListedHost = v.InferOutput<typeof hostSchema>;
export type ListedState = v.InferOutput<typeof stateSchema>;

/**
 * @module Schemas of the facts that several results share. Types in results are derived from these.
 */
import * as v from "valibot";
import { socketStates } from "../core/index.ts";
import { identificationSchema } from "./identification-schema.ts";
import { claimSchema, knownSchema, listOf } from "./schema-parts.ts";

export { claimSchema, knownSchema, listOf };

export const portSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
const countSchema = v.pipe(v.number(), v.integer(), v.minValue(0));
export const timeSchema = v.pipe(v.string(), v.isoTimestamp(), v.description("UTC, ISO 8601"));
export const transportSchema = v.picklist(["tcp", "udp", "sctp", "dccp"]);
export const familySchema = v.picklist(["ipv4", "ipv6"]);
export const rangeNameSchema = v.picklist(["well-known", "registered", "dynamic"]);
export const schemeSchema = v.nullable(v.picklist(["http", "https"]));

export const socketAddressSchema = v.object({ address: v.string(), port: portSchema });

export const socketStateSchema = v.picklist(socketStates);

export const socketSchema = v.object({
  transport: transportSchema,
  family: familySchema,
  state: socketStateSchema,
  local: socketAddressSchema,
  remote: v.nullable(socketAddressSchema),
  v6only: v.nullable(knownSchema(v.boolean())),
  boundInterface: knownSchema(v.nullable(v.string())),
  inode: countSchema,
  uid: countSchema,
  receiveQueue: countSchema,
  sendQueue: knownSchema(countSchema),
});

/** A process as results show it; secrets in its arguments are masked unless the input asked otherwise. */
export const processSchema = v.object({
  pid: countSchema,
  parentPid: knownSchema(countSchema),
  name: knownSchema(v.string()),
  arguments: knownSchema(listOf(v.string())),
  uid: knownSchema(countSchema),
  userName: knownSchema(v.nullable(v.string())),
  startedAt: knownSchema(timeSchema),
  workingDirectory: knownSchema(v.string()),
  executable: knownSchema(v.string()),
  executableDeleted: v.boolean(),
  memoryBytes: knownSchema(countSchema),
});

export const holderSchema = v.object({
  ...processSchema.entries,
  role: v.picklist(["leader", "worker"]),
  fileDescriptors: listOf(countSchema),
});

export const reachSchema = v.object({
  scope: v.picklist(["namespace", "machine", "networks", "everywhere", "nowhere"]),
  ipv4: v.picklist(["yes", "no", "depends"]),
  ipv6: v.picklist(["yes", "no", "depends"]),
  addresses: listOf(
    v.object({
      address: v.string(),
      family: familySchema,
      interfaceName: v.string(),
      audience: v.picklist(["this-machine", "link", "private-network", "internet"]),
      network: v.nullable(v.string()),
      certain: v.pipe(v.boolean(), v.description("False when an option that could not be read decides")),
      endpoint: v.string(),
      url: v.nullable(v.string()),
    }),
  ),
  taken: listOf(v.object({ address: v.string(), family: familySchema, inode: countSchema })),
  reason: v.string(),
});

export const projectSchema = v.object({
  name: v.string(),
  root: v.string(),
  marker: v.string(),
  git: v.nullable(
    v.object({
      root: v.string(),
      branch: v.nullable(v.string()),
      commit: v.nullable(v.string()),
      worktree: v.nullable(v.string()),
    }),
  ),
});

export const frameworkSchema = v.object({
  id: v.string(),
  title: v.string(),
  role: v.string(),
  scheme: schemeSchema,
});

export const supervisorSchema = v.object({ kind: v.string(), name: v.nullable(v.string()) });

export const blindSpotSchema = v.object({
  what: v.pipe(
    v.picklist(["holders", "sockets", "processes", "interfaces", "files"]),
    v.description("files: Portolan's own, with the names that lead to services"),
  ),
  why: v.picklist(["permission", "gone", "unsupported"]),
  count: v.nullable(countSchema),
  message: v.string(),
});

/** A container, as far as its engine, its control group and its monitor tell. */
export const containerSchema = v.object({
  engine: v.picklist(["docker", "podman", "kubernetes", "containerd", "lxc"]),
  id: v.string(),
  name: v.nullable(v.string()),
  image: v.nullable(v.string()),
  composeProject: v.nullable(v.string()),
  composeService: v.nullable(v.string()),
  pod: v.nullable(v.string()),
  published: listOf(
    v.object({
      transport: transportSchema,
      hostAddress: v.pipe(v.string(), v.description("Empty for every address of the machine")),
      hostPort: portSchema,
      containerPort: portSchema,
    }),
  ),
});

/** What the option that picks a network namespace takes. */
export const namespaceDescription = "Only this network namespace: own, a name of ip netns, or its number";

/** One listening service: everything known about it. */
export const serviceSchema = v.object({
  port: portSchema,
  transport: transportSchema,
  range: rangeNameSchema,
  addresses: listOf(v.string()),
  networkNamespace: v.pipe(
    v.nullable(v.object({ id: knownSchema(v.string()), names: listOf(v.string()) })),
    v.description("The network namespace it is in, when that is not the reader's own; null for the own"),
  ),
  container: v.pipe(
    v.nullable(claimSchema(containerSchema)),
    v.description("The container it runs in, or the one for which an engine holds this published port"),
  ),
  behind: v.pipe(
    v.nullable(
      v.object({
        port: portSchema,
        networkNamespace: knownSchema(v.string()),
        holders: knownSchema(listOf(v.object({ pid: countSchema, name: knownSchema(v.string()) }))),
      }),
    ),
    v.description("Of a published port: the port inside the container to which it leads, and who answers there"),
  ),
  publishedAt: v.pipe(
    listOf(v.string()),
    v.description("Of a port inside a container: where the machine publishes it, e.g. *:8080"),
  ),
  title: v.pipe(
    v.nullable(claimSchema(v.string())),
    v.description("The strongest claim of what it is; null when nothing is known of the port or its holder"),
  ),
  names: v.pipe(listOf(claimSchema(v.string())), v.description("Every claim of what it is, strongest first")),
  scheme: v.nullable(claimSchema(v.picklist(["http", "https"]))),
  holders: knownSchema(listOf(holderSchema)),
  project: v.nullable(claimSchema(projectSchema)),
  framework: v.nullable(claimSchema(frameworkSchema)),
  supervisor: v.nullable(claimSchema(supervisorSchema)),
  reach: reachSchema,
  urls: v.pipe(
    listOf(v.string()),
    v.description("Ready URLs, one for each address that answers, for what is claimed to speak HTTP"),
  ),
  identification: v.pipe(
    v.optional(v.nullable(identificationSchema)),
    v.description("With --identify: what it answered when it was asked what it is; null when it was not asked"),
  ),
  localUrl: v.pipe(v.nullable(v.string()), v.description("The URL to open on this machine itself")),
  routeNames: v.pipe(
    v.optional(listOf(v.string())),
    v.description("Names that lead to it: shop.localhost, shop.localhost/api; absent when there are none"),
  ),
  sockets: listOf(socketSchema),
});

/** Fields that every look at the machine carries. */
export const lookEntries = {
  complete: v.boolean(),
  takenAt: timeSchema,
  platform: v.string(),
  reader: v.string(),
  networkNamespace: knownSchema(v.string()),
  blindSpots: listOf(blindSpotSchema),
};

export type ListedBlindSpot = v.InferOutput<typeof blindSpotSchema>;
export type ListedService = v.InferOutput<typeof serviceSchema>;
export type ListedProcess = v.InferOutput<typeof processSchema>;
export type ListedHolder = v.InferOutput<typeof holderSchema>;

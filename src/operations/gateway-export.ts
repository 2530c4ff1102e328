/**
 * @module `gateway export`: names, forwards and shares as a file for an engine that a team runs already.
 */
import { resolve } from "node:path";
import * as v from "valibot";
import { PortolanError, parseIpAddress } from "../core/index.ts";
import { exportFormats, relayName, takesBothFamilies, writeExport, type ExportFacts } from "../gateway/export/index.ts";
import { readRoutes, routeName, type Route } from "../gateway/index.ts";
import { stateFolderOf, writeNamedFile } from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import { listExportedRelays } from "./export-relays.ts";
import type { OperationContext } from "./operation.ts";
import { optionalChoice, optionalInteger, optionalSwitch, optionalText } from "./parameters.ts";
import { listOf } from "./schemas.ts";

const inputSchema = v.object({
  format: optionalChoice(exportFormats, "The engine that the file is for", { placeholder: "ENGINE" }),
  httpPort: optionalInteger("Port for HTTP (default 80)", 1, 65_535, { placeholder: "PORT" }),
  httpsPort: optionalInteger("Port for HTTPS (default 443 with a certificate; without one HTTP alone)", 1, 65_535, {
    placeholder: "PORT",
  }),
  certificate: optionalText("Certificate for HTTPS with those that vouch for it, PEM, where the engine finds it", {
    placeholder: "FILE",
  }),
  key: optionalText("Its key, PEM, where the engine finds it", { placeholder: "FILE" }),
  bind: optionalText("Address at which names are served (default both loopback addresses)", { placeholder: "IP" }),
  output: optionalText("Write to this file (default standard output)", { placeholder: "FILE", short: "o" }),
  force: optionalSwitch("Replace the file when it is there already", { short: "f" }),
});

const outputSchema = v.object({
  complete: v.boolean(),
  format: v.picklist(exportFormats),
  names: v.pipe(v.number(), v.description("Routes that were looked at")),
  relays: v.pipe(v.number(), v.description("Forwards and shares that were looked at")),
  limits: v.pipe(
    listOf(v.object({ concerns: listOf(v.string()), text: v.string() })),
    v.description("What this engine does differently, or not at all, each with what it concerns"),
  ),
  notes: v.pipe(
    listOf(v.string()),
    v.description(
      "Routes that could not be read, ports that will not stay, and places that names and relays would share",
    ),
  ),
  file: v.pipe(v.nullable(v.string()), v.description("Where it was written; null for standard output")),
  text: v.pipe(v.nullable(v.string()), v.description("The file's content, when no file was named")),
});

export type GatewayExportInput = v.InferInput<typeof inputSchema>;
export type GatewayExportResult = v.InferOutput<typeof outputSchema>;

/** Runs `gateway-export`. @throws ARGUMENT_INVALID, ADDRESS_INVALID, FILE_EXISTS, PROJECT_FILE_INVALID, STORE_FAILED */
export async function runGatewayExport(
  input: GatewayExportInput,
  context: OperationContext,
): Promise<GatewayExportResult> {
  const { format } = input;
  if (format === undefined)
    throw new PortolanError("ARGUMENT_INVALID", "Nothing says which engine the file is for.", {
      details: { argument: "format", hint: `Give --format and one of ${exportFormats.join(", ")}.` },
    });
  const doors = readDoors(input, context);
  const file = input.output === undefined ? null : resolve(context.workingDirectory, input.output);
  const { routes, problems } = readRoutes(stateFolderOf(context.environment));
  const relays = await listExportedRelays(context);
  const { text, limits } = await writeExport(format, { doors, routes, relays });
  const isEmpty = routes.length === 0 && relays.length === 0;
  if (file !== null && !isEmpty) writeNamedFile(file, text, { replace: input.force === true });
  return {
    complete: true,
    format,
    names: routes.length,
    relays: relays.length,
    limits: limits.map(({ concerns, text: said }) => ({ concerns: [...concerns], text: said })),
    notes: [
      ...problems.map(({ reason }) => reason),
      ...notesOf(routes),
      ...(format === "caddy" ? [] : crowdedNotes(doors, routes, relays)),
    ],
    file: isEmpty ? null : file,
    text: file === null && !isEmpty ? text : null,
  };
}

/** A program that `run` started has its port for as long as it runs. */
function notesOf(routes: readonly Route[]): string[] {
  const held = routes.filter(({ holder }) => holder !== null).map(routeName);
  if (held.length === 0) return [];
  const whose =
    held.length === 1
      ? "is of a program that portolan run started: its"
      : "are of programs that portolan run started: their";
  return [`${held.join(", ")} ${whose} port is another one the next time.`];
}

/** Two that would listen at one place: an engine that is given both does not start, and some checkers do not see it. */
function crowdedNotes(
  { addresses, httpPort, https }: ExportFacts["doors"],
  routes: readonly Route[],
  relays: ExportFacts["relays"],
): string[] {
  if (routes.length === 0) return [];
  const ports = new Set([httpPort, https?.port]);
  return relays
    .filter(({ listen: { transport, address, port } }) => {
      const overlaps = addresses.some((own) => own === address || isWildcard(own, address) || isWildcard(address, own));
      return transport === "tcp" && ports.has(port) && overlaps;
    })
    .map(
      (wish) =>
        `${relayName(wish)} has the port of names (${wish.listen.port}): give --http-port or --https-port another one, or end it.`,
    );
}

/** Whether an address means every one of the other's family; that of IPv6 takes both. */
function isWildcard(address: string, other: string): boolean {
  return takesBothFamilies(address) || (address === "0.0.0.0" && !other.includes(":"));
}

function readDoors(
  { httpPort = 80, httpsPort, certificate, key, bind }: GatewayExportInput,
  { workingDirectory }: OperationContext,
): ExportFacts["doors"] {
  const addresses = bind === undefined ? ["127.0.0.1", "::1"] : [parseIpAddress(bind).address];
  if ((certificate === undefined) !== (key === undefined))
    throw new PortolanError("ARGUMENT_INVALID", "HTTPS takes a certificate and its key.", {
      details: {
        argument: certificate === undefined ? "certificate" : "key",
        hint: "Give both --certificate and --key.",
      },
    });
  if (certificate === undefined || key === undefined) {
    if (httpsPort !== undefined)
      throw new PortolanError("ARGUMENT_INVALID", "HTTPS takes a certificate and its key.", {
        details: { argument: "httpsPort", hint: "Give --certificate and --key, as the engine will find them." },
      });
    return { addresses, httpPort, https: null };
  }
  const port = httpsPort ?? 443;
  if (port === httpPort)
    throw new PortolanError("ARGUMENT_INVALID", `HTTP and HTTPS cannot both have port ${port}.`, {
      details: { argument: "httpsPort" },
    });
  const https = {
    port,
    certificatePath: resolve(workingDirectory, certificate),
    keyPath: resolve(workingDirectory, key),
  };
  return { addresses, httpPort, https };
}

/** The declaration of `gateway-export`. */
export const gatewayExportOperation = defineOperation({
  name: "gateway-export",
  summary: "Names, forwards and shares as a file for Caddy, nginx, HAProxy or Traefik (gateway export)",
  description:
    "Writes what the gateway does, the forwards and shares that run and those of portolan.config.json, for an engine that a team runs already: the same names, paths and servers, what servers are told of who asks, " +
    "and no application for a name that nobody has. What the engine does differently stands at the head of the file, on standard error and in limits. Nothing is sent anywhere, and no engine " +
    "is started or told. Exit status 0; 1 when there is nothing to write, or the file is there already.",
  effect: "read",
  faces: ["cli"],
  positional: [],
  examples: [
    { command: "gateway export --format nginx", note: "to look at it" },
    { command: "gateway export --format haproxy --http-port 8080 -o portolan.cfg", note: "into a file" },
    {
      command: "gateway export --format caddy --certificate /etc/tls/site.pem --key /etc/tls/site.key --bind 0.0.0.0",
      note: "HTTPS as well, for other devices",
    },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runGatewayExport,
});

/**
 * @module What `wait` waits for: an endpoint as a person writes it, and whether it is this machine's.
 */
import { PortolanError, formatEndpoint, isPortolanError, quote, type Endpoint, type Port } from "../core/index.ts";
import { loopbackAddress, ownAddresses } from "../plan/index.ts";
import { readEndpointWord } from "./endpoint-word.ts";
import type { OperationContext } from "./operation.ts";

/** One door to wait for. */
export interface WaitDoor {
  /** As it was written. */
  readonly text: string;
  /** Canonical. */
  readonly endpoint: string;
  readonly transport: "tcp" | "udp";
  readonly port: Port;
  /**
   * This machine's: addresses of which one is to be listened at, `null` for any. Another's: `undefined`.
   */
  readonly local: readonly string[] | null | undefined;
  /** Address or name to connect to. */
  readonly host: string;
  /** Asked by HTTP once it listens. */
  readonly http: { readonly secure: boolean; readonly path: string } | null;
}

/** How doors are read. */
export interface DoorOptions {
  /** Path to ask for by HTTP; a URL brings its own. */
  readonly http?: string | undefined;
  readonly gone: boolean;
}

/**
 * Reads one word.
 * @throws ENDPOINT_INVALID, SERVICE_UNKNOWN, ARGUMENT_INVALID
 */
export function readWaitDoor(text: string, options: DoorOptions, context: OperationContext): WaitDoor {
  const endpoint = readEndpointWord(text);
  const transport = endpoint.transport ?? "tcp";
  if (transport !== "tcp" && transport !== "udp") {
    throw new PortolanError(
      "ARGUMENT_INVALID",
      `${quote(text)} is ${transport}, and only TCP and UDP can be waited for.`,
    );
  }
  if (endpoint.port === 0)
    throw new PortolanError("ARGUMENT_INVALID", `${quote(text)}: nobody ever listens on port 0.`);
  const local = localAddressesOf(endpoint, context);
  if (transport === "udp" && local === undefined) {
    throw new PortolanError(
      "ARGUMENT_INVALID",
      `${quote(text)}: nothing shows from here whether a UDP port of another device is taken.`,
      {
        details: { endpoint: text, hint: "portolan identify asks it in the protocol it is expected to speak." },
      },
    );
  }
  const http = readHttp(endpoint, options, transport, text);
  return {
    text,
    endpoint: formatEndpoint(endpoint),
    transport,
    port: endpoint.port,
    local,
    host: hostOf(endpoint),
    http,
  };
}

function hostOf({ host }: Endpoint): string {
  if (host.kind === "name") return host.name;
  if (host.kind !== "address") return "localhost";
  const { address, zone } = host.address;
  return zone === null ? address : `${address}%${zone}`;
}

function localAddressesOf({ host }: Endpoint, context: OperationContext): readonly string[] | null | undefined {
  if (host.kind === "any" || host.kind === "unspecified") return null;
  if (host.kind === "name") {
    return host.name === "localhost" || host.name.endsWith(".localhost") ? ["127.0.0.1", "::1"] : undefined;
  }
  const { address } = host.address;
  if (address === "0.0.0.0" || address === "::") return null;
  if (loopbackAddress(address)) return [address];
  try {
    return ownAddresses(context.host.readInterfaces()).has(address) ? [address] : undefined;
  } catch (error) {
    if (isPortolanError(error, "HOST_UNSUPPORTED")) return undefined;
    throw error;
  }
}

function readHttp(endpoint: Endpoint, options: DoorOptions, transport: string, text: string): WaitDoor["http"] {
  const web = endpoint.scheme === "http" || endpoint.scheme === "https";
  const path = options.http ?? (web ? (endpoint.path ?? "/") : undefined);
  if (path === undefined || options.gone) return null;
  if (transport !== "tcp") throw new PortolanError("ARGUMENT_INVALID", `${quote(text)}: HTTP is asked over TCP.`);
  if (!/^\/[\x21-\x7e]*$/.test(path)) {
    throw new PortolanError("ARGUMENT_INVALID", `--http: ${quote(path)} is not a path.`, {
      details: { argument: "http", given: path, hint: "Write it from / on, without spaces: /health" },
    });
  }
  return { secure: endpoint.scheme === "https", path };
}

/**
 * @module A share as people write it, in flags and in a project's file: `:22`, `app.localhost=:3000`, `:8443,proxy=2`.
 */
import { PortolanError, formatIpAddress, quote, type Endpoint } from "../core/index.ts";
import { plainName, type ProxyVersion, type RelayPlace, type RelayTarget } from "../gateway/relay/index.ts";
import { readEndpointWord } from "./endpoint-word.ts";

/** A server, and whether it is told who the client is. */
export interface ToldTarget {
  readonly target: RelayTarget;
  readonly sendProxy: ProxyVersion | null;
}

/**
 * `TARGET`, or `TARGET,proxy=2` for a server that wants a header of the PROXY protocol (`,proxy` is version 2).
 * @param usual what is sent where the word says nothing
 * @throws ARGUMENT_INVALID, ENDPOINT_INVALID, SERVICE_UNKNOWN
 */
export function readToldTarget(text: string, argument: string, usual: ProxyVersion | null): ToldTarget {
  const comma = text.indexOf(",");
  const word = comma < 0 ? text : text.slice(0, comma);
  const extra = comma < 0 ? null : text.slice(comma + 1);
  if (extra !== null && !/^proxy(?:=[12])?$/.test(extra))
    throw refuse(argument, text, "behind the comma there can be proxy, proxy=1 or proxy=2");
  const sendProxy = extra === null ? usual : extra === "proxy=1" ? 1 : 2;
  return { target: readRelayTarget(word, argument), sendProxy };
}

/** A name, or another word, and where it leads: `app.localhost=:3000`. */
export function splitAtEquals(text: string): { readonly before: string | null; readonly after: string } {
  const match = /^([^=,]*)=(.*)$/.exec(text);
  return match === null ? { before: null, after: text } : { before: match[1]!, after: match[2]! };
}

/**
 * A name that clients ask for, with `*.` before it every name below.
 * @throws ARGUMENT_INVALID
 */
export function readAskedName(text: string, argument: string): string {
  const wildcard = text.startsWith("*.");
  const name = toAscii(wildcard ? text.slice(2) : text);
  if (name === null || name.length > 253 || !/^[a-z\d_-]{1,63}(?:\.[a-z\d_-]{1,63})*$/.test(name))
    throw refuse(argument, text, "it is no host name");
  return wildcard ? `*.${name}` : name;
}

function toAscii(text: string): string | null {
  const plain = plainName(text);
  if (plain !== null) return plain;
  try {
    // What browsers do to a name of other letters (UTS 46).
    return plainName(new URL(`http://${text}`).hostname);
  } catch {
    return null;
  }
}

/**
 * Where it listens: a port, or an address and a port. Loopback unless told otherwise.
 * @throws ARGUMENT_INVALID, ENDPOINT_INVALID, SERVICE_UNKNOWN
 */
export function readSharePlace(text: string, bind: string | null): RelayPlace {
  const endpoint = readPlain(text, "LISTEN");
  const { host, port } = endpoint;
  if (bind !== null && host.kind !== "unspecified")
    throw refuse("--bind", bind, `${quote(text)} says already where it listens`);
  const address = bind ?? addressOf(endpoint, text);
  return { transport: "tcp", address, port };
}

function addressOf({ host }: Endpoint, text: string): string {
  if (host.kind === "unspecified" || (host.kind === "name" && host.name === "localhost")) return "127.0.0.1";
  // Both families, as every dual-stack socket.
  if (host.kind === "any") return "::";
  if (host.kind === "name") throw refuse("LISTEN", text, "a place to listen at has an address and no name");
  return formatIpAddress(host.address);
}

function readRelayTarget(text: string, argument: string): RelayTarget {
  const { host, port } = readPlain(text, argument);
  if (port === 0) throw refuse(argument, text, "nobody is to be reached at port 0");
  if (host.kind === "any") throw refuse(argument, text, "* is every address of this machine, and no server's");
  if (host.kind === "unspecified") return { host: "localhost", port };
  return { host: host.kind === "name" ? host.name : formatIpAddress(host.address), port };
}

/** Without scheme and path, of which nothing is passed on, and over TCP. */
function readPlain(text: string, argument: string): Endpoint {
  const endpoint = readEndpointWord(text);
  if (endpoint.transport === "udp") throw refuse(argument, text, "a share is TCP alone");
  if (endpoint.scheme !== null || endpoint.path !== null)
    throw refuse(argument, text, "bytes are passed on as they are: write the server's address and port alone");
  return endpoint;
}

/** The failure of one word. */
export function refuse(argument: string, given: string, problem: string, hint?: string): PortolanError {
  return new PortolanError("ARGUMENT_INVALID", `${argument}: ${quote(given)} is not accepted: ${problem}.`, {
    details: { argument, given, ...(hint === undefined ? {} : { hint }) },
  });
}

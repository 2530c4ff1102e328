/**
 * @module A share as people write it, in flags and in a project's file: `:22`, `app.localhost=:3000`, `:8443,proxy=2`.
 */
import { PortolanError, quote } from "../core/index.ts";
import { readRelayTarget, type ProxyVersion, type RelayTarget } from "../gateway/index.ts";
import { plainName } from "../gateway/relay/index.ts";

/** A server, and whether it is told who the client is. */
export interface ToldTarget {
  readonly target: RelayTarget;
  readonly sendProxy: ProxyVersion | null;
}

/**
 * `TARGET`, or `TARGET,proxy=2` for a server that wants a header of the PROXY protocol (`,proxy` is version 2).
 * @param usual what is sent where the word says nothing
 * @throws ARGUMENT_INVALID, RELAY_PLACE_INVALID
 */
export function readToldTarget(text: string, argument: string, usual: ProxyVersion | null): ToldTarget {
  const comma = text.indexOf(",");
  const word = comma < 0 ? text : text.slice(0, comma);
  const extra = comma < 0 ? null : text.slice(comma + 1);
  if (extra !== null && !/^proxy(?:=[12])?$/.test(extra))
    throw refuse(argument, text, "behind the comma there can be proxy, proxy=1 or proxy=2");
  const sendProxy = extra === null ? usual : extra === "proxy=1" ? 1 : 2;
  return { target: readRelayTarget(word), sendProxy };
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

/** The failure of one word. */
export function refuse(argument: string, given: string, problem: string, hint?: string): PortolanError {
  return new PortolanError("ARGUMENT_INVALID", `${argument}: ${quote(given)} is not accepted: ${problem}.`, {
    details: { argument, given, ...(hint === undefined ? {} : { hint }) },
  });
}

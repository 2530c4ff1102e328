/**
 * @module Whether what a tool is asked to connect to is this very machine.
 */
import { PortolanError, formatIpAddress, parseEndpoint, parseIpAddress, quote } from "../../core/index.ts";
import type { OperationContext } from "../../operations/operation.ts";

/**
 * Refuses targets beyond this machine.
 * @throws NETWORK_NOT_ALLOWED
 */
export function requireOwnMachine(
  name: string,
  input: Readonly<Record<string, unknown>>,
  context: OperationContext,
): void {
  for (const target of targetsOf(name, input)) {
    if (isOwn(target, context)) continue;
    throw new PortolanError("NETWORK_NOT_ALLOWED", `${quote(target)} is not surely this machine.`, {
      details: { target },
    });
  }
}

function targetsOf(name: string, input: Readonly<Record<string, unknown>>): readonly string[] {
  const words = name === "scan" ? input["targets"] : name === "wait" ? input["endpoints"] : [input["endpoint"]];
  return Array.isArray(words) ? words.filter((word): word is string => typeof word === "string") : [];
}

function isOwn(target: string, context: OperationContext): boolean {
  const host = hostOf(target);
  if (host === null || host === "localhost") return true;
  try {
    const address = formatIpAddress(parseIpAddress(host));
    if (address === "::1" || address.startsWith("127.")) return true;
    return context.host.readInterfaces().some(({ addresses }) => addresses.some((own) => own.address === address));
  } catch {
    // Another name: only a resolver knows what it means, and it may change its mind.
    return false;
  }
}

/** The host that a target names; `null` for a port alone, which is this machine's. */
function hostOf(target: string): string | null {
  const text = target.trim();
  if (/^(?:(?:tcp|udp):)?:?\d{1,5}$/.test(text)) return null;
  try {
    return formatIpAddress(parseIpAddress(text));
  } catch {
    // Not an address alone.
  }
  try {
    const { host } = parseEndpoint(text);
    if (host.kind === "unspecified") return null;
    if (host.kind === "address") return formatIpAddress(host.address);
    return host.kind === "name" ? host.name : text;
  } catch {
    return text;
  }
}

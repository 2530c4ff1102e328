/**
 * @module An endpoint as people write it in a command: what errors and browsers print, `udp:53`, or a service's name.
 */
import { isPortolanError, parseEndpoint, type Endpoint } from "../core/index.ts";
import { portOfScheme, resolveServiceName } from "../registry/index.ts";
import { unknownService } from "./who.ts";

/**
 * Reads one word. A service's name means its first port.
 * @throws ENDPOINT_INVALID; SERVICE_UNKNOWN for a word that could be a name and is none
 */
export function readEndpointWord(word: string): Endpoint {
  const text = word.trim();
  const [, transport, port] = /^(udp|tcp):(\d+)$/.exec(text) ?? [];
  if (transport !== undefined) return parseEndpoint(`${port}/${transport}`);
  try {
    return parseEndpoint(text, { portOfScheme });
  } catch (error) {
    if (!isPortolanError(error, "ENDPOINT_INVALID") || !/^[a-z][a-z\d-]*$/i.test(text)) throw error;
    const named = resolveServiceName(text)?.[0];
    if (named === undefined) throw unknownService(text);
    return parseEndpoint(String(named));
  }
}

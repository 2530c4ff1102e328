/**
 * @module The name that lsof gives an Internet socket: `*:80`, `127.0.0.1:80->127.0.0.1:5000`, `[::1]:80`.
 */
import {
  formatIpAddress,
  isLinkLocalAddress,
  toPort,
  tryParseIpAddress,
  type IpFamily,
  type SocketAddress,
} from "../../core/index.ts";

/** Both ends of a socket. */
export interface SocketEnds {
  readonly local: SocketAddress;
  readonly remote: SocketAddress | null;
  /** Name or number of the interface that a link-local address belongs to, where the socket's name tells it. */
  readonly zone: string | null;
}

/**
 * Reads a name. `undefined` for one without a local port (`*:*`, a socket that holds none), and for anything else of another form.
 *
 * An IPv6 socket that speaks IPv4 stands with a dotted address, which is given back as the mapped address that it is. BSD kernels
 * keep the interface of a link-local address in its second group (`fe80:4::1`, KAME), which is taken out.
 */
export function parseSocketName(name: string, family: IpFamily): SocketEnds | undefined {
  const [localText = "", remoteText, ...rest] = name.split("->");
  if (rest.length > 0) return undefined;
  const local = parseEnd(localText, family);
  if (local === undefined || local.end.port === 0) return undefined;
  const remote = remoteText === undefined ? null : parseEnd(remoteText, family);
  if (remote === undefined) return undefined;
  return {
    local: local.end,
    remote: remote === null || remote.end.port === 0 ? null : remote.end,
    zone: local.zone ?? remote?.zone ?? null,
  };
}

interface PlacedEnd {
  readonly end: SocketAddress;
  readonly zone: string | null;
}

function parseEnd(text: string, family: IpFamily): PlacedEnd | undefined {
  const colon = text.lastIndexOf(":");
  const portText = text.slice(colon + 1);
  if (colon < 0 || !/^(\*|\d{1,5})$/.test(portText)) return undefined;
  const number = portText === "*" ? 0 : Number(portText);
  if (number > 65_535) return undefined;
  const port = toPort(number);
  const addressText = text.slice(0, colon);
  if (addressText === "*") {
    return { end: { address: family === "ipv4" ? "0.0.0.0" : "::", port }, zone: null };
  }
  const bare = addressText.startsWith("[") && addressText.endsWith("]") ? addressText.slice(1, -1) : addressText;
  const parsed = tryParseIpAddress(bare);
  if (parsed === undefined) return undefined;
  if (parsed.family !== family) {
    if (family === "ipv4") return undefined;
    return { end: { address: canonical(`::ffff:${parsed.address}`), port }, zone: null };
  }
  const zone = /^(fe[89ab][0-9a-f]|ff[0-9a-f]2):([1-9a-f][0-9a-f]{0,3}):(.*)$/i.exec(bare);
  if (zone !== null && isScoped(parsed.address)) {
    const rest = zone[3]!;
    const address = canonical(`${zone[1]}:${rest.startsWith(":") ? rest : `0:${rest}`}`);
    return { end: { address, port }, zone: String(Number.parseInt(zone[2]!, 16)) };
  }
  return { end: { address: parsed.address, port }, zone: parsed.zone };
}

function isScoped(address: string): boolean {
  return isLinkLocalAddress(address) || /^ff[0-9a-f]2:/.test(address);
}

function canonical(text: string): string {
  const parsed = tryParseIpAddress(text);
  return parsed === undefined ? text : formatIpAddress(parsed);
}

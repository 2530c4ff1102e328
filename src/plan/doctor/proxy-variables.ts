/**
 * @module Which proxy the environment names for a URL, by the variables that curl(1) and most libraries heed.
 */
import { isLoopbackAddress, networkOf } from "../../core/index.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A proxy, before anybody looked whether it is there. */
export interface NamedProxy {
  readonly variable: string;
  /** Without user and password. */
  readonly proxy: string;
  readonly host: string;
  readonly port: number;
  /** The proxy is on this machine's loopback. */
  readonly local: boolean;
  readonly exceptions: { readonly variable: string; readonly value: string } | null;
}

/** The proxy for a URL of that scheme, host and port; `null` for none, or when NO_PROXY names the host. */
export function findProxy(
  environment: Environment,
  { scheme, host, addresses, port }: { scheme: string; host: string; addresses: readonly string[]; port: number },
): NamedProxy | null {
  const secure = scheme === "https" || scheme === "wss";
  const names = secure ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy", "HTTP_PROXY"];
  const variable = [...names, "all_proxy", "ALL_PROXY"].find((name) => (environment[name] ?? "") !== "");
  if (variable === undefined) return null;
  const exceptionName = ["no_proxy", "NO_PROXY"].find((name) => environment[name] !== undefined);
  const exceptions =
    exceptionName === undefined ? null : { variable: exceptionName, value: environment[exceptionName] ?? "" };
  if (exceptions !== null && isExcepted(exceptions.value, host, addresses, port)) return null;
  const text = environment[variable]!;
  try {
    const url = new URL(/^[a-z0-9+.-]+:\/\//i.test(text) ? text : `http://${text}`);
    const proxyHost = url.hostname.replaceAll(/[[\]]/g, "");
    const usual = url.protocol === "https:" ? 443 : url.protocol.startsWith("socks") ? 1080 : 80;
    const proxyPort = url.port === "" ? usual : Number(url.port);
    const local = proxyHost === "localhost" || isLoopback(proxyHost);
    return { variable, proxy: `${url.protocol}//${url.host}`, host: proxyHost, port: proxyPort, local, exceptions };
  } catch {
    return null;
  }
}

/** Words between commas or spaces: `*`, a name and all below it, an address, a network, each with or without a port. */
function isExcepted(list: string, host: string, addresses: readonly string[], port: number): boolean {
  return list.split(/[\s,]+/).some((word) => {
    if (word === "") return false;
    if (word === "*") return true;
    const [, name = word, wantedPort] = /^(.*[^:]):(\d+)$/.exec(word) ?? [];
    if (wantedPort !== undefined && !name.includes(":") && Number(wantedPort) !== port) return false;
    const plain = (wantedPort !== undefined && name.includes(":") ? word : name)
      .toLowerCase()
      .replace(/^\*?\./, "")
      .replaceAll(/[[\]]/g, "");
    if (host === plain || host.endsWith(`.${plain}`)) return true;
    return addresses.includes(host) && plain.includes("/") && isInNetwork(host, plain);
  });
}

function isInNetwork(address: string, network: string): boolean {
  const [first = "", length] = network.split("/");
  try {
    return (
      first.includes(":") === address.includes(":") &&
      networkOf(address, Number(length)) === networkOf(first, Number(length))
    );
  } catch {
    return false;
  }
}

function isLoopback(text: string): boolean {
  try {
    return isLoopbackAddress(text);
  } catch {
    return false;
  }
}

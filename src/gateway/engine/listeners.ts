/**
 * @module The gateway's doors: the usual port where the kernel gives it, else a stated one; both loopback addresses with one number.
 */
import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { PortolanError, formatSocketAddress, isLoopbackAddress, isWildcardAddress } from "../../core/index.ts";
import type { GatewayListener } from "../control-client.ts";

/** Ports that are tried in place of the usual ones: nobody's by IANA's table and by custom. */
export const fallbackPorts = { http: 4280, https: 4281 } as const;
const usualPorts = { http: 80, https: 443 } as const;
/** So many numbers after the fallback are tried as well. */
const furtherPorts = 10;
const loopbacks: readonly string[] = ["127.0.0.1", "::1"];

/** What is wished for. */
export interface ListenWish {
  readonly scheme: "http" | "https";
  /** The only port that is taken; `null` for the usual one or, failing that, the fallback. */
  readonly port: number | null;
  /** Addresses; `null` for both loopback ones. */
  readonly addresses: readonly string[] | null;
  /** Descriptors of sockets that listen already, inherited. They are taken where they are at the wished port and addresses, and closed otherwise. */
  readonly inherited: readonly number[];
}

/** Doors of one scheme. */
export interface OpenDoor extends GatewayListener {
  readonly servers: readonly Server[];
  /** Why it is not the usual port; `null` when it is. */
  readonly note: string | null;
}

/**
 * Listens.
 * @param create makes a server that answers; it is not listening yet
 * @throws LISTEN_FAILED
 */
export async function openDoor(wish: ListenWish, create: () => Server): Promise<OpenDoor> {
  const { scheme, inherited } = wish;
  if (inherited.length > 0) {
    const taken = await takeOver(scheme, inherited, create);
    if (isWished(taken, wish)) return taken;
    // Asked for elsewhere: whoever handed these over keeps them until this one serves.
    await closeAll(taken.servers);
  }
  const addresses = wish.addresses ?? loopbacks;
  if (wish.port !== null) {
    const servers = await listenAtAll(addresses, wish.port, create);
    return { scheme, addresses: addressesOf(servers), port: portOf(servers), servers, note: null };
  }
  const usual = usualPorts[scheme];
  let note: string;
  try {
    const servers = await listenAtAll(addresses, usual, create);
    return { scheme, addresses: addressesOf(servers), port: usual, servers, note: null };
  } catch (error) {
    note = noteFor(usual, error);
  }
  const first = fallbackPorts[scheme];
  for (let step = 0; step <= furtherPorts; step++) {
    // The two schemes' numbers are neighbours: each goes on in steps of two.
    const port = first + step * 2;
    try {
      const servers = await listenAtAll(addresses, port, create);
      return { scheme, addresses: addressesOf(servers), port, servers, note };
    } catch (error) {
      if (step === furtherPorts || codeOf(error) !== "EADDRINUSE") throw error;
    }
  }
  throw new Error("unreachable");
}

async function takeOver(
  scheme: OpenDoor["scheme"],
  descriptors: readonly number[],
  create: () => Server,
): Promise<OpenDoor> {
  const servers: Server[] = [];
  for (const fd of descriptors) {
    const server = create();
    server.listen({ fd });
    await once(server, "listening");
    servers.push(server);
  }
  return { scheme, addresses: addressesOf(servers), port: portOf(servers), servers, note: null };
}

function isWished(door: OpenDoor, { port, addresses }: ListenWish): boolean {
  if (port !== null && port !== door.port) return false;
  return addresses === null || addresses.every((address) => door.addresses.includes(address));
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
}

/** At every address or at none; an address family that the machine does not have is left out. */
async function listenAtAll(addresses: readonly string[], port: number, create: () => Server): Promise<Server[]> {
  const servers: Server[] = [];
  try {
    for (const host of addresses) {
      const server = create();
      try {
        // Port 0: the first address takes a free one, the others the same.
        server.listen({ host, port: port === 0 && servers.length > 0 ? portOf(servers) : port, exclusive: true });
        await once(server, "listening");
      } catch (error) {
        if (servers.length > 0 && isMissingFamily(codeOf(error))) continue;
        const where = formatSocketAddress(host, port);
        throw new PortolanError("LISTEN_FAILED", `The gateway cannot listen at ${where}: ${whyNot(codeOf(error))}.`, {
          details: { address: host, port },
          cause: error,
        });
      }
      servers.push(server);
    }
    return servers;
  } catch (error) {
    await closeAll(servers);
    throw error;
  }
}

/** In words. */
function whyNot(code: string): string {
  if (code === "EADDRINUSE") return "the port is in use there (EADDRINUSE)";
  if (code === "EACCES" || code === "EPERM") return `the port takes a privilege here (${code})`;
  if (code === "EADDRNOTAVAIL") return "this machine does not have that address (EADDRNOTAVAIL)";
  return code;
}

function isMissingFamily(code: string): boolean {
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT";
}

function codeOf(error: unknown): string {
  const { cause = error } = error as { cause?: unknown };
  return (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
}

/** What it means to be reached from elsewhere; `null` where only this machine gets in. */
export function noteForAddresses(doors: readonly GatewayListener[]): string | null {
  const addresses = [...new Set(doors.flatMap((door) => door.addresses))];
  const outside = addresses.filter((address) => !isLoopbackAddress(address));
  if (outside.length === 0) return null;
  const here = addresses.some((address) => isLoopbackAddress(address) || isWildcardAddress(address));
  return (
    `At ${outside.join(" and ")} other devices can reach every application that has a name, and HTTP is not encrypted.` +
    (here ? "" : " Names below .localhost do not lead there: no browser looks for them at that address.")
  );
}

/** In a form to paste. A capability of the file `node` (setcap) is not advised: every program in JavaScript would have it. */
function privilegeAdvice(port: number): string {
  // XNU asks for root only where an address is named (in_pcbbind).
  if (process.platform === "darwin")
    return `macOS gives it without at every address alone: --bind 0.0.0.0, which lets other devices in.`;
  const file = "/etc/sysctl.d/50-portolan.conf";
  const first = Math.min(port, 80);
  return (
    `To allow it for the gateway alone: portolan gateway install --system. Or for every program: ` +
    `echo net.ipv4.ip_unprivileged_port_start=${first} | sudo tee ${file} && sudo sysctl -p ${file}, then portolan gateway stop and start.`
  );
}

function noteFor(port: number, error: unknown): string {
  const code = codeOf(error);
  if (code === "EACCES" || code === "EPERM") return `Port ${port} takes a privilege here. ${privilegeAdvice(port)}`;
  if (code === "EADDRINUSE") return `Port ${port} is in use: portolan who ${port} says by whom.`;
  return `Port ${port} could not be opened (${code}).`;
}

function portOf(servers: readonly Server[]): number {
  return (servers[0]!.address() as AddressInfo).port;
}

function addressesOf(servers: readonly Server[]): string[] {
  return servers.map((server) => (server.address() as AddressInfo).address);
}

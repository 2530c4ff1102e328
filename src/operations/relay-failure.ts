/**
 * @module Why a relay could not listen, told with who is in the way.
 */
import { PortolanError, formatSocketAddress, isPortolanError, isWildcardAddress, knownOr } from "../core/index.ts";
import { describeServices } from "./look.ts";
import type { RelayPlace } from "../gateway/index.ts";
import type { OperationContext } from "./operation.ts";
import type { ListedService } from "./schemas.ts";

/**
 * The error of a relay that could not listen, in words of the command: PORT_TAKEN with its holder, or LISTEN_FAILED with what to do. Any
 * other error stays as it is.
 * @param places where the command was to listen
 */
export async function explainRelayFailure(
  error: unknown,
  places: readonly RelayPlace[],
  context: OperationContext,
): Promise<unknown> {
  if (!isPortolanError(error, "LISTEN_FAILED") || typeof error.details["error"] !== "string") return error;
  const { address, port, transport, error: code } = error.details as unknown as Refused;
  const place = `${formatSocketAddress(address, port)}${transport === "udp" ? " (UDP)" : ""}`;
  if (code !== "EADDRINUSE") {
    const details = { ...error.details, hint: hints[code] ?? error.hint };
    return new PortolanError("LISTEN_FAILED", `${place} could not be opened: ${reasons[code] ?? code}.`, {
      details,
      cause: error,
    });
  }
  const holder = await findHolder({ address, port, transport, error: code }, context);
  const other = holder === null ? places.find((own) => isInTheWayOf(own, { address, port, transport })) : undefined;
  if (other !== undefined)
    return new PortolanError(
      "RELAY_PLACE_INVALID",
      `${place} and ${formatSocketAddress(other.address, port)} cannot both listen: one of them is every address.`,
      { details: { hint: "Keep the one that is meant." }, cause: error },
    );
  const who = holder === null ? "in use" : `held by ${holder.name}${holder.pid === null ? "" : ` (${holder.pid})`}`;
  return new PortolanError("PORT_TAKEN", `${place} is ${who}. Nothing was opened.`, {
    details: {
      address,
      port,
      transport,
      ...(holder === null ? {} : { holder: holder.name, pid: holder.pid }),
      hint: `portolan who ${port} tells more; portolan kill ${port} frees it; or listen at another port.`,
    },
    cause: error,
  });
}

function isInTheWayOf(own: RelayPlace, { address, port, transport }: Omit<Refused, "error">): boolean {
  return (
    own.port === port &&
    own.transport === transport &&
    own.address !== address &&
    (isWildcardAddress(own.address) || isWildcardAddress(address))
  );
}

interface Refused {
  readonly address: string;
  readonly port: number;
  readonly transport: "tcp" | "udp";
  readonly error: string;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "the port takes a privilege here (EACCES)",
  EPERM: "the port takes a privilege here (EPERM)",
  EADDRNOTAVAIL: "this machine does not have that address (EADDRNOTAVAIL)",
  EAFNOSUPPORT: "this machine has no addresses of that family (EAFNOSUPPORT)",
};

const hints: Readonly<Record<string, string>> = {
  EACCES: "Take a port from 1024 on; portolan can-bind PORT says what the kernel wants.",
  EPERM: "Take a port from 1024 on; portolan can-bind PORT says what the kernel wants.",
  EADDRNOTAVAIL: "portolan interfaces lists the addresses of this machine.",
  EAFNOSUPPORT: "portolan interfaces lists the addresses of this machine.",
};

/** Who listens there, as far as it may be seen. */
async function findHolder(
  { address, port, transport }: Refused,
  context: OperationContext,
): Promise<{ readonly name: string; readonly pid: number | null } | null> {
  let services: readonly ListedService[];
  try {
    const snapshot = await context.host.snapshot({ states: "listening", ports: [port], signal: context.signal });
    services = describeServices(snapshot).filter(
      (service) => service.port === port && service.transport === transport && service.networkNamespace === null,
    );
  } catch {
    // Who it is cannot be told; that the port is taken can.
    return null;
  }
  const isInTheWay = (own: string): boolean => own === address || isWildcardAddress(own) || isWildcardAddress(address);
  const service = services.find(({ addresses }) => addresses.some(isInTheWay)) ?? services[0];
  const holder = service === undefined ? undefined : knownOr(service.holders, [])[0];
  if (holder === undefined) return null;
  const name = knownOr(holder.name, "a process");
  const project = service?.project ?? null;
  return { name: project === null ? name : `${name} of ${project.value.name}`, pid: holder.pid };
}

/**
 * @module Asks this machine's own listeners what they are: what `--identify` adds to `list` and `who`.
 */
import { isLoopbackAddress } from "../core/index.ts";
import type { NetworkInterface } from "../host/index.ts";
import { identifyEndpoint, printerPorts, type Identification, type ScanTarget } from "../scan/index.ts";
import type { OperationContext } from "./operation.ts";
import { usualUdpPorts } from "./scan-ports.ts";
import type { ServiceProofs } from "./look.ts";
import type { ListedService } from "./schemas.ts";

/** Listeners that are asked at the same time. */
const mostAtOnce = 24;

/**
 * What services answer, by their first socket. Each is asked at an address at which it answers, loopback where it can be. TCP
 * listeners are asked, UDP ones at ports that a protocol of ours uses; printers' ports never. An abort ends it with what is known.
 */
export async function proveServices(
  services: readonly ListedService[],
  interfaces: readonly NetworkInterface[],
  context: OperationContext,
): Promise<ServiceProofs> {
  const udpPorts = usualUdpPorts();
  const doors = services.flatMap((service) => {
    const { port, transport, sockets } = service;
    const asked = transport === "tcp" ? !printerPorts.has(port) : transport === "udp" && udpPorts.has(port);
    const target = asked ? targetOf(service, interfaces) : undefined;
    const [socket] = sockets;
    return target === undefined || socket === undefined ? [] : [{ socket, transport, port, target }];
  });
  const proofs = new Map<object, Identification>();
  let done = 0;
  const queue = doors.values();
  const askNext = async (): Promise<void> => {
    for (const { socket, transport, port, target } of queue) {
      if (context.signal.aborted) return;
      const { signal, nowMs } = context;
      const { identification } = await identifyEndpoint(target, transport === "udp" ? "udp" : "tcp", port, {
        signal,
        nowMs,
      });
      if (identification !== null) proofs.set(socket, identification);
      done += 1;
      context.progress(`${done} of ${doors.length} listeners identified`, {
        done,
        total: doors.length,
        remainingMs: null,
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(mostAtOnce, doors.length) }, askNext));
  return proofs;
}

/** An address at which it answers: certain ones first, and this machine's own way to itself before its networks. */
function targetOf(
  { reach, networkNamespace }: ListedService,
  interfaces: readonly NetworkInterface[],
): ScanTarget | undefined {
  const rank = ({ certain, audience }: ListedService["reach"]["addresses"][number]): number =>
    (certain ? 0 : 2) + (audience === "this-machine" ? 0 : 1);
  // Another namespace's addresses are sure to be its own only where this machine keeps the network to itself.
  if (networkNamespace !== null && reach.scope !== "machine") return undefined;
  const open = networkNamespace === null ? reach.addresses : reach.addresses.filter(isBeyondLoopback);
  const best = open.toSorted((left, right) => rank(left) - rank(right))[0];
  if (best === undefined) return undefined;
  const index = interfaces.find(({ name }) => name === best.interfaceName)?.index;
  const scopeId = best.audience === "link" && index?.known === true ? index.value : 0;
  return { family: best.family, address: best.address, scopeId, name: null };
}

function isBeyondLoopback({ address, audience }: ListedService["reach"]["addresses"][number]): boolean {
  return !isLoopbackAddress(address) && audience !== "link";
}

/**
 * @module A look at the machine as a document, with what only the machine itself can find out.
 */
import { claim, known, type Claim } from "../core/index.ts";
import { saveMachine, type Process, type SavedMachine, type Snapshot } from "../host/index.ts";
import {
  createTenantCache,
  describeTenant,
  groupServices,
  maskArguments,
  maskText,
  readContainers,
  type Tenant,
} from "../tenant/index.ts";
import type { OperationContext } from "./operation.ts";
import { version } from "./version.generated.ts";

/** Takes everything there is to see. */
export async function takeMachine(
  context: Pick<OperationContext, "host" | "signal" | "environment">,
  { showSecrets, hostName }: { readonly showSecrets: boolean; readonly hostName: string },
): Promise<SavedMachine> {
  const { host, signal, environment } = context;
  const snapshot = await host.snapshot({ states: "all", holders: "all", namespaces: "all", traffic: true, signal });
  const containers = await readContainers(snapshot, environment, signal);
  const machine = saveMachine(snapshot, {
    madeBy: `portolan ${version}`,
    hostName: snapshot.hostName ?? hostName,
    facts: { tenants: describeTenants(snapshot, showSecrets), engines: containers.engineContainers },
  });
  return {
    ...machine,
    blindSpots: [...machine.blindSpots, ...containers.blindSpots],
    processes: showSecrets ? machine.processes : machine.processes.map(maskProcess),
  };
}

function maskProcess(process: Process): Process {
  const argv = process.arguments;
  return argv.known ? { ...process, arguments: known(maskArguments(argv.value)) } : process;
}

/** Claims of every service, by the inode of its first socket: the files on which they rest are on this machine alone. */
function describeTenants(snapshot: Snapshot, showSecrets: boolean): Record<string, Tenant> {
  const cache = createTenantCache();
  const tenants: Record<string, Tenant> = {};
  for (const look of [snapshot, ...(snapshot.others ?? [])]) {
    for (const service of groupServices(look)) {
      const tenant = describeTenant(look, service, { cache });
      tenants[String(service.sockets[0]!.inode)] = showSecrets ? tenant : maskClaims(tenant);
    }
  }
  return tenants;
}

function maskClaims({ project, framework, supervisor }: Tenant): Tenant {
  const mask = <T>(claimed: Claim<T> | null): Claim<T> | null =>
    claimed === null ? null : claim(claimed.value, claimed.basis, maskText(claimed.evidence));
  return { project: mask(project), framework: mask(framework), supervisor: mask(supervisor) };
}

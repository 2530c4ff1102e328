/**
 * @module The room tenant/: who a holder of a socket is to a person.
 */
export { readContainers, type Container, type ContainerIndex, type PublishedTarget } from "./containers.ts";
export { askEngines, findEngineSockets, type EngineContainer, type PublishedPort } from "./container-engines.ts";
export { createTenantCache, describeTenant } from "./describe-tenant.ts";
export type { Tenant, TenantCache, TenantOptions } from "./describe-tenant.ts";
export { inferFramework } from "./framework.ts";
export type { Framework, FrameworkRole, ProcessFacts } from "./framework.ts";
export type { GitCheckout } from "./git.ts";
export { maskArguments, maskText } from "./mask-arguments.ts";
export {
  callers,
  findScriptProgram,
  portReaders,
  programNameOf,
  starters,
  type PortTelling,
  type ScriptProgram,
} from "./programs/index.ts";
export { parentChain } from "./parents.ts";
export { findProject } from "./project.ts";
export type { Project, ProjectSearch } from "./project.ts";
export { createScriptReader, readScripts } from "./scripts.ts";
export { groupServices } from "./services.ts";
export type { Service, ServiceHolder } from "./services.ts";
export { inferSupervisor } from "./supervisor.ts";
export type { SupervisedFacts, Supervisor, SupervisorKind } from "./supervisor.ts";

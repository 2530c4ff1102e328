/**
 * @module What a port number is for: assignments, conventions, ranges, doors, and search.
 */
export { useAssignments, type TableSource } from "./active-tables.ts";
export { allAssignments, assignmentsOf, type Assignment } from "./assignments.ts";
export type { Convention } from "./convention.ts";
export { allConventions, conventionsOf } from "./conventions.ts";
export { doorOf, doors, type Door } from "./doors.ts";
export { listKnownPorts } from "./known-ports.ts";
export { primaryNameOf, readNameTable } from "./names.ts";
export { officialUrl, readOfficialFile, type OfficialFile } from "./official-file.ts";
export { overlay } from "./overlay.generated.ts";
export { packAssignments, type AssignmentTables } from "./pack-assignments.ts";
export { rangeOf, ranges, type PortRange } from "./ranges.ts";
export { resolveServiceName } from "./resolve.ts";
export { browserBlockedPorts, portOfScheme, schemeOf } from "./schemes.ts";
export { findService, searchServices, suggestServices, type ServiceMatch, type ServicePorts } from "./search.ts";
export { builtInSource } from "./sources.generated.ts";

/**
 * @module The room project/: a whole project as its own file describes it: what is to be started, in which order, and what was.
 */
export { environmentOf, wordsOf } from "./app-environment.ts";
export { projectFileSchema } from "./config-schema.ts";
export { configFileNames, readProjectFile } from "./find-project-file.ts";
export { planProject, variableOf, type PlannedApp, type ProjectPlan } from "./project-plan.ts";
export { refuseFile, type ForwardEntry, type KeptRoute, type ProjectFile, type ShareEntry } from "./project-file.ts";
export { readConfig } from "./read-config.ts";
export { startGuard, type Guard } from "./start-guard.ts";
export {
  endLeftovers,
  familyOf,
  markVariable,
  readUpRecord,
  readUpRecords,
  recordPathOf,
  removeUpRecord,
  upRuns,
  writeUpRecord,
  type KeptUpRecord,
  type UpRecord,
} from "./up-records.ts";

/**
 * @module The room wishes/: the ports that the files of a project ask for before anything of it runs, which of them are in each other's way,
 * and another number written into a file.
 */
export { editFor, groupEdits, writeChanges, type FileChange, type TextEdit } from "./edits.ts";
export { bindsOf, findMeetings, type Meeting } from "./meetings.ts";
export type { PortWish, WishFormat } from "./port-wish.ts";
export { proposePort, type Availability } from "./propose-port.ts";
export { readProject, type ProjectReading, type ProjectRequest } from "./read-project.ts";
export { contains } from "./run-together.ts";
export { lineAndColumn, type Place, type ProjectProblem, type SourceText } from "./source-text.ts";

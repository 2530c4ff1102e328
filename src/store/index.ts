/**
 * @module The room store/: our own files, atomic, locked and versioned, and the kernel's locks.
 */
export { cacheFolderOf } from "./cache-folder.ts";
export { downloadText, type Download, type DownloadLimits } from "./download.ts";
export { examineFolder, examineLocks, type FolderExamination } from "./examine-folder.ts";
export { readJsonFile, updateJsonFile, type JsonFile } from "./json-file.ts";
export { prepareLocks, tryLock, waitForLock, type KernelLock } from "./kernel-locks.ts";
export {
  readRegistryCache,
  registryCachePath,
  registryCacheProblem,
  useRegistryCache,
  type CachedRegistry,
  type RegistryFacts,
} from "./registry-cache.ts";
export { removeRegistryCache, writeRegistryCache } from "./registry-writing.ts";
export { readPlainFile, readTextFile, replaceFile, writeNamedFile } from "./plain-file.ts";
export { homeFolderOf } from "./home-folder.ts";
export { findStateFolder, stateFolderOf } from "./state-folder.ts";
export { largestSnapshotBytes, readSnapshotText, unpackSnapshot, writeSnapshotText } from "./snapshot-file.ts";
export {
  HistoryWriter,
  heartbeatMs,
  historyPathOf,
  readHistory,
  type HistoryBounds,
  type HistoryQuery,
  type RecorderSession,
  type Residence,
} from "./history-store.ts";

/**
 * @module The room store/: our own files, atomic, locked and versioned, and the kernel's locks.
 */
export { readJsonFile, updateJsonFile, type JsonFile } from "./json-file.ts";
export { prepareLocks, tryLock, waitForLock, type KernelLock } from "./kernel-locks.ts";
export { stateFolderOf } from "./state-folder.ts";

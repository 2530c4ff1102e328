/**
 * @module The C library through koffi: the few functions that ask the kernel what Node cannot ask. Optional: without koffi
 * everything is read through plain Node instead.
 */
import { existsSync, realpathSync } from "node:fs";

/** The part of koffi that is used here. */
export interface Koffi {
  load(path: string | null): KoffiLibrary;
  /** Address of a buffer's memory, a BigInt. */
  address(buffer: Uint8Array): bigint;
  errno(): number;
}

/** A loaded library. */
export interface KoffiLibrary {
  /** The function of a C declaration; `F` is its type in JavaScript, for which nobody but the caller vouches. */
  func<F>(declaration: string): F;
}

/** What was loaded, and from where a worker thread can load it again. */
export interface NativeAccess {
  readonly koffi: Koffi;
  readonly library: KoffiLibrary;
  /** Path of the binary, `null` when koffi's own loader found it. */
  readonly binaryPath: string | null;
}

let loaded: NativeAccess | null | undefined;

/**
 * The C library, or `null` when koffi is not installed, has no binary for this machine, or the machine is big-endian (the
 * readers lay out the kernel's structures in little-endian). The answer is remembered.
 */
export function loadNativeAccess(): NativeAccess | null {
  if (loaded === undefined) loaded = isLittleEndian() ? (loadBinary() ?? loadPackage()) : null;
  return loaded;
}

function isLittleEndian(): boolean {
  return new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
}

/**
 * Loads koffi's binary without koffi's JavaScript, which takes longer to load than the binary. The binary stands in a
 * package beside koffi, wherever a package manager put that.
 */
function loadBinary(): NativeAccess | undefined {
  const architecture = process.arch;
  const koffiFolder = findPackage("koffi");
  if (koffiFolder === undefined) return undefined;
  for (const libcName of ["linux", "musl"]) {
    const binaryPath = `${koffiFolder}/../@koromix/koffi-linux-${architecture}/${libcName}_${architecture}/koffi.node`;
    try {
      if (!existsSync(binaryPath)) continue;
      // The binary for another C library does not load, and the next is tried.
      const holder: { exports: Partial<Koffi> } = { exports: {} };
      process.dlopen(holder, binaryPath);
      return open(holder.exports as Koffi, binaryPath);
    } catch {
      continue;
    }
  }
  return undefined;
}

/** The nearest installed package of that name, links resolved, upwards from this file as Node would look. */
function findPackage(name: string): string | undefined {
  let folder = import.meta.dirname;
  for (;;) {
    const candidate = `${folder}/node_modules/${name}`;
    if (existsSync(candidate)) return realpathSync.native(candidate);
    const slash = folder.lastIndexOf("/");
    if (slash < 0) return undefined;
    folder = folder.slice(0, slash);
  }
}

function loadPackage(): NativeAccess | null {
  try {
    // Not imported above: loading node:module costs every start more than all of the way past koffi's JavaScript saves.
    const { createRequire } = process.getBuiltinModule("node:module");
    return open(createRequire(import.meta.filename)("koffi") as Koffi, null);
  } catch {
    return null;
  }
}

/** Functions of the running program itself, to which Node has linked the C library, whichever it is. */
function open(koffi: Koffi, binaryPath: string | null): NativeAccess {
  return { koffi, library: koffi.load(null), binaryPath };
}

/** Names of the errors that the readers meet, by number (asm-generic/errno.h). */
const errorNames: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  4: "EINTR",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  16: "EBUSY",
  22: "EINVAL",
  24: "EMFILE",
  38: "ENOSYS",
  93: "EPROTONOSUPPORT",
  95: "EOPNOTSUPP",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  105: "ENOBUFS",
};

/** Name of an error number, or `errno 71` for one without. */
export function nameErrno(number: number): string {
  return errorNames[number] ?? `errno ${number}`;
}

/**
 * @module Where this kernel keeps what the descriptor iterator reads, told by the kernel's description of its own types
 * (BTF: Documentation/bpf/btf.rst, include/uapi/linux/btf.h).
 */

/** Numbers that the program of bpf-program.ts is made with. Offsets in bytes. */
export interface TaskFileLayout {
  /** BTF id of the function `bpf_iter_task_file`. */
  readonly iteratorId: number;
  /** Where its arguments stand in the program's context; each takes 8 bytes. */
  readonly contextAt: { readonly meta: number; readonly task: number; readonly fd: number; readonly file: number };
  /** `seq` in `struct bpf_iter_meta`. */
  readonly outputAt: number;
  /** `f_inode` in `struct file`. */
  readonly fileInodeAt: number;
  /** `i_ino` in `struct inode`. */
  readonly inodeNumberAt: number;
  /** `tgid` in `struct task_struct`. */
  readonly processIdAt: number;
}

/** struct btf_header: u16 magic, u8 version, u8 flags, u32 header size, and offset and size of types and of strings. */
const magicAndVersion = 0x1eb9f;
const headerSize = 24;

/** struct btf_type is three words: name, info, size or type. `info` has the kind in bits 24 to 28, a count in bits 0 to 15. */
const wordsOfType = 3;
const kindOf = { pointer: 2, structure: 4, union: 5, function: 12, prototype: 13 } as const;
/** typedef, volatile, const, restrict, type tag: names and qualities of another type. */
const transparentKinds: ReadonlySet<number> = new Set([8, 9, 10, 11, 18]);
/** Words that follow a type, by kind: so many, and so many more for each of its count. Kinds beyond these are unknown. */
const wordsBehind = Uint8Array.from([0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0]);
const wordsOfEach = Uint8Array.from([0, 0, 0, 0, 3, 3, 2, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 3]);

const lastKind = wordsBehind.length - 1;

/** Every so many types their place is noted, a power of two. */
const markStep = 128;
/** Deepest nesting of members without a name, and longest chain of transparent types. */
const deepest = 8;
/** Most members without a name that one search looks into. */
const mostNested = 64;

/**
 * Finds them; `undefined` when the bytes are no such description, or that of a kernel of another make.
 * Of hostile bytes nothing worse than wrong numbers can come.
 * @param bytes `/sys/kernel/btf/vmlinux`, little-endian, at the start of a buffer of its own
 */
export function readTaskFileLayout(bytes: Buffer): TaskFileLayout | undefined {
  const description = openDescription(bytes);
  if (description === undefined) return undefined;
  const { types, strings } = description;
  const walk = createTypeWalk(types);

  /** True when the name at that place of the strings is this one. */
  function isNamed(at: number, name: string): boolean {
    return strings.toString("latin1", at, at + name.length + 1) === `${name}\0`;
  }

  /** Place of the type that remains when names and qualities are taken off; -1 when there is none of that kind. */
  function strip(id: number, kind: number): number {
    let at = walk.placeOf(id);
    for (let step = 0; step < deepest && at >= 0 && transparentKinds.has(walk.kindAt(at)); step++) {
      at = walk.placeOf(types[at + 2]!);
    }
    return at >= 0 && walk.kindAt(at) === kind ? at : -1;
  }

  /** Place of the structure that a pointer points to, -1 when it is none. */
  function structureBehind(id: number): number {
    const pointer = strip(id, kindOf.pointer);
    return pointer < 0 ? -1 : strip(types[pointer + 2]!, kindOf.structure);
  }

  let nested = 0;
  /** A member by its name, also one of a structure or union that is itself a member without a name. */
  function findMember(at: number, name: string, depth = 0): { offset: number; type: number } | undefined {
    if (at < 0) return undefined;
    const info = types[at + 1]!;
    // With this flag offsets carry the width of a bit field in their upper byte (btf.rst, 2.2.4).
    const offsetMask = info < 0 ? 0xffffff : -1;
    const end = at + wordsOfType + (info & 0xffff) * 3;
    for (let member = at + wordsOfType; member < end; member += 3) {
      const nameAt = types[member]!;
      const type = types[member + 1]!;
      const bits = types[member + 2]! & offsetMask;
      if (nameAt !== 0) {
        if (isNamed(nameAt, name)) return bits % 8 === 0 ? { offset: bits / 8, type } : undefined;
        continue;
      }
      if (depth === deepest || nested++ > mostNested) continue;
      const inner = strip(type, kindOf.structure);
      const found = findMember(inner < 0 ? strip(type, kindOf.union) : inner, name, depth + 1);
      if (found !== undefined) return { offset: bits / 8 + found.offset, type: found.type };
    }
    return undefined;
  }

  // Strings stand there once, so that a name can be looked for by its place.
  const nameAt = strings.indexOf("\0bpf_iter_task_file\0", 0, "latin1") + 1;
  const iteratorId = nameAt === 0 ? 0 : walk.findFunction(nameAt);
  if (iteratorId === 0) return undefined;
  const prototype = strip(types[walk.placeOf(iteratorId) + 2]!, kindOf.prototype);
  if (prototype < 0) return undefined;
  /** The parameters' types, and their place among the arguments. */
  const parameters: Record<string, { type: number; at: number }> = {};
  for (let number = 0, count = Math.min(types[prototype + 1]! & 0xffff, 16); number < count; number++) {
    const at = prototype + wordsOfType + number * 2;
    for (const name of ["meta", "task", "fd", "file"]) {
      if (isNamed(types[at]!, name)) parameters[name] = { type: types[at + 1]!, at: number * 8 };
    }
  }
  const { meta, task, fd, file } = parameters;
  if (meta === undefined || task === undefined || fd === undefined || file === undefined) return undefined;
  const output = findMember(structureBehind(meta.type), "seq");
  const processId = findMember(structureBehind(task.type), "tgid");
  const fileInode = findMember(structureBehind(file.type), "f_inode");
  const inodeNumber = fileInode && findMember(structureBehind(fileInode.type), "i_ino");
  if (!(output && processId && fileInode && inodeNumber)) return undefined;
  const layout: TaskFileLayout = {
    iteratorId,
    contextAt: { meta: meta.at, task: task.at, fd: fd.at, file: file.at },
    outputAt: output.offset,
    fileInodeAt: fileInode.offset,
    inodeNumberAt: inodeNumber.offset,
    processIdAt: processId.offset,
  };
  // An instruction has 16 bits for an offset, with a sign.
  const offsets = [layout.outputAt, layout.fileInodeAt, layout.inodeNumberAt, layout.processIdAt];
  return offsets.every((offset) => Number.isInteger(offset) && offset >= 0 && offset <= 0x7fff) ? layout : undefined;
}

function openDescription(bytes: Buffer): { types: Int32Array; strings: Buffer } | undefined {
  if (bytes.length < headerSize || (bytes.readUInt32LE(0) & 0xffffff) !== magicAndVersion) return undefined;
  const bodyAt = bytes.readUInt32LE(4);
  const typesAt = bodyAt + bytes.readUInt32LE(8);
  const typesSize = bytes.readUInt32LE(12);
  const stringsAt = bodyAt + bytes.readUInt32LE(16);
  const stringsEnd = stringsAt + bytes.readUInt32LE(20);
  const isWhole = typesAt + typesSize <= bytes.length && stringsEnd <= bytes.length;
  if (!isWhole || (bytes.byteOffset + typesAt) % 4 !== 0) return undefined;
  const types = new Int32Array(bytes.buffer, bytes.byteOffset + typesAt, typesSize >> 2);
  return { types, strings: bytes.subarray(stringsAt, stringsEnd) };
}

/** The list of types. They have no index and no common size, so that it is walked, and only as far as it must be. */
interface TypeWalk {
  /** Index of a type's first word; -1 when there is none of that id. */
  placeOf(id: number): number;
  kindAt(place: number): number;
  /** Id of a function by the place of its name, 0 when there is none. */
  findFunction(nameAt: number): number;
}

function createTypeWalk(types: Int32Array): TypeWalk {
  /** Places of the types 0, 128, 256 and so on; there is no type 0, and the one before the first would stand here. */
  const marks: number[] = [0];
  /** The next type that has not been walked over. */
  let nextId = 1;
  let nextAt = 0;

  const kindAt = (at: number): number => (types[at + 1]! >>> 24) & 31;

  /** First word after a type that begins at `at`; -1 when there is no whole and known type. */
  function endOf(at: number): number {
    if (at + wordsOfType > types.length) return -1;
    const info = types[at + 1]!;
    const kind = (info >>> 24) & 31;
    if (kind === 0 || kind > lastKind) return -1;
    const end = at + wordsOfType + wordsBehind[kind]! + wordsOfEach[kind]! * (info & 0xffff);
    return end > types.length ? -1 : end;
  }

  /**
   * Goes on to the type of that id, or to the function of that name; false at the end of what can be read. A hundred
   * thousand types are gone over here, once, by code that is not compiled yet: hence no calls and no variable from outside.
   */
  function walkTo(id: number, nameAt: number): boolean {
    const list = types;
    const behind = wordsBehind;
    const ofEach = wordsOfEach;
    const last = list.length - wordsOfType;
    let at = nextAt;
    let current = nextId;
    let found = false;
    while (at <= last && current !== id) {
      const info = list[at + 1]!;
      const kind = (info >>> 24) & 31;
      const begin = at;
      if (kind === 0 || kind > lastKind) break;
      at += wordsOfType + behind[kind]! + ofEach[kind]! * (info & 0xffff);
      if ((current & (markStep - 1)) === 0) marks.push(begin);
      current++;
      if (kind === kindOf.function && list[begin] === nameAt) {
        found = true;
        break;
      }
    }
    nextAt = at;
    nextId = current;
    return found || (current === id && endOf(at) >= 0);
  }

  return {
    kindAt,
    placeOf(id) {
      if (id <= 0) return -1;
      if (id >= nextId) return walkTo(id, -1) ? nextAt : -1;
      let at = marks[Math.floor(id / markStep)]!;
      for (let rest = id < markStep ? id - 1 : id % markStep; rest > 0; rest--) at = endOf(at);
      return at;
    },
    findFunction: (nameAt) => (walkTo(-1, nameAt) ? nextId - 1 : 0),
  };
}

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { assembleSocketProgram } from "./bpf-program.ts";
import { readTaskFileLayout } from "./bpf-type-format.ts";

const kinds = { int: 1, pointer: 2, structure: 4, union: 5, constant: 10, function: 12, prototype: 13, variable: 14 };

/** A description of types: each is its kind, name, third word, and what follows: lists of words with names among them. */
type Type = readonly [kind: number, name: string, word: number, behind?: readonly (number | string)[], each?: number];

function describeTypes(types: readonly Type[]): Buffer {
  let strings = "\0";
  const place = (name: string): number => {
    if (name === "") return 0;
    const at = strings.indexOf(`\0${name}\0`);
    if (at >= 0) return at + 1;
    strings += `${name}\0`;
    return strings.length - name.length - 1;
  };
  const words: number[] = [];
  for (const [kind, name, word, behind = [], each = 0] of types) {
    words.push(place(name), ((kind << 24) | (each === 0 ? 0 : behind.length / each)) >>> 0, word);
    words.push(...behind.map((item) => (typeof item === "string" ? place(item) : item)));
  }
  const size = words.length * 4;
  const header = Uint32Array.of(0x1eb9f, 24, 0, size, size, strings.length, ...words);
  return Buffer.concat([Buffer.from(header.buffer), Buffer.from(strings, "latin1")]);
}

const { int, pointer, structure, union, constant, function: func, prototype, variable } = kinds;
/** A little kernel: ids count from 1. Members are name, type, offset in bits; parameters are name, type. */
const little: readonly Type[] = [
  [int, "int", 4, [32]], // 1
  [func, "bpf_iter_task_file", 3], // 2
  [prototype, "", 1, ["meta", 4, "task", 7, "fd", 1, "file", 10], 2], // 3
  [pointer, "", 5], // 4
  [structure, "bpf_iter_meta", 16, ["", 6, 64], 3], // 5
  [union, "", 8, ["seq", 4, 0, "", 1, 0], 3], // 6
  [pointer, "", 8], // 7
  [structure, "task_struct", 64, ["pid", 1, 0, "", 9, 64], 3], // 8: members in a structure without a name
  [structure, "", 16, ["stack", 4, 0, "tgid", 1, 64], 3], // 9
  [pointer, "", 11], // 10
  [constant, "", 12], // 11: const struct file
  [structure, "file", 64, ["f_op", 4, 0, "f_inode", 13, 256], 3], // 12
  [pointer, "", 14], // 13
  [structure, "inode", 64, ["i_ino", 1, 384], 3], // 14
];
const littleLayout = {
  iteratorId: 2,
  contextAt: { meta: 0, task: 8, fd: 16, file: 24 },
  outputAt: 8,
  fileInodeAt: 32,
  inodeNumberAt: 48,
  processIdAt: 16,
};

describe("the layout by a description of types", () => {
  test("follows types by id, through members without a name and qualities", () => {
    expect(readTaskFileLayout(describeTypes(little))).toEqual(littleLayout);
  });

  test("is found behind thousands of types of every known kind", () => {
    const before: Type[] = [];
    const shift = 3000;
    for (let number = 0; number < shift; number++) {
      before.push(number % 2 === 0 ? [variable, "meta", 1, [0]] : [structure, "x", 8, ["tgid", 1, 0, "seq", 1, 32], 3]);
    }
    // Every id moves on.
    const moved = little.map(([kind, name, word, behind, each]): Type => {
      const isReference = [pointer, constant, func].includes(kind as never);
      const ids = behind?.map((item, at) => (each !== undefined && at % each === 1 ? Number(item) + shift : item));
      return [kind, name, isReference ? word + shift : word, ids ?? [], each ?? 0];
    });
    const layout = readTaskFileLayout(describeTypes([...before, ...moved]));
    expect(layout).toEqual({ ...littleLayout, iteratorId: 2 + shift });
  });

  test("is unknown when anything of it is missing, or stands where no program reaches", () => {
    const replaced = (id: number, type: Type) => describeTypes(little.with(id - 1, type));
    for (const [id, type] of [
      [2, [func, "bpf_iter_task", 3]],
      [2, [func, "bpf_iter_task_file", 4]],
      [2, [structure, "bpf_iter_task_file", 4]],
      [3, [prototype, "", 1, ["meta", 4, "task", 7, "fd", 1], 2]],
      [4, [pointer, "", 0]],
      [4, [pointer, "", 99]],
      [4, [constant, "", 4]], // a chain that leads into itself
      [5, [structure, "bpf_iter_meta", 16, ["", 5, 0], 3]], // a structure that holds itself
      [5, [structure, "bpf_iter_meta", 16, ["", 5, 0, "", 5, 0, "", 5, 0, "", 5, 0], 3]],
      [9, [structure, "", 16, ["tgid", 1, 7], 3]], // not at a byte
      [12, [structure, "file", 64, ["f_inode", 1, 256], 3]], // no pointer
      [14, [structure, "inode", 64, ["i_ino", 1, 0x8000 * 8], 3]],
      [1, [20, "of a kind to come", 4]],
    ] as const) {
      expect(readTaskFileLayout(replaced(id, type as Type)), `type ${id}`).toBeUndefined();
    }
  });

  test("is unknown from whatever is cut off anywhere", () => {
    const whole = describeTypes(little);
    for (let size = 0; size < whole.length; size++) {
      expect(readTaskFileLayout(Buffer.from(whole.subarray(0, size)))).toBeUndefined();
    }
  });

  test("comes of bytes that were changed at random without an error and without a loop", () => {
    const whole = describeTypes(little);
    let state = 12345;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(whole);
      for (let change = random(6); change >= 0; change--) bytes[random(bytes.length)] = random(256);
      const layout = readTaskFileLayout(bytes);
      // Whatever it is, it can be put into a program.
      if (layout !== undefined) expect(assembleSocketProgram(layout).length).toBe(23 * 8);
    }
    for (let size = 0; size < 2000; size++) {
      const bytes = Buffer.from(Array.from({ length: size }, () => random(256)));
      if (size > 24) bytes.set([0x9f, 0xeb, 1, 0, 24, 0, 0, 0]);
      expect(readTaskFileLayout(bytes)).toBeUndefined();
    }
  });

  const path = "/sys/kernel/btf/vmlinux";
  test.skipIf(!existsSync(path))("of the running kernel is there, and unknown from its first half", () => {
    const bytes = Buffer.from(readFileSync(path));
    const layout = readTaskFileLayout(bytes);
    // A kernel without the iterator has none, and that is an answer, too.
    if (bytes.includes("\0bpf_iter_task_file\0")) expect(layout).toMatchObject({ contextAt: littleLayout.contextAt });
    else expect(layout).toBeUndefined();
    expect(readTaskFileLayout(bytes.subarray(0, bytes.length / 2))).toBeUndefined();
  });
});

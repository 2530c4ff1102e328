/**
 * @module The program that runs in the kernel once for each open file of each process and writes down which are sockets.
 * It only reads; the kernel's verifier proves that before it runs (Documentation/bpf/standardization/instruction-set.rst).
 */
import type { TaskFileLayout } from "./bpf-type-format.ts";

/** What the program writes for each socket: three words, inode, process id, descriptor. */
export const recordSize = 12;

/** Registers: r0 takes results, r1 to r5 arguments (lost in a call), r6 to r9 last, fp is the end of the stack. */
const r0 = 0;
const r1 = 1;
const r2 = 2;
const r3 = 3;
const context = 6;
const file = 7;
const task = 8;
const fp = 10;

/** Operations: BPF_LDX | BPF_MEM of 4 and 8 bytes, BPF_STX | BPF_MEM of 4, BPF_ALU64 by register and by number, BPF_JMP. */
const load32 = 0x61;
const load64 = 0x79;
const store32 = 0x63;
const copy = 0xbf;
const set = 0xb7;
const add = 0x07;
const jumpIfEqual = 0x15;
const call = 0x85;
const exit = 0x95;

/** Helper functions of the kernel (include/uapi/linux/bpf.h), in it since Linux 5.8 and 5.11. */
const seqWrite = 127;
const sockFromFile = 162;

type Instruction = readonly [operation: number, target: number, source: number, offset: number, number: number];

/** Its machine code, for the layout of this kernel. */
export function assembleSocketProgram(layout: TaskFileLayout): Buffer {
  const { contextAt, outputAt, fileInodeAt, inodeNumberAt, processIdAt } = layout;
  const record = -16; // On the stack, which is aligned to 8.
  const toEnd = -1; // Filled in below.
  const instructions: Instruction[] = [
    [copy, context, r1, 0, 0], // context = first argument
    [load64, file, context, contextAt.file, 0], // file = context->file
    [jumpIfEqual, file, 0, toEnd, 0], // After the last one there is a call without a file.
    [load64, task, context, contextAt.task, 0], // task = context->task
    [jumpIfEqual, task, 0, toEnd, 0],
    [copy, r1, file, 0, 0],
    [call, 0, 0, 0, sockFromFile], // r0 = bpf_sock_from_file(file)
    [jumpIfEqual, r0, 0, toEnd, 0], // It is no socket.
    [load64, r1, file, fileInodeAt, 0], // r1 = file->f_inode
    [load32, r1, r1, inodeNumberAt, 0], // r1 = its i_ino, of which sockets use the lower half (get_next_ino)
    [store32, fp, r1, record, 0],
    [load32, r1, task, processIdAt, 0], // r1 = task->tgid
    [store32, fp, r1, record + 4, 0],
    [load32, r1, context, contextAt.fd, 0], // r1 = context->fd
    [store32, fp, r1, record + 8, 0],
    [load64, r1, context, contextAt.meta, 0], // r1 = context->meta
    [load64, r1, r1, outputAt, 0], // r1 = meta->seq
    [copy, r2, fp, 0, 0],
    [add, r2, 0, 0, record], // r2 = the record
    [set, r3, 0, 0, recordSize], // r3 = its size
    [call, 0, 0, 0, seqWrite], // bpf_seq_write(seq, record, size): when there is no room the kernel calls again with more.
    [set, r0, 0, 0, 0], // The end: return 0, go on with the next file.
    [exit, 0, 0, 0, 0],
  ];
  const end = instructions.length - 2;
  const code = Buffer.alloc(instructions.length * 8);
  for (const [index, [operation, target, source, offset, number]] of instructions.entries()) {
    // struct bpf_insn: u8 operation, 4 bits of target and of source, s16 offset, s32 number.
    code[index * 8] = operation;
    code[index * 8 + 1] = target | (source << 4);
    code.writeInt16LE(operation === jumpIfEqual ? end - index - 1 : offset, index * 8 + 2);
    code.writeInt32LE(number, index * 8 + 4);
  }
  return code;
}

import { expect, test } from "vitest";
import { keepError } from "./keep-error.ts";
import { addressFamilies, loadSocketCalls, socketTypes } from "./socket-calls.ts";

/** A call that fails so often, each time with the next of these errors. */
function failing(errors: readonly number[], answer = 7) {
  let calls = 0;
  let last = 0;
  const kept: number[] = [];
  const told = keepError(
    (_word: string) => {
      const errno = errors[calls];
      calls += 1;
      if (errno === undefined) return answer;
      last = errno;
      return -1;
    },
    () => last,
    (errno) => kept.push(errno),
  );
  return { told, kept, calls: () => calls };
}

const [interrupted, again, noMemory, taken] = [4, 11, 12, 98];

test.each([
  ["a plain refusal is told at once", [taken, taken], -1, 1, [taken]],
  ["one that the process's own memory has written over tells its own error", [noMemory, taken], -1, 2, [taken]],
  ["trouble that is over is none", [again, interrupted], 7, 3, []],
  ["no memory at all is told in the end", [12, 12, 12, 12, 12, 12], -1, 4, [noMemory]],
] as const)("%s", (_, errors, answer, calls, kept) => {
  const tried = failing(errors);
  expect([tried.told("word"), tried.calls(), tried.kept]).toEqual([answer, calls, kept]);
});

test.skipIf(loadSocketCalls() === null)(
  "the kernel's own refusal stays what it was, whatever is called after it",
  () => {
    const { socket, bind, close, lastError } = loadSocketCalls()!;
    const address = Buffer.alloc(110, ".");
    address.writeUInt16LE(addressFamilies.unix, 0);
    address.write(`\0portolan-test-${process.pid}`, 2);
    const [first, second] = [0, 0].map(() => socket(addressFamilies.unix, socketTypes.tcp, 0)) as [number, number];
    expect(bind(first, address, address.length)).toBe(0);
    expect(bind(second, address, address.length)).toBe(-1);
    // Closing fails with EBADF, which is nobody's question.
    for (const descriptor of [first, second, -1]) close(descriptor);
    expect(lastError()).toBe("EADDRINUSE");
  },
);

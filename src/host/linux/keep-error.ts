/**
 * @module The error of a system call, kept before anything else can write over it.
 */

/** EINTR, EAGAIN, ENOMEM (asm-generic/errno-base.h): what a process's own memory and threads leave in errno as well. */
const doubtful: ReadonlySet<number> = new Set([4, 11, 12]);
/** So often a call is made again that failed for such a reason. */
const mostRepeats = 3;

/**
 * A call whose error is kept at once. koffi tells errno as it is when it is asked for, and between the call and that the engine runs. With many
 * more processes than processors a call was once told to have failed with ENOMEM, though the kernel had not been short of memory; that something
 * else had written over errno is a guess. A call that failed has done nothing: it is made again, and tells its own error, or that the trouble
 * was over.
 * @param call answers below 0 when it fails
 * @param readErrno errno as it is now
 * @param keep gets the error of each call that fails
 */
export function keepError<Words extends unknown[]>(
  call: (...words: Words) => number,
  readErrno: () => number,
  keep: (errno: number) => void,
): (...words: Words) => number {
  return (...words) => {
    for (let round = 0; ; round += 1) {
      const answer = call(...words);
      if (answer >= 0) return answer;
      const errno = readErrno();
      if (round < mostRepeats && doubtful.has(errno)) continue;
      keep(errno);
      return answer;
    }
  };
}

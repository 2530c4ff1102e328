/**
 * @module Several streams as one, each item as it comes.
 */

/**
 * Ends when all have ended, and fails when one does. A stream that waits is not left before it goes on: whoever leaves this one first aborts
 * what they wait for.
 */
export async function* mergeStreams<Item>(
  streams: readonly AsyncGenerator<Item, void, void>[],
): AsyncGenerator<Item, void, void> {
  const next = (stream: AsyncGenerator<Item, void, void>) => {
    const following = stream.next().then((step) => ({ stream, step }));
    // Nobody waits for it any more when this one was left meanwhile.
    following.catch(() => undefined);
    return following;
  };
  const waiting = new Map(streams.map((stream) => [stream, next(stream)]));
  try {
    while (waiting.size > 0) {
      const { stream, step } = await Promise.race(waiting.values());
      if (step.done === true) waiting.delete(stream);
      else {
        waiting.set(stream, next(stream));
        yield step.value;
      }
    }
  } finally {
    await Promise.allSettled([...waiting.keys()].map((stream) => stream.return()));
  }
}

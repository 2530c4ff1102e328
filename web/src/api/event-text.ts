/**
 * @module The text/event-stream format (HTML Living Standard, section 9.2.6), read from a fetched body.
 */

/** One event. */
export interface TextEvent {
  readonly event: string;
  readonly data: string;
}

/** Yields events as their text comes; comments are left out. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<TextEvent, void, void> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let rest = "";
  let event = "message";
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          if (data.length > 0) yield { event, data: data.join("\n") };
          event = "message";
          data = [];
        } else if (line.startsWith("event: ")) event = line.slice(7);
        else if (line.startsWith("data: ")) data.push(line.slice(6));
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

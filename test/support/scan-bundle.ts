/**
 * @module The asking program as one file, and what it answers from inside a namespace.
 */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { bundleSource } from "./bundle.ts";
import type { NetworkNamespace } from "./netns.ts";
import type { AskedDoor, DoorAnswer } from "./scan-child.ts";

/** A running program inside a namespace. */
export interface Asker {
  ask(door: Omit<AskedDoor, "id">): Promise<DoorAnswer>;
  /** Ends it; rejects when it failed. */
  end(): Promise<void>;
}

/** The program. */
export interface ScanBundle {
  readonly path: string;
  /** Starts it inside a namespace. */
  start(namespace: NetworkNamespace): Asker;
  remove(): void;
}

/** Builds it in a temporary folder. */
export async function buildScanBundle(): Promise<ScanBundle> {
  const bundle = await bundleSource({ scan: "test/support/scan-child.ts" });
  const path = bundle.pathOf("scan");
  return { path, start: (namespace) => startAsker(namespace, path), remove: bundle.remove };
}

function startAsker(namespace: NetworkNamespace, path: string): Asker {
  const child = namespace.spawnIn(process.execPath, [path], { stdio: ["pipe", "pipe", "inherit"], env: {} });
  const waiting = new Map<string, (answer: DoorAnswer) => void>();
  let rejectAll: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => {
    rejectAll = reject;
  });
  failure.catch(() => undefined);
  const closed = once(child, "close").then(([status]) => {
    if (status !== 0 || waiting.size > 0) rejectAll(new Error(`The asking program ended with ${String(status)}.`));
    return status as number | null;
  });
  createInterface({ input: child.stdout! }).on("line", (line) => {
    const answer = JSON.parse(line) as DoorAnswer;
    waiting.get(answer.door.id)?.(answer);
    waiting.delete(answer.door.id);
  });
  let counter = 0;
  return {
    ask(door) {
      const id = String(counter++);
      const answered = new Promise<DoorAnswer>((resolve) => waiting.set(id, resolve));
      child.stdin!.write(`${JSON.stringify({ id, ...door })}\n`);
      return Promise.race([answered, failure]);
    },
    async end() {
      child.stdin!.end();
      const status = await closed;
      if (status !== 0) throw new Error(`The asking program ended with ${String(status)}.`);
    },
  };
}

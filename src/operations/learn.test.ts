import { afterEach, describe, expect, test } from "vitest";
import type { Snapshot } from "../host/index.ts";
import { createHost } from "../host/index.ts";
import { createUnsupportedHost } from "../host/unsupported.ts";
import { closeServer, listenTcp } from "../../test/support/listeners.ts";
import { createContext } from "./bind-operation.ts";
import { drawBuilding } from "./learn-building.ts";
import { runLearn, type LearnEvent, type LearnInput, type LearnResult } from "./learn.ts";
import type { OperationContext } from "./operation.ts";

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.();
});

async function learn(
  input: LearnInput = {},
  onChapter: (chapter: LearnEvent, abort: AbortController) => unknown = () => undefined,
  context: Partial<OperationContext> = {},
): Promise<{ chapters: LearnEvent[]; result: LearnResult }> {
  const abort = new AbortController();
  const lesson = runLearn(input, { ...createContext({ signal: abort.signal }), ...context });
  const chapters: LearnEvent[] = [];
  for (;;) {
    const step = await lesson.next();
    if (step.done === true) return { chapters, result: step.value };
    chapters.push(step.value);
    await onChapter(step.value, abort);
  }
}

/** Rows of the figure whose first column has this title. */
function rowsOf(chapter: LearnEvent | undefined, title: string): readonly (readonly string[])[] {
  for (const figure of chapter?.figures ?? []) {
    if (figure.kind === "rows" && figure.columns[0] === title) return figure.rows;
  }
  throw new Error(`no figure ${title}`);
}

function portIn(text: string | undefined): number {
  return Number(/:(\d+)$/.exec(text ?? "")?.[1]);
}

const snapshotOf = (ports: readonly number[]): Promise<Snapshot> => createHost().snapshot({ states: "all", ports });

/** Addresses at which this process has a port; other programs may have the same number elsewhere at any moment. */
async function ownAddressesOf(port: number): Promise<string[]> {
  const snapshot = await snapshotOf([port]);
  return snapshot.sockets
    .filter((socket) => {
      const holders = snapshot.holdersOf(socket);
      return socket.local.port === port && holders.known && holders.value.some(({ pid }) => pid === process.pid);
    })
    .map(({ local }) => local.address)
    .toSorted();
}

describe("learn", () => {
  test("tells its seven chapters in order", async () => {
    const { chapters, result } = await learn();
    expect(chapters.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(result).toEqual({ complete: true, chapters: [1, 2, 3, 4, 5, 6, 7] });
    for (const { paragraphs, figures } of chapters) {
      expect(paragraphs.length).toBeGreaterThan(0);
      expect(figures.length).toBeGreaterThan(0);
    }
  });

  test("--chapter tells one", async () => {
    const { chapters, result } = await learn({ chapter: 7 });
    expect(chapters.map(({ number }) => number)).toEqual([7]);
    expect(result).toEqual({ complete: true, chapters: [7] });
    expect(rowsOf(chapters[0], "PORT").map(([port]) => port)).toContain("5432");
  });

  test("chapter 1 shows this machine's addresses", async () => {
    const { chapters } = await learn({ chapter: 1 });
    expect(rowsOf(chapters[0], "ADDRESS")).toContainEqual(["127.0.0.1", "this machine", "lo"]);
  });

  test("chapter 2 shows a door that is really open", async () => {
    await learn({ chapter: 2 }, async (chapter) => {
      const part = (name: string) => rowsOf(chapter, "PART").find(([first]) => first === name)?.[1];
      const { sockets } = await snapshotOf([Number(part("port"))]);
      expect(sockets.map(({ state }) => state)).toContain("LISTEN");
    });
  });

  test("chapter 3 counts what listens", async () => {
    const server = await listenTcp({ port: 0, host: "127.0.0.1" });
    cleanups.push(() => closeServer(server));
    const { chapters } = await learn({ chapter: 3 });
    const counts = rowsOf(chapters[0], "PORTS").map(([, , listening]) => Number(listening));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
  });

  test("chapter 5: the kernel sees the listener and both ends of both calls, each with a lent port", async () => {
    let doors: number[] = [];
    await learn({ chapter: 5 }, async (chapter) => {
      const calls = rowsOf(chapter, "CALL");
      const server = portIn(calls[0]?.[3]);
      const clients = calls.map(([, client]) => portIn(client));
      expect(new Set(clients).size).toBe(2);
      expect(rowsOf(chapter, "THIS END").map(([here, there, state]) => [portIn(here), there, state])).toEqual([
        [server, "anybody", "LISTEN"],
        ...clients.flatMap((client) => [
          [client, `127.0.0.1:${server}`, "ESTABLISHED"],
          [server, `127.0.0.1:${client}`, "ESTABLISHED"],
        ]),
      ]);
      const { ephemeralRange } = createHost().readLimits();
      if (!ephemeralRange.known) throw new Error("the range is not known");
      for (const client of clients) {
        expect(client).toBeGreaterThanOrEqual(ephemeralRange.value.first);
        expect(client).toBeLessThanOrEqual(ephemeralRange.value.last);
      }
      doors = [server];
    });
    const left = (await snapshotOf(doors)).sockets.filter(({ state }) => state === "LISTEN" || state === "ESTABLISHED");
    expect(left).toEqual([]);
  });

  test("chapter 5 takes another port when its usual ones are taken", async () => {
    for (const port of [8080, 8000, 8888]) {
      const server = await listenTcp({ port, host: "127.0.0.1" }).catch(() => undefined);
      if (server !== undefined) cleanups.push(() => closeServer(server));
    }
    const { chapters } = await learn({ chapter: 5 });
    expect([8080, 8000, 8888]).not.toContain(portIn(rowsOf(chapters[0], "CALL")[0]?.[3]));
  });

  test.runIf(process.platform === "linux")("chapter 6: the kernel refuses the second server, and only it", async () => {
    let port = 0;
    await learn({ chapter: 6 }, async (chapter) => {
      const rows = rowsOf(chapter, "ASKED FOR");
      port = portIn(rows[0]?.[0]);
      expect(rows.map(([asked, answer]) => [asked, answer])).toEqual([
        [`tcp 127.0.0.1:${port}`, "granted"],
        [`tcp 127.0.0.1:${port}`, "EADDRINUSE"],
        [`tcp 127.0.0.2:${port}`, "granted"],
        [`udp 127.0.0.1:${port}`, "granted"],
      ]);
      expect(chapter.afterwards.join(" ")).toContain("EADDRINUSE (error 98)");
      // All three that were granted are open while the chapter is read.
      expect(await ownAddressesOf(port)).toEqual(["127.0.0.1", "127.0.0.1", "127.0.0.2"]);
    });
    expect(await ownAddressesOf(port)).toEqual([]);
  });

  test.each([1, 4, 6])("the signal after chapter %i ends it there, and what it opened is closed", async (last) => {
    const { chapters, result } = await learn({}, ({ number }, abort) => {
      if (number === last) abort.abort();
    });
    expect(result.complete).toBe(false);
    expect(result.chapters).toHaveLength(last);
    const pids = rowsOf4(chapters[3]);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  test("a reader who leaves in the middle leaves nothing open", async () => {
    const lesson = runLearn({ chapter: 6 }, createContext());
    const step = await lesson.next();
    if (step.done === true) throw new Error("nothing was told");
    const port = portIn(rowsOf(step.value, "ASKED FOR")[0]?.[0]);
    expect((await snapshotOf([port])).sockets.length).toBeGreaterThan(0);
    await lesson.return({ complete: false, chapters: [] });
    expect(await ownAddressesOf(port)).toEqual([]);
  });

  test("a signal that has fired tells nothing", async () => {
    expect(await learn({}, undefined, { signal: AbortSignal.abort() })).toEqual({
      chapters: [],
      result: { complete: false, chapters: [] },
    });
  });

  test("works on a system without a reader, and says what it does not know", async () => {
    const { chapters, result } = await learn({}, undefined, { host: createUnsupportedHost("plan9") });
    expect(result.chapters).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(rowsOf(chapters[2], "PORTS").map(([, , listening]) => listening)).toEqual(Array(3).fill("not known"));
    expect(rowsOf(chapters[3], "PORT")).toHaveLength(3);
  });
});

/** Processes that the lesson itself has started for chapter 4; none when it showed this machine's own. */
function rowsOf4(chapter: LearnEvent | undefined): number[] {
  if (chapter?.paragraphs.join(" ").includes("has started") !== true) return [];
  return rowsOf(chapter, "PORT").map(([, , pid]) => Number(pid?.replace("pid ", "")));
}

describe("the picture of the building", () => {
  test("fits 38 columns, with the street at the bottom", () => {
    const lines = drawBuilding(new Set([0, 127, 1023, 1024, 49_151, 49_152, 65_535]));
    expect(lines).toHaveLength(17);
    expect(Math.max(...lines.map((line) => line.length))).toBe(38);
    expect(lines[1]).toBe("61440|...............................1");
    expect(lines[4]).toBe("49152|1...............................");
    expect(lines[5]).toBe("45056|-------------------------------1");
    expect(lines[16]).toBe("    0|2======11-----------------------");
  });

  test("ten and more are one sign", () => {
    expect(drawBuilding(new Set(Array.from({ length: 10 }, (_, port) => port))).at(-1)).toContain("|#=");
  });
});

/**
 * @module Commands that only look, for a user without a home folder and for one whose folder cannot be read: they answer what can be answered
 * and say what was not looked at.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireOrSkip } from "../support/netns.ts";
import { runCommand, type CommandOutcome } from "../support/run-command.ts";

const skip = requireOrSkip("users without a home", process.getuid?.() === 0 ? null : "only root is another user");

/** No user of a system that is set up as usual has it. */
const homelessUid = 54_321;

describe.skipIf(skip)("without a home folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "pnh-"));
  const server = createServer((_request, response) => response.end("here"));
  let port: number;

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, "file"), "");
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  });

  afterAll(() => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (words: readonly string[], environment: Record<string, string> = {}): Promise<CommandOutcome> =>
    runCommand(words, { uid: homelessUid, cwd: folder, environment });

  test.each([
    [["routes"], 3, "", "Names of servers"],
    [["route", "list"], 3, "", "Names of servers"],
    [["list", "PORT"], 0, "1 shown of", "Names of servers"],
    [["who", "PORT"], 0, "127.0.0.1:PORT", "Names of servers"],
    [["reservations"], 0, "No port is kept", "Your reservations"],
  ] as const)("%j answers, and says what was not looked at", async (words, status, told, unseen) => {
    const withPort = (text: string): string => text.replace("PORT", String(port));
    const outcome = await run(words.map(withPort));
    expect([outcome.status, outcome.stdout]).toEqual([status, expect.stringContaining(withPort(told))]);
    expect(outcome.stderr).toContain(`Not seen: ${unseen}: this user has no home folder.`);
  });

  test("as JSON it is a blind spot of files", async () => {
    const { stdout } = await run(["routes", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ routes: [], blindSpots: [{ what: "files", why: "unsupported" }] });
  });

  test("doctor and diagnose go on; trace says that there is no gateway to ask", async () => {
    const [doctor, diagnose, trace] = await Promise.all([
      run(["doctor", String(port), "--json"]),
      run(["diagnose"]),
      run(["trace"]),
    ]);
    expect((JSON.parse(doctor.stdout) as { notLookedAt: object[] }).notLookedAt).toContainEqual({
      what: "files",
      why: "unsupported",
      message: expect.stringContaining("no home folder") as string,
    });
    expect([diagnose.status, diagnose.stdout]).toEqual([0, expect.stringMatching(/state folder +none: unusable/)]);
    expect([trace.status, trace.stderr]).toEqual([1, expect.stringContaining("No gateway was looked for")]);
  });

  test("what needs no file of ours needs no home", async () => {
    const outcomes = await Promise.all(
      [["explain", "5432"], ["interfaces"], ["pick", "--help"]].map((words) => run(words)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual([0, 0, 0]);
  });

  test("a folder that cannot be: what is in the way is named", async () => {
    const environment = { PORTOLAN_STATE_HOME: join(folder, "file", "state") };
    const [routes, list, history] = await Promise.all([
      run(["routes"], environment),
      run(["list", String(port)], environment),
      run(["history"], environment),
    ]);
    expect([routes.status, routes.stderr]).toEqual([3, expect.stringMatching(/Not seen: Names of servers: .*ENOTDIR/)]);
    expect([list.status, list.stderr]).toEqual([0, expect.stringMatching(/Not seen: Names of servers: .*ENOTDIR/)]);
    expect([history.status, history.stderr]).toEqual([3, expect.stringContaining("STORE_FAILED")]);
  });
});

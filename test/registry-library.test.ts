/**
 * @module The library after an update of the registry: every function of the same process prefers it, and gives it up again.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { diagnose, explain, registry, services } from "../src/index.ts";
import { assignmentRecord, makeRegistryFile } from "./support/registry-file.ts";

const home = mkdtempSync(join(tmpdir(), "portolan-registry-library-"));
const environment = { PORTOLAN_STATE_HOME: home };
const file = join(home, "registry.csv");
writeFileSync(file, makeRegistryFile({ extra: [assignmentRecord("brand-new", "48700", "tcp", "Brand new")] }));

afterAll(() => rmSync(home, { recursive: true, force: true }));

async function namesOf48700(options?: { environment: Record<string, string> }): Promise<readonly string[]> {
  return (await services({ text: "48700" }, options)).matches.map(({ name }) => name);
}

test("an update is preferred at once by whoever has the same environment", async () => {
  expect(await namesOf48700({ environment })).toEqual([]);
  const steps: string[] = [];
  const updated = await registry(
    { action: "update", from: file },
    { environment, onProgress: (message) => steps.push(message) },
  );
  expect(updated).toMatchObject({ changed: true, table: { kind: "updated" } });
  expect(steps).toEqual(["checking the file", "writing the table"]);
  expect(await namesOf48700({ environment })).toEqual(["brand-new"]);
  expect((await explain({ what: "brand-new" }, { environment })).ports.map(({ port }) => port)).toEqual([48_700]);
  expect((await diagnose({}, { environment })).registry).toMatchObject({ kind: "updated", problem: null });
  // Another user's folder has another table.
  expect(await namesOf48700({ environment: { PORTOLAN_STATE_HOME: join(home, "other") } })).toEqual([]);
  expect(await namesOf48700({ environment })).toEqual(["brand-new"]);
  expect((await registry({ action: "reset" }, { environment })).changed).toBe(true);
  expect(await namesOf48700({ environment })).toEqual([]);
});

test("a call that is stopped changes nothing", async () => {
  const abort = new AbortController();
  abort.abort();
  const stopped = registry({ action: "update", from: file }, { environment, signal: abort.signal });
  await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
  expect((await registry({}, { environment })).table.kind).toBe("built-in");
});

test("a malformed call names its argument", async () => {
  await expect(registry({ action: "fetch" as "update" }, { environment })).rejects.toMatchObject({
    code: "ARGUMENT_INVALID",
    details: { argument: "action" },
  });
  await expect(registry({ from: file }, { environment })).rejects.toMatchObject({ details: { argument: "from" } });
  await expect(
    registry({ action: "update", from: "http://127.0.0.1:1/", timeout: "soon" }, { environment }),
  ).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
});

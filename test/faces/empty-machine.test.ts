/**
 * @module The command on a machine where nothing listens: a network namespace of its own.
 */
import { widthOf } from "../../src/core/index.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath } from "../support/run-command.ts";

describe.skipIf(requireOrSkip("the chart of an empty machine", whyNoNetworkNamespaces()))("nothing listens", () => {
  let namespace: NetworkNamespace;

  beforeAll(async () => {
    namespace = await createNetworkNamespace({});
  });
  afterAll(() => namespace.destroy());

  test("list shows the ranges, the doors and what to try next, on any page", async () => {
    for (const columns of ["40", "80", "200"]) {
      const { stdout } = await namespace.execIn("env", [
        `COLUMNS=${columns}`,
        process.execPath,
        commandPath,
        "list",
        "--namespace",
        "own",
      ]);
      expect(stdout).toContain("Nothing listens on this machine.");
      for (const word of ["0–1023", "1024–49151", "49152–65535", "3389", "portolan demo", "portolan learn"]) {
        expect(stdout).toContain(word);
      }
      for (const line of stdout.split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(Number(columns));
    }
  });

  test("its JSON is an answer like any other", async () => {
    const { stdout } = await namespace.execIn(process.execPath, [commandPath, "list", "--namespace", "own", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ complete: true, services: [], totals: { services: 0, listeners: 0 } });
  });
});

/**
 * @module `portolan learn` as its readers meet it: in a pipe, on a narrow page, as JSON, interrupted.
 */
import { widthOf } from "../../src/core/index.ts";
import { afterEach, describe, expect, test } from "vitest";
import type { LearnEvent, LearnResult } from "../../src/operations/learn.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  whyNoProgram,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath, runCommand } from "../support/run-command.ts";

const titles = [
  "1. What an address does",
  "2. What a port does",
  "3. The 65,536",
  "4. One device",
  "5. What a browser's connection",
  "6. Why addresses alone",
  "7. The doors everybody meets",
];

describe("learn", () => {
  test("in a pipe all chapters come at once, without a control character", async () => {
    const { stdout, stderr, status } = await runCommand(["learn"]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(titles.map((title) => stdout.indexOf(title)).every((place) => place >= 0)).toBe(true);
    expect(stdout.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  test("fits 40 columns", async () => {
    const { stdout } = await runCommand(["learn"], { environment: { COLUMNS: "40" } });
    expect(stdout.split("\n").filter((line) => widthOf(line) > 40)).toEqual([]);
    // The kernel's answer is the point of chapter 6: its column stays.
    expect(stdout).toMatch(/tcp 127\.0\.0\.1:\d+ +EADDRINUSE/);
  });

  test("--json is one value a line, the result last", async () => {
    const { stdout, status } = await runCommand(["learn", "--json"]);
    expect(status).toBe(0);
    const values = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as LearnEvent | LearnResult);
    expect(values.slice(0, -1).map((event) => ("number" in event ? event.number : null))).toEqual([
      1, 2, 3, 4, 5, 6, 7,
    ]);
    expect(values.at(-1)).toEqual({ complete: true, chapters: [1, 2, 3, 4, 5, 6, 7] });
  });

  test("--chapter takes 1 to 7", async () => {
    const sixth = await runCommand(["learn", "--chapter", "6"]);
    expect(sixth.stdout).toContain("EADDRINUSE");
    expect(sixth.stdout).not.toContain("5. What");
    const eighth = await runCommand(["learn", "--chapter", "8"]);
    expect(eighth.status).toBe(2);
    expect(eighth.stdout).toBe("");
  });
});

const withoutNamespaces = requireOrSkip(
  "the lesson on machines that lack something",
  whyNoNetworkNamespaces(),
  whyNoProgram("ip", "iproute2"),
  whyNoProgram("sysctl", "procps"),
);

describe.skipIf(withoutNamespaces)("learn on a machine that lacks something", () => {
  let namespace: NetworkNamespace | undefined;

  afterEach(() => namespace?.destroy());

  test("without IPv6 it speaks of IPv4 alone, and says so", async () => {
    namespace = await createNetworkNamespace();
    await namespace.execIn("sysctl", ["-q", "-w", "net.ipv6.conf.all.disable_ipv6=1"]);
    const { stdout } = await namespace.execIn(process.execPath, [commandPath, "learn"]);
    expect(stdout).toContain("127.0.0.1 is the house calling itself.");
    expect(stdout).toContain("It has no IPv6 address now");
    expect(stdout).not.toContain("::1");
    for (const title of titles) expect(stdout).toContain(title);
  });

  test("without a loopback interface the experiments say why they fail, and the lesson goes on", async () => {
    namespace = await createNetworkNamespace();
    await namespace.execIn("ip", ["link", "set", "lo", "down"]);
    const { stdout } = await namespace.execIn(process.execPath, [commandPath, "learn"]);
    expect(stdout).toContain("its loopback interface is down");
    expect(stdout).toContain("This could not be shown on this machine now.");
    for (const title of titles) expect(stdout).toContain(title);
  });
});

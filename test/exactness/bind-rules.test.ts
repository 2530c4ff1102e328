/**
 * @module The bind rules against the kernel: generated sequences of socket, setsockopt, bind, listen, connect, accept and close by two
 * users in a namespace, each bind and listen foretold first. Hundreds here; `npm run nightly` runs 20,000.
 */
import { describe, expect, test } from "vitest";
import { requireOrSkip, whyNoNetworkNamespaces } from "../support/netns.ts";
import { runBindSequences } from "./bind-bundle.ts";
import { bindCases } from "./bind-cases.ts";

const runs = Number(process.env["PORTOLAN_BIND_RUNS"] ?? 600);
const seed = process.env["PORTOLAN_BIND_SEED"];
const deadlineMs = 60_000 + runs * 60;

describe.skipIf(requireOrSkip("bind rules against the kernel", whyNoNetworkNamespaces()))("the bind rules", () => {
  test("agree with the kernel where they once did not", async () => {
    const report = await runBindSequences({ cases: bindCases.map(({ moves }) => moves) }, 60_000);
    expect(report.disagreement).toBeNull();
    expect(report.sequences).toBe(bindCases.length);
  });

  test(
    `agree with the kernel in ${runs} generated sequences`,
    async () => {
      const report = await runBindSequences(
        { runs, ...(seed === undefined ? {} : { seed: Number(seed) }) },
        deadlineMs,
      );
      const { informed, blind, kernel, besideTimeWait } = report;
      console.log(
        `bind rules, ${report.sequences} sequences of seed ${report.seed}: the kernel said ${JSON.stringify(kernel)}, ` +
          `${besideTimeWait} times beside TIME_WAIT; depends: ${share(informed.bind)} of binds and ${share(informed.listen)} of listens ` +
          `with options known, ${share(blind.bind)} and ${share(blind.listen)} from a snapshot alone`,
      );
      expect(report.disagreement, JSON.stringify(report.disagreement, null, 1)).toBeNull();
      // The sequences must meet what they are for.
      expect(kernel["success"]).toBeGreaterThan(runs);
      expect(kernel["EADDRINUSE"]).toBeGreaterThan(runs / 5);
      expect(kernel["EADDRNOTAVAIL"]).toBeGreaterThan(0);
      expect(kernel["EACCES"]).toBeGreaterThan(0);
      expect(besideTimeWait).toBeGreaterThan(0);
      expect(informed.bind.yes + informed.bind.no).toBeGreaterThan(9 * informed.bind.depends);
    },
    deadlineMs,
  );
});

function share({ yes, no, depends }: { yes: number; no: number; depends: number }): string {
  return `${((100 * depends) / Math.max(1, yes + no + depends)).toFixed(1)} %`;
}

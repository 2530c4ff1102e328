import { describe, expect, test } from "vitest";
import { createHost } from "./index.ts";
import { createUnsupportedHost } from "./unsupported.ts";

describe("a system without a reader", () => {
  const host = createUnsupportedHost("plan9");
  const refusal = expect.objectContaining({ code: "HOST_UNSUPPORTED", details: { platform: "plan9" } });

  test("answers every question with an error, never with an empty list", async () => {
    await expect(host.snapshot()).rejects.toEqual(refusal);
    expect(() => host.readInterfaces()).toThrow(refusal);
    expect(() => host.readLimits()).toThrow(refusal);
  });
});

test("a host costs nothing until it is asked, and has the parts alone too", () => {
  if (process.platform !== "linux") return;
  const host = createHost();
  expect(host.platform).toBe("linux");
  expect(host.readInterfaces().some((device) => device.loopback)).toBe(true);
  expect(host.readLimits().ephemeralRange.known).toBe(true);
});

test("lsof looks at no saved machine, and is a reader of its own", async () => {
  expect(() => createHost({ reader: "lsof", root: "/tmp" })).toThrow(
    expect.objectContaining({ code: "READER_UNAVAILABLE", details: expect.objectContaining({ reader: "lsof" }) }),
  );
  if (process.platform !== "linux") return;
  const host = createHost({ reader: "lsof" });
  expect(host.readInterfaces()).toEqual(createHost().readInterfaces());
  expect(host.readLimits().ephemeralRange).toEqual(createHost().readLimits().ephemeralRange);
});

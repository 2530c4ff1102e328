import { expect, test } from "vitest";
import { changeLamps, withoutDark } from "./lamps.ts";
import { fadeMs } from "./painter.ts";
import type { Tenant } from "./tenants.ts";

const tenant = (port: number): Tenant => ({
  port,
  name: "x",
  detail: "",
  keys: { range: "registered", proof: "unknown", reach: "machine", project: "" },
  bytesPerSecond: null,
});

test("who was there first does not glow, who comes does, who goes fades and is forgotten", () => {
  const first = changeLamps(new Map(), [tenant(80), tenant(81)], 1000);
  expect(first.get(80)!.litAtMs).toBe(Number.NEGATIVE_INFINITY);
  const second = changeLamps(first, [tenant(80), tenant(82)], 2000);
  expect([second.get(80)!.litAtMs, second.get(82)!.litAtMs]).toEqual([Number.NEGATIVE_INFINITY, 2000]);
  expect(second.get(81)!.outAtMs).toBe(2000);
  const third = changeLamps(second, [tenant(80), tenant(82)], 2500);
  expect(third.get(81)!.outAtMs).toBe(2000);
  expect(withoutDark(third, 2500)).toBe(third);
  expect([...withoutDark(third, 2000 + fadeMs).keys()].toSorted()).toEqual([80, 82]);
});

test("who comes back while fading glows anew", () => {
  const gone = changeLamps(changeLamps(new Map(), [tenant(80), tenant(1)], 0), [tenant(1)], 10);
  const back = changeLamps(gone, [tenant(80), tenant(1)], 20);
  expect(back.get(80)).toMatchObject({ litAtMs: 20, outAtMs: null });
});

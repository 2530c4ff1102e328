/**
 * @module Which windows are lit, which glow because they are new, which are going out.
 */
import { fadeMs, type Lamp } from "./painter.ts";
import type { Tenant } from "./tenants.ts";

/**
 * The lamps after a change of tenants.
 * @param nowMs clock of animation frames
 */
export function changeLamps(
  before: ReadonlyMap<number, Lamp>,
  tenants: readonly Tenant[],
  nowMs: number,
): Map<number, Lamp> {
  // Who is there when one looks first has not just come.
  const isFirst = before.size === 0;
  const next = new Map<number, Lamp>();
  const here = new Set(tenants.map(({ port }) => port));
  for (const [port, lamp] of before) {
    if (here.has(port)) continue;
    const outAtMs = lamp.outAtMs ?? nowMs;
    if (nowMs - outAtMs < fadeMs) next.set(port, { ...lamp, outAtMs });
  }
  for (const tenant of tenants) {
    const lamp = before.get(tenant.port);
    const stays = lamp !== undefined && lamp.outAtMs === null;
    if (stays && lamp.tenant === tenant) {
      next.set(tenant.port, lamp);
      continue;
    }
    const litAtMs = stays ? lamp.litAtMs : isFirst ? Number.NEGATIVE_INFINITY : nowMs;
    next.set(tenant.port, { tenant, litAtMs, outAtMs: null });
  }
  return next;
}

/** Without those that have gone out. */
export function withoutDark(lamps: ReadonlyMap<number, Lamp>, nowMs: number): ReadonlyMap<number, Lamp> {
  let dark = false;
  for (const { outAtMs } of lamps.values()) if (outAtMs !== null && nowMs - outAtMs >= fadeMs) dark = true;
  if (!dark) return lamps;
  return new Map([...lamps].filter(([, { outAtMs }]) => outAtMs === null || nowMs - outAtMs < fadeMs));
}

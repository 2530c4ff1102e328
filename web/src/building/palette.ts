/**
 * @module The building's colours, read from the style sheet's tokens so that day and night have them in one place.
 */
import type { Colouring } from "../state/view.ts";
import type { Tenant } from "./tenants.ts";

/** Colours as the canvas takes them. */
export interface Palette {
  readonly paper: string;
  readonly raised: string;
  readonly ink: string;
  readonly inkSoft: string;
  readonly line: string;
  readonly accent: string;
  readonly dark: boolean;
  readonly of: (tenant: Tenant, colouring: Colouring) => string;
  readonly byKey: (key: string) => string;
}

const tokens: Readonly<Record<string, string>> = {
  "well-known": "--range-well-known",
  registered: "--range-registered",
  dynamic: "--range-dynamic",
  proved: "--basis-proved",
  inferred: "--basis-inferred",
  convention: "--basis-convention",
  assigned: "--basis-assigned",
  unknown: "--basis-assigned",
  machine: "--reach-machine",
  networks: "--reach-networks",
  everywhere: "--reach-everywhere",
  nowhere: "--reach-nowhere",
};

/** Reads the tokens as they are now. */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  const byKey = Object.fromEntries(Object.entries(tokens).map(([key, name]) => [key, token(name)]));
  const dark = style.getPropertyValue("color-scheme").includes("dark");
  const ink = token("--ink");
  const soft = token("--basis-assigned");
  return {
    paper: token("--paper"),
    raised: token("--paper-raised"),
    ink,
    inkSoft: token("--ink-soft"),
    line: token("--line"),
    accent: token("--accent"),
    dark,
    byKey: (key) => byKey[key] ?? soft,
    of: (tenant, colouring) => {
      if (colouring === "traffic") return trafficColour(tenant.bytesPerSecond, dark);
      if (colouring === "project") return projectColour(tenant.keys.project, dark);
      return byKey[tenant.keys[colouring]] ?? soft;
    },
  };
}

/** A hue of its own for each name, the same every day; grey for none. */
export function projectColour(name: string, dark: boolean): string {
  if (name === "") return dark ? "hsl(210 8% 62%)" : "hsl(210 8% 42%)";
  let hash = 2_166_136_261;
  for (let index = 0; index < name.length; index += 1) hash = Math.imul(hash ^ name.charCodeAt(index), 16_777_619);
  return `hsl(${(hash >>> 0) % 360} 58% ${dark ? 68 : 36}%)`;
}

/** From still to a gigabyte a second, by powers of ten: farther from the paper is more. */
export function trafficColour(bytesPerSecond: number | null, dark: boolean): string {
  const power = trafficPower(bytesPerSecond);
  const share = power / 9;
  return dark
    ? `hsl(${44 - share * 24} ${10 + share * 85}% ${46 + share * 26}%)`
    : `hsl(${36 - share * 26} ${12 + share * 80}% ${56 - share * 26}%)`;
}

/** 0 for nothing, 1 for some bytes a second, 9 for a gigabyte. */
export function trafficPower(bytesPerSecond: number | null): number {
  if (bytesPerSecond === null || bytesPerSecond < 1) return 0;
  return Math.min(9, 1 + Math.log10(bytesPerSecond) * (8 / 9));
}

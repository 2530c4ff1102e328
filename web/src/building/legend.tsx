/**
 * @module What the colours mean, in words and with how many there are of each; and the choice of what they show.
 */
import { useComputed, type ReadonlySignal } from "@preact/signals";
import { countOf } from "../text/figures.ts";
import { colouring, type Colouring } from "../state/view.ts";
import { projectColour } from "./palette.ts";
import { keyTitles, type Tenant } from "./tenants.ts";

const choices: readonly { readonly id: Colouring; readonly title: string }[] = [
  { id: "range", title: "Range" },
  { id: "proof", title: "What is known" },
  { id: "reach", title: "Reach" },
  { id: "project", title: "Project" },
  { id: "traffic", title: "Traffic" },
];

/** Projects that the legend names; the others are counted together. */
const mostProjects = 6;

interface Entry {
  readonly key: string;
  readonly title: string;
  readonly count: number;
}

/** The legend of the tenants shown. */
export function Legend({ tenants }: { readonly tenants: ReadonlySignal<readonly Tenant[]> }) {
  const entries = useComputed(() => entriesOf(tenants.value, colouring.value));
  return (
    <div class="legend">
      <label class="legend-choice">
        <span class="soft">Colours</span>
        <select
          class="field"
          value={colouring.value}
          onChange={(event) => (colouring.value = event.currentTarget.value as Colouring)}
        >
          {choices.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <ul class="legend-entries">
        {entries.value.map(({ key, title, count }) => (
          <li key={key} class="legend-entry">
            <Swatch of={key} />
            <bdi>{title}</bdi> <span class="soft">{count}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Swatch({ of }: { readonly of: string }) {
  if (colouring.value === "project") {
    const dark = getComputedStyle(document.documentElement).colorScheme.includes("dark");
    return <span class="legend-swatch" style={{ background: projectColour(of, dark) }} />;
  }
  return <span class={`legend-swatch legend-${colouring.value}-${of}`} />;
}

function entriesOf(tenants: readonly Tenant[], by: Colouring): readonly Entry[] {
  if (by === "traffic") {
    const busy = tenants.filter(({ bytesPerSecond }) => (bytesPerSecond ?? 0) >= 1).length;
    return [
      { key: "still", title: "Still", count: tenants.length - busy },
      { key: "busy", title: "Bytes flow: the stronger, the more", count: busy },
    ];
  }
  const counts = new Map<string, number>();
  for (const { keys } of tenants) counts.set(keys[by], (counts.get(keys[by]) ?? 0) + 1);
  if (by !== "project") {
    return keyTitles[by]!.map(({ key, title }) => ({ key, title, count: counts.get(key) ?? 0 })).filter(
      ({ count }) => by === "range" || count > 0,
    );
  }
  const projects = [...counts].filter(([key]) => key !== "").sort((left, right) => right[1] - left[1]);
  const shown = projects.slice(0, mostProjects).map(([key, count]) => ({ key, title: key, count }));
  const rest = projects.length - shown.length;
  return [
    ...shown,
    ...(rest > 0 ? [{ key: " ", title: countOf(rest, "more project"), count: 0 }] : []),
    { key: "", title: "No project", count: counts.get("") ?? 0 },
  ];
}

/**
 * @module What came and went: since the page was opened, and since the recorder was started if it is on.
 */
import { useComputed, useSignal } from "@preact/signals";
import { detailOf, nameOf } from "../building/tenants.ts";
import { createMatcher } from "../search/match.ts";
import { happenings, openedAtMs } from "../state/machine.ts";
import { openDoor, searchText } from "../state/view.ts";
import { countOf, formatClock } from "../text/figures.ts";
import { Lanes } from "./lanes.tsx";
import { Recorded } from "./recorded.tsx";

const mostShown = 300;

const signs = { appeared: "+", changed: "~", disappeared: "−" } as const;
const words = { appeared: "opened", changed: "changed", disappeared: "closed" } as const;

/** The view. */
export function TimeView() {
  const changes = useSignal(false);
  const shown = useComputed(() => {
    const matches = createMatcher(searchText.value);
    return happenings.value
      .filter(({ kind, service }) => (changes.value || kind !== "changed") && (matches === null || matches(service)))
      .toReversed();
  });
  return (
    <div class="time">
      <section aria-labelledby="time-title">
        <div class="time-head">
          <h2 id="time-title">
            Since the page was opened
            {openedAtMs.value !== null && <span class="soft"> at {formatClock(openedAtMs.value)}</span>}
          </h2>
          <label class="time-check">
            <input
              type="checkbox"
              checked={changes.value}
              onChange={(event) => (changes.value = event.currentTarget.checked)}
            />
            Changes of what stays, too
          </label>
        </div>
        <Lanes happenings={shown.value} />
        {shown.value.length === 0 ? (
          <p class="soft">Nothing has come or gone yet. Start or stop a server and it appears here.</p>
        ) : (
          <ol class="time-list">
            {shown.value.slice(0, mostShown).map(({ kind, atMs, service, seenForMs }, index) => (
              <li key={`${atMs}${service.port}${kind}${index}`} class={`time-row time-${kind}`}>
                <time class="mono soft" dateTime={new Date(atMs).toISOString()}>
                  {formatClock(atMs)}
                </time>
                <span class="time-sign mono" aria-hidden="true">
                  {signs[kind]}
                </span>
                <button type="button" class="time-port mono" onClick={() => openDoor(service.port)}>
                  {service.port}
                </button>
                <span>
                  <bdi>{nameOf(service)}</bdi> {words[kind]}
                  {seenForMs !== null && <span class="soft"> after {Math.max(1, Math.round(seenForMs / 1000))} s</span>}
                </span>
                <bdi class="soft">{detailOf(service)}</bdi>
              </li>
            ))}
          </ol>
        )}
        {shown.value.length > mostShown && (
          <p class="soft">and {countOf(shown.value.length - mostShown, "earlier one")}</p>
        )}
      </section>
      <Recorded />
    </div>
  );
}

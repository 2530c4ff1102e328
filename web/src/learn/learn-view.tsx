/**
 * @module The lesson on the building: a chapter beside the chart, which points at the doors it speaks of.
 */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Building } from "../building/building.tsx";
import { shownServices, tenants } from "../state/shown.ts";
import { highlighted, openDoor } from "../state/view.ts";
import { chaptersOf } from "./chapters.ts";

/** The view. */
export function LearnView() {
  const at = useSignal(0);
  const chapters = useComputed(() => chaptersOf(shownServices.value));
  const title = useRef<HTMLHeadingElement>(null);
  const chapter = chapters.value[at.value]!;
  useEffect(() => {
    highlighted.value = chapter.ports;
    return () => {
      highlighted.value = [];
    };
  }, [chapter.ports.join()]);
  const go = (to: number): void => {
    at.value = to;
    title.current?.focus();
  };
  const last = chapters.value.length - 1;
  return (
    <div class="learn">
      <article class="learn-chapter" aria-labelledby="learn-title">
        <p class="soft">
          Chapter {at.value + 1} of {chapters.value.length}
        </p>
        <h2 id="learn-title" tabIndex={-1} ref={title}>
          {chapter.title}
        </h2>
        {chapter.text.map((line) => (
          <p key={line}>{line}</p>
        ))}
        <div class="learn-buttons">
          <button type="button" class="button" disabled={at.value === 0} onClick={() => go(at.value - 1)}>
            Back
          </button>
          <button
            type="button"
            class="button button-main"
            disabled={at.value === last}
            onClick={() => go(at.value + 1)}
          >
            Next
          </button>
        </div>
      </article>
      <Building tenants={tenants} label="The building of this lesson" onOpen={openDoor} />
    </div>
  );
}
